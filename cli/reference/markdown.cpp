// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/reference/markdown.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "cli/reference/text.hpp"
#include "loader/event/kinds.hpp"
#include "loader/event/reasons.hpp"

namespace sluice::cli {
namespace {

constexpr std::string_view made =
    "<!-- Made by scripts/reference: change {} in place of this. -->\n\n";

std::string cell(std::string_view text) { return replaced(std::string(text), "|", "\\|"); }

/// The anchor that the usual renderers give the heading `sluice port add`.
std::string anchor_of(const std::string& heading) { return replaced(heading, " ", "-"); }

}  // namespace

std::string drops_page() {
    auto page = fmt::format(made, "include/sluice/abi/reason.h");
    page +=
        "# Why packets are dropped\n\n"
        "Every packet that sluice drops is counted under one of these reasons, which `sluice "
        "drops`\n"
        "shows. Names are never changed or used again.\n\n"
        "| reason | what it means | what to do |\n|---|---|---|\n";
    for (const auto& it : drop_reasons())
        page += fmt::format("| `{}` | {} | {} |\n", it.name, cell(it.meaning), cell(it.mend));
    return page;
}

std::string events_page() {
    auto page = fmt::format(made, "include/sluice/abi/event.h");
    page +=
        "# Events\n\n"
        "What `sluice events` shows, by kind. Names are never changed or used again; the members "
        "of\n"
        "an event are in [json.md](json.md#events--sluiceevents1).\n\n"
        "| kind | severity | what happened |\n|---|---|---|\n";
    for (const auto& it : event_kinds())
        page += fmt::format("| `{}` | {} | {} |\n", it.name, it.severity, cell(it.meaning));
    return page;
}

std::string maps_page(const std::vector<MapReference>& maps) {
    auto page = fmt::format(made, "bpf/maps/maps.h and the comments that begin with `Map`");
    page +=
        "# Maps of an instance\n\n"
        "They are pinned below `/sys/fs/bpf/sluice/INSTANCE/maps/`. Types are declared in\n"
        "`include/sluice/abi/`; `sluice version` tells the version of all layouts.\n";
    for (const auto& map : maps) {
        page += fmt::format("\n## {}\n\n{}: `{}` → `{}`, {}{}", map.name, map.type, map.key,
                            map.value, map.entries, map.entries == 1 ? " entry" : " entries");
        if (map.sized_by_up) page += " unless `sluice up` is told otherwise";
        if (!map.flags.empty()) page += fmt::format("; {}", fmt::join(map.flags, ", "));
        page += ".\n";
        if (!map.meaning.empty()) page += "\n" + map.meaning + "\n";
    }
    return page;
}

std::string commands_page(const Command& root) {
    auto page = fmt::format(made, "the command in cli/cmd/");
    page +=
        "# Commands\n\n"
        "Each as its `--help` tells it; what it prints with `--json` is in [json.md](json.md).\n\n";
    for (const auto* command : all_commands(root))
        if (command->commands.empty())
            page += fmt::format("- [`{}`](#{}): {}\n", command->line, anchor_of(command->line),
                                command->about);
    for (const auto* command : all_commands(root))
        page += fmt::format("\n## {}\n\n```text\n{}```\n", command->line, command->help);
    return page;
}

}  // namespace sluice::cli
