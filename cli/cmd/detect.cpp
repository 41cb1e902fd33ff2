// SPDX-License-Identifier: GPL-2.0-or-later
// detect list, set, reset.
#include "cli/view/detect.hpp"

#include <fmt/format.h>

#include "cli/arguments.hpp"
#include "cli/command.hpp"
#include "cli/view/views.hpp"
#include "loader/detect/commands.hpp"
#include "sluice/units.hpp"

namespace sluice::cli {
namespace {

struct DetectArguments {
    std::string name, window, action, block_for;
    std::optional<std::uint32_t> threshold;
};

Result<DetectorChange> detector_change(const DetectArguments& arguments) {
    DetectorChange change;
    change.threshold = arguments.threshold;
    SL_CHECK(parse_into(change.window, arguments.window, parse_duration));
    SL_CHECK(parse_into(change.action, arguments.action, parse_detect_action));
    SL_CHECK(parse_into(change.block_for, arguments.block_for, parse_duration));
    return change;
}

void add_detector_name(CLI::App* command, std::string& name) {
    command->add_option("DETECTOR", name, "One of `sluice detect list`, or all")->required();
}

void add_detect_set(CLI::App& object, Invocation& invocation) {
    auto* command = add_command(
        object, "set", "Change a detector; what is not given stays",
        "  sluice detect set syn-flood --threshold 5000\n"
        "  sluice detect set port-scan --threshold 20 --window 5m --action limit\n"
        "  sluice detect set host-scan --action block --for 1h\n"
        "  sluice detect set all --action off\n"
        "report: an event, `sluice events`. limit: flows over the threshold are not begun, too.\n"
        "block: and the source is on the block list for a time, `sluice block list`.");
    auto arguments = std::make_shared<DetectArguments>();
    add_detector_name(command, arguments->name);
    auto* all = command->add_option_group("settings", "What is not given stays");
    all->require_option(1, 0);
    add_number(all, "--threshold", arguments->threshold, 0, UINT32_MAX, "in one window");
    all->add_option("--window", arguments->window, "100ms to 1h")->type_name("TIME");
    all->add_option("--action", arguments->action, "what to do with more")
        ->type_name("report|limit|block|off");
    all->add_option("--for", arguments->block_for, "how long block lasts, 10m if not given; to 30d")
        ->type_name("TIME");
    on_run(command, invocation, [arguments](const Target& target) -> Result<Document> {
        SL_TRY(change, detector_change(*arguments));
        SL_TRY(outcome, set_detector(target, arguments->name, change));
        return outcome_view("sluice.detect.set/1", target, outcome,
                            fmt::format("{} changed", arguments->name));
    });
}

void add_detect_reset(CLI::App& object, Invocation& invocation) {
    auto* command = add_command(object, "reset", "As by default again",
                                "  sluice detect reset syn-flood\n  sluice detect reset all");
    auto name = std::make_shared<std::string>();
    add_detector_name(command, *name);
    on_run(command, invocation, [name](const Target& target) -> Result<Document> {
        SL_TRY(outcome, reset_detector(target, *name));
        return outcome_view("sluice.detect.reset/1", target, outcome,
                            fmt::format("{} reset", *name));
    });
}

}  // namespace

void add_detect_commands(CLI::App& app, Invocation& invocation) {
    auto* object = add_object(app, "detect", "Floods and scans, and what to do about them");
    auto* list = add_command(*object, "list", "The detectors", "  sluice detect list");
    on_run(list, invocation, [](const Target& target) -> Result<Document> {
        SL_TRY(detectors, list_detectors(target));
        return detectors_view(detectors);
    });
    add_detect_set(*object, invocation);
    add_detect_reset(*object, invocation);
}

}  // namespace sluice::cli
