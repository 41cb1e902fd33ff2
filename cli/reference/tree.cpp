// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/reference/tree.hpp"

#include <algorithm>
#include <regex>
#include <sstream>

namespace sluice::cli {
namespace {

Argument argument_of(const CLI::Option& option) {
    const bool is_operand = option.get_positional();
    Argument argument;
    argument.name = is_operand ? option.get_name(true, false) : "--" + option.get_lnames().front();
    if (option.get_type_size() != 0) argument.value = option.get_type_name();
    argument.meaning = option.get_description();
    argument.as_default = option.get_default_str();
    argument.required = option.get_required();
    argument.repeats = option.get_expected_max() >= CLI::detail::expected_max_vector_size;
    argument.value_may_be_left_out = !is_operand && option.get_expected_min() == 0;
    return argument;
}

/// Lists the options of the command, and of the groups of options in it.
void read_arguments(const CLI::App& app, Command& command) {
    for (const auto* option : app.get_options({})) {
        auto& into = option->get_positional() ? command.operands : command.options;
        const auto argument = argument_of(*option);
        // An option that is in a group is in the command as well.
        if (std::ranges::find(into, argument.name, &Argument::name) == into.end())
            into.push_back(argument);
    }
    for (const auto* group : app.get_subcommands({}))
        if (group->get_name().empty()) read_arguments(*group, command);
}

/// Each listing tells its keys itself, a line each: `  proto=tcp|udp   protocol`. A key that has
/// several lines tells a value in each.
std::vector<FilterKey> keys_of(const std::string& footer) {
    static const std::regex line_of_key(R"(  ([a-z][a-z0-9-]*)([=>])(\S+) +(\S.*))");
    std::vector<FilterKey> keys;
    std::istringstream lines(footer);
    for (std::string line; std::getline(lines, line);) {
        std::smatch part;
        if (!std::regex_match(line, part, line_of_key)) continue;
        const auto known = std::ranges::find(keys, part[1].str(), &FilterKey::name);
        if (known == keys.end())
            keys.push_back({part[1], part[2] == ">", part[3], part[4]});
        else
            known->value += "|" + part[3].str();
    }
    return keys;
}

Command command_of(const CLI::App& app, const std::string& above) {
    Command command;
    command.line = above + (above.empty() ? "" : " ") + app.get_name();
    command.about = app.get_description();
    command.more = app.get_footer();
    command.help = app.help(above);
    command.keys = keys_of(command.more);
    read_arguments(app, command);
    for (const auto* below : app.get_subcommands({}))
        if (!below->get_name().empty() && !below->get_group().empty())
            command.commands.push_back(command_of(*below, command.line));
    return command;
}

void append(const Command& command, std::vector<const Command*>& all) {
    all.push_back(&command);
    for (const auto& below : command.commands) append(below, all);
}

}  // namespace

Command command_tree() {
    const CommandLine line;
    return command_of(line.app, "");
}

std::vector<const Command*> all_commands(const Command& command) {
    std::vector<const Command*> all;
    append(command, all);
    return all;
}

}  // namespace sluice::cli
