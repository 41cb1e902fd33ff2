// SPDX-License-Identifier: GPL-2.0-or-later
// stats, drops.
#include <fmt/format.h>

#include <algorithm>

#include "cli/command.hpp"
#include "cli/view/views.hpp"
#include "loader/base/nearest.hpp"

namespace sluice::cli {
namespace {

struct DropArguments {
    std::vector<std::string> reasons;
    bool by_port = false, all = false;
};

Result<> check_reasons(const std::vector<std::string>& reasons) {
    std::vector<std::string_view> names;
    for (const auto& it : drop_reasons()) names.push_back(it.name);
    for (const auto& reason : reasons) {
        if (std::ranges::find(names, reason) != names.end()) continue;
        const auto nearest = nearest_name(names, reason);
        return fail(ErrorCode::usage, fmt::format("\"{}\" is not a drop reason", reason),
                    nearest ? fmt::format("did you mean {}?", *nearest)
                            : "`sluice drops --all` lists them");
    }
    return {};
}

Result<Document> show_drops(const Target& target, const DropArguments& arguments) {
    const auto& reasons = arguments.reasons;
    SL_CHECK(check_reasons(reasons));
    SL_TRY(counters, read_drops(target));
    SL_TRY(log, EventLog::open(target, {.port = {}, .kind = SL_EVENT_DROP, .since = {}}));
    SL_TRY(page, log.next());
    // Who asks for a reason wants to read of it, whether it occurred or not.
    auto document =
        drops_view(counters, page.events, arguments.by_port, arguments.all || !reasons.empty());
    if (!reasons.empty()) {
        auto& rows = document.body["drops"].get_ref<Json::array_t&>();
        std::erase_if(rows, [&](const Json& row) {
            return std::ranges::find(reasons, row["reason"].get_ref<const std::string&>()) ==
                   reasons.end();
        });
    }
    return document;
}

}  // namespace

void add_stats_commands(CLI::App& app, Invocation& invocation) {
    auto* stats =
        add_command(app, "stats", "Packets and bytes of each port, by what became of them",
                    "  sluice stats\n"
                    "  sluice stats --json | jq .consistent");
    on_run(stats, invocation, [](const Target& target) -> Result<Document> {
        SL_TRY(counters, read_port_counters(target));
        SL_TRY(latencies, read_latencies(target));
        return stats_view(counters, latencies);
    });

    auto arguments = std::make_shared<DropArguments>();
    auto* drops = add_command(app, "drops", "What was dropped, why, and what to do about it",
                              "  sluice drops\n"
                              "  sluice drops --by-port\n"
                              "  sluice drops flows-full guard-mac\n"
                              "  sluice drops --all      # reasons that did not occur too");
    drops->add_option("REASON", arguments->reasons, "Only these; default: all that occurred")
        ->type_name("");
    drops->add_flag("--by-port", arguments->by_port, "One line for each port and reason");
    drops->add_flag("--all", arguments->all, "Also reasons that did not occur");
    on_run(drops, invocation, [arguments](const Target& target) -> Result<Document> {
        return show_drops(target, *arguments);
    });
}

}  // namespace sluice::cli
