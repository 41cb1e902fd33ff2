// SPDX-License-Identifier: GPL-2.0-or-later
// events.
#include "cli/view/events.hpp"

#include <fmt/format.h>

#include <chrono>
#include <thread>

#include "cli/command.hpp"
#include "cli/interrupt.hpp"
#include "loader/event/syslog.hpp"

namespace sluice::cli {
namespace {

using namespace std::chrono_literals;

constexpr auto poll_interval = 100ms;
constexpr int polls_between_looks = 10;

/// As typed: parsed by our own functions when the command runs, so that errors are ours.
struct EventArguments {
    std::string since, port, kind, syslog;
    bool follow = false;
};

std::string lost_text(std::uint64_t lost) {
    return fmt::format("{} events were written over before they could be read", lost);
}

/// Events as rows of a stream.
class EventPrinter {
public:
    EventPrinter(Output& output, bool endless) : output_(output), endless_(endless) {
        output_.begin(event_stream(endless));
    }
    Result<> take(const EventPage& page) {
        lost_ += page.lost;
        if (page.lost != 0) output_.remark({{"lost", page.lost}}, lost_text(page.lost));
        for (const auto& event : page.events) output_.row(event_json(event));
        return {};
    }
    void end() {
        if (!endless_) output_.end({{"lost", lost_}});
    }

private:
    Output& output_;
    bool endless_;
    std::uint64_t lost_ = 0;
};

/// Events as lines of the host's log.
class EventLogger {
public:
    EventLogger(Output& output, Syslog log, std::string path)
        : output_(output), log_(std::move(log)), path_(std::move(path)) {}

    Result<> take(const EventPage& page) {
        lost_ += page.lost;
        if (page.lost != 0) SL_CHECK(log_.send("warning", lost_text(page.lost)));
        for (const auto& event : page.events) {
            SL_CHECK(log_.send(event.kind->severity, event_line(event)));
            ++written_;
        }
        return {};
    }
    void end() { output_.print(syslog_view(path_, written_, lost_)); }

private:
    Output& output_;
    Syslog log_;
    std::string path_;
    std::uint64_t written_ = 0, lost_ = 0;
};

Result<EventFilter> event_filter(const EventArguments& arguments) {
    EventFilter filter;
    filter.port = arguments.port;
    if (!arguments.kind.empty()) {
        SL_TRY(kind, parse_event_kind(arguments.kind));
        filter.kind = kind;
    }
    if (!arguments.since.empty()) {
        SL_TRY(since, parse_since(arguments.since, std::chrono::system_clock::now()));
        filter.since = since;
    }
    return filter;
}

/// Until Ctrl-C.
template <class Sink>
Result<> follow(EventLog& log, Sink& sink) {
    const Interrupt interrupt;
    for (int polls = 0; !Interrupt::came(); ++polls) {
        SL_TRY(page, log.next());
        SL_CHECK(sink.take(page));
        if (polls % polls_between_looks == 0) SL_CHECK(log.keep_up());
        std::this_thread::sleep_for(poll_interval);
    }
    return {};
}

template <class Sink>
Result<> give_events(EventLog& log, bool endless, Sink sink) {
    if (endless) {
        SL_CHECK(follow(log, sink));
    } else {
        SL_TRY(page, log.next());
        SL_CHECK(sink.take(page));
    }
    sink.end();
    return {};
}

Result<> run_events(const Target& target, const EventArguments& arguments, Output& output) {
    SL_TRY(filter, event_filter(arguments));
    SL_TRY(log, EventLog::open(target, filter));
    if (arguments.follow && !filter.since) log.skip_to_end();
    if (arguments.syslog.empty())
        return give_events(log, arguments.follow, EventPrinter(output, arguments.follow));
    SL_TRY(syslog, Syslog::open(arguments.syslog));
    EventLogger logger(output, std::move(syslog), arguments.syslog);
    if (target.effect != Effect::plan) return give_events(log, arguments.follow, std::move(logger));
    logger.end();
    return {};
}

}  // namespace

void add_events_commands(CLI::App& app, Invocation& invocation) {
    auto* command =
        add_command(app, "events", "What was dropped or noticed lately, with the frame's headers",
                    "  sluice events                    # the newest, at most 4096\n"
                    "  sluice events --since 5m --port tap0\n"
                    "  sluice events --since 2026-11-22T20:48:42Z\n"
                    "  sluice events --follow --kind mac-duplicate\n"
                    "  sluice events --follow --syslog\n"
                    "  sluice events --follow --json | jq -r .text");
    auto arguments = std::make_shared<EventArguments>();
    command->add_flag("--follow", arguments->follow,
                      "Wait for what comes, until Ctrl-C; what was before only with --since");
    command->add_option("--since", arguments->since, "Only those of the last while, or since then")
        ->type_name("DURATION|TIME");
    command->add_option("--port", arguments->port, "Only those of this port")->type_name("IF");
    std::string kinds;
    for (const auto& it : event_kinds()) kinds += (kinds.empty() ? "" : "|") + std::string(it.name);
    command->add_option("--kind", arguments->kind, "Only those of this kind")->type_name(kinds);
    command->add_option("--syslog", arguments->syslog, "Write them to the host's log")
        ->type_name("SOCKET")
        ->expected(0, 1)
        ->default_str(syslog_socket);
    command->callback([&invocation, arguments] {
        invocation.action = [&invocation, arguments](Output& output) {
            return run_events(invocation.target, *arguments, output);
        };
    });
}

}  // namespace sluice::cli
