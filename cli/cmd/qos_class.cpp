// SPDX-License-Identifier: GPL-2.0-or-later
// qos class add, set, del, list.
#include <fmt/format.h>

#include "cli/arguments.hpp"
#include "cli/command.hpp"
#include "cli/view/qos.hpp"
#include "cli/view/views.hpp"
#include "loader/qos/match.hpp"
#include "sluice/dscp.hpp"

namespace sluice::cli {
namespace {

struct ClassArguments {
    std::string name, max, dscp;
    std::vector<std::string> matches;
    std::optional<std::uint8_t> priority;
    std::optional<std::uint16_t> weight;
};

/// `20%` or `20`; `none` is 0.
Result<std::uint8_t> parse_share(const std::string& text) {
    if (text == "none") return std::uint8_t{0};
    const auto digits = text.ends_with('%') ? text.substr(0, text.size() - 1) : text;
    const bool number = !digits.empty() && digits.size() <= 3 &&
                        digits.find_first_not_of("0123456789") == std::string::npos;
    const auto percent = number ? std::stoi(digits) : 0;
    if (percent >= 1 && percent <= 100) return static_cast<std::uint8_t>(percent);
    return fail(ErrorCode::usage, fmt::format("--max {} is not a share of a rate", text),
                "1% to 100%, or none");
}

Result<std::uint8_t> parse_class_dscp(std::string_view text) {
    if (text == "keep") return static_cast<std::uint8_t>(SL_DSCP_KEEP);
    return parse_dscp(text);
}

Result<QosClassChange> class_change(const ClassArguments& arguments) {
    QosClassChange change{.priority = arguments.priority,
                          .max_percent = {},
                          .dscp = {},
                          .weight = arguments.weight,
                          .matches = {}};
    SL_CHECK(parse_into(change.max_percent, arguments.max, parse_share));
    SL_CHECK(parse_into(change.dscp, arguments.dscp, parse_class_dscp));
    if (arguments.matches.empty()) return change;
    std::vector<QosMatch> matches;
    for (const auto& text : arguments.matches) {
        SL_TRY(match, parse_qos_match(text));
        matches.push_back(std::move(match));
    }
    change.matches = std::move(matches);
    return change;
}

void add_class_options(CLI::App* command, ClassArguments& arguments) {
    command->add_option("NAME", arguments.name, "Class")->required();
    command
        ->add_option("--match", arguments.matches,
                     "What a frame must be, all of it; several: one of them")
        ->type_name("\"KEY=VALUE ...\"")
        ->take_all();
    add_number(command, "--priority", arguments.priority, 0, 7,
               "0 to 6: goes first, up to --max; 7 (default): shares the rest");
    add_number(command, "--weight", arguments.weight, 1, 1000,
               "Of what shares the rest; default 1");
    command->add_option("--max", arguments.max, "Most it may have of a port's rate")
        ->type_name("PERCENT|none");
    command->add_option("--dscp", arguments.dscp, "What its frames get")->type_name("DSCP|keep");
}

void add_class_add(CLI::App& object, Invocation& invocation) {
    auto* command = add_command(
        object, "add", "A class of what leaves by ports with an egress rate",
        "  sluice qos class add voice --match app=voip --priority 0 --max 20% --dscp ef\n"
        "  sluice qos class add web --match 'proto=tcp port=80,443' --weight 4\n"
        "  sluice qos class add db --match vm=db1 --match vlan=30 --weight 2\n"
        "The first class with a match that holds is the frame's, in the order they were added;\n"
        "without one it is in `default`. Keys of matches:\n" +
            qos_match_help());
    auto arguments = std::make_shared<ClassArguments>();
    add_class_options(command, *arguments);
    on_run(command, invocation, [arguments](const Target& target) -> Result<Document> {
        SL_TRY(change, class_change(*arguments));
        QosClassSpec spec{.name = arguments->name};
        change.apply_to(spec);
        SL_TRY(outcome, add_qos_class(target, spec));
        return outcome_view("sluice.qos.class.add/1", target, outcome,
                            fmt::format("class {} added", spec.name));
    });
}

void add_class_set(CLI::App& object, Invocation& invocation) {
    auto* command = add_command(object, "set", "Change a class; what is not given stays",
                                "  sluice qos class set web --weight 8\n"
                                "  sluice qos class set default --weight 2 --dscp be");
    auto arguments = std::make_shared<ClassArguments>();
    add_class_options(command, *arguments);
    on_run(command, invocation, [arguments](const Target& target) -> Result<Document> {
        SL_TRY(change, class_change(*arguments));
        SL_TRY(outcome, set_qos_class(target, arguments->name, change));
        return outcome_view("sluice.qos.class.set/1", target, outcome,
                            fmt::format("class {} changed", arguments->name));
    });
}

}  // namespace

void add_qos_class_commands(CLI::App& object, Invocation& invocation) {
    auto* classes = add_object(object, "class", "Classes: who goes first, who shares how");
    add_class_add(*classes, invocation);
    add_class_set(*classes, invocation);

    auto name = std::make_shared<std::string>();
    auto* del = add_command(*classes, "del", "Remove a class", "  sluice qos class del web");
    del->add_option("NAME", *name, "Class")->required();
    on_run(del, invocation, [name](const Target& target) -> Result<Document> {
        SL_TRY(outcome, remove_qos_class(target, *name));
        return outcome_view("sluice.qos.class.del/1", target, outcome,
                            fmt::format("class {} removed", *name));
    });
    auto* list = add_command(*classes, "list", "The classes, in the order they are tried",
                             "  sluice qos class list");
    on_run(list, invocation, [](const Target& target) -> Result<Document> {
        SL_TRY(all, list_qos_classes(target));
        return qos_classes_view(all);
    });
}

}  // namespace sluice::cli
