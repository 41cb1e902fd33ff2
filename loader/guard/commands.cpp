// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/guard/commands.hpp"

#include <fmt/format.h>
#include <net/ethernet.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <set>

#include "loader/base/frame.hpp"
#include "loader/guard/plan.hpp"
#include "loader/guard/store.hpp"
#include "loader/instance/change.hpp"
#include "loader/lease/store.hpp"
#include "loader/model/lease.hpp"
#include "loader/model/ports.hpp"

namespace sluice {
namespace {

constexpr std::uint16_t most_learned = 1024;

constexpr std::array<std::pair<std::string_view, std::uint16_t>, 4> ethertype_names{{
    {"lldp", 0x88cc},
    {"eapol", 0x888e},
    {"mpls", 0x8847},
    {"pppoe", 0x8864},
}};

Result<> check_mac(const MacAddress& mac) {
    if (is_unicast(mac)) return {};
    return fail(ErrorCode::usage, fmt::format("--macs {}: no VM can have that address", mac.text()),
                "the lowest bit of the first byte marks groups, and all zero is nobody");
}

Result<> check_macs(const std::vector<MacAddress>& macs) {
    std::set<MacAddress> seen;
    for (const auto& mac : macs) {
        SL_CHECK(check_mac(mac));
        if (!seen.insert(mac).second)
            return fail(ErrorCode::usage, fmt::format("--macs {} is given twice", mac.text()));
    }
    if (macs.size() <= SL_GUARD_MACS) return {};
    return fail(ErrorCode::usage, fmt::format("{} MACs on one port", macs.size()),
                fmt::format("a port's guard has room for {}; `--learn N` accepts others as they "
                            "come",
                            SL_GUARD_MACS));
}

/// Not an address of one host: multicast (RFC 5771, RFC 4291 section 2.7), broadcast, none at all.
bool is_nobodys(const Address& address) {
    const auto raw = address.raw();
    if (!address.is_v4()) return address == Address{} || raw.b[0] == 0xff;
    return address.v4_raw() == 0 || raw.b[12] >= 224;
}

Result<> check_addresses(const std::vector<Prefix>& addresses) {
    std::set<Prefix> seen;
    std::size_t singles = 0;
    for (const auto& prefix : addresses) {
        const bool single = prefix.length == prefix.address.bits();
        singles += single ? 1 : 0;
        if (single && is_nobodys(prefix.address))
            return fail(ErrorCode::usage, fmt::format("--address {}: no host can send from it",
                                                      prefix.address.text()));
        if (!seen.insert(prefix).second)
            return fail(ErrorCode::usage,
                        fmt::format("--address {} is given twice", prefix.text()));
    }
    if (singles <= SL_GUARD_ADDRS) return {};
    return fail(ErrorCode::usage, fmt::format("{} addresses on one port", singles),
                fmt::format("a port's guard has room for {}; networks, `10.0.0.0/28`, count apart",
                            SL_GUARD_ADDRS));
}

Result<> check_ethertype(std::uint16_t type) {
    constexpr std::array known{ETHERTYPE_IP, ETHERTYPE_IPV6, ETHERTYPE_ARP, ETHERTYPE_REVARP};
    if (type < ETH_P_802_3_MIN)
        return fail(ErrorCode::usage, fmt::format("--ethertypes {:#06x} is a length", type),
                    "ethertypes begin at 0x0600; `--tags off` lets 802.3 frames in");
    if (std::ranges::find(known, type) != known.end())
        return fail(ErrorCode::usage, fmt::format("--ethertypes {:#06x} is allowed anyway", type),
                    "list only what may enter besides IPv4, IPv6, ARP and RARP");
    if (is_tag_type(type))
        return fail(ErrorCode::usage, fmt::format("--ethertypes {:#06x} is a VLAN tag", type),
                    "tags may enter by a trunk: `sluice port set IF --role trunk`");
    return {};
}

Result<> check_ethertypes(const std::vector<std::uint16_t>& types) {
    for (const auto type : types) SL_CHECK(check_ethertype(type));
    if (types.size() <= SL_GUARD_ETHERTYPES) return {};
    return fail(ErrorCode::usage, fmt::format("{} ethertypes", types.size()),
                fmt::format("at most {}; `--ethertype off` lets all in", SL_GUARD_ETHERTYPES));
}

/// Two VMs with one MAC are what leases are there to prevent.
Result<> refuse_leased(const Connection& connection, const PortSpec& port,
                       const std::vector<MacAddress>& macs) {
    LeaseStore store(connection);
    const auto domain = port.role == Role::access ? port.vlan : std::uint16_t{0};
    for (const auto& mac : macs) {
        SL_TRY(lease, store.find(domain, mac));
        if (!lease || !lease->held() || lease->port == port.name || lease->standby == port.name)
            continue;
        return fail(ErrorCode::refused,
                    fmt::format("{} is leased to {}{}", mac.text(), lease->vm,
                                lease->port.empty() ? "" : " on " + lease->port),
                    fmt::format("if {0} is its port, `sluice mac bind {1} --vm {2} --port {0}`; "
                                "`sluice mac release {2}` frees it",
                                port.name, mac.text(), lease->vm));
    }
    return {};
}

/// What works as it was asked for, and is probably not what was meant.
void warn_about(const GuardSpec& guard, const PortSpec& port, const DesiredState& state,
                Journal& journal) {
    std::vector<PortLease> leases;
    std::ranges::copy_if(state.port_leases, std::back_inserter(leases),
                         [&](const PortLease& lease) { return lease.port == port.name; });
    const auto has_address = [](const PortLease& lease) { return !lease.addresses.empty(); };
    for (const auto& other : state.guards)
        for (const auto& mac : guard.macs)
            if (other.port != port.name && std::ranges::find(other.macs, mac) != other.macs.end())
                journal.warn(fmt::format("{} is listed on {} too: either may send as the other",
                                         mac.text(), other.port));
    if (port.role == Role::uplink && guard.mac && !guard.audit)
        journal.warn(
            fmt::format("{} is an uplink: whatever comes from outside with a MAC that is "
                        "not listed is dropped",
                        port.name));
    if (guard.mac && guard.learn == 0 && !guard.mac_change && own_macs(guard, leases).empty())
        journal.warn(
            fmt::format("{0} has no MAC: nothing may enter by it; `sluice guard set {0} "
                        "--macs LIST` or `sluice mac alloc VM --port {0}` gives it one",
                        port.name));
    if (guard.ip && !guard.snoop && guard.addresses.empty() &&
        std::ranges::none_of(leases, has_address))
        journal.warn(
            fmt::format("{0} has no address: no IP may enter but DHCP and link-local IPv6; "
                        "`sluice guard set {0} --address LIST`, or `--snoop on` to take "
                        "them from the DHCP server",
                        port.name));
}

/// The port, or what an interface will be when it becomes one: whoever makes a VM's guard first
/// leaves no time in which the VM has none.
Result<PortSpec> port_to_guard(const Change& change, const std::string& name) {
    const auto port = require_port(change.before.ports, name);
    if (port) return **port;
    if (change.host.link(name) == nullptr) return std::unexpected(port.error());
    change.journal.warn(
        fmt::format("{0} is no port yet: its guard holds from `sluice port add {0} --role access` "
                    "on",
                    name));
    PortSpec later;
    later.name = name;
    return later;
}

}  // namespace

void GuardChange::apply_to(GuardSpec& guard) const {
    for (const auto& [which, value] : switches) guard.*which = value;
    if (learn) guard.learn = *learn;
    if (dhcp_rate) guard.dhcp_rate = *dhcp_rate;
    if (macs) guard.macs = *macs;
    if (addresses) guard.addresses = *addresses;
    if (ethertypes) guard.ethertypes = *ethertypes;
}

Result<std::uint16_t> parse_ethertype(std::string_view text) {
    for (const auto& [name, type] : ethertype_names)
        if (name == text) return type;
    const auto digits = text.starts_with("0x") ? text.substr(2) : std::string_view{};
    std::uint16_t type = 0;
    const auto [end, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), type, 16);
    if (digits.empty() || error != std::errc() || end != digits.data() + digits.size())
        return fail(ErrorCode::usage, fmt::format("`{}` is not an ethertype", text),
                    "write 0x88cc, or lldp, eapol, mpls, pppoe");
    return type;
}

