// SPDX-License-Identifier: GPL-2.0-or-later
// What every port with QoS does: two looks at its counters, and what came in between.
#include <algorithm>
#include <chrono>
#include <thread>

#include "loader/kernel/qdisc.hpp"
#include "loader/model/ports.hpp"
#include "loader/qos/apply.hpp"
#include "loader/qos/commands.hpp"

namespace sluice {
namespace {

using Clock = std::chrono::steady_clock;

/// All that is counted of a port, at one time.
struct QosLook {
    Clock::time_point time;
    sl_qos_stats qos = {};
    sl_port_stats port = {};
    sl_qos_state state = {};
    std::vector<sl_qos_class_stats> classes = {};
    std::vector<QueueCounts> queues = {};
};

struct WatchedPort {
    QosPortSpec spec;
    std::uint16_t id = 0;
    std::uint32_t ifindex = 0;  ///< 0: its interface is gone, or another that is no port yet
    __u16 qos = 0;              ///< its sl_port.qos
};

Result<QosLook> look_at(const Maps& maps, const WatchedPort& port) {
    QosLook look{.time = Clock::now()};
    SL_TRY(qos, maps.qos_stats.read(port.id));
    SL_TRY(stats, maps.port_stats.read(port.id));
    look.qos = qos;
    look.port = stats;
    look.state = maps.qos_states.entries()[port.id];
    for (__u32 number = 0; number < SL_QOS_CLASSES_MAX; ++number) {
        SL_TRY(counts, maps.qos_class_stats.read(port.id * SL_QOS_CLASSES_MAX + number));
        look.classes.push_back(counts);
    }
    SL_TRY(queues, read_queues(port.ifindex, SL_QOS_HTB_MAJOR));
    look.queues = std::move(queues);
    return look;
}

const QueueCounts* queue_of(const QosLook& look, std::uint32_t minor) {
    const auto found = std::ranges::find(look.queues, minor, &QueueCounts::minor);
    return found == look.queues.end() ? nullptr : &*found;
}

/// What went on by any way, as the port's counters have it.
sl_counter carried(const sl_counter (&counts)[SL_COUNT_MAX]) {
    return {counts[SL_COUNT_FORWARDED].packets + counts[SL_COUNT_PASSED].packets,
            counts[SL_COUNT_FORWARDED].bytes + counts[SL_COUNT_PASSED].bytes};
}

class PortWatch {
public:
    PortWatch(const DesiredState& desired, const QosPlan& plan, const WatchedPort& port,
              const QosLook& before, const QosLook& after)
        : desired_(desired), plan_(plan), port_(port), before_(before), after_(after) {}

    QosPortStatus status() const {
        const auto& spec = port_.spec;
        QosPortStatus it{.spec = spec, .present = true};
        const auto flags = plan_.flags_of(port_.id);
        const auto queue = plan_.queues.find(port_.ifindex);
        if ((port_.qos & SL_QOS_EGRESS) != 0) it.shaper = Shaper::police;
        if (queue != plan_.queues.end() && !after_.queues.empty())
            it.shaper = queue->second.htb ? Shaper::htb : Shaper::fq;

        it.in = direction(spec.ingress_rate, policer_burst(spec.ingress_rate, spec.ingress_burst),
                          after_.state.in, SL_QOS_IN_CONFORMED, SL_QOS_IN_EXCEEDED);
        it.out = direction(spec.egress_rate, egress_burst(spec, it.shaper), after_.state.out,
                           SL_QOS_OUT_CONFORMED, SL_QOS_OUT_EXCEEDED);
        if ((flags & SL_QOS_POLICE) == 0)
            set_rate(it.in, carried(before_.port.rx), carried(after_.port.rx));
        if ((flags & SL_QOS_EGRESS) == 0)
            set_rate(it.out, carried(before_.port.tx), carried(after_.port.tx));
        it.marked = after_.qos.counts[SL_QOS_OUT_MARKED];
        it.late = after_.qos.counts[SL_QOS_OUT_LATE];
        if ((flags & SL_QOS_CLASSES) != 0) add_classes(it);
        add_queue(it);
        return it;
    }

private:
    [[nodiscard]] double seconds() const {
        return std::chrono::duration<double>(after_.time - before_.time).count();
    }

    void set_rate(QosDirectionStatus& it, const sl_counter& before, const sl_counter& after) const {
        it.achieved = static_cast<double>(after.bytes - before.bytes) * 8 / seconds();
        it.achieved_pps = static_cast<double>(after.packets - before.packets) / seconds();
    }

    [[nodiscard]] QosDirectionStatus direction(std::uint64_t rate, std::uint64_t burst,
                                               const sl_bucket_state& state, sl_qos_count conformed,
                                               sl_qos_count exceeded) const {
        QosDirectionStatus it{.rate = rate, .burst = burst};
        it.conformed = after_.qos.counts[conformed];
        it.exceeded = after_.qos.counts[exceeded];
        it.throttled = static_cast<double>(state.throttled) / 1e9;
        set_rate(it, before_.qos.counts[conformed], it.conformed);
        return it;
    }

