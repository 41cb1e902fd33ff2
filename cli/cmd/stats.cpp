// stats, drops.
#include "cli/command.hpp"
#include "cli/view/views.hpp"

namespace sluice::cli {

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

    struct Arguments {
        bool by_port = false, all = false;
    };
    auto arguments = std::make_shared<Arguments>();
    auto* drops = add_command(app, "drops", "What was dropped, why, and what to do about it",
                              "  sluice drops\n"
                              "  sluice drops --by-port\n"
                              "  sluice drops --all      # reasons that did not occur too");
    drops->add_flag("--by-port", arguments->by_port, "One line for each port and reason");
    drops->add_flag("--all", arguments->all, "Also reasons that did not occur");
    on_run(drops, invocation, [arguments](const Target& target) -> Result<Document> {
        SL_TRY(counters, read_drops(target));
        SL_TRY(log, EventLog::open(target, {.port = {}, .kind = SL_EVENT_DROP, .since = {}}));
        SL_TRY(page, log.next());
        return drops_view(counters, page.events, arguments->by_port, arguments->all);
    });
}

}  // namespace sluice::cli
