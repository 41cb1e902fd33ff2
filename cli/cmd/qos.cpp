// SPDX-License-Identifier: GPL-2.0-or-later
// qos set, del, show, list, top, load.
#include "cli/view/qos.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

#include "cli/arguments.hpp"
#include "cli/command.hpp"
#include "cli/interrupt.hpp"
#include "cli/view/views.hpp"
#include "loader/qos/commands.hpp"
#include "sluice/dscp.hpp"
#include "sluice/units.hpp"

namespace sluice::cli {
namespace {

using namespace std::chrono_literals;

struct QosArguments {
    std::string port, ingress_rate, ingress_burst, pps, egress_rate, egress_burst;
    std::string shaper, latency, classes, ecn, dscp, pcp_from_dscp, dscp_from_pcp;
};

struct WatchArguments {
    std::string port, interval;
    std::uint64_t count = 0;
};

Result<std::uint8_t> parse_dscp_policy(std::string_view text) {
    if (text == "trust") return static_cast<std::uint8_t>(SL_DSCP_KEEP);
    if (text == "clear") return std::uint8_t{0};
    return parse_dscp(text);
}

Result<std::chrono::microseconds> parse_latency(std::string_view text) {
    if (text == "none") return 0us;
    SL_TRY(latency, parse_short_duration(text));
    if (latency >= 100us && latency <= 10s) return latency;
    return fail(ErrorCode::usage, fmt::format("--latency {} is out of range", text),
                "100us to 10s, or none");
}

Result<QosChange> qos_change(const QosArguments& arguments) {
    const auto on_off = [](const char* option) {
        return [option](const std::string& text) { return parse_on_off(option, text); };
    };
    QosChange change;
    SL_CHECK(parse_into(change.ingress_rate, arguments.ingress_rate, parse_rate));
    SL_CHECK(parse_into(change.ingress_burst, arguments.ingress_burst, parse_size));
    SL_CHECK(parse_into(change.pps, arguments.pps, parse_pps));
    SL_CHECK(parse_into(change.egress_rate, arguments.egress_rate, parse_rate));
    SL_CHECK(parse_into(change.egress_burst, arguments.egress_burst, parse_size));
    SL_CHECK(parse_into(change.shaper, arguments.shaper, parse_shaper));
    SL_CHECK(parse_into(change.latency, arguments.latency, parse_latency));
    SL_CHECK(parse_into(change.classes, arguments.classes, on_off("--classes")));
    SL_CHECK(parse_into(change.ecn, arguments.ecn, on_off("--ecn")));
    SL_CHECK(parse_into(change.dscp, arguments.dscp, parse_dscp_policy));
    SL_CHECK(parse_into(change.pcp_of_dscp, arguments.pcp_from_dscp, parse_pcp_of_dscp));
    SL_CHECK(parse_into(change.dscp_of_pcp, arguments.dscp_from_pcp, parse_dscp_of_pcp));
    return change;
}

void add_qos_options(CLI::App* set, QosArguments& arguments) {
    const auto option = [&](const char* name, std::string& value, const char* meaning,
                            const char* type) {
        return set->add_option(name, value, meaning)->type_name(type);
    };
    set->add_option("IF", arguments.port, "Port")->required();
    auto* all = set->add_option_group("settings", "What is not given stays");
    all->require_option(1, 0);
    for (auto* it :
         {option("--ingress-rate", arguments.ingress_rate, "from the VM: what is more is dropped",
                 "RATE"),
          option("--ingress-burst", arguments.ingress_burst,
                 "that may come at once; default 400 ms of the rate, 72 kB at least", "SIZE"),
          option("--pps", arguments.pps, "packets a second from the VM", "PPS"),
          option("--egress-rate", arguments.egress_rate, "to the VM: what is more waits", "RATE"),
          option("--egress-burst", arguments.egress_burst,
                 "that may leave at once; default 10 ms, for police 400 ms, 72 kB at least",
                 "SIZE"),
          option("--shaper", arguments.shaper, "how what is more is held back; police: dropped",
                 "auto|htb|fq|police"),
          option("--latency", arguments.latency, "how long it may wait; default 20ms", "TIME|none"),
          option("--classes", arguments.classes, "what leaves is classified", "on|off"),
          option("--ecn", arguments.ecn, "mark what may be marked before it is dropped", "on|off"),
          option("--dscp", arguments.dscp, "DSCP of what enters: as it came, 0, or this one",
                 "trust|clear|DSCP"),
          option("--pcp-from-dscp", arguments.pcp_from_dscp,
                 "802.1Q priority of what enters a switched port; on: DSCP / 8, others as named",
                 "off|on|46:5,..."),
          option("--dscp-from-pcp", arguments.dscp_from_pcp,
                 "DSCP of what enters with a tag; on: priority * 8, others as named",
                 "off|on|5:46,...")})
        all->add_option(it);
}

void add_qos_set(CLI::App& object, Invocation& invocation) {
    auto* command =
        add_command(object, "set", "Give a port rates; what is not given stays",
                    "  sluice qos set tap0 --ingress-rate 100mbit --egress-rate 1gbit\n"
                    "  sluice qos set tap0 --egress-rate 50mbit --latency 10ms --pps 20kpps\n"
                    "  sluice qos set tap0 --ingress-rate 0                     # blocked\n"
                    "  sluice qos set tap0 --ingress-rate unlimited --dscp clear\n"
                    "  sluice qos set eth1 --egress-rate 940mbit --dscp-from-pcp on\n"
                    "Rates: 64kbit to 100gbit, of frames without preamble and FCS.");
    auto arguments = std::make_shared<QosArguments>();
    add_qos_options(command, *arguments);
    on_run(command, invocation, [arguments](const Target& target) -> Result<Document> {
        SL_TRY(change, qos_change(*arguments));
        SL_TRY(outcome, set_qos(target, arguments->port, change));
        return outcome_view("sluice.qos.set/1", target, outcome,
                            fmt::format("QoS of {} changed", arguments->port));
    });
}

void add_qos_del(CLI::App& object, Invocation& invocation) {
    auto* command =
        add_command(object, "del", "Take all QoS of a port away", "  sluice qos del tap0");
    auto port = std::make_shared<std::string>();
    command->add_option("IF", *port, "Port")->required();
    on_run(command, invocation, [port](const Target& target) -> Result<Document> {
        SL_TRY(outcome, remove_qos(target, *port));
        return outcome_view("sluice.qos.del/1", target, outcome,
                            fmt::format("{} has no QoS any more", *port));
    });
}

void add_qos_load(CLI::App& object, Invocation& invocation) {
    auto* command = add_command(
        object, "load", "Give VMs rates by a YAML file, all of it or nothing",
        "  sluice qos load vms.yaml\n"
        "  sluice --dry-run qos load vms.yaml      # only checks, and shows what it would do\n"
        "A file:\n"
        "  vms:\n"
        "    - name: web1             # a VM with a lease at a port, or `port: tap0`\n"
        "      bandwidth: 1Gbps       # or ingress: and egress:\n"
        "      latency: 2ms\n"
        "  classes:\n"
        "    - {name: voice, match: app=voip, priority: 0, max: 20%, dscp: ef}");
    auto file = std::make_shared<std::string>();
    command->add_option("FILE", *file, "YAML; - is standard input")->required();
    on_run(command, invocation, [file](const Target& target) -> Result<Document> {
        SL_TRY(outcome, load_qos(target, *file));
        return outcome_view("sluice.qos.load/1", target, outcome,
                            (*file == "-" ? "standard input" : *file) + " loaded");
    });
}

void add_interval(CLI::App* command, WatchArguments& arguments, const char* standard) {
    arguments.interval = standard;
    command
        ->add_option("--interval", arguments.interval,
                     fmt::format("Over which rates are measured; default {}", standard))
        ->type_name("TIME");
}

void add_qos_looks(CLI::App& object, Invocation& invocation) {
    auto shown = std::make_shared<WatchArguments>();
    auto* show =
        add_command(object, "show", "One port's rates, queue and classes",
                    "  sluice qos show tap0\n  sluice --json qos show tap0 | jq .port.out");
    show->add_option("IF", shown->port, "Port")->required();
    add_interval(show, *shown, "250ms");
    on_run(show, invocation, [shown](const Target& target) -> Result<Document> {
        SL_TRY(interval, parse_interval(shown->interval));
        SL_TRY(ports, watch_qos(target, shown->port, interval));
        return qos_port_view(ports.front());
    });
    auto listed = std::make_shared<WatchArguments>();
    auto* list = add_command(object, "list", "The ports that have QoS, and what they achieve",
                             "  sluice qos list\n  sluice qos list --interval 5s");
    add_interval(list, *listed, "250ms");
    on_run(list, invocation, [listed](const Target& target) -> Result<Document> {
        SL_TRY(interval, parse_interval(listed->interval));
        SL_TRY(ports, watch_qos(target, std::nullopt, interval));
        return qos_ports_view(ports);
    });
}

/// The busiest first, by what it has of its rates.
void sort_by_use(std::vector<QosPortStatus>& ports) {
    const auto use = [](const QosPortStatus& port) { return port.in.achieved + port.out.achieved; };
    std::ranges::stable_sort(ports, std::ranges::greater{}, use);
}

Result<> run_top(const Target& target, const WatchArguments& arguments, Output& output) {
    SL_TRY(interval, parse_interval(arguments.interval));
    const Interrupt interrupt;
    const bool redraws = isatty(STDOUT_FILENO) != 0;
    for (std::uint64_t turn = 0; arguments.count == 0 || turn < arguments.count; ++turn) {
        SL_TRY(ports, watch_qos(target, std::nullopt, interval));
        if (Interrupt::came()) break;
        sort_by_use(ports);
        if (redraws) output.clear_screen();
        output.print(qos_ports_view(ports));
        if (ports.empty()) break;
    }
    return {};
}

void add_qos_top(CLI::App& object, Invocation& invocation) {
    auto* command = add_command(object, "top", "The same, live and the busiest first, until Ctrl-C",
                                "  sluice qos top\n"
                                "  sluice --json qos top --interval 5s    # a document a line");
    auto arguments = std::make_shared<WatchArguments>();
    add_interval(command, *arguments, "1s");
    add_number(command, "--count", arguments->count, 1, most_counted, "End after so many looks");
    command->callback([&invocation, arguments] {
        invocation.action = [&invocation, arguments](Output& output) {
            return run_top(invocation.target, *arguments, output);
        };
    });
}

}  // namespace

void add_qos_commands(CLI::App& app, Invocation& invocation) {
    auto* object = add_object(app, "qos", "Rates of ports, classes of traffic");
    add_qos_set(*object, invocation);
    add_qos_del(*object, invocation);
    add_qos_looks(*object, invocation);
    add_qos_top(*object, invocation);
    add_qos_load(*object, invocation);
    add_qos_class_commands(*object, invocation);
}

}  // namespace sluice::cli
