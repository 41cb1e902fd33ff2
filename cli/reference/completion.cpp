// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/reference/completion.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <functional>

#include "cli/reference/text.hpp"
#include "cli/reference/words.hpp"

namespace sluice::cli {
namespace {

/// Something that may be typed, and what it means; no meaning of a mere word.
struct Offer {
    std::string word, meaning;
};
using Offers = std::vector<Offer>;

Offers offers_of(const Words& words) {
    Offers offers;
    for (const auto& word : words) offers.push_back({word, ""});
    return offers;
}

Offers keys_offered(const Command& command) {
    Offers offers;
    for (const auto& key : command.keys)
        offers.push_back({key.name + (key.is_number ? ">" : "="), key.meaning});
    return offers;
}

Offers offered_behind(const Command& command) {
    Offers offers;
    for (const auto& below : command.commands)
        offers.push_back({below.line.substr(command.line.size() + 1), below.about});
    for (const auto& operand : command.operands) {
        const auto more = takes_keys(operand) ? keys_offered(command)
                                              : offers_of(words_of(command.line, operand));
        offers.insert(offers.end(), more.begin(), more.end());
    }
    return offers;
}

/// Every command has --help: it is told once, with what all have.
bool is_told(const Command& command, const Argument& option) {
    return option.name != "--help" || command.line == "sluice";
}

/// The two tables that bash and zsh have, by the place: the command, an option or a key of it.
struct Tables {
    std::string words, options;
};

Tables tables_of(const Command& root,
                 const std::function<std::string(const std::string&, const Offers&)>& entry) {
    Tables tables;
    for (const auto* command : all_commands(root)) {
        tables.words += entry(command->line, offered_behind(*command));
        Offers options;
        for (const auto& option : command->options) {
            if (is_told(*command, option)) options.push_back({option.name, option.meaning});
            if (!option.value.empty())
                tables.words +=
                    entry(command->line + " " + option.name,
                          takes_keys(option) ? keys_offered(*command)
                                             : offers_of(words_of(command->line, option)));
        }
        for (const auto& key : command->keys)
            if (!key.is_number)
                tables.words +=
                    entry(command->line + " " + key.name + "=", offers_of(words_of(key)));
        tables.options += entry(command->line, options);
    }
    return tables;
}

std::string quoted(const std::string& text) { return "'" + replaced(text, "'", "'\\''") + "'"; }

std::string bash_entry(const std::string& place, const Offers& offers) {
    Words words;
    // What bash would take for a redirection.
    for (const auto& offer : offers) words.push_back(replaced(offer.word, ">", "\\>"));
    return fmt::format("    [{}]={}\n", quoted(place),
                       quoted(fmt::format("{}", fmt::join(words, " "))));
}

std::string zsh_entry(const std::string& place, const Offers& offers) {
    Words lines;
    for (const auto& [word, meaning] : offers)
        lines.push_back(replaced(word, ":", "\\:") + (meaning.empty() ? "" : ":" + meaning));
    return fmt::format("    {} {}\n", quoted(place),
                       quoted(fmt::format("{}", fmt::join(lines, "\n"))));
}

std::string filled(const std::string& form, const Tables& tables) {
    return replaced(replaced(form, "@words@\n", tables.words), "@options@\n", tables.options);
}

/// One `complete` of fish.
class FishLines {
public:
    explicit FishLines(const std::string& command)
        : begin_(fmt::format("complete -c sluice -n '__sluice_at \"{}\"'", command)) {}
    explicit FishLines() : begin_("complete -c sluice") {}  ///< of all commands

    void option(const Argument& option, const Words& words) {
        const auto name = option.name.substr(2);
        const bool needs_value = !option.value.empty() && !option.value_may_be_left_out;
        add(fmt::format(" -l {}{}", name, needs_value ? " -r" : ""), words, option.meaning);
    }
    void behind(const Offer& offer) { add("", {offer.word}, offer.meaning); }

    [[nodiscard]] const std::string& text() const { return text_; }

private:
    void add(const std::string& what, const Words& words, const std::string& meaning) {
        Words offered;
        bool files = false;
        for (const auto& word : words) {
            if (word == "@files")
                files = true;
            else if (word.starts_with("@"))
                offered.push_back("(__sluice_ask " + word.substr(1) + ")");
            else
                offered.push_back(word);
        }
        text_ += begin_ + what + (files ? " -F" : " -f");
        if (!offered.empty())
            text_ += " -a " + fish_quoted(fmt::format("{}", fmt::join(offered, " ")));
        if (!meaning.empty()) text_ += " -d " + fish_quoted(meaning);
        text_ += "\n";
    }
    static std::string fish_quoted(const std::string& text) {
        return "'" + replaced(replaced(text, "\\", "\\\\"), "'", "\\'") + "'";
    }

    std::string begin_, text_;
};

/// fish completes words as wholes: `state=established`, too.
void add_keys(FishLines& lines, const Command& command) {
    for (const auto& key : command.keys) {
        const auto name = key.name + (key.is_number ? "\\>" : "=");
        lines.behind({name, key.meaning});
        for (const auto& word : key.is_number ? Words{} : words_of(key))
            if (!word.starts_with("@")) lines.behind({name + word, key.meaning});
    }
}

std::string fish_lines(const Command& command) {
    FishLines lines = command.line == "sluice" ? FishLines() : FishLines(command.line);
    for (const auto& option : command.options)
        if (is_told(command, option)) lines.option(option, words_of(command.line, option));
    FishLines here(command.line);
    for (const auto& below : command.commands)
        here.behind({below.line.substr(command.line.size() + 1), below.about});
    for (const auto& operand : command.operands) {
        if (takes_keys(operand)) add_keys(here, command);
        for (const auto& word : words_of(command.line, operand)) here.behind({word, ""});
    }
    return lines.text() + here.text();
}

}  // namespace

std::string bash_completion(const Command& root, const std::string& form) {
    return filled(form, tables_of(root, bash_entry));
}

std::string zsh_completion(const Command& root, const std::string& form) {
    return filled(form, tables_of(root, zsh_entry));
}

std::string fish_completion(const Command& root, const std::string& form) {
    std::string names, lines;
    for (const auto* command : all_commands(root)) {
        names += (names.empty() ? "" : " ") + quoted(command->line);
        lines += fish_lines(*command);
    }
    return replaced(replaced(form, "@commands@", names), "@complete@\n", lines);
}

}  // namespace sluice::cli
