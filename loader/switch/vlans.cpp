// SPDX-License-Identifier: GPL-2.0-or-later
// The VLANs of the switch.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "loader/instance/change.hpp"
#include "loader/switch/commands.hpp"
#include "loader/switch/plan.hpp"
#include "loader/switch/store.hpp"

namespace sluice {
namespace {

std::map<std::uint16_t, VlanStatus> planned_vlans(const DesiredState& desired, const Host& host) {
    std::map<std::uint16_t, VlanStatus> vlans;
    const auto plan = plan_switch(desired, host);
    for (const auto& [vlan, members] : plan.members)
        for (const auto& port : desired.ports)
            if ((members.ports[port.id / 64] >> (port.id % 64) & 1) != 0)
                vlans[vlan].ports.push_back(port.name);
    for (const auto& [vlan, entry] : plan.vlans) {
        auto& status = vlans[vlan];
        status.vni = entry.vni;
        const auto gateway = std::ranges::find(desired.ports, entry.port, &PortSpec::id);
        if (gateway != desired.ports.end()) status.gateway = gateway->name;
    }
    for (auto& [vlan, status] : vlans) status.vlan = vlan;
    return vlans;
}

Result<> read_counters(const Maps& maps, std::map<std::uint16_t, VlanStatus>& vlans) {
    for (auto& [vlan, status] : vlans) {
        SL_TRY(stats, maps.vlan_stats.read(vlan));
        std::ranges::copy(stats.counts, status.counts.begin());
    }
    maps.fdb.for_each([&](const sl_fdb& entry) {
        const auto found = vlans.find(fdb_vlan(entry.key));
        if (found != vlans.end() && entry.seen != SL_FDB_STATIC) ++found->second.learned;
    });
    return {};
}

}  // namespace

Result<std::vector<VlanStatus>> list_vlans(const Target& target) {
    SL_TRY(instance, open_instance(target));
    SL_TRY(host, host_of(instance));
    auto vlans = planned_vlans(instance.desired, host);
    if (instance.datapath) SL_CHECK(read_counters(instance.datapath->maps(), vlans));
    std::vector<VlanStatus> list;
    list.reserve(vlans.size());
    for (auto& [vlan, status] : vlans) list.push_back(std::move(status));
    return list;
}

Result<VlanStatus> show_vlan(const Target& target, std::uint16_t vlan) {
    SL_TRY(vlans, list_vlans(target));
    for (auto& status : vlans)
        if (status.vlan == vlan) return std::move(status);
    return fail(ErrorCode::not_found, fmt::format("no port is in VLAN {}", vlan),
                "`sluice switch vlan list` shows the VLANs there are");
}

Result<Outcome> set_vlan_vni(const Target& target, std::uint16_t vlan, std::uint32_t vni) {
    if (vlan == 0 || vlan > last_vlan)
        return fail(ErrorCode::usage, fmt::format("VLAN {}: ids are 1 to {}", vlan, last_vlan));
    if (vni > last_vni)
        return fail(ErrorCode::usage, fmt::format("--vni {}: it has 24 bits", vni),
                    fmt::format("1 to {}, or none", last_vni));
    return change(target, [&](const Change& it) -> Result<> {
        for (const auto& other : it.before.vlans)
            if (vni != 0 && other.vni == vni && other.vlan != vlan)
                return fail(ErrorCode::refused,
                            fmt::format("VLAN {} has VNI {} already", other.vlan, vni));
        return put_vlan(it.database.connection(), {vlan, vni});
    });
}

}  // namespace sluice
