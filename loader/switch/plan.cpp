// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/switch/plan.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <utility>

#include "loader/model/switch_flags.hpp"

namespace sluice {
namespace {

void add_vlan(sl_switch_port& port, std::uint16_t vlan) {
    port.vlans[vlan / 64] |= 1ull << (vlan % 64);
}

__u32 flags_of(const SwitchPortSpec& spec) {
    __u32 flags = 0;
    for (const auto& it : switch_flags)
        if (spec.*it.asked) flags |= it.flag;
    if (spec.bpdu == BpduPolicy::forward) flags |= SL_SWITCH_BPDU_FORWARD;
    if (spec.bpdu == BpduPolicy::shut) flags |= SL_SWITCH_BPDU_SHUT;
    if (spec.loop == LoopAction::block) flags |= SL_SWITCH_LOOP_BLOCK;
    if (spec.loop == LoopAction::shut) flags |= SL_SWITCH_LOOP_SHUT;
    return flags;
}

/// Which VLANs, and with which tags.
void place(sl_switch_port& entry, const PortSpec& port) {
    const bool many = port.role == Role::trunk || port.role == Role::uplink;
    if (!many) {
        entry.mode = port.qinq ? SL_VLAN_TUNNEL : SL_VLAN_ACCESS;
        entry.pvid = port.vlan;
        return;
    }
    entry.mode = SL_VLAN_TRUNK;
    entry.pvid = port.native_vlan;
    if (port.qinq) entry.flags |= SL_SWITCH_STAG;
    if (!port.translations.empty()) entry.flags |= SL_SWITCH_TRANSLATE;
    if (port.native_vlan != 0) add_vlan(entry, port.native_vlan);
    for (const auto& range : port.vlans)
        for (unsigned vlan = range.first; vlan <= range.last; ++vlan)
            add_vlan(entry, static_cast<std::uint16_t>(vlan));
}

sl_switch_port switch_port(const PortSpec& port, const SwitchPortSpec& settings, const Link& link,
                           std::uint32_t mtu) {
    sl_switch_port entry{};
    entry.flags = flags_of(settings);
    entry.ifindex = link.ifindex;
    entry.mtu = mtu;
    entry.community = settings.community;
    entry.role = static_cast<__u8>(port.role);
    entry.mac_limit = settings.mac_limit;
    std::ranges::copy(settings.storm, entry.storm);
    std::ranges::copy(port.priorities, entry.pcp);
    if (port.priorities != kept_priorities) entry.flags |= SL_SWITCH_PCP_MAP;
    place(entry, port);
    return entry;
}

/// The host's end of an internal port is the VLAN's gateway.
void add_gateway(sl_vlan& vlan, const PortSpec& port, const Link& end, const Host& host) {
    vlan.l3_ifindex = end.ifindex;
    vlan.mtu = end.mtu;
    vlan.port = port.id;
    std::ranges::copy(end.mac.bytes, vlan.mac);
    if (const auto* address = host.first_global(end.ifindex, AF_INET))
        vlan.addr4 = address->v4_raw();
    if (const auto* address = host.first_global(end.ifindex, AF_INET6)) vlan.addr6 = address->raw();
}

void join(SwitchPlan& plan, std::uint16_t id, const sl_switch_port& port) {
    const auto add = [&](std::uint16_t vlan) {
        plan.members[vlan].ports[id / 64] |= 1ull << (id % 64);
    };
    if (port.mode != SL_VLAN_TRUNK) return add(port.pvid);
    for (std::uint16_t vlan = 1; vlan <= SL_VLAN_MAX; ++vlan)
        if ((port.vlans[vlan / 64] >> (vlan % 64) & 1) != 0) add(vlan);
}

void add_port_to(SwitchPlan& plan, const PortSpec& port, const SwitchPortSpec& settings,
                 const Host& host) {
    const Link* link = host.link(port);
    if (link == nullptr || !is_switched(port, *link)) return;
    const Link* end = host.link(port.name);  // internal: the host's
    const auto mtu = end == nullptr ? link->mtu : end->mtu;
    const auto entry = switch_port(port, settings, *link, mtu);
    plan.ports[port.id] = entry;
    join(plan, port.id, entry);
    if (port.role == Role::internal && end != nullptr)
        add_gateway(plan.vlans[port.vlan], port, *end, host);
    for (const auto& [wire, vlan] : port.translations) {
        plan.maps[{port.id, wire, 0}] = vlan;
        plan.maps[{port.id, vlan, 1}] = wire;
    }
}

}  // namespace

SwitchPlan plan_switch(const DesiredState& desired, const Host& host) {
    SwitchPlan plan;
    std::map<std::string_view, std::uint16_t> ids;
    for (const auto& port : desired.ports) {
        const auto found =
            std::ranges::find(desired.switch_ports, port.name, &SwitchPortSpec::port);
        add_port_to(plan, port, found == desired.switch_ports.end() ? SwitchPortSpec{} : *found,
                    host);
        ids[port.name] = port.id;
    }
    for (const auto& vlan : desired.vlans) plan.vlans[vlan.vlan].vni = vlan.vni;
    for (const auto& entry : desired.fdb)
        if (const auto id = ids.find(entry.port);
            id != ids.end() && plan.ports.contains(id->second))
            plan.fdb[fdb_key(entry.mac, entry.vlan)] = id->second;
    return plan;
}

}  // namespace sluice
