// SPDX-License-Identifier: GPL-2.0-or-later
// block add, del, load, list, clear.
#include "cli/view/block.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include "cli/arguments.hpp"
#include "cli/command.hpp"
#include "cli/view/views.hpp"
#include "loader/block/apply.hpp"
#include "loader/block/commands.hpp"
#include "sluice/units.hpp"

namespace sluice::cli {
namespace {

struct BlockArguments {
    std::vector<std::string> networks;
    std::string expire, file, set;
};

Result<std::vector<Prefix>> parse_networks(const std::vector<std::string>& texts) {
    std::vector<Prefix> prefixes;
    for (const auto& text : texts) {
        SL_TRY(prefix, Prefix::parse(text));
        prefixes.push_back(prefix);
    }
    return prefixes;
}

std::string networks_text(const std::vector<Prefix>& prefixes) {
    return prefixes.size() == 1 ? prefixes[0].text() : fmt::format("{} networks", prefixes.size());
}

/// On a terminal alone; a list of a million lines takes a second or two.
BlockProgress read_progress() {
    if (::isatty(STDERR_FILENO) == 0) return {};
    return [](std::size_t lines) {
        fmt::print(stderr, "\r{} lines\r", lines);
        std::fflush(stderr);
    };
}

void add_expire(CLI::App* command, BlockArguments& arguments) {
    command->add_option("--expire", arguments.expire, "for how long; without it for ever")
        ->type_name("TIME");
}

void add_block_add(CLI::App& object, Invocation& invocation) {
    auto arguments = std::make_shared<BlockArguments>();
    auto* command =
        add_command(object, "add", "Block networks, to the end or for a time",
                    "  sluice block add 203.0.113.7\n"
                    "  sluice block add 198.51.100.0/24 2001:db8:bad::/48 --expire 12h");
    command->add_option("CIDR", arguments->networks, "Addresses and networks")->required();
    add_expire(command, *arguments);
    on_run(command, invocation, [arguments](const Target& target) -> Result<Document> {
        SL_TRY(prefixes, parse_networks(arguments->networks));
        std::optional<std::chrono::milliseconds> expire;
        SL_CHECK(parse_into(expire, arguments->expire, parse_duration));
        SL_TRY(outcome, add_blocks(target, prefixes, expire));
        return outcome_view("sluice.block.add/1", target, outcome,
                            fmt::format("{} blocked{}", networks_text(prefixes),
                                        expire ? " for " + duration_text(*expire) : std::string()));
    });
}

void add_block_del(CLI::App& object, Invocation& invocation) {
    auto arguments = std::make_shared<BlockArguments>();
    auto* command = add_command(object, "del", "Take off what was added one by one",
                                "  sluice block del 203.0.113.7");
    command->add_option("CIDR", arguments->networks, "Addresses and networks")->required();
    on_run(command, invocation, [arguments](const Target& target) -> Result<Document> {
        SL_TRY(prefixes, parse_networks(arguments->networks));
        SL_TRY(outcome, remove_blocks(target, prefixes));
        return outcome_view("sluice.block.del/1", target, outcome,
                            networks_text(prefixes) + " no longer blocked");
    });
}

void add_block_load(CLI::App& object, Invocation& invocation) {
    auto arguments = std::make_shared<BlockArguments>();
    arguments->set = "default";
    auto* command = add_command(
        object, "load", "Replace a set by what a file lists, all at once",
        "  sluice block load drop.txt --name spamhaus-drop\n"
        "  curl -s https://www.spamhaus.org/drop/drop.txt | sluice block load - --name drop\n"
        "  sluice --dry-run block load list.txt      # checks the file");
    command->add_option("FILE", arguments->file, "a network a line; comments behind # or ;")
        ->required();
    command->add_option("--name", arguments->set, "of the set that it replaces")
        ->type_name("SET")
        ->capture_default_str();
    add_expire(command, *arguments);
    on_run(command, invocation, [arguments](const Target& target) -> Result<Document> {
        BlockFile from{.file = arguments->file, .set = arguments->set, .progress = read_progress()};
        SL_CHECK(parse_into(from.expire, arguments->expire, parse_duration));
        SL_TRY(loaded, load_blocks(target, from));
        return block_loaded_view(target, arguments->set, loaded);
    });
}

Result<> list_block_set(const Target& target, const std::string& set, Output& output) {
    SL_TRY(prefixes, read_blocks(target, set));
    output.begin(block_stream());
    for (const auto& prefix : prefixes) output.row(block_json(prefix));
    output.end({{"set", set}, {"count", prefixes.size()}});
    return {};
}

void add_block_list(CLI::App& object, Invocation& invocation) {
    auto arguments = std::make_shared<BlockArguments>();
    auto* command = add_command(object, "list", "Show the sets, or the networks of one",
                                "  sluice block list\n"
                                "  sluice block list --set spamhaus-drop");
    command->add_option("--set", arguments->set, "its networks; manual, found: added one by one")
        ->type_name("SET");
    command->callback([&invocation, arguments] {
        invocation.action = [&invocation, arguments](Output& output) -> Result<> {
            if (!arguments->set.empty())
                return list_block_set(invocation.target, arguments->set, output);
            SL_TRY(status, list_blocks(invocation.target));
            output.print(blocks_view(status, BlockClock::now().real));
            return {};
        };
    });
}

void add_block_clear(CLI::App& object, Invocation& invocation) {
    auto arguments = std::make_shared<BlockArguments>();
    auto* command = add_command(object, "clear", "Take off a set, or all there is",
                                "  sluice block clear --set spamhaus-drop\n"
                                "  sluice block clear");
    command->add_option("--set", arguments->set, "this one alone")->type_name("SET");
    on_run(command, invocation, [arguments](const Target& target) -> Result<Document> {
        const bool all = arguments->set.empty();
        SL_TRY(outcome, clear_blocks(target, all ? std::nullopt : std::optional(arguments->set)));
        return outcome_view("sluice.block.clear/1", target, outcome,
                            all ? "nothing is blocked" : arguments->set + " is cleared");
    });
}

}  // namespace

void add_block_commands(CLI::App& app, Invocation& invocation) {
    auto* object = add_object(app, "block", "Networks from and to which nothing enters");
    add_block_add(*object, invocation);
    add_block_del(*object, invocation);
    add_block_load(*object, invocation);
    add_block_list(*object, invocation);
    add_block_clear(*object, invocation);
}

}  // namespace sluice::cli
