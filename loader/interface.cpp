#include "loader/interface.hpp"

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

Result<FoundInterface> look_at(const Link& link) {
    SL_TRY(clsact, has_clsact(link.ifindex));
    FoundInterface interface{link.name, link.ifindex,     clsact,
                             {},        link.promiscuous, takes_tags_out(link.name)};
    for (const auto& rule : forwarding_rules(link.name)) {
        SL_TRY(value, read_sysctl(rule.path));
        if (value) interface.sysctls.emplace_back(rule.path, *value);
    }
    return interface;
}

Result<> restore_sysctl(const std::string& path, std::string_view value) {
    SL_TRY(now, read_sysctl(path));
    if (!now || *now == value) return {};
    return write_sysctl(path, value);
}

}  // namespace

/// accept_ra 2 keeps the host's own SLAAC, which IPv6 forwarding would switch off with 1.
std::vector<SysctlRule> forwarding_rules(const std::string& interface) {
    return {{fmt::format("net/ipv4/conf/{}/forwarding", interface), "", "1"},
            {fmt::format("net/ipv6/conf/{}/accept_ra", interface), "1", "2"},
            {fmt::format("net/ipv6/conf/{}/forwarding", interface), "", "1"}};
}

Result<> keep_found(const FoundInterfaces& found, const Link& link) {
    SL_TRY(known, found.has(link.name, link.ifindex));
    if (known) return {};
    SL_TRY(interface, look_at(link));
    return found.keep(interface);
}

Result<> release_interface(const Pins& pins, const FoundInterfaces& found,
                           const FoundInterface& interface, const Host& host) {
    const auto& [name, ifindex, had_clsact, sysctls, promiscuous, tags_out] = interface;
    SL_CHECK(detach_xdp(ifindex, pins.link(name, "xdp")));
    for (const auto direction : {TcDirection::ingress, TcDirection::egress})
        SL_CHECK(detach_tc(ifindex, direction, pins.link(name, tc_direction_text(direction))));
    const Link* link = host.link(ifindex);
    if (link != nullptr && link->name == name) {
        SL_CHECK(remove_root(ifindex, SL_QOS_HTB_MAJOR));
        if (!had_clsact) SL_CHECK(remove_clsact(ifindex));
        if (link->promiscuous && !promiscuous) SL_CHECK(set_promiscuous(ifindex, false));
        if (tags_out && !takes_tags_out(name)) SL_CHECK(set_takes_tags_out(name, true));
        // Backwards: forwarding goes off while accept_ra still says 2.
        for (const auto& [path, value] : std::views::reverse(sysctls))
            SL_CHECK(restore_sysctl(path, value));
    }
    return found.forget(name, ifindex);
}

}  // namespace sluice
