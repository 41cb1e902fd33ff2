// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/qos/apply.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>

#include "loader/base/by_bytes.hpp"
#include "loader/qos/state.hpp"
#include "loader/qos/store.hpp"

namespace sluice {
namespace {

constexpr std::uint64_t fq_frames = 100'000;  // the limit is ours: sl_qos.patience

template <class Value>
Result<> put_table(const Map<__u32, Value>& map, const Value& wanted, std::string_view what,
                   Journal& journal) {
    SL_TRY(now, map.lookup(0));
    if (now && same_bytes(*now, wanted)) return {};
    return journal.step(std::string(what), [&] { return map.update(0, wanted); });
}

/// A bucket's time means something at its rate alone.
Result<> put_rates(const Maps& maps, const QosPlan& plan, Journal& journal) {
    for (const auto& [id, entry] : plan.ports) {
        SL_TRY(now, maps.qos.lookup(id));
        if (now && same_bytes(*now, entry)) continue;
        SL_CHECK(journal.step(fmt::format("set rates of port {}", id), [&]() -> Result<> {
            SL_CHECK(maps.qos.update(id, entry));
            fill_buckets(maps, id);
            return {};
        }));
    }
    return {};
}

Result<bool> is_queued(std::uint32_t ifindex, const PlannedQueue& queue, const RootQdisc& root) {
    if (root.handle != SL_QOS_HTB_MAJOR << 16) return false;
    if (!queue.htb) return root.kind == "fq";
    if (root.kind != "htb") return false;
    SL_TRY(found, read_htb(ifindex, SL_QOS_HTB_MAJOR));
    return found && same_tree(*queue.htb, *found);
}

Result<> put_queue(std::uint32_t ifindex, const PlannedQueue& queue) {
    return queue.htb ? put_htb(ifindex, *queue.htb) : put_fq(ifindex, SL_QOS_HTB_MAJOR, fq_frames);
}

Result<> put_queues(const QosPlan& plan, Journal& journal) {
    for (const auto& [ifindex, queue] : plan.queues) {
        SL_TRY(found, root_qdisc(ifindex));
        const auto root = found.value_or(RootQdisc{});
        if (root.handle != 0 && root.handle != SL_QOS_HTB_MAJOR << 16) {
            journal.warn(
                fmt::format("port {}: its qdisc {} {:x}: is not sluice's: what is over "
                            "the rate is dropped without waiting",
                            queue.port, root.kind, root.handle >> 16));
            continue;
        }
        SL_TRY(right, is_queued(ifindex, queue, root));
        if (right) continue;
        SL_CHECK(journal.step(
            fmt::format("queue what leaves by {} by {}", queue.port, queue.htb ? "htb" : "fq"),
            [&, ifindex] { return put_queue(ifindex, queue); }));
    }
    return {};
}

Result<> clear_rates(const Maps& maps, const QosPlan& plan, Journal& journal) {
    const sl_qos none{};
    std::vector<__u32> stale;
    SL_CHECK(maps.qos.for_each([&](const __u32& id, const sl_qos& entry) {
        if (!plan.ports.contains(static_cast<std::uint16_t>(id)) && !same_bytes(entry, none))
            stale.push_back(id);
        return true;
    }));
    for (const auto id : stale)
        SL_CHECK(journal.step(fmt::format("no rates for port {}", id),
                              [&] { return maps.qos.update(id, none); }));
    return {};
}

Result<> clear_queues(const QosPlan& plan, const DesiredState& desired, const Host& host,
                      Journal& journal) {
    for (const auto& port : desired.ports) {
        const Link* link = host.link(port);
        if (link == nullptr || plan.queues.contains(link->ifindex)) continue;
        SL_TRY(root, root_qdisc(link->ifindex));
        if (!root || root->handle != SL_QOS_HTB_MAJOR << 16) continue;
        SL_CHECK(journal.step(fmt::format("no queue for what leaves by {}", port.name),
                              [&] { return remove_root(link->ifindex, SL_QOS_HTB_MAJOR); }));
    }
    return {};
}

}  // namespace

Result<QosPlan> plan_qos_here(const DesiredState& desired, const Host& host) {
    const bool matters = std::ranges::any_of(desired.qos_ports, [&](const QosPortSpec& it) {
        return shaper_in_force(it, desired, true) == Shaper::fq;
    });
    QosKernel kernel{.jiffy = jiffy_length(), .cpus = possible_cpus()};
    if (matters) {
        SL_TRY(has_fq, kernel_has_fq());
        kernel.has_fq = has_fq;
    }
    return plan_qos(desired, host, kernel);
}

namespace {

Result<> put_plan(const Maps& maps, const QosPlan& plan, Journal& journal) {
    SL_CHECK(
        put_table(maps.qos_intervals, plan.tables->intervals, "set ports of classes", journal));
    SL_CHECK(put_table(maps.qos_rules, plan.tables->rules, "set classes", journal));
    SL_CHECK(put_rates(maps, plan, journal));
    return put_queues(plan, journal);
}

class QosFeature : public Feature {
public:
    Result<> load(const Connection& rows, DesiredState& state) const override {
        SL_TRY(ports, load_qos_ports(rows));
        state.qos_ports = std::move(ports);
        SL_TRY(classes, load_qos_classes(rows));
        state.qos_classes = std::move(classes);
        SL_TRY(vm_ports, load_vm_ports(rows));
        state.vm_ports = std::move(vm_ports);
        return {};
    }

    Result<> prepare(Round& round) override {
        SL_TRY(plan, plan_qos_here(round.desired, round.host));
        plan_ = std::move(plan);
        for (const auto& port : round.desired.ports)
            round.ports[port.id].qos = plan_.flags_of(port.id);
        return put_plan(round.datapath.maps(), plan_, round.journal);
    }

    Result<> clean(Round& round) override {
        SL_CHECK(clear_queues(plan_, round.desired, round.host, round.journal));
        return clear_rates(round.datapath.maps(), plan_, round.journal);
    }

    Result<> forget_port(const Maps& maps, std::uint16_t id) const override {
        return clear_qos_state(maps, id);
    }

private:
    QosPlan plan_;
};

}  // namespace

std::unique_ptr<Feature> qos_feature() { return std::make_unique<QosFeature>(); }

}  // namespace sluice
