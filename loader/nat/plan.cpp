// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/nat/plan.hpp"

#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <set>

namespace sluice {
namespace {

sl_masq_key masquerade_key(const Prefix& source, std::uint32_t uplink) {
    return {.prefixlen = 32 + static_cast<__u32>(source.mapped_length()),
            .uplink = uplink,
            .addr = source.address.raw()};
}

sl_forward_key forward_key(std::uint8_t protocol, const Address& address, std::uint16_t port,
                           std::uint32_t uplink) {
    return {
        .addr = address.raw(), .port = htons(port), .proto = protocol, .zero = 0, .uplink = uplink};
}

sl_forward forward_to(const Address& address, std::uint16_t port, std::uint32_t uplink) {
    return {.addr = address.raw(), .port = htons(port), .zero = 0, .uplink = uplink};
}

/// Also of an uplink that is not there: nothing of the network leaves by another one as it is.
void plan_masquerade(NatPlan& plan, const MasqueradeSpec& rule, const Host& host) {
    plan.masquerades[masquerade_key(rule.source, SL_MASQ_ANYWHERE)] = 0;
    const Link* link = host.link(rule.uplink);
    if (link == nullptr) {
        plan.warnings.push_back(fmt::format("masquerade {} on {}: there is no such interface now",
                                            rule.source.text(), rule.uplink));
        return;
    }
    const auto uplink = host.l3(*link).ifindex;
    auto addresses = external_addresses(rule, host, uplink);
    // The rule stands also without an address: what it covers must not leave untranslated.
    if (addresses.empty())
        plan.warnings.push_back(fmt::format(
            "masquerade {} on {}: the interface has no IPv4 address, so nothing gets through; "
            "when it has one, `sluice restore` takes it up",
            rule.source.text(), rule.uplink));
    plan.masquerades[masquerade_key(rule.source, uplink)] = rule.pool;
    plan.pools[rule.pool] = {std::move(addresses), rule.ports};
}

void plan_routable(NatPlan& plan, const PortSpec& port, const Host& host) {
    const Link* link = host.link(port);
    if (link == nullptr) return;
    for (const auto& network : port.routable)
        plan.masquerades[masquerade_key(network, host.l3(*link).ifindex)] = SL_MASQ_ROUTABLE;
}

void plan_protected(NatPlan& plan, const Host& host) {
    for (const auto& to : host.routing.protected_destinations)
        if (to.address.is_v4()) plan.masquerades[masquerade_key(to, SL_MASQ_PROTECTED)] = 0;
}

/// The uplinks' interfaces that have addresses, each once.
std::set<std::uint32_t> uplinks_of(const DesiredState& desired, const Host& host) {
    std::set<std::uint32_t> uplinks;
    for (const auto& port : desired.ports) {
        const Link* link = port.role == Role::uplink ? host.link(port) : nullptr;
        if (link != nullptr) uplinks.insert(host.l3(*link).ifindex);
    }
    return uplinks;
}

/// Where an external address belongs. It need not be there yet: a router that fails over brings it
/// later, and nothing is to change then.
std::uint32_t uplink_of(const Address& external, const DesiredState& desired, const Host& host) {
    if (const auto owner = host.owner(external); owner != 0) return owner;
    for (const auto& rule : desired.masquerades) {
        const Link* link = host.link(rule.uplink);
        if (link != nullptr && std::ranges::find(rule.addresses, external) != rule.addresses.end())
            return host.l3(*link).ifindex;
    }
    const auto uplinks = uplinks_of(desired, host);
    const auto* network = host.network_of(external);
    if (network != nullptr && uplinks.contains(network->ifindex)) return network->ifindex;
    return uplinks.size() == 1 ? *uplinks.begin() : 0;
}

/// Where several forwards lead to one internal endpoint, what it sends leaves from the external
/// endpoint of the oldest.
void plan_forward(NatPlan& plan, const ForwardSpec& rule, std::uint32_t uplink) {
    const Address &outside = rule.external.address, &inside = rule.internal.address;
    for (std::uint32_t i = 0; i < rule.external.ports.size(); ++i) {
        const auto internal = static_cast<std::uint16_t>(rule.internal.ports.first + i);
        const auto external = static_cast<std::uint16_t>(rule.external.ports.first + i);
        plan.forwards[forward_key(rule.protocol, outside, external, SL_FORWARD_IN)] =
            forward_to(inside, internal, uplink);
        if (uplink != 0)
            plan.senders.try_emplace(forward_key(rule.protocol, inside, internal, uplink),
                                     forward_to(outside, external, uplink));
    }
}

}  // namespace

std::vector<Address> external_addresses(const MasqueradeSpec& rule, const Host& host,
                                        std::uint32_t uplink) {
    if (!rule.addresses.empty()) return rule.addresses;
    if (const auto* own = host.first_global(uplink, AF_INET)) return {*own};
    return {};
}

std::uint8_t protocol_of(sl_l4 l4) {
    constexpr std::array<std::uint8_t, SL_L4_COUNT> protocols{IPPROTO_TCP, IPPROTO_UDP,
                                                              IPPROTO_ICMP};
    return protocols[l4];
}

std::optional<sl_l4> l4_of(std::uint8_t protocol) {
    const int l4 = sl_l4_of(protocol);
    if (l4 < 0) return std::nullopt;
    return static_cast<sl_l4>(l4);
}

std::uint32_t port_space(std::uint32_t external, sl_l4 l4) { return sl_l4port_space(external, l4); }

NatPlan plan_nat(const DesiredState& desired, const Host& host) {
    NatPlan plan;
    for (const auto& port : desired.ports) plan_routable(plan, port, host);
    plan_protected(plan, host);
    for (const auto& rule : desired.masquerades) plan_masquerade(plan, rule, host);
    for (const auto& rule : desired.forwards)
        plan_forward(plan, rule, uplink_of(rule.external.address, desired, host));
    return plan;
}

Result<HostPorts> HostPorts::read() {
    SL_TRY(ephemeral, ephemeral_ports());
    SL_TRY(sockets, list_local_ports());
    return HostPorts{ephemeral, std::move(sockets)};
}

PortSet allowed_ports(const NatPlan& plan, const PlannedPool& pool, const Address& address,
                      sl_l4 l4, const HostPorts& host_ports, bool local) {
    const auto protocol = protocol_of(l4);
    PortSet taken = local ? used_by_host(host_ports.sockets, address, protocol) : PortSet{};
    // Echo identifiers are drawn by ping itself, not from the range.
    if (local && l4 != SL_L4_ICMP) taken |= port_set(host_ports.ephemeral);
    for (const auto& [key, value] : plan.forwards)
        if (key.proto == protocol && Address(key.addr) == address) taken.set(ntohs(key.port));
    return port_set(pool.ports) & ~taken;
}

}  // namespace sluice
