// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/instance/settings.hpp"

#include <fmt/format.h>
#include <sys/socket.h>

#include <bit>

#include "loader/base/by_bytes.hpp"
#include "sluice/units.hpp"

namespace sluice {
namespace {

using namespace std::chrono_literals;

/// enum sl_kernel_routes
__u32 kernel_routes(const RoutingPolicy& routing) {
    __u32 routes = 0;
    if (routing.hides(AF_INET)) routes |= SL_KERNEL_ROUTES4;
    if (routing.hides(AF_INET6)) routes |= SL_KERNEL_ROUTES6;
    return routes;
}

void warn_of_routing(const RoutingPolicy& routing, Journal& journal) {
    if (!routing.protected_destinations.empty())
        journal.warn(
            "the host has IPsec policies (`ip xfrm policy`): what they are about, and all that is "
            "not translated, is left to the kernel, which is slower");
    if (routing.marks4 || routing.marks6)
        journal.warn(
            "the host has routing rules by firewall mark (`ip rule`): what is not translated is "
            "left to the kernel, which is slower; the rest is routed as if it had no mark");
}

class SettingsFeature : public Feature {
public:
    Result<> prepare(Round& round) override {
        const auto& settings = round.datapath.maps().settings;
        const auto& routing = round.host.routing;
        SL_TRY(now, settings.lookup(0));
        auto wanted = settings_in_ticks(round.desired.settings);
        wanted.flow_seed = now.value_or(sl_settings{}).flow_seed;
        wanted.kernel_routes = kernel_routes(routing);
        if (now && same_bytes(*now, wanted)) return {};
        const bool moved = now && now->kernel_routes != wanted.kernel_routes;
        if (moved) warn_of_routing(routing, round.journal);
        std::string_view what = "set timeouts";
        if (moved && wanted.kernel_routes == 0) what = "leave nothing to the kernel any more";
        if (moved && wanted.kernel_routes != 0)
            what = "leave to the kernel what its policies are about";
        return round.journal.step(std::string(what), [&] { return settings.update(0, wanted); });
    }
};

constexpr std::uint32_t most_entries = 100'000'000;

Result<> check_count(std::string_view option, std::uint32_t count) {
    if (count >= 2 && count <= most_entries) return {};
    return fail(ErrorCode::usage, fmt::format("{} is out of range", option),
                fmt::format("2 to {}", most_entries));
}

Result<> check_time(std::string_view option, std::chrono::milliseconds time) {
    // Ticks wrap after 52 days and are compared by difference: this is well below half of it.
    return check_duration(option, time, 10ms, 14 * 24h);
}

}  // namespace

Result<> check_settings(const Settings& settings) {
    SL_CHECK(check_count("--max-flows", settings.max_flows));
    SL_CHECK(check_count("--max-flows6", settings.max_flows6));
    SL_CHECK(check_count("--max-bindings", settings.max_bindings));
    SL_CHECK(check_count("--max-leases", settings.max_leases));
    SL_CHECK(check_count("--max-macs", settings.max_macs));
    SL_CHECK(check_time("--udp-timeout", settings.udp_timeout));
    SL_CHECK(check_time("--tcp-established-timeout", settings.tcp_established_timeout));
    SL_CHECK(check_time("--tcp-transitory-timeout", settings.tcp_transitory_timeout));
    SL_CHECK(check_time("--icmp-timeout", settings.icmp_timeout));
    SL_CHECK(check_time("--other-timeout", settings.other_timeout));
    SL_CHECK(check_time("--mac-age", settings.mac_age));
    if (settings.host_sessions != 0)
        SL_CHECK(check_count("--host-sessions", settings.host_sessions));
    if (settings.host_ports != 0) SL_CHECK(check_count("--host-ports", settings.host_ports));
    if (settings.door_mark == 0 || std::has_single_bit(settings.door_mark)) return {};
    return fail(
        ErrorCode::usage, fmt::format("--door-mark {:#x} is not one bit", settings.door_mark),
        "one bit of the packet mark that nobody else on this host uses, like 0x1000; 0 does "
        "without the door");
}

std::unique_ptr<Feature> settings_feature() { return std::make_unique<SettingsFeature>(); }

}  // namespace sluice
