// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/instance/interface.hpp"

#include <fmt/format.h>

#include <ranges>

#include "loader/kernel/link_settings.hpp"
#include "loader/kernel/qdisc.hpp"
#include "loader/kernel/sysctl.hpp"
#include "loader/kernel/tc.hpp"
#include "loader/kernel/xdp.hpp"
#include "sluice/abi/qos.h"

namespace sluice {
namespace {

std::string forwarding4(const std::string& interface) {
    return fmt::format("net/ipv4/conf/{}/forwarding", interface);
}
std::string forwarding6(const std::string& interface) {
    return fmt::format("net/ipv6/conf/{}/forwarding", interface);
}
std::string accept_ra(const std::string& interface) {
    return fmt::format("net/ipv6/conf/{}/accept_ra", interface);
}

Result<FoundInterface> look_at(const Link& link) {
    SL_TRY(clsact, has_clsact(link.ifindex));
    FoundInterface interface{link.name, link.ifindex,     clsact,
                             {},        link.promiscuous, takes_tags_out(link.name)};
    for (const auto& path :
         {forwarding4(link.name), accept_ra(link.name), forwarding6(link.name)}) {
        SL_TRY(value, read_sysctl(path));
        if (value) interface.sysctls.emplace_back(path, *value);
    }
    return interface;
}

/// What the sysctl said when sluice found the interface: if it has not touched it, what it says
/// now.
Result<std::string> value_before(const FoundInterfaces& found, const Link& link,
                                 const std::string& path) {
    SL_TRY(kept, found.sysctl(link.name, link.ifindex, path));
    if (kept) return *kept;
    SL_TRY(now, read_sysctl(path));
    return now.value_or("");
}

Result<> restore_sysctl(const std::string& path, std::string_view value) {
    SL_TRY(now, read_sysctl(path));
    if (!now || *now == value) return {};
    return write_sysctl(path, value);
}

}  // namespace

/// The kernel takes accept_ra 1 for "not where the host forwards".
Result<HostForwarding> host_forwarding(const FoundInterfaces& found, const Link& link) {
    SL_TRY(v4, value_before(found, link, forwarding4(link.name)));
    SL_TRY(v6, value_before(found, link, forwarding6(link.name)));
    SL_TRY(ra, value_before(found, link, accept_ra(link.name)));
    return HostForwarding{v4 == "1", v6 == "1", ra == "2" || (ra == "1" && v6 != "1")};
}

/// accept_ra before forwarding, which would switch the host's own SLAAC off with 1. What somebody
/// has set otherwise since then stays.
Result<std::vector<SysctlChange>> forwarding_changes(const FoundInterfaces& found, const Link& link,
                                                     bool uplink) {
    SL_TRY(before, host_forwarding(found, link));
    SL_TRY(ra_before, value_before(found, link, accept_ra(link.name)));
    const bool goes_on = uplink && before.takes_routes;
    std::vector<SysctlChange> changes;
    const auto change = [&](const std::string& path, std::string_view from,
                            const std::string& to) -> Result<> {
        SL_TRY(now, read_sysctl(path));
        if (now && *now == from && from != to) changes.push_back({path, to});
        return {};
    };
    SL_CHECK(change(forwarding4(link.name), "0", "1"));
    if (goes_on)
        SL_CHECK(change(accept_ra(link.name), "1", "2"));
    else
        SL_CHECK(change(accept_ra(link.name), "2", ra_before));
    SL_CHECK(change(forwarding6(link.name), "0", "1"));
    return changes;
}

Result<> keep_found(const FoundInterfaces& found, const Link& link) {
    SL_TRY(known, found.has(link.name, link.ifindex));
    if (known) return {};
    SL_TRY(interface, look_at(link));
    return found.keep(interface);
}

/// Pins first: who is killed between finds the interface under its old name, and does both again.
Result<> follow_names(const Pins& pins, const FoundInterfaces& found, const Host& host) {
    SL_TRY(touched, found.list());
    for (const auto& interface : touched) {
        const Link* link = host.link(interface.ifindex);
        if (link == nullptr || link->name == interface.name ||
            !host.attached.contains(interface.ifindex))
            continue;
        for (const auto* what : {"ingress", "egress", "xdp"})
            SL_CHECK(rename_pin(pins.link(interface.name, what), pins.link(link->name, what)));
        SL_CHECK(found.rename(interface, link->name));
    }
    return {};
}

/// Backwards: forwarding goes off while accept_ra still says 2.
Result<> stop_forwarding(const FoundInterface& interface, const Host& host) {
    const Link* link = host.link(interface.ifindex);
    if (link == nullptr || link->name != interface.name) return {};
    for (const auto& [path, value] : std::views::reverse(interface.sysctls))
        SL_CHECK(restore_sysctl(path, value));
    return {};
}

Result<> release_interface(const Pins& pins, const FoundInterfaces& found,
                           const FoundInterface& interface, const Host& host) {
    const auto& [name, ifindex, had_clsact, sysctls, promiscuous, tags_out] = interface;
    SL_CHECK(stop_forwarding(interface, host));
    SL_CHECK(detach_xdp(ifindex, pins.link(name, "xdp")));
    for (const auto direction : {TcDirection::ingress, TcDirection::egress})
        SL_CHECK(detach_tc(ifindex, direction, pins.link(name, tc_direction_text(direction))));
    const Link* link = host.link(ifindex);
    if (link != nullptr && link->name == name) {
        SL_CHECK(remove_root(ifindex, SL_QOS_HTB_MAJOR));
        if (!had_clsact) SL_CHECK(remove_clsact(ifindex));
        if (link->promiscuous && !promiscuous) SL_CHECK(set_promiscuous(ifindex, false));
        if (tags_out && !takes_tags_out(name)) SL_CHECK(set_takes_tags_out(name, true));
    }
    return found.forget(name, ifindex);
}

}  // namespace sluice
