// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/reference/man.hpp"

#include <fmt/format.h>

#include <sstream>
#include <utility>

#include "cli/reference/text.hpp"

namespace sluice::cli {
namespace {

/// Text as roff takes it literally; a minus is one that can be copied.
std::string escaped(const std::string& text) {
    std::string out;
    for (const char c : text) {
        switch (c) {
            case '\\':
                out += "\\e";
                break;
            case '-':
                out += "\\-";
                break;
            case '\'':
                out += "\\(aq";
                break;
            case '`':
                out += "\\(ga";
                break;
            case '"':
                out += "\\(dq";
                break;
            case '~':
                out += "\\(ti";
                break;
            case '^':
                out += "\\(ha";
                break;
            default:
                out += c;
        }
    }
    return out.starts_with(".") ? "\\&" + out : out;
}

/// A line may break behind a bar: some lists of words are longer than a line.
std::string value_text(const std::string& value) { return replaced(escaped(value), "|", "|\\:"); }

std::string page_of(const Command& object) { return replaced(object.line, " ", "-"); }

std::string argument_text(const Argument& argument) {
    std::string text = ".TP\n\\fB" + escaped(argument.name) + "\\fR";
    if (!argument.value.empty() && argument.name.starts_with("--")) {
        const auto value = "\\fI" + value_text(argument.value) + "\\fR";
        text += argument.value_may_be_left_out ? " [" + value + "]" : " " + value;
    }
    if (argument.repeats) text += " ...";
    text += "\n" + escaped(argument.meaning);
    if (argument.required && argument.name.starts_with("--")) text += " (needed)";
    if (!argument.as_default.empty())
        text += fmt::format(" (default {})", escaped(argument.as_default));
    return text + "\n";
}

std::string synopsis(const Command& command) {
    std::string text = "\\fB" + escaped(command.line) + "\\fR";
    for (const auto& operand : command.operands) {
        const auto name =
            "\\fI" + value_text(operand.name) + "\\fR" + (operand.repeats ? "..." : "");
        text += operand.required ? " " + name : " [" + name + "]";
    }
    for (const auto& option : command.options) {
        if (option.name == "--help") continue;
        const auto word = "\\fB" + escaped(option.name) + "\\fR";
        // The rest is only said to exist.
        if (option.required) text += fmt::format(" {} \\fI{}\\fR", word, value_text(option.value));
    }
    return text + (command.options.size() > 1 ? " [\\fIOPTION\\fR]..." : "") + "\n";
}

std::string literal(const std::string& text) {
    std::string out = ".PP\n.nf\n";
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) out += escaped(line) + "\n";
    return out + ".fi\n";
}

std::string action_text(const Command& command) {
    std::string text = ".SS " + escaped(command.line.substr(command.line.find(' ') + 1)) + "\n";
    text += escaped(command.about) + ".\n.PP\n" + synopsis(command);
    for (const auto& operand : command.operands) text += argument_text(operand);
    for (const auto& option : command.options)
        if (option.name != "--help") text += argument_text(option);
    return text + literal(command.more);
}

/// All below an object that do something.
std::string actions_text(const Command& object) {
    if (object.commands.empty()) return action_text(object);
    std::string text;
    for (const auto& below : object.commands) text += actions_text(below);
    return text;
}

std::string object_page(const Command& object, const std::string& version) {
    const auto page = page_of(object);
    std::string text = fmt::format(".TH {} 8 \"\" \"sluice {}\" \"System administration\"\n.ad l\n",
                                   escaped(page), version);
    text +=
        fmt::format(".SH NAME\n{} \\- {}\n.SH SYNOPSIS\n", escaped(page), escaped(object.about));
    const char* before = "";
    for (const auto* command : all_commands(object))
        if (command->commands.empty()) text += std::exchange(before, ".br\n") + synopsis(*command);
    return text + ".SH ACTIONS\n" + actions_text(object) + ".SH SEE ALSO\n.BR sluice (8)\n";
}

}  // namespace

std::map<std::string, std::string> man_pages(const Command& root, const std::string& form) {
    std::map<std::string, std::string> pages;
    std::string options, objects, commands, see;
    for (const auto& option : root.options) options += argument_text(option);
    for (const auto& command : root.commands) {
        if (command.commands.empty()) {
            commands += action_text(command);
            continue;
        }
        const auto page = page_of(command);
        objects += fmt::format(".TP\n.BR {} (8)\n{}.\n", escaped(page), escaped(command.about));
        see += fmt::format("{}.BR {} (8)", see.empty() ? "" : " ,\n", escaped(page));
        pages[page + ".8"] = object_page(command, SLUICE_VERSION);
    }
    auto main = replaced(form, "@version@", SLUICE_VERSION);
    main = replaced(replaced(main, "@options@\n", options), "@objects@\n", objects);
    pages["sluice.8"] = replaced(replaced(main, "@commands@\n", commands), "@see@", see);
    return pages;
}

}  // namespace sluice::cli
