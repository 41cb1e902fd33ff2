// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/guard/apply.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <string>

#include "loader/base/by_bytes.hpp"
#include "loader/guard/state.hpp"
#include "loader/guard/store.hpp"

namespace sluice {
namespace {

constexpr __u32 egress_checks = SL_GUARD_DELIVERY | SL_GUARD_SNOOP;

class GuardReconciler {
public:
    GuardReconciler(const Datapath& datapath, const Host& host, Journal& journal)
        : maps_(datapath.maps()), host_(host), journal_(journal) {}

    Result<PortGuards> run(const std::map<std::uint16_t, PlannedGuard>& plans) {
        SL_CHECK(maps_.ports.for_each([&](const __u32&, const sl_port& port) {
            if (port.guard != 0) {
                in_use_.insert(port.guard);
                now_[port.id] = port;
            }
            return true;
        }));
        SL_TRY(prefixes, read_guard_prefixes(maps_));
        prefixes_ = std::move(prefixes);
        for (const auto& [id, plan] : plans)
            if (host_.link(plan.port) != nullptr) SL_CHECK(prepare(id, plan));
        for (const auto& [id, port] : now_)
            if (!plans.contains(id)) guards_.release(id, name_of(port.ifindex));
        return guards_;
    }

private:
    Result<> prepare(std::uint16_t id, const PlannedGuard& plan) {
        const auto now = now_.find(id);
        if (now != now_.end()) {
            SL_TRY(stands, is_as(now->second.guard, plan));
            if (stands) {
                guards_.choose(id, now->second.guard, plan.entry.checks);
                return {};
            }
        }
        const auto first = static_cast<__u16>(2 * id);
        const auto index = static_cast<__u16>(in_use_.contains(first) ? first + 1 : first);
        guards_.choose(id, index, plan.entry.checks);
        SL_TRY(written, is_as(index, plan));
        if (written) return {};
        return journal_.step(
            fmt::format("write the guard of {}: {} MACs, {} addresses, {} networks", plan.port,
                        plan.entry.mac_count, plan.entry.addr_count, plan.prefixes.size()),
            [&] { return write(index, plan); });
    }

    [[nodiscard]] Result<bool> is_as(__u16 index, const PlannedGuard& plan) const {
        SL_TRY(entry, maps_.guards.lookup(index));
        if (!entry || !same_bytes(*entry, plan.entry)) return false;
        const auto same = [](const auto& a, const auto& b) {
            return same_bytes(a.first, b.first) && a.second == b.second;
        };
        return std::ranges::equal(entries_of(index), plan.prefix_entries(index), same);
    }

    /// No port uses the entry: the order of writing does not matter.
    [[nodiscard]] Result<> write(__u16 index, const PlannedGuard& plan) const {
        const auto wanted = plan.prefix_entries(index);
        for (const auto& [key, value] : entries_of(index))
            if (!wanted.contains(key)) SL_CHECK(maps_.guard_prefixes.erase(key));
        for (const auto& [key, value] : wanted) SL_CHECK(maps_.guard_prefixes.update(key, value));
        return maps_.guards.update(index, plan.entry);
    }

    [[nodiscard]] GuardPrefixes entries_of(__u32 index) const {
        const auto found = prefixes_.find(index);
        return found == prefixes_.end() ? GuardPrefixes{} : found->second;
    }

    [[nodiscard]] std::string name_of(std::uint32_t ifindex) const {
        const Link* link = host_.link(ifindex);
        return link != nullptr ? link->name : fmt::format("interface {}", ifindex);
    }

    const Maps& maps_;
    const Host& host_;
    Journal& journal_;
    PortGuards guards_;
    std::set<__u16> in_use_;                ///< entries of sl_guards
    std::map<std::uint16_t, sl_port> now_;  ///< ports with a guard, by id
    std::map<__u32, GuardPrefixes> prefixes_;
};

Result<> clean_guards(const Datapath& datapath, const PortGuards& guards, Journal& journal) {
    for (const auto& [id, name] : guards.released())
        SL_CHECK(journal.step(fmt::format("forget what the guard of {} learned", name),
                              [&] { return forget_learned(datapath.maps(), id); }));
    SL_TRY(prefixes, read_guard_prefixes(datapath.maps()));
    for (const auto& [index, entries] : prefixes) {
        if (guards.uses(index)) continue;
        SL_CHECK(journal.step(fmt::format("remove {} networks of a former guard", entries.size()),
                              [&]() -> Result<> {
                                  for (const auto& [key, value] : entries)
                                      SL_CHECK(datapath.maps().guard_prefixes.erase(key));
                                  return {};
                              }));
    }
    return {};
}

class GuardFeature : public Feature {
public:
    Result<> load(const Connection& rows, DesiredState& state) const override {
        SL_TRY(guards, load_guards(rows));
        state.guards = std::move(guards);
        return {};
    }

    Result<> prepare(Round& round) override {
        SL_TRY(plans, plan_guards(round.desired));
        SL_TRY(guards, GuardReconciler(round.datapath, round.host, round.journal).run(plans));
        guards_ = std::move(guards);
        for (const auto& port : round.desired.ports) {
            auto& fields = round.ports[port.id];
            if (round.desired.sight) fields.flags |= SL_PORT_SIGHT;
            guards_.complete(port.id, fields);
        }
        return {};
    }

    Result<> clean(Round& round) override {
        return clean_guards(round.datapath, guards_, round.journal);
    }

    Result<> forget_port(const Maps& maps, std::uint16_t id) const override {
        return clear_guard_state(maps, id);
    }

private:
    PortGuards guards_;
};

}  // namespace

void PortGuards::complete(std::uint16_t port_id, PortFields& port) const {
    const auto found = chosen_.find(port_id);
    if (found == chosen_.end()) return;
    port.guard = found->second.index;
    if ((found->second.checks & egress_checks) != 0) port.flags |= SL_PORT_GUARD_EGRESS;
}

bool PortGuards::uses(__u32 index) const {
    const auto found = chosen_.find(static_cast<std::uint16_t>(index / 2));
    return found != chosen_.end() && found->second.index == index;
}

std::unique_ptr<Feature> guard_feature() { return std::make_unique<GuardFeature>(); }

Result<std::map<__u32, GuardPrefixes>> read_guard_prefixes(const Maps& maps) {
    std::map<__u32, GuardPrefixes> prefixes;
    SL_CHECK(maps.guard_prefixes.for_each([&](const sl_guard_prefix& key, const __u32& value) {
        prefixes[key.guard][key] = value;
        return true;
    }));
    return prefixes;
}

}  // namespace sluice
