// SPDX-License-Identifier: GPL-2.0-or-later
// nat session list, count, flush; count and flush of flows as well.
#include <fmt/format.h>
#include <unistd.h>

#include "cli/command.hpp"
#include "cli/filtered.hpp"
#include "cli/view/views.hpp"

namespace sluice::cli {
namespace {

constexpr FilteredObject nat_sessions{"nat session", "sluice.nat.session", "sessions",
                                      SessionScope::nat};

Result<> list_sessions(const Target& target, const std::vector<std::string>& terms,
                       Output& output) {
    SL_TRY(filter, parse_session_filter(terms));
    SL_TRY(table, SessionTable::open(target, SessionScope::nat));
    // Rows on a terminal are progress enough.
    Progress progress(::isatty(STDOUT_FILENO) == 0);
    std::uint64_t count = 0;
    output.begin(session_stream());
    table.for_each(filter, [&](const Session& session) {
        output.row(session_json(session));
        progress.count();
        ++count;
        return true;
    });
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

}  // namespace

void add_filtered_count(CLI::App& object, Invocation& invocation, const FilteredObject& what) {
    auto terms = std::make_shared<std::vector<std::string>>();
    auto* command = add_filtered(object, "count", fmt::format("Count live {}", what.rows),
                                 fmt::format("  sluice {0} count\n"
                                             "  sluice {0} count in=tap0\n",
                                             what.name),
                                 terms);
    on_run(command, invocation, [terms, what](const Target& target) -> Result<Document> {
        SL_TRY(filter, parse_session_filter(*terms));
        SL_TRY(table, SessionTable::open(target, what.scope));
        SL_TRY(count, table.count(filter));
        return session_count_view(fmt::format("{}.count/1", what.schema), count,
                                  std::to_string(count.ipv4 + count.ipv6));
    });
}

void add_filtered_flush(CLI::App& object, Invocation& invocation, const FilteredObject& what) {
    auto terms = std::make_shared<std::vector<std::string>>();
    auto* command = add_filtered(object, "flush",
                                 fmt::format("End {}; they are gone within a second", what.rows),
                                 fmt::format("  sluice {0} flush src=10.0.0.5\n"
                                             "  sluice {0} flush           # all of them\n",
                                             what.name),
                                 terms);
    on_run(command, invocation, [terms, what](const Target& target) -> Result<Document> {
        SL_TRY(filter, parse_session_filter(*terms));
        SL_TRY(table, SessionTable::open(target, what.scope));
        const bool planned = target.effect == Effect::plan;
        SL_TRY(count, planned ? table.count(filter) : Result<SessionCount>(table.flush(filter)));
        return session_count_view(fmt::format("{}.flush/1", what.schema), count,
                                  fmt::format("{} {} {}", count.ipv4 + count.ipv6, what.rows,
                                              planned ? "would be flushed" : "flushed"));
    });
}

void add_session_commands(CLI::App& nat, Invocation& invocation) {
    auto* session = add_object(nat, "session", "Live sessions");
    add_session_list(*session, invocation);
    add_filtered_count(*session, invocation, nat_sessions);
    add_filtered_flush(*session, invocation, nat_sessions);
}

}  // namespace sluice::cli
