// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/switch/apply.hpp"

#include <fmt/format.h>

#include <vector>

#include "loader/base/by_bytes.hpp"
#include "loader/switch/plan.hpp"
#include "loader/switch/state.hpp"
#include "loader/switch/store.hpp"

namespace sluice {
namespace {

/// What an array map holds that is not all zero.
template <class Value>
Result<std::map<std::uint16_t, Value>> read_used(const Map<__u32, Value>& map) {
    std::map<std::uint16_t, Value> used;
    const Value none{};
    SL_CHECK(map.for_each([&](const __u32& index, const Value& value) {
        if (!same_bytes(value, none)) used[static_cast<std::uint16_t>(index)] = value;
        return true;
    }));
    return used;
}

/// @param what `{}` stands for the index
template <class Value>
Result<> put_wanted(const Map<__u32, Value>& map, const std::map<std::uint16_t, Value>& wanted,
                    fmt::format_string<const std::uint16_t&> what, Journal& journal) {
    SL_TRY(now, read_used(map));
    for (const auto& [index, value] : wanted) {
        const auto found = now.find(index);
        if (found != now.end() && same_bytes(found->second, value)) continue;
        SL_CHECK(journal.step(fmt::format(what, index), [&] { return map.update(index, value); }));
    }
    return {};
}

template <class Value>
Result<> clear_others(const Map<__u32, Value>& map, const std::map<std::uint16_t, Value>& wanted,
                      fmt::format_string<const std::uint16_t&> what, Journal& journal) {
    SL_TRY(now, read_used(map));
    for (const auto& [index, value] : now)
        if (!wanted.contains(index))
            SL_CHECK(
                journal.step(fmt::format(what, index), [&] { return map.update(index, Value{}); }));
    return {};
}

Result<> put_translations(const Maps& maps, const SwitchPlan& plan, Journal& journal) {
    for (const auto& [key, vlan] : plan.maps) {
        SL_TRY(now, maps.vlan_maps.lookup(key));
        if (now == vlan) continue;
        SL_CHECK(journal.step(fmt::format("port {}: {} VLAN {} is {}", key.port,
                                          key.egress != 0 ? "leaving" : "entering", key.vlan, vlan),
                              [&] { return maps.vlan_maps.update(key, vlan); }));
    }
    return {};
}

Result<> clear_translations(const Maps& maps, const SwitchPlan& plan, Journal& journal) {
    std::vector<sl_vlan_map_key> stale;
    SL_CHECK(maps.vlan_maps.for_each([&](const sl_vlan_map_key& key, const __u32&) {
        if (!plan.maps.contains(key)) stale.push_back(key);
        return true;
    }));
    for (const auto& key : stale)
        SL_CHECK(journal.step(fmt::format("port {}: no translation of VLAN {}", key.port, key.vlan),
                              [&]() -> Result<> {
                                  SL_CHECK(maps.vlan_maps.erase(key));
                                  return {};
                              }));
    return {};
}

std::string text_of(__u64 key) {
    return fmt::format("{} in VLAN {}", fdb_mac(key).text(), fdb_vlan(key));
}

Result<> put_statics(const FdbTable& fdb, const SwitchPlan& plan, Journal& journal) {
    for (const auto& [key, port] : plan.fdb) {
        const auto now = fdb.lookup(key);
        if (now && now->seen == SL_FDB_STATIC && now->port == port) continue;
        SL_CHECK(journal.step(fmt::format("add {} to port {}", text_of(key), port),
                              [&] { return fdb.put_static(key, port); }));
    }
    return {};
}

Result<> clear_statics(const FdbTable& fdb, const SwitchPlan& plan, Journal& journal) {
    std::vector<__u64> stale;
    fdb.for_each([&](const sl_fdb& entry) {
        if (entry.seen == SL_FDB_STATIC && !plan.fdb.contains(entry.key))
            stale.push_back(entry.key);
    });
    for (const auto key : stale)
        SL_CHECK(journal.step(fmt::format("remove {}", text_of(key)), [&]() -> Result<> {
            fdb.forget(key);
            return {};
        }));
    return {};
}

/// VLANs before ports, and all of it before what names a port.
Result<> put_plan(const Maps& maps, const SwitchPlan& plan, Journal& journal) {
    SL_CHECK(put_wanted(maps.vlans, plan.vlans, "set VLAN {}", journal));
    SL_CHECK(put_translations(maps, plan, journal));
    SL_CHECK(put_wanted(maps.switch_ports, plan.ports, "set VLANs of port {}", journal));
    SL_CHECK(put_wanted(maps.vlan_members, plan.members, "set the ports of VLAN {}", journal));
    return put_statics(maps.fdb, plan, journal);
}

Result<> clear_rest(const Maps& maps, const SwitchPlan& plan, Journal& journal) {
    SL_CHECK(clear_statics(maps.fdb, plan, journal));
    SL_CHECK(clear_others(maps.vlan_members, plan.members, "VLAN {} has no ports", journal));
    SL_CHECK(clear_others(maps.switch_ports, plan.ports, "port {} is in no VLAN", journal));
    SL_CHECK(clear_translations(maps, plan, journal));
    return clear_others(maps.vlans, plan.vlans, "VLAN {} has no gateway", journal);
}

class SwitchFeature : public Feature {
public:
    Result<> load(const Connection& rows, DesiredState& state) const override {
        SL_TRY(ports, load_switch_ports(rows));
        state.switch_ports = std::move(ports);
        SL_TRY(fdb, load_fdb(rows));
        state.fdb = std::move(fdb);
        SL_TRY(vlans, load_vlans(rows));
        state.vlans = std::move(vlans);
        return {};
    }

    Result<> prepare(Round& round) override {
        plan_ = plan_switch(round.desired, round.host);
        return put_plan(round.datapath.maps(), plan_, round.journal);
    }

    Result<> clean(Round& round) override {
        return clear_rest(round.datapath.maps(), plan_, round.journal);
    }

    Result<> forget_port(const Maps& maps, std::uint16_t id) const override {
        clear_switch_state(maps, id);
        return {};
    }

private:
    SwitchPlan plan_;
};

}  // namespace

std::unique_ptr<Feature> switch_feature() { return std::make_unique<SwitchFeature>(); }

}  // namespace sluice
