// events.
#include "cli/view/events.hpp"

#include <fmt/format.h>

#include <chrono>
#include <thread>

#include "cli/command.hpp"
#include "cli/interrupt.hpp"
#include "sluice/units.hpp"

namespace sluice::cli {
namespace {

using namespace std::chrono_literals;

constexpr auto poll_interval = 100ms;
constexpr int polls_between_checks = 10;

/// As typed: parsed by our own functions when the command runs, so that errors are ours.
struct EventArguments {
    std::string since, port, kind;
    bool follow = false;
};

void say_lost(std::uint64_t lost, Output& output) {
    if (lost != 0)
        output.remark({{"lost", lost}},
                      fmt::format("{} events were written over before they could be read", lost));
}

Result<EventFilter> event_filter(const EventArguments& arguments) {
    EventFilter filter;
    filter.port = arguments.port;
    if (!arguments.kind.empty()) {
        SL_TRY(kind, parse_event_kind(arguments.kind));
        filter.kind = kind;
    }
    if (!arguments.since.empty()) {
        SL_TRY(duration, parse_duration(arguments.since));
        filter.since = std::chrono::system_clock::now() - duration;
    }
    return filter;
}

Result<> list_events(EventLog& log, Output& output) {
    SL_TRY(page, log.next());
    output.begin(event_stream(false));
    say_lost(page.lost, output);
    for (const auto& event : page.events) output.row(event_json(event));
    output.end({{"lost", page.lost}});
    return {};
}

Result<> follow(EventLog& log, Output& output) {
    const Interrupt interrupt;
    output.begin(event_stream(true));
    for (int polls = 0; !Interrupt::came(); ++polls) {
        SL_TRY(page, log.next());
        say_lost(page.lost, output);
        for (const auto& event : page.events) output.row(event_json(event));
        if (polls % polls_between_checks == 0) SL_CHECK(log.check_alive());
        std::this_thread::sleep_for(poll_interval);
    }
    return {};
}

Result<> run_events(const Target& target, const EventArguments& arguments, Output& output) {
    SL_TRY(filter, event_filter(arguments));
    SL_TRY(log, EventLog::open(target, filter));
    if (!arguments.follow) return list_events(log, output);
    if (!filter.since) log.skip_to_end();
    return follow(log, output);
}

}  // namespace

void add_events_command(CLI::App& app, Invocation& invocation) {
    auto* command =
        add_command(app, "events", "What was dropped or noticed lately, with the frame's headers",
                    "  sluice events                    # the newest, at most 4096\n"
                    "  sluice events --since 5m --port tap0\n"
                    "  sluice events --follow --kind mac-duplicate\n"
                    "  sluice events --follow --json | jq -r .text");
    auto arguments = std::make_shared<EventArguments>();
    command->add_flag("--follow", arguments->follow,
                      "Wait for what comes, until Ctrl-C; what was before only with --since");
    command->add_option("--since", arguments->since, "Only those of the last while")
        ->type_name("TIME");
    command->add_option("--port", arguments->port, "Only those of this port")->type_name("IF");
    std::string kinds;
    for (const auto& it : event_kinds()) kinds += (kinds.empty() ? "" : "|") + std::string(it.name);
    command->add_option("--kind", arguments->kind, "Only those of this kind")->type_name(kinds);
    command->callback([&invocation, arguments] {
        invocation.action = [&invocation, arguments](Output& output) {
            return run_events(invocation.target, *arguments, output);
        };
    });
}

}  // namespace sluice::cli