    void add_classes(QosPortStatus& it) const {
        const auto classes = with_default(desired_.qos_classes);
        const auto rate = port_.spec.egress_rate;
        const auto shares = rate == unlimited ? std::vector<ClassShare>(classes.size())
                                              : class_shares(classes, rate);
        for (std::size_t i = 0; i < classes.size(); ++i)
            it.classes.push_back(class_status(classes[i], shares[i]));
        std::ranges::rotate(it.classes, it.classes.begin() + 1);
    }

    [[nodiscard]] QosClassStatus class_status(const QosClassSpec& spec,
                                              const ClassShare& share) const {
        QosClassStatus it{.spec = spec, .counts = after_.classes[spec.id]};
        const auto* queue = queue_of(after_, SL_QOS_HTB_LEAF + spec.id);
        const auto* earlier = queue_of(before_, SL_QOS_HTB_LEAF + spec.id);
        const bool queued = queue != nullptr && earlier != nullptr;
        const auto sent = queued ? queue->sent.bytes : it.counts.sent.bytes;
        const auto sent_before = queued ? earlier->sent.bytes : before_.classes[spec.id].sent.bytes;
        it.rate = static_cast<double>(sent - sent_before) * 8 / seconds();
        if (!queued) return it;
        it.assured = share.assured;
        it.most = share.most;
        it.over_limits = queue->over_limits;
        it.queue = {queue->backlog_bytes, queue->backlog_packets, 0, queue->dropped};
        it.queue.delay = static_cast<double>(queue->backlog_bytes) * 8 /
                         std::max(it.rate, static_cast<double>(share.assured));
        return it;
    }

    /// What waits in the kernel's queues; the rate achieved is what left them.
    void add_queue(QosPortStatus& it) const {
        if (it.shaper != Shaper::htb && it.shaper != Shaper::fq) return;
        sl_counter before{}, after{};
        for (const auto& queue : after_.queues) {
            it.queue.bytes += queue.backlog_bytes;
            it.queue.packets += queue.backlog_packets;
            it.queue.dropped += queue.dropped;
            after.bytes += queue.sent.bytes;
            after.packets += queue.sent.packets;
            if (const auto* earlier = queue_of(before_, queue.minor)) {
                before.bytes += earlier->sent.bytes;
                before.packets += earlier->sent.packets;
            }
        }
        set_rate(it.out, before, after);
        it.queue.delay = static_cast<double>(it.queue.bytes) * 8 / static_cast<double>(it.out.rate);
    }

    const DesiredState& desired_;
    const QosPlan& plan_;
    const WatchedPort& port_;
    const QosLook& before_;
    const QosLook& after_;
};

Result<std::vector<WatchedPort>> ports_to_watch(const Maps& maps, const DesiredState& desired,
                                                const Host& host,
                                                const std::optional<std::string>& name) {
    std::vector<WatchedPort> ports;
    for (const auto& spec : desired.qos_ports) {
        if (name && spec.port != *name) continue;
        const auto* port = find_port(desired.ports, spec.port);
        if (port == nullptr) continue;
        WatchedPort watched{.spec = spec, .id = port->id};
        const Link* link = host.link(*port);
        SL_TRY(entry, maps.ports.lookup(link == nullptr ? 0 : link->ifindex));
        if (entry && entry->id == port->id) {
            watched.ifindex = entry->ifindex;
            watched.qos = entry->qos;
        }
        ports.push_back(std::move(watched));
    }
    if (!ports.empty() || !name) return ports;
    return fail(ErrorCode::not_found, "no QoS is set for " + *name,
                "`sluice qos list` shows the ports that have some; `sluice qos set` sets it");
}

Result<std::vector<QosLook>> look_at_all(const Maps& maps, const std::vector<WatchedPort>& ports) {
    std::vector<QosLook> looks;
    for (const auto& port : ports) {
        if (port.ifindex == 0) {
            looks.emplace_back();
            continue;
        }
        SL_TRY(look, look_at(maps, port));
        looks.push_back(std::move(look));
    }
    return looks;
}

}  // namespace

Result<std::vector<QosPortStatus>> watch_qos(const Target& target,
                                             const std::optional<std::string>& name,
                                             std::chrono::milliseconds interval) {
    SL_TRY(instance, open_instance(target));
    SL_TRY(datapath, open_running(target, instance.desired));
    SL_TRY(host, Host::read(&datapath, instance.desired.ports));
    SL_TRY(plan, plan_qos_here(instance.desired, host));
    SL_TRY(ports, ports_to_watch(datapath.maps(), instance.desired, host, name));
    SL_TRY(before, look_at_all(datapath.maps(), ports));
    if (!ports.empty()) std::this_thread::sleep_for(interval);
    SL_TRY(after, look_at_all(datapath.maps(), ports));

    std::vector<QosPortStatus> all;
    for (std::size_t i = 0; i < ports.size(); ++i) {
        if (ports[i].ifindex == 0)
            all.push_back({.spec = ports[i].spec});
        else
            all.push_back(
                PortWatch(instance.desired, plan, ports[i], before[i], after[i]).status());
    }
    return all;
}

}  // namespace sluice
