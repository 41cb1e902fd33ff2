// SPDX-License-Identifier: GPL-2.0-or-later
// up, down, restore, status.
#include <fmt/format.h>

#include <bit>
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

constexpr std::uint64_t most_entries = 100'000'000;

Result<std::optional<std::uint32_t>> capacity(const std::string& text, std::string_view option) {
    if (text.empty()) return std::nullopt;
    SL_TRY(count, parse_count(text));
    if (count < 2 || count > most_entries)
        return fail(ErrorCode::usage, fmt::format("{} {} is out of range", option, text),
                    fmt::format("2 to {}", most_entries));
    return static_cast<std::uint32_t>(count);
}

Result<std::optional<std::chrono::milliseconds>> timeout(const std::string& text,
                                                         std::string_view option) {
    using namespace std::chrono_literals;
    if (text.empty()) return std::nullopt;
    SL_TRY(duration, parse_duration(text));
    // Ticks wrap after 52 days and are compared by difference: stay well below half of it.
    if (duration < 10ms || duration > 14 * 24h)
        return fail(ErrorCode::usage, fmt::format("{} {} is out of range", option, text),
                    "10ms to 14d");
    return duration;
}

/// `none` is 0.
Result<std::optional<std::uint32_t>> limit(const std::string& text, std::string_view option) {
    if (text == "none") return 0u;
    return capacity(text, option);
}

/// A bit of skb->mark, in hexadecimal as nft and iptables show marks, or a decimal number.
Result<std::optional<std::uint32_t>> door_mark(const std::string& text) {
    if (text.empty()) return std::nullopt;
    const bool hex = text.starts_with("0x");
    const char* first = text.data() + (hex ? 2 : 0);
    const char* last = text.data() + text.size();
    std::uint32_t mark = 0;
    const auto parsed = std::from_chars(first, last, mark, hex ? 16 : 10);
    if (parsed.ec == std::errc{} && parsed.ptr == last && (mark == 0 || std::has_single_bit(mark)))
        return mark;
    return fail(
        ErrorCode::usage, fmt::format("--door-mark {} is not one bit", text),
        "one bit of the packet mark that nobody else on this host uses, like 0x1000; 0 does "
        "without the door");
}

Result<UpOptions> up_options(const UpArguments& arguments) {
    SL_TRY(max_flows, capacity(arguments.max_flows, "--max-flows"));
    SL_TRY(max_flows6, capacity(arguments.max_flows6, "--max-flows6"));
    SL_TRY(max_bindings, capacity(arguments.max_bindings, "--max-bindings"));
    SL_TRY(max_leases, capacity(arguments.max_leases, "--max-leases"));
    SL_TRY(max_macs, capacity(arguments.max_macs, "--max-macs"));
    SL_TRY(udp, timeout(arguments.udp, "--udp-timeout"));
    SL_TRY(tcp_established, timeout(arguments.tcp_established, "--tcp-established-timeout"));
    SL_TRY(tcp_transitory, timeout(arguments.tcp_transitory, "--tcp-transitory-timeout"));
    SL_TRY(icmp, timeout(arguments.icmp, "--icmp-timeout"));
    SL_TRY(other, timeout(arguments.other, "--other-timeout"));
    SL_TRY(mac_age, timeout(arguments.mac_age, "--mac-age"));
    std::optional<bool> host_share;
    SL_CHECK(parse_into(host_share, arguments.host_share,
                        [](std::string_view text) { return parse_on_off("--host-share", text); }));
    SL_TRY(host_sessions, limit(arguments.host_sessions, "--host-sessions"));
    SL_TRY(host_ports, limit(arguments.host_ports, "--host-ports"));
    SL_TRY(mark, door_mark(arguments.door_mark));
    return UpOptions{max_flows, max_flows6,      max_bindings,   max_leases, max_macs,
                     udp,       tcp_established, tcp_transitory, icmp,       other,
                     mac_age,   host_share,      host_sessions,  host_ports, mark};
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
        return outcome_view("sluice.restore/1", target, outcome,
                            fmt::format("instance {} is restored, {} changes", target.instance,
                                        outcome.actions.size()));
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
