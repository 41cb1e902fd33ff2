// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/port/plan.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <tuple>

namespace sluice {
namespace {

sl_port port_entry(const Link& link, const Link& l3) {
    sl_port entry{};
    entry.ifindex = link.ifindex;
    entry.l3_ifindex = l3.ifindex;
    entry.mtu = static_cast<__u16>(std::min(l3.mtu, std::uint32_t{UINT16_MAX}));
    std::ranges::copy(l3.mac.bytes, entry.mac);
    return entry;
}

/// Whose name errors are sent in. A port of the switch has none: the switch is no router.
void add_router_addresses(sl_port& entry, const Host& host) {
    if (const auto* address = host.router_address(entry.l3_ifindex, AF_INET))
        entry.addr4 = address->v4_raw();
    if (const auto* address = host.router_address(entry.l3_ifindex, AF_INET6))
        entry.addr6 = address->raw();
}

/// Native XDP does not see the tags that the other end of a veth left beside its frames.
bool hides_tags(const PortSpec& spec, const Link& link) {
    return link.kind == "veth" && has_tags(spec);
}

/// XDP turns GSO off on a veth's peer and copies every GSO frame on a tap: it pays on physical
/// NICs, and there for all but TCP, which gains more from GRO.
void plan_hook(PlannedPort& port) {
    const auto& [spec, link] = std::tie(port.spec, port.link);
    const bool automatic = spec.hook == HookPolicy::automatic;
    port.xdp = spec.hook == HookPolicy::xdp || (automatic && link.physical);
    if (spec.role == Role::internal || (port.switched && hides_tags(spec, link))) port.xdp = false;
    port.xdp_no_tcp = port.xdp && automatic;
}

/// The sysctl is about IPv4, and 2 means loose; it is asked of the interface that has the
/// addresses.
__u16 source_flags(const PortSpec& spec, const Link& l3) {
    constexpr __u16 both = SL_PORT_STRICT4 | SL_PORT_STRICT6;
    if (spec.source_check != SourceCheck::automatic)
        return spec.source_check == SourceCheck::strict ? both : 0;
    if (spec.role != Role::uplink) return both;
    return l3.reverse_path_filter == 1 ? SL_PORT_STRICT4 : 0;
}

/// A policy is about all that passes: what it is not told of would pass by it.
PlannedPort plan_port(const PortSpec& spec, const Link& link, const Host& host, bool judged) {
    const bool internal = spec.role == Role::internal;
    const Link* host_end = internal ? host.link(spec.name) : nullptr;
    const Link& l3 = host_end != nullptr ? *host_end : host.l3(link);
    PlannedPort port{spec, link, l3, is_switched(spec, link), false, false, port_entry(link, l3)};
    port.entry.id = spec.id;
    port.entry.role = static_cast<__u8>(spec.role);
    port.entry.domain = spec.vlan;
    if (port.switched)
        port.entry.flags |= SL_PORT_SWITCHED;
    else
        add_router_addresses(port.entry, host);
    if (spec.shortcut && link.master != 0) port.entry.flags |= SL_PORT_SHORTCUT;
    if (spec.flows == FlowScope::all || judged) port.entry.flags |= SL_PORT_TRACK;
    port.entry.flags |= source_flags(spec, l3);
    plan_hook(port);
    return port;
}

}  // namespace

bool has_tags(const PortSpec& spec) { return spec.role != Role::access || spec.qinq; }

bool PortPlan::touches(std::string_view name, std::uint32_t ifindex) const {
    const auto is_it = [&](const Link& link) {
        return link.ifindex == ifindex && (link.name == name || attached.contains(ifindex));
    };
    return std::ranges::any_of(
        ports, [&](const PlannedPort& port) { return is_it(port.link) || is_it(port.l3); });
}

PortPlan plan_ports(const std::vector<PortSpec>& ports, const Host& host, bool judged) {
    PortPlan plan;
    plan.attached = host.attached;
    for (const auto& spec : ports) {
        if (const Link* link = host.link(spec))
            plan.ports.push_back(plan_port(spec, *link, host, judged));
        else
            plan.absent.push_back(spec.name);
    }
    for (const auto& port : plan.ports) {
        const auto is_l3 = [&](const PlannedPort& it) {
            return it.link.ifindex == port.l3.ifindex;
        };
        if (std::ranges::any_of(plan.ports, is_l3)) continue;
        auto segment = port_entry(port.l3, port.l3);
        add_router_addresses(segment, host);
        segment.role = SL_ROLE_SEGMENT;
        if (port.spec.role == Role::internal) segment.domain = port.spec.vlan;
        plan.segments[port.l3.ifindex] = segment;
    }
    return plan;
}

}  // namespace sluice
