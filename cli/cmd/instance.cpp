// SPDX-License-Identifier: GPL-2.0-or-later
// up, down, restore, status.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "cli/arguments.hpp"
#include "cli/command.hpp"
#include "cli/view/views.hpp"
#include "sluice/units.hpp"

namespace sluice::cli {
namespace {

/// As typed: parsed by our own functions when the command runs, so that errors are ours.
struct UpArguments {
    std::string max_flows, max_flows6, max_bindings, max_leases, max_macs;
    std::string udp, tcp_established, tcp_transitory, icmp, other, mac_age, door_mark;
    std::string host_share, host_sessions, host_ports;
};

/// What is too much for the maps is refused by bring_up(); here a number has only to fit.
Result<std::uint32_t> parse_capacity(std::string_view text) {
    SL_TRY(count, parse_count(text));
    return static_cast<std::uint32_t>(std::min<std::uint64_t>(count, UINT32_MAX));
}

/// In hexadecimal as nft and iptables show marks, or a decimal number.
Result<std::uint32_t> parse_mark(std::string_view text) {
    const bool hex = text.starts_with("0x");
    const char* last = text.data() + text.size();
    std::uint32_t mark = 0;
    const auto parsed = std::from_chars(text.data() + (hex ? 2 : 0), last, mark, hex ? 16 : 10);
    if (parsed.ec == std::errc{} && parsed.ptr == last) return mark;
    return fail(ErrorCode::usage, fmt::format("--door-mark {} is not a mark", text),
                "one bit, like 0x1000");
}

Result<UpOptions> up_options(const UpArguments& arguments) {
    UpOptions options;
    SL_CHECK(parse_into(options.max_flows, arguments.max_flows, parse_capacity));
    SL_CHECK(parse_into(options.max_flows6, arguments.max_flows6, parse_capacity));
    SL_CHECK(parse_into(options.max_bindings, arguments.max_bindings, parse_capacity));
    SL_CHECK(parse_into(options.max_leases, arguments.max_leases, parse_capacity));
    SL_CHECK(parse_into(options.max_macs, arguments.max_macs, parse_capacity));
    SL_CHECK(parse_into(options.udp_timeout, arguments.udp, parse_duration));
    SL_CHECK(
        parse_into(options.tcp_established_timeout, arguments.tcp_established, parse_duration));
    SL_CHECK(parse_into(options.tcp_transitory_timeout, arguments.tcp_transitory, parse_duration));
    SL_CHECK(parse_into(options.icmp_timeout, arguments.icmp, parse_duration));
    SL_CHECK(parse_into(options.other_timeout, arguments.other, parse_duration));
    SL_CHECK(parse_into(options.mac_age, arguments.mac_age, parse_duration));
    SL_CHECK(parse_into(options.host_share, arguments.host_share,
                        [](std::string_view text) { return parse_on_off("--host-share", text); }));
    const auto limit = [](const char* option) {
        return [option](const std::string& text) { return parse_limit(option, text, "none"); };
    };
    SL_CHECK(parse_into(options.host_sessions, arguments.host_sessions, limit("--host-sessions")));
    SL_CHECK(parse_into(options.host_ports, arguments.host_ports, limit("--host-ports")));
    SL_CHECK(parse_into(options.door_mark, arguments.door_mark, parse_mark));
    return options;
}

void add_up(CLI::App& app, Invocation& invocation) {
    auto* up = add_command(app, "up", "Bring the instance up, with the ports and rules it had",
                           "  sluice up\n"
                           "  sluice up --max-flows 4m --udp-timeout 60s\n"
                           "  sluice --instance lab --netns blue up");
    auto arguments = std::make_shared<UpArguments>();
    const auto add = [&](const char* name, std::string& value, const char* type,
                         const char* description) {
        up->add_option(name, value, description)->type_name(type);
    };
    add("--max-flows", arguments->max_flows, "N", "IPv4 flow entries, two a session (default 1m)");
    add("--max-flows6", arguments->max_flows6, "N", "IPv6 flow entries (default 250k)");
    add("--max-bindings", arguments->max_bindings, "N", "NAT bindings (default 300000)");
    add("--max-leases", arguments->max_leases, "N", "MAC leases (default 65536)");
    add("--max-macs", arguments->max_macs, "N", "MACs that the switch knows (default 131072)");
    add("--udp-timeout", arguments->udp, "TIME", "idle UDP session (default 5m)");
    add("--tcp-established-timeout", arguments->tcp_established, "TIME",
        "idle established TCP session (default 124m)");
    add("--tcp-transitory-timeout", arguments->tcp_transitory, "TIME",
        "TCP session opening or closing (default 4m)");
    add("--icmp-timeout", arguments->icmp, "TIME", "idle ICMP session (default 1m)");
    add("--other-timeout", arguments->other, "TIME",
        "idle session of other protocols (default 5m)");
    add("--host-share", arguments->host_share, "on|off",
        "no inside host holds more sessions and NAT ports than are free (default on)");
    add("--host-sessions", arguments->host_sessions, "N|none",
        "sessions that an inside host may hold, whatever is free (default none)");
    add("--host-ports", arguments->host_ports, "N|none",
        "NAT ports that it may hold, of each protocol (default none)");
    add("--mac-age", arguments->mac_age, "TIME",
        "silence after which the switch forgets a MAC (default 5m)");
    add("--door-mark", arguments->door_mark, "BIT",
        "bit of the packet mark that tells the door what has been judged (default 0x1000; 0: no "
        "door)");
    on_run(up, invocation, [arguments](const Target& target) -> Result<Document> {
        SL_TRY(options, up_options(*arguments));
        SL_TRY(outcome, bring_up(target, options));
        return outcome_view("sluice.up/1", target, outcome,
                            fmt::format("instance {} is up", target.instance));
    });
}

void add_down(CLI::App& app, Invocation& invocation) {
    auto* down =
        add_command(app, "down", "Take the instance down and leave every interface as it was found",
                    "  sluice down\n"
                    "  sluice down --purge     # forget its ports and rules too");
    auto purge = std::make_shared<bool>(false);
    down->add_flag("--purge", *purge, "Forget ports and rules too");
    on_run(down, invocation, [purge](const Target& target) -> Result<Document> {
        SL_TRY(outcome, take_down(target, *purge));
        return outcome_view("sluice.down/1", target, outcome,
                            fmt::format("instance {} is down{}{}", target.instance,
                                        outcome.actions.empty() ? " already" : "",
                                        *purge ? ", its ports and rules are forgotten" : ""));
    });
}

void add_restore(CLI::App& app, Invocation& invocation) {
    auto* command = add_command(app, "restore",
                                "Make the kernel what the database says: after a reboot, a crash, "
                                "or when `status` shows drift",
                                "  sluice restore\n"
                                "  sluice restore --dry-run");
    on_run(command, invocation, [](const Target& target) -> Result<Document> {
        SL_TRY(outcome, restore(target));
        const auto changes = outcome.actions.size();
        return outcome_view("sluice.restore/1", target, outcome,
                            changes == 0
                                ? fmt::format("instance {}: nothing to restore", target.instance)
                                : fmt::format("instance {} is restored, {} change{}",
                                              target.instance, changes, changes == 1 ? "" : "s"));
    });
}

void add_status(CLI::App& app, Invocation& invocation) {
    auto* command =
        add_command(app, "status", "Show the instance, its ports, its use and its drift",
                    "  sluice status\n"
                    "  sluice status --json | jq .drift");
    on_run(command, invocation, [](const Target& target) -> Result<Document> {
        SL_TRY(status, instance_status(target));
        return status_view(status);
    });
}

}  // namespace

void add_instance_commands(CLI::App& app, Invocation& invocation) {
    add_up(app, invocation);
    add_down(app, invocation);
    add_restore(app, invocation);
    add_status(app, invocation);
}

}  // namespace sluice::cli
