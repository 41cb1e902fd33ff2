// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/port/checks.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "loader/instance/host.hpp"
#include "loader/kernel/internal_link.hpp"
#include "loader/kernel/nft.hpp"

namespace sluice {
namespace {

bool has_many_vlans(Role role) { return role == Role::trunk || role == Role::uplink; }

Result<> check_vlan(std::string_view option, std::uint16_t vlan) {
    if (vlan <= last_vlan) return {};
    return fail(ErrorCode::usage,
                fmt::format("{} {}: VLAN ids are 1 to {}", option, vlan, last_vlan));
}

std::unexpected<Error> misplaced(const PortSpec& port, std::string_view option,
                                 std::string_view roles, std::string hint = "") {
    return fail(ErrorCode::usage,
                fmt::format("port {}: {} is for {} ports, its role is {}", port.name, option, roles,
                            role_text(port.role)),
                std::move(hint));
}

bool carries(const PortSpec& port, std::uint16_t vlan) {
    if (!has_many_vlans(port.role)) return port.vlan == vlan;
    const auto has = [&](const PortRange& range) {
        return range.first <= vlan && vlan <= range.last;
    };
    return port.native_vlan == vlan || std::ranges::any_of(port.vlans, has);
}

bool share_a_vlan(const PortSpec& a, const PortSpec& b) {
    for (std::uint16_t vlan = 1; vlan <= last_vlan; ++vlan)
        if (carries(a, vlan) && carries(b, vlan)) return true;
    return false;
}

Result<> check_vlan_options(const PortSpec& port) {
    SL_CHECK(check_vlan("--vlan", port.vlan));
    SL_CHECK(check_vlan("--native-vlan", port.native_vlan));
    const bool many = has_many_vlans(port.role);
    if (port.vlan != 0 && many)
        return misplaced(port, "--vlan", "access and internal",
                         "a trunk or uplink takes --vlans and --native-vlan");
    if ((!port.vlans.empty() || port.native_vlan != 0) && !many)
        return misplaced(port, "--vlans or --native-vlan", "trunk and uplink",
                         "an access or internal port takes --vlan");
    if (!port.translations.empty() && !many)
        return misplaced(port, "--translate", "trunk and uplink");
    for (const auto& [wire, vlan] : port.translations)
        if (!carries(port, vlan))
            return fail(ErrorCode::usage,
                        fmt::format("port {}: --translate {}:{}, but it is not in VLAN {}",
                                    port.name, wire, vlan, vlan),
                        "--vlans takes the ids that they have inside sluice");
    if (port.qinq && port.vlan == 0 && port.vlans.empty())
        return fail(ErrorCode::usage, fmt::format("port {}: --qinq without VLANs", port.name),
                    "an access port's --vlan is its tunnel; a trunk's --vlans are the outer tags");
    return {};
}

Result<> check_internal_options(const PortSpec& port) {
    if (port.role != Role::internal) {
        if (port.addresses.empty()) return {};
        return misplaced(port, "--address", "internal",
                         "the addresses of other interfaces are set by `ip address`");
    }
    if (port.name.empty() || port.name.size() > longest_internal_name)
        return fail(ErrorCode::usage,
                    fmt::format("\"{}\" can't be the name of an internal port", port.name),
                    fmt::format("it has 1 to {} bytes", longest_internal_name));
    if (port.vlan == 0)
        return fail(ErrorCode::usage, fmt::format("port {}: which VLAN?", port.name),
                    fmt::format("`sluice port add {} --role internal --vlan N`", port.name));
    if (port.hook == HookPolicy::xdp)
        return fail(ErrorCode::usage,
                    fmt::format("port {}: an internal port has no XDP", port.name),
                    "leave --hook out");
    return {};
}

/// One number for two L2 domains would mix their sessions.
Result<> check_domain(const PortSpec& port, const Link* link, const DesiredState& state,
                      const Host& host) {
    const auto is_bridged = [&](const PortSpec& it, const Link* its) {
        return it.role == Role::access && its != nullptr && !is_switched(it, *its);
    };
    for (const auto& other : state.ports) {
        if (other.name == port.name || port.vlan == 0 || other.vlan != port.vlan) continue;
        const bool gateway = port.role == Role::internal, others = other.role == Role::internal;
        if (gateway && others)
            return fail(ErrorCode::refused,
                        fmt::format("VLAN {} has an internal port: {}", port.vlan, other.name));
        if ((gateway && is_bridged(other, host.link(other))) || (others && is_bridged(port, link)))
            return fail(ErrorCode::refused,
                        fmt::format("VLAN {} is that of {}, which is in a Linux bridge", port.vlan,
                                    gateway ? other.name : port.name),
                        "give the bridge's ports another number, or none");
    }
    return {};
}

Result<> check_hook(const PortSpec& port, const Link& link) {
    if (port.hook != HookPolicy::xdp || link.kind != "veth" || !is_switched(port, link)) return {};
    if (port.role == Role::access && !port.qinq) return {};
    return fail(ErrorCode::refused,
                fmt::format("port {}: XDP does not see the tags of a veth's frames", port.name),
                "leave --hook out: TC sees them");
}

Result<> check_routable(const PortSpec& port, const DesiredState& state) {
    if (port.routable.empty()) return {};
    if (port.role != Role::uplink)
        return misplaced(port, "--routable", "uplink",
                         "between other ports masqueraded networks are routed anyway");
    for (const auto& rule : state.masquerades)
        if (rule.uplink == port.name &&
            std::ranges::find(port.routable, rule.source) != port.routable.end())
            return fail(ErrorCode::refused,
                        fmt::format("{} is masqueraded on {}: it can't be routable there, too",
                                    rule.source.text(), port.name),
                        "give the part of it that is to be routable");
    return {};
}

Result<> check_masquerade(const PortSpec& port, const DesiredState& state) {
    if (port.vlans.empty() && port.native_vlan == 0) return {};
    const auto uses = std::ranges::find(state.masquerades, port.name, &MasqueradeSpec::uplink);
    if (uses == state.masquerades.end()) return {};
    return fail(ErrorCode::refused,
                fmt::format("{} is the uplink of the masquerade of {}, and can't be switched",
                            port.name, uses->source.text()),
                "a routed uplink has no VLANs");
}

}  // namespace

Result<> check_port_options(const PortSpec& port) {
    SL_CHECK(check_vlan_options(port));
    return check_internal_options(port);
}

Result<> check_port_place(const PortSpec& port, const Link* link, const DesiredState& state,
                          const Host& host) {
    SL_CHECK(check_domain(port, link, state, host));
    SL_CHECK(check_masquerade(port, state));
    SL_CHECK(check_routable(port, state));
    if (link == nullptr) return {};
    SL_CHECK(check_hook(port, *link));
    if (port.shortcut && link->master == 0)
        return fail(ErrorCode::refused,
                    fmt::format("port {}: --shortcut, but it is in no Linux bridge", port.name),
                    fmt::format("`ip link set {} master BRIDGE` first", port.name));
    return {};
}

void warn_of_firewall(const PortSpec& port, const Link& link, const DesiredState& state,
                      const Host& host, Journal& journal) {
    const auto routes = [&](const PortSpec& other) {
        const Link* its = host.link(other.name);
        return its != nullptr && !is_switched(other, *its);
    };
    if (is_switched(port, link) || std::ranges::any_of(state.ports, routes)) return;
    if (const auto chains = forward_chains(); !chains.empty())
        journal.warn(fmt::format(
            "rules of netfilter do not see what sluice forwards between ports: {}; say what may "
            "pass by `sluice policy load FILE`",
            fmt::join(chains, ", ")));
}

void warn_of_mtus(const PortSpec& port, const Link& link, const DesiredState& state,
                  const Host& host, Journal& journal) {
    if (!is_switched(port, link)) return;
    for (const auto& other : state.ports) {
        const Link* its = host.link(other.name);
        if (other.name == port.name || its == nullptr || !is_switched(other, *its) ||
            its->mtu == link.mtu || !share_a_vlan(port, other))
            continue;
        journal.warn(
            fmt::format("{} has an MTU of {}, {} in the same VLAN of {}: what is longer "
                        "than the smaller is dropped (switch-mtu)",
                        port.name, link.mtu, other.name, its->mtu));
        return;
    }
}

}  // namespace sluice
