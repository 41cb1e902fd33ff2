// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/port/commands.hpp"

#include <fmt/format.h>
#include <linux/if_ether.h>

#include <algorithm>
#include <random>

#include "loader/instance/change.hpp"
#include "loader/kernel/internal_link.hpp"
#include "loader/model/ports.hpp"
#include "loader/port/checks.hpp"
#include "loader/port/store.hpp"

namespace sluice {
namespace {

Result<> check_attachable(const Link& link) {
    // TC sees what a VM sends by these as leaving, as it goes to the interface below: a guard would
    // look at what the VM gets.
    if (link.kind == "macvtap" || link.kind == "ipvtap")
        return fail(ErrorCode::refused,
                    fmt::format("{} is a {}: what its VM sends does not enter the host by it",
                                link.name, link.kind),
                    "give the VM a tap, alone or in a bridge");
    if (link.ethernet) return {};
    return fail(ErrorCode::unsupported,
                fmt::format("{} is not an Ethernet interface{}", link.name,
                            link.kind.empty() ? "" : " (" + link.kind + ")"),
                "sluice attaches to NICs, taps, veths and bridges");
}

void warn_about(const Link& link, Journal& journal) {
    if (!link.up)
        journal.warn(fmt::format("{} is down: no packet passes until `ip link set {} up`",
                                 link.name, link.name));
}

const MasqueradeSpec* masquerade_on(const DesiredState& state, std::string_view uplink) {
    const auto found = std::ranges::find(state.masquerades, uplink, &MasqueradeSpec::uplink);
    return found == state.masquerades.end() ? nullptr : &*found;
}

Result<> refuse_if_masquerades(const DesiredState& state, const std::string& name) {
    const auto* rule = masquerade_on(state, name);
    if (rule == nullptr) return {};
    return fail(
        ErrorCode::refused,
        fmt::format("{} is the uplink of the masquerade of {}", name, rule->source.text()),
        fmt::format("remove that first: `sluice nat masquerade del --source {} --uplink {}`",
                    rule->source.text(), name));
}

/// An interface made anew under a port's name is added as if it were the first.
Result<> add_again(const Change& change, const PortSpec& known, PortSpec port, const Link& link) {
    SL_TRY(entry, change.datapath.maps().ports.lookup(link.ifindex));
    if (known.role == Role::internal || (entry && entry->id == known.id))
        return fail(ErrorCode::refused, fmt::format("{} is a port already", port.name),
                    fmt::format("`sluice port show {}` shows it, `sluice port set {}` changes it",
                                port.name, port.name));
    if (port.role != Role::uplink) SL_CHECK(refuse_if_masquerades(change.before, port.name));
    port.id = known.id;
    return put_port(change.database.connection(), port);
}

/// Locally administered (IEEE 802c), and a station's.
MacAddress random_mac() {
    std::random_device random;
    MacAddress mac;
    for (auto& byte : mac.bytes) byte = static_cast<std::uint8_t>(random());
    mac.bytes[0] = static_cast<std::uint8_t>((mac.bytes[0] & 0xfc) | 2);
    return mac;
}

/// One interface is one port.
Result<> refuse_renamed(const Change& change, const Link& link) {
    for (const auto& [name, ifindex] : change.host.renamed)
        if (ifindex == link.ifindex)
            return fail(
                ErrorCode::refused,
                fmt::format("{} is the interface of port {}, and was renamed", link.name, name),
                fmt::format("`ip link set {0} name {1}`, or `sluice port del {1}` first", link.name,
                            name));
    return {};
}

/// Its interface is made by reconcile().
Result<> add_internal(const Change& change, PortSpec port) {
    if (find_port(change.before.ports, port.name) != nullptr ||
        change.host.link(port.name) != nullptr ||
        change.host.link(switch_end(port.name)) != nullptr)
        return fail(ErrorCode::refused, fmt::format("there is an interface {} already", port.name),
                    "sluice makes the interface of an internal port itself: choose another name");
    SL_CHECK(check_port_place(port, nullptr, change.before, change.host));
    Link planned;
    planned.mtu = ETH_DATA_LEN;  // the kernel's default
    warn_of_mtus(port, planned, change.before, change.host, change.journal);
    port.mac = random_mac();
    SL_CHECK(add_port(change.database.connection(), port));
    return {};
}

std::string note_of(const PortStatus& port, bool running) {
    if (!port.link) return "there is no such interface now";
    if (port.spec.role != Role::internal && port.link->name != port.spec.name)
        return fmt::format("its interface is named {} now", port.link->name);
    if (!running) return "";
    if (port.closed) return "behind the closed door; `sluice restore` opens it";
    if (!port.ingress || !port.egress) return "not attached; `sluice restore` mends it";
    if (!port.link->up) return "the interface is down";
    if (port.xdp && port.spec.hook == HookPolicy::xdp && !port.link->physical)
        return "XDP here slows the guest's TCP down; --hook tc does not";
    if (!port.xdp && port.spec.hook == HookPolicy::automatic && port.link->physical)
        return "works by TC alone: the driver has no native XDP, or another program has it";
    return "";
}

Result<std::optional<GuardState>> guard_state(const Maps& maps,
                                              const std::optional<sl_port>& entry) {
    if (!entry || entry->guard == 0) return std::nullopt;
    SL_TRY(guard, maps.guards.lookup(entry->guard));
    const bool audits = guard && (guard->checks & SL_GUARD_AUDIT) != 0;
    return audits ? GuardState::audit : GuardState::on;
}

/// Nothing passes a port that lacks a program, or that is another interface than the door knows.
bool is_closed(const PortStatus& port, const Link& link, const std::optional<Door>& door) {
    if (!door) return false;
    return !port.ingress || !port.egress ||
           !door->sets.at("inet open").contains(door_index(link.ifindex));
}

Result<PortStatus> status_of(const PortSpec& spec, const std::optional<Datapath>& datapath,
                             const Host& host, const std::optional<Door>& door) {
    PortStatus port;
    port.spec = spec;
    if (const Link* link = host.link(spec.name)) port.link = *link;
    const Link* ours = host.link(spec);
    if (port.link && ours != nullptr && datapath) {
        SL_TRY(ingress, datapath->query_tc(*ours, TcDirection::ingress));
        SL_TRY(egress, datapath->query_tc(*ours, TcDirection::egress));
        SL_TRY(xdp, datapath->query_xdp(*ours));
        SL_TRY(entry, datapath->maps().ports.lookup(ours->ifindex));
        port.switched = entry && (entry->flags & SL_PORT_SWITCHED) != 0;
        port.ingress = ingress;
        port.egress = egress;
        port.xdp = xdp;
        port.xdp_without_tcp = entry && (entry->flags & SL_PORT_XDP_NO_TCP) != 0;
        port.xdp_target = entry && (entry->flags & SL_PORT_XDP_TARGET) != 0;
        port.strict_sources = entry && (entry->flags & SL_PORT_STRICT4) != 0;
        SL_TRY(guard, guard_state(datapath->maps(), entry));
        port.guard = guard;
        port.closed = is_closed(port, *ours, door);
    }
    port.note = note_of(port, datapath.has_value());
    return port;
}

}  // namespace

Result<std::vector<PortRange>> parse_vlans(std::string_view text) {
    std::vector<PortRange> vlans;
    while (!text.empty()) {
        const auto comma = std::min(text.find(','), text.size());
        const auto part = text.substr(0, comma);
        const auto range = PortRange::parse(part);
        if (!range || range->last > last_vlan)
            return fail(ErrorCode::usage, fmt::format("\"{}\" is not a VLAN id or range", part),
                        fmt::format("VLAN ids are 1 to {}: `10,20-30`", last_vlan));
        for (const auto& other : vlans)
            if (other.overlaps(*range))
                return fail(ErrorCode::usage,
                            fmt::format("VLANs {} and {} overlap", other.text(), range->text()));
        vlans.push_back(*range);
        text.remove_prefix(std::min(comma + 1, text.size()));
    }
    return vlans;
}

std::string vlans_text(const std::vector<PortRange>& vlans) {
    std::string text;
    for (const auto& range : vlans) text += (text.empty() ? "" : ",") + range.text();
    return text;
}

Result<Outcome> add_port(const Target& target, const PortSpec& port) {
    SL_CHECK(check_port_options(port));
    return change(target, [&](const Change& it) -> Result<> {
        if (port.role == Role::internal) return add_internal(it, port);
        SL_TRY(link, it.host.require_link(port.name));
        SL_CHECK(check_attachable(*link));
        SL_CHECK(check_port_place(port, link, it.before, it.host));
        warn_about(*link, it.journal);
        warn_of_mtus(port, *link, it.before, it.host, it.journal);
        warn_of_firewall(port, *link, it.before, it.host, it.journal);
        if (const auto* known = find_port(it.before.ports, port.name))
            return add_again(it, *known, port, *link);
        SL_CHECK(refuse_renamed(it, *link));
        SL_CHECK(add_port(it.database.connection(), port));
        return {};
    });
}

void PortChange::apply_to(PortSpec& port) const {
    const auto set = [](auto& value, const auto& given) {
        if (given) value = *given;
    };
    set(port.role, role);
    set(port.hook, hook);
    set(port.vlan, vlan);
    set(port.vlans, vlans);
    set(port.native_vlan, native_vlan);
    set(port.qinq, qinq);
    set(port.translations, translations);
    set(port.priorities, priorities);
    set(port.shortcut, shortcut);
    set(port.flows, flows);
    set(port.source_check, source_check);
    set(port.routable, routable);
    set(port.addresses, addresses);
}

Result<Outcome> set_port(const Target& target, const std::string& name, const PortChange& wanted) {
    return change(target, [&](const Change& it) -> Result<> {
        const auto* port = find_port(it.before.ports, name);
        if (port == nullptr) return not_a_port(name);
        auto changed = *port;
        wanted.apply_to(changed);
        if ((changed.role == Role::internal) != (port->role == Role::internal))
            return fail(ErrorCode::refused,
                        fmt::format("port {}: an internal port stays one, and others do not become "
                                    "one",
                                    name),
                        "remove it and add it anew");
        SL_CHECK(check_port_options(changed));
        const Link* link = it.host.link(name);
        SL_CHECK(check_port_place(changed, link, it.before, it.host));
        if (link != nullptr) warn_of_mtus(changed, *link, it.before, it.host, it.journal);
        if (changed.role != Role::uplink) SL_CHECK(refuse_if_masquerades(it.before, name));
        return put_port(it.database.connection(), changed);
    });
}

Result<Outcome> remove_port(const Target& target, const std::string& name) {
    return change(target, [&](const Change& it) -> Result<> {
        if (find_port(it.before.ports, name) == nullptr) return not_a_port(name);
        SL_CHECK(refuse_if_masquerades(it.before, name));
        return erase_port(it.database.connection(), name);
    });
}

Result<std::optional<Door>> door_of(const Opened& instance) {
    const auto mark = instance.desired.settings.door_mark;
    if (!instance.datapath || mark == 0) return std::nullopt;
    return read_door(instance.datapath->instance(), mark);
}

Result<std::vector<PortStatus>> port_statuses(const Opened& instance) {
    SL_TRY(host, host_of(instance));
    SL_TRY(door, door_of(instance));
    std::vector<PortStatus> ports;
    for (const auto& spec : instance.desired.ports) {
        SL_TRY(port, status_of(spec, instance.datapath, host, door));
        ports.push_back(std::move(port));
    }
    return ports;
}

Result<std::vector<PortStatus>> list_ports(const Target& target) {
    SL_TRY(instance, open_instance(target));
    return port_statuses(instance);
}

Result<PortStatus> show_port(const Target& target, const std::string& name) {
    SL_TRY(ports, list_ports(target));
    for (auto& port : ports)
        if (port.spec.name == name) return std::move(port);
    return not_a_port(name);
}

}  // namespace sluice
