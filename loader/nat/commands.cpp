// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/nat/commands.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>

#include <algorithm>

#include "loader/instance/change.hpp"
#include "loader/instance/host.hpp"
#include "loader/model/ports.hpp"
#include "loader/nat/plan.hpp"
#include "loader/nat/store.hpp"

namespace sluice {
namespace {

Result<> require_ipv4(const Address& address, std::string_view option) {
    if (address.is_v4()) return {};
    return fail(ErrorCode::unsupported,
                fmt::format("{} {}: IPv6 is routed, not translated yet", option, address.text()),
                "IPv6 packets between ports are forwarded without any rule");
}

/// An address that a host can have: not 0.x, loopback, multicast or broadcast (RFC 6890).
Result<> require_unicast(const Address& address, std::string_view option) {
    const auto first_byte = ntohl(address.v4_raw()) >> 24;
    if (first_byte != 0 && first_byte != 127 && first_byte < 224) return {};
    return fail(ErrorCode::usage, fmt::format("{} {} is not an address that a host can have",
                                              option, address.text()));
}

std::string text(const MasqueradeSpec& rule) {
    return fmt::format("the masquerade of {} on {}", rule.source.text(), rule.uplink);
}

std::string text(const ForwardSpec& rule) {
    return fmt::format("{} {}", protocol_text(rule.protocol), rule.external.text());
}

/// Rules of the same uplink, addresses and range share one pool.
bool shares_pool(MasqueradeSpec a, MasqueradeSpec b) {
    std::ranges::sort(a.addresses);
    std::ranges::sort(b.addresses);
    return a.uplink == b.uplink && a.addresses == b.addresses && a.ports == b.ports;
}

/// Addresses that are not on the uplink work only if the network routes them here.
void warn_about_addresses(const MasqueradeSpec& rule, const Host& host, Journal& journal) {
    const Link* link = host.link(rule.uplink);
    for (const auto& address : rule.addresses)
        if (host.owner(address) != host.l3(*link).ifindex)
            journal.warn(
                fmt::format("{} is not an address of {}: answers come back only if the "
                            "network routes it to this host",
                            address.text(), rule.uplink));
}

void warn_of_no_port(const ForwardSpec& rule, const DesiredState& state, const Host& host,
                     Journal& journal) {
    const auto* behind = host.network_of(rule.internal.address);
    if (behind == nullptr) return;
    const auto is_behind = [&](const PortSpec& port) {
        const Link* link = host.link(port.name);
        return link != nullptr && host.l3(*link).ifindex == behind->ifindex;
    };
    if (std::ranges::any_of(state.ports, is_behind)) return;
    const Link* link = host.link(behind->ifindex);
    const std::string name = link == nullptr ? "?" : link->name;
    journal.warn(
        fmt::format("{} is behind {}, which is no port: nobody is reached there before "
                    "`sluice port add {} --role access`",
                    rule.internal.address.text(), name, name));
}

void warn_about_forward(const ForwardSpec& rule, const DesiredState& state, const Host& host,
                        const HostPorts& host_ports, Journal& journal) {
    const auto& [address, ports] = rule.external;
    const auto has_it = [&](const MasqueradeSpec& masquerade) {
        return std::ranges::find(masquerade.addresses, address) != masquerade.addresses.end();
    };
    if (host.owner(address) == 0) {
        if (std::ranges::none_of(state.masquerades, has_it))
            journal.warn(
                fmt::format("{} is not an address of this host: it works only if the "
                            "network routes it here",
                            address.text()));
        return;
    }
    const auto used = used_by_host(host_ports.sockets, address, rule.protocol) & port_set(ports);
    if (used.any())
        journal.warn(
            fmt::format("the host itself uses {} of the ports of {}: from now on what "
                        "comes there goes to {}",
                        used.count(), text(rule), rule.internal.text()));
    if (ports.overlaps(host_ports.ephemeral))
        journal.warn(
            fmt::format("the host draws ports of its own connections from {}: keep it off "
                        "with `sysctl net.ipv4.ip_local_reserved_ports={}`",
                        host_ports.ephemeral.text(), ports.text()));
}

}  // namespace

Result<> check_masquerade(const MasqueradeSpec& rule) {
    SL_CHECK(require_ipv4(rule.source.address, "--source"));
    for (auto it = rule.addresses.begin(); it != rule.addresses.end(); ++it) {
        SL_CHECK(require_ipv4(*it, "--address"));
        SL_CHECK(require_unicast(*it, "--address"));
        if (std::find(rule.addresses.begin(), it, *it) != it)
            return fail(ErrorCode::usage, fmt::format("--address {} is given twice", it->text()));
    }
    return {};
}

Result<> check_masquerade_fits(const MasqueradeSpec& rule, const DesiredState& state,
                               const Host& host) {
    SL_TRY(link, host.require_link(rule.uplink));
    const auto* port = find_port(state.ports, rule.uplink);
    if (port == nullptr)
        return fail(
            ErrorCode::refused, fmt::format("{} is not a port", rule.uplink),
            fmt::format("attach it first: `sluice port add {} --role uplink`", rule.uplink));
    if (port->role != Role::uplink)
        return fail(
            ErrorCode::refused,
            fmt::format("{} is a port of role {}, not uplink", rule.uplink, role_text(port->role)),
            fmt::format("`sluice port set {} --role uplink`", rule.uplink));
    if (is_switched(*port, *link))
        return fail(
            ErrorCode::refused,
            fmt::format("{} has VLANs: what leaves by it is switched, not routed", rule.uplink),
            "a routed uplink has no VLANs");

    if (std::ranges::find(port->routable, rule.source) != port->routable.end())
        return fail(ErrorCode::refused,
                    fmt::format("{} is routable on {}", rule.source.text(), rule.uplink),
                    fmt::format("`sluice port set {} --routable none` first", rule.uplink));

    const auto uplink = host.l3(*link).ifindex;
    const auto addresses = external_addresses(rule, host, uplink);
    for (const auto& other : state.masquerades) {
        if (other.source == rule.source && other.uplink == rule.uplink)
            return fail(ErrorCode::refused, text(rule) + " is there already",
                        "`sluice nat masquerade list` shows it; delete it first to change it");
        const Link* other_link = host.link(other.uplink);
        if (shares_pool(rule, other) || other_link == nullptr || !rule.ports.overlaps(other.ports))
            continue;
        const auto others = external_addresses(other, host, host.l3(*other_link).ifindex);
        for (const auto& address : addresses)
            if (std::ranges::find(others, address) != others.end())
                return fail(
                    ErrorCode::refused,
                    fmt::format("ports {} of {} overlap the pool of {} ({})", rule.ports.text(),
                                address.text(), text(other), other.ports.text()),
                    "give --ports that do not overlap, or exactly the same addresses and "
                    "ports to share the pool");
    }
    return {};
}

Result<> check_forward(const ForwardSpec& rule) {
    if (rule.protocol != IPPROTO_TCP && rule.protocol != IPPROTO_UDP)
        return fail(ErrorCode::usage,
                    fmt::format("--proto {}: only ports of tcp and udp can be forwarded",
                                protocol_text(rule.protocol)));
    SL_CHECK(require_ipv4(rule.external.address, "--external"));
    SL_CHECK(require_ipv4(rule.internal.address, "--internal"));
    SL_CHECK(require_unicast(rule.external.address, "--external"));
    SL_CHECK(require_unicast(rule.internal.address, "--internal"));
    if (rule.external.ports.size() != rule.internal.ports.size())
        return fail(ErrorCode::usage,
                    fmt::format("{} has {} ports and {} has {}", rule.external.text(),
                                rule.external.ports.size(), rule.internal.text(),
                                rule.internal.ports.size()),
                    "both sides of a forward need as many ports");
    return {};
}

Result<> check_forward_fits(const ForwardSpec& rule, const DesiredState& state) {
    for (const auto& other : state.forwards)
        if (other.protocol == rule.protocol && other.external.address == rule.external.address &&
            other.external.ports.overlaps(rule.external.ports))
            return fail(ErrorCode::refused,
                        fmt::format("{} is forwarded already: {} goes to {}", text(rule),
                                    text(other), other.internal.text()),
                        fmt::format("delete that first: `sluice nat forward del --proto {} "
                                    "--external {}`",
                                    protocol_text(other.protocol), other.external.text()));
    return {};
}

Result<> check_forward_reaches(const ForwardSpec& rule, const Host& host) {
    const auto& to = rule.internal.address;
    if (host.owner(to) != 0)
        return fail(
            ErrorCode::refused,
            fmt::format("{} is an address of the host itself: a forward goes to others", to.text()),
            "the host's own service is reached by its own address; nftables moves ports");
    const auto* in = host.network_of(to);
    if (in == nullptr || in->prefix_length > 30) return {};
    const auto whole = HostAddress{in->address, in->prefix_length}.network();
    const auto hosts = ntohl(to.v4_raw()) & (UINT32_MAX >> whole.length);
    if (hosts != 0 && hosts != UINT32_MAX >> whole.length) return {};
    return fail(ErrorCode::refused,
                fmt::format("{} is the {} address of {}: no host has it", to.text(),
                            hosts == 0 ? "network's own" : "broadcast", whole.text()),
                "give the address of a VM");
}

Result<Outcome> add_masquerade(const Target& target, const MasqueradeSpec& rule) {
    SL_CHECK(check_masquerade(rule));
    return change(target, [&](const Change& it) -> Result<> {
        SL_CHECK(check_masquerade_fits(rule, it.before, it.host));
        warn_about_addresses(rule, it.host, it.journal);
        SL_CHECK(add_masquerade(it.database.connection(), rule));
        return {};
    });
}

Result<Outcome> remove_masquerade(const Target& target, const Prefix& source,
                                  const std::string& uplink) {
    return change(target, [&](const Change& it) -> Result<> {
        const auto is_it = [&](const MasqueradeSpec& rule) {
            return rule.source == source && rule.uplink == uplink;
        };
        if (std::ranges::none_of(it.before.masquerades, is_it))
            return fail(ErrorCode::not_found,
                        fmt::format("{} is not masqueraded on {}", source.text(), uplink),
                        "`sluice nat masquerade list` shows what is");
        return erase_masquerade(it.database.connection(), source, uplink);
    });
}

Result<std::vector<MasqueradeStatus>> list_masquerades(const Target& target) {
    SL_TRY(instance, open_instance(target));
    SL_TRY(host, host_of(instance));
    std::vector<MasqueradeStatus> rules;
    for (const auto& rule : instance.desired.masquerades) {
        const Link* link = host.link(rule.uplink);
        rules.push_back({rule, link == nullptr
                                   ? rule.addresses
                                   : external_addresses(rule, host, host.l3(*link).ifindex)});
    }
    return rules;
}

Result<Outcome> add_forward(const Target& target, const ForwardSpec& rule) {
    SL_CHECK(check_forward(rule));
    return change(target, [&](const Change& it) -> Result<> {
        SL_CHECK(check_forward_fits(rule, it.before));
        SL_CHECK(check_forward_reaches(rule, it.host));
        warn_of_no_port(rule, it.before, it.host, it.journal);
        SL_TRY(host_ports, HostPorts::read());
        warn_about_forward(rule, it.before, it.host, host_ports, it.journal);
        return add_forward(it.database.connection(), rule);
    });
}

Result<Outcome> remove_forward(const Target& target, std::uint8_t protocol,
                               const Endpoint& external) {
    return change(target, [&](const Change& it) -> Result<> {
        for (const auto& rule : it.before.forwards) {
            if (rule.protocol != protocol || rule.external.address != external.address ||
                !rule.external.ports.overlaps(external.ports))
                continue;
            if (rule.external == external)
                return erase_forward(it.database.connection(), protocol, external);
            return fail(ErrorCode::refused,
                        fmt::format("{} {} is not the whole of a forward", protocol_text(protocol),
                                    external.text()),
                        fmt::format("it was made as {}: delete that", text(rule)));
        }
        return fail(ErrorCode::not_found,
                    fmt::format("{} {} is not forwarded", protocol_text(protocol), external.text()),
                    "`sluice nat forward list` shows what is");
    });
}

Result<std::vector<ForwardSpec>> list_forwards(const Target& target) {
    SL_TRY(instance, open_instance(target));
    return std::move(instance.desired.forwards);
}

}  // namespace sluice