Result<> check_guard(const GuardSpec& guard) {
    SL_CHECK(check_macs(guard.macs));
    SL_CHECK(check_addresses(guard.addresses));
    SL_CHECK(check_ethertypes(guard.ethertypes));
    if (guard.learn > most_learned)
        return fail(ErrorCode::usage, fmt::format("--learn {} is out of range", guard.learn),
                    fmt::format("0 to {}", most_learned));
    if (guard.dhcp_rate == 0)
        return fail(ErrorCode::usage, "--dhcp-rate 0 is out of range",
                    "1 to 65535 requests a second; `--dhcp-client off` does not count them");
    return {};
}

Result<Outcome> set_guard(const Target& target, const std::string& port,
                          const GuardChange& wanted) {
    GuardSpec alone;
    wanted.apply_to(alone);
    SL_CHECK(check_guard(alone));
    return change(target, [&](const Change& it) -> Result<> {
        SL_TRY(spec, port_to_guard(it, port));
        const auto known = std::ranges::find(it.before.guards, port, &GuardSpec::port);
        auto guard = known == it.before.guards.end() ? GuardSpec{} : *known;
        guard.port = port;
        wanted.apply_to(guard);
        if (wanted.macs) SL_CHECK(refuse_leased(it.database.connection(), spec, *wanted.macs));
        warn_about(guard, spec, it.before, it.journal);
        return put_guard(it.database.connection(), guard);
    });
}

Result<Outcome> remove_guard(const Target& target, const std::string& port) {
    return change(target, [&](const Change& it) -> Result<> {
        SL_TRY(was, erase_guard(it.database.connection(), port));
        if (was) return {};
        SL_CHECK(require_port(it.before.ports, port));
        return fail(ErrorCode::not_found, fmt::format("{} has no guard", port));
    });
}

}  // namespace sluice
