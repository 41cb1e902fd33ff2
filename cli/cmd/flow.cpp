// SPDX-License-Identifier: GPL-2.0-or-later
// flow list, top, count, watch, export, flush.
#include "cli/view/flow.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <thread>

#include "cli/arguments.hpp"
#include "cli/command.hpp"
#include "cli/filtered.hpp"
#include "cli/interrupt.hpp"
#include "loader/flow/eve.hpp"
#include "sluice/units.hpp"

namespace sluice::cli {
namespace {

using namespace std::chrono_literals;

constexpr FilteredObject all_flows{"flow", "sluice.flow", "flows", SessionScope::all};
constexpr std::size_t sorted_rows = 1000;  // unless more are asked for
constexpr std::size_t top_rows = 20;

struct FlowArguments {
    std::vector<std::string> terms;
    std::string sort, interval = "1s";
    std::optional<std::size_t> limit;
    std::uint64_t count = 0;
};

/// Shares the arguments' life with their terms.
Terms terms_of(const std::shared_ptr<FlowArguments>& arguments) {
    return {arguments, &arguments->terms};
}

Result<> list_sorted(const SessionTable& table, const SessionFilter& filter,
                     const FlowArguments& arguments, Output& output) {
    SL_TRY(order, parse_flow_order(arguments.sort));
    if (order == FlowOrder::rate)
        return fail(ErrorCode::usage, "--sort rate needs a while to measure rates in",
                    "`sluice flow top` does that");
    SL_TRY(top, top_flows(table, filter, order, arguments.limit.value_or(sorted_rows), 0ms));
    output.begin(flow_stream());
    for (const auto& row : top.rows) output.row(session_json(row.session));
    output.end({{"count", top.rows.size()}, {"matching", top.sessions.ipv4 + top.sessions.ipv6}});
    return {};
}

Result<> list_flows(const Target& target, const FlowArguments& arguments, Output& output) {
    SL_TRY(filter, parse_session_filter(arguments.terms));
    SL_TRY(table, SessionTable::open(target, SessionScope::all));
    if (!arguments.sort.empty()) return list_sorted(table, filter, arguments, output);
    Progress progress(::isatty(STDOUT_FILENO) == 0);
    std::uint64_t count = 0;
    const auto limit = arguments.limit.value_or(~std::size_t{0});
    output.begin(flow_stream());
    table.for_each(filter, [&](const Session& session) {
        if (count == limit) return false;
        output.row(session_json(session));
        progress.count();
        ++count;
        return true;
    });
    output.end({{"count", count}});
    return {};
}

void add_flow_list(CLI::App& object, Invocation& invocation) {
    auto arguments = std::make_shared<FlowArguments>();
    auto* command = add_filtered(
        object, "list", "List flows, both directions in a row",
        "  sluice flow list\n"
        "  sluice flow list vm=web1 proto=tcp dport=443 state=established 'bytes>1mb'\n"
        "  sluice flow list --sort bytes --limit 10\n"
        "  sluice flow list path=switched --json | jq '.flows[].source'\n",
        terms_of(arguments));
    command->add_option("--sort", arguments->sort, "Greatest first; then 1000 at most, or --limit")
        ->type_name("bytes|packets|age|idle|rtt");
    add_number(command, "--limit", arguments->limit, 0, most_counted, "At most so many");
    command->callback([&invocation, arguments] {
        invocation.action = [&invocation, arguments](Output& output) {
            return list_flows(invocation.target, *arguments, output);
        };
    });
}

Result<> run_flow_top(const Target& target, const FlowArguments& arguments, Output& output) {
    SL_TRY(filter, parse_session_filter(arguments.terms));
    SL_TRY(order, parse_flow_order(arguments.sort));
    SL_TRY(interval, parse_interval(arguments.interval));
    SL_TRY(table, SessionTable::open(target, SessionScope::all));
    const Interrupt interrupt;
    const bool redraws = isatty(STDOUT_FILENO) != 0;
    for (std::uint64_t turn = 0; arguments.count == 0 || turn < arguments.count; ++turn) {
        SL_CHECK(table.read_names(target));
        SL_TRY(top, top_flows(table, filter, order, arguments.limit.value_or(top_rows), interval));
        if (Interrupt::came()) break;
        if (redraws) output.clear_screen();
        output.print(flow_top_view(top));
    }
    return {};
}

void add_flow_top(CLI::App& object, Invocation& invocation) {
    auto arguments = std::make_shared<FlowArguments>();
    arguments->sort = "rate";
    auto* command = add_filtered(object, "top", "The busiest flows, live, until Ctrl-C",
                                 "  sluice flow top\n"
                                 "  sluice flow top vm=web1 --by packets --limit 5\n"
                                 "  sluice --json flow top --count 1 --interval 5s\n",
                                 terms_of(arguments));
    command->add_option("--by", arguments->sort, "Greatest first; default rate")
        ->type_name("rate|bytes|packets|age|idle|rtt");
    add_number(command, "--limit", arguments->limit, 1, most_counted, "Rows; default 20");
    command->add_option("--interval", arguments->interval, "Between two looks; default 1s")
        ->type_name("TIME");
    add_number(command, "--count", arguments->count, 1, most_counted, "End after so many looks");
    command->callback([&invocation, arguments] {
        invocation.action = [&invocation, arguments](Output& output) {
            return run_flow_top(invocation.target, *arguments, output);
        };
    });
}

/// Gives each page of flows that begin or end to `take`, until Ctrl-C.
/// @param take Result<>(const FlowPage&)
template <class Take>
Result<> follow_flows(const Target& target, bool begins, Take&& take) {
    constexpr auto poll_interval = 100ms;
    constexpr int polls_between_looks = 10;
    SL_TRY(log, FlowLog::open(target, begins));
    const Interrupt interrupt;
    for (int polls = 1; !Interrupt::came(); ++polls) {
        SL_CHECK(take(log.next()));
        if (polls % polls_between_looks == 0) SL_CHECK(log.keep_up());
        std::this_thread::sleep_for(poll_interval);
    }
    return {};
}

Result<> watch_flows(const Target& target, const SessionFilter& filter, Output& output) {
    output.begin(flow_watch_stream());
    return follow_flows(target, true, [&](const FlowPage& page) -> Result<> {
        if (page.lost != 0)
            output.remark(
                {{"lost", page.lost}},
                fmt::format("{} flows were written over before they could be read", page.lost));
        for (const auto& record : page.records)
            if (filter.matches(record.session)) output.row(flow_record_json(record));
        return {};
    });
}

Result<> export_eve(const Target& target, const std::string& path, const SessionFilter& filter) {
    SL_TRY(file, EveFile::open(path));
    return follow_flows(target, false, [&](const FlowPage& page) -> Result<> {
        std::string lines;
        for (const auto& record : page.records)
            if (filter.matches(record.session)) lines += eve_flow(record).dump() + "\n";
        if (page.lost != 0)
            fmt::print(stderr, "warning: {} flows were written over before they could be read\n",
                       page.lost);
        return lines.empty() ? Result<>{} : file.append(lines);
    });
}

void add_flow_watch(CLI::App& object, Invocation& invocation) {
    auto terms = std::make_shared<std::vector<std::string>>();
    auto* command = add_filtered(object, "watch", "Flows as they begin and end, until Ctrl-C",
                                 "  sluice flow watch\n"
                                 "  sluice flow watch vm=web1 dport=22\n"
                                 "  sluice --json flow watch | jq -c '[.event, .source]'\n",
                                 terms);
    command->callback([&invocation, terms] {
        invocation.action = [&invocation, terms](Output& output) -> Result<> {
            SL_TRY(filter, parse_session_filter(*terms));
            return watch_flows(invocation.target, filter, output);
        };
    });
}

void add_flow_export(CLI::App& object, Invocation& invocation) {
    struct Arguments {
        std::vector<std::string> terms;
        std::string eve;
    };
    auto arguments = std::make_shared<Arguments>();
    auto* command =
        add_filtered(object, "export", "Append a record of each flow that ends, until Ctrl-C",
                     "  sluice flow export --eve /var/log/sluice/eve.json\n"
                     "  sluice flow export --eve - path=routed | jq .flow.bytes_toserver\n"
                     "The file may be moved away at any time; a new one is begun then.\n",
                     Terms{arguments, &arguments->terms});
    command->add_option("--eve", arguments->eve, "As Suricata's eve.json; - is standard output")
        ->type_name("FILE|-")
        ->required();
    command->callback([&invocation, arguments] {
        invocation.action = [&invocation, arguments](Output&) -> Result<> {
            SL_TRY(filter, parse_session_filter(arguments->terms));
            return export_eve(invocation.target, arguments->eve, filter);
        };
    });
}

}  // namespace

void add_flow_commands(CLI::App& app, Invocation& invocation) {
    auto* object = add_object(app, "flow", "Who talks to whom, and how much");
    add_flow_list(*object, invocation);
    add_flow_top(*object, invocation);
    add_filtered_count(*object, invocation, all_flows);
    add_flow_watch(*object, invocation);
    add_flow_export(*object, invocation);
    add_filtered_flush(*object, invocation, all_flows);
}

}  // namespace sluice::cli
