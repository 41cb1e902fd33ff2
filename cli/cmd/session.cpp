// nat session list, count, flush.
#include <fmt/format.h>
#include <unistd.h>

#include <chrono>

#include "cli/command.hpp"
#include "cli/view/views.hpp"

namespace sluice::cli {
namespace {

using Terms = std::shared_ptr<std::vector<std::string>>;

/// A command that takes a filter; its keys are listed below the examples.
CLI::App* add_filtered(CLI::App& session, const std::string& name, const std::string& description,
                       const std::string& examples, const Terms& terms) {
    auto* command =
        add_command(session, name, description,
                    examples + "\nFILTER (all terms must match):\n" + session_filter_help());
    command->add_option("FILTER", *terms, "KEY=VALUE terms")->type_name("");
    return command;
}

/// `12345 sessions…` on a terminal, when listing takes long enough to wonder.
class Progress {
public:
    explicit Progress(bool shown) : shown_(shown && ::isatty(STDERR_FILENO) == 1) {}
    ~Progress() {
        if (drawn_) fmt::print(stderr, "\r\033[K");
    }
    Progress(const Progress&) = delete;
    Progress& operator=(const Progress&) = delete;

    void count() {
        if (!shown_ || ++counted_ % 4096 != 0) return;
        const auto now = Clock::now();
        if (now < next_) return;
        fmt::print(stderr, "\r{} sessions…", counted_);
        std::fflush(stderr);
        drawn_ = true;
        next_ = now + std::chrono::milliseconds(200);
    }

private:
    using Clock = std::chrono::steady_clock;
    bool shown_;
    bool drawn_ = false;
    std::uint64_t counted_ = 0;
    Clock::time_point next_ = Clock::now() + std::chrono::seconds(2);
};

Result<> list_sessions(const Target& target, const std::vector<std::string>& terms,
                       Output& output) {
    SL_TRY(filter, parse_session_filter(terms));
    SL_TRY(datapath, open_datapath(target));
    // Rows on a terminal are progress enough.
    Progress progress(::isatty(STDOUT_FILENO) == 0);
    std::uint64_t count = 0;
    output.begin(session_stream());
    SL_CHECK(for_each_session(datapath, filter, [&](const Session& session) {
        output.row(session_json(session));
        progress.count();
        ++count;
        return true;
    }));
    output.end({{"count", count}});
    return {};
}

void add_session_list(CLI::App& session, Invocation& invocation) {
    auto terms = std::make_shared<std::vector<std::string>>();
    auto* command = add_filtered(session, "list", "List live sessions, both directions in a row",
                                 "  sluice nat session list\n"
                                 "  sluice nat session list src=10.0.0.5 proto=tcp dport=443\n"
                                 "  sluice nat session list state=established --json\n",
                                 terms);
    command->callback([&invocation, terms] {
        invocation.action = [&invocation, terms](Output& output) {
            return list_sessions(invocation.target, *terms, output);
        };
    });
}

void add_session_count(CLI::App& session, Invocation& invocation) {
    auto terms = std::make_shared<std::vector<std::string>>();
    auto* command = add_filtered(session, "count", "Count live sessions",
                                 "  sluice nat session count\n"
                                 "  sluice nat session count in=tap0\n",
                                 terms);
    on_run(command, invocation, [terms](const Target& target) -> Result<Document> {
        SL_TRY(filter, parse_session_filter(*terms));
        SL_TRY(datapath, open_datapath(target));
        SL_TRY(count, count_sessions(datapath, filter));
        return session_count_view("sluice.nat.session.count/1", count,
                                  std::to_string(count.ipv4 + count.ipv6));
    });
}

void add_session_flush(CLI::App& session, Invocation& invocation) {
    auto terms = std::make_shared<std::vector<std::string>>();
    auto* command = add_filtered(session, "flush", "End sessions; they are gone within a second",
                                 "  sluice nat session flush src=10.0.0.5\n"
                                 "  sluice nat session flush           # all of them\n",
                                 terms);
    on_run(command, invocation, [terms](const Target& target) -> Result<Document> {
        SL_TRY(filter, parse_session_filter(*terms));
        SL_TRY(datapath, open_datapath(target));
        const bool planned = target.effect == Effect::plan;
        SL_TRY(count,
               planned ? count_sessions(datapath, filter) : flush_sessions(datapath, filter));
        return session_count_view("sluice.nat.session.flush/1", count,
                                  fmt::format("{} sessions {}", count.ipv4 + count.ipv6,
                                              planned ? "would be flushed" : "flushed"));
    });
}

}  // namespace

void add_session_commands(CLI::App& nat, Invocation& invocation) {
    auto* session = add_object(nat, "session", "Live sessions");
    add_session_list(*session, invocation);
    add_session_count(*session, invocation);
    add_session_flush(*session, invocation);
}

}  // namespace sluice::cli
