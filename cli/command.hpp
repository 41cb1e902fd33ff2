// SPDX-License-Identifier: GPL-2.0-or-later
// What the files in cmd/ build on: each adds its object's commands to the parser, and a
// command, once parsed, leaves what is to be done in the Invocation.
#pragma once

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <charconv>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "cli/render/output.hpp"
#include "loader/instance/target.hpp"

namespace sluice::cli {

struct Invocation {
    Target target;
    /// What the parsed command does; it prints its own answer.
    std::function<Result<>(Output&)> action;
};

/// Adds a command without arguments of its own, or one that takes them by `Options`.
/// @param examples printed under --help, one a line
inline CLI::App* add_command(CLI::App& parent, const std::string& name,
                             const std::string& description, const std::string& examples) {
    auto* command = parent.add_subcommand(name, description);
    command->footer("Examples:\n" + examples);
    return command;
}

/// An object: `sluice port`, with actions below it.
inline CLI::App* add_object(CLI::App& parent, const std::string& name,
                            const std::string& description) {
    auto* object = parent.add_subcommand(name, description);
    object->require_subcommand(1);
    return object;
}

/// What fits in a column, and more rows or looks than anybody waits for.
constexpr std::uint64_t most_counted = 1'000'000'000;

/// An option or argument that is a whole number from `least` to `most`. It is in decimal digits:
/// 010 is ten, and -1 no great number.
template <class Value>
CLI::Option* add_number(CLI::App* command, const std::string& name, Value& value,
                        std::uint64_t least, std::uint64_t most, const std::string& description) {
    const auto in_digits = [least, most](std::string& text) {
        std::uint64_t number = 0;
        const char* last = text.data() + text.size();
        const auto [end, error] = std::from_chars(text.data(), last, number);
        if (error != std::errc{} || end != last || number < least || number > most)
            return fmt::format("`{}` is not a whole number from {} to {}", text, least, most);
        text = std::to_string(number);
        return std::string();
    };
    return command->add_option(name, value, description)
        ->type_name("N")
        ->transform(CLI::Validator(in_digits, ""));
}

/// When the command is chosen, `make` is what it does: Result<Document>(const Target&).
template <class Make>
void on_run(CLI::App* command, Invocation& invocation, Make make) {
    command->callback([&invocation, make = std::move(make)] {
        invocation.action = [&invocation, make](Output& output) -> Result<> {
            SL_TRY(document, make(invocation.target));
            output.print(document);
            return {};
        };
    });
}

/// X(name): the objects of the command line, in the order in which --help lists them. Each has a
/// function add_name_commands() in cmd/, which is declared and called by this list.
#define SL_EACH_OBJECT(X) \
    X(instance)           \
    X(port)               \
    X(nat)                \
    X(guard)              \
    X(switch)             \
    X(qos)                \
    X(block)              \
    X(policy)             \
    X(mac)                \
    X(flow)               \
    X(detect)             \
    X(events)             \
    X(stats)              \
    X(serve)

#define SL_DECLARE(name) void add_##name##_commands(CLI::App& app, Invocation& invocation);
SL_EACH_OBJECT(SL_DECLARE)
#undef SL_DECLARE

// Parts of objects that have a file of their own.
void add_mac_pool_commands(CLI::App& mac, Invocation& invocation);
void add_mac_transfer_commands(CLI::App& mac, Invocation& invocation);
void add_fdb_commands(CLI::App& object, Invocation& invocation);
void add_qos_class_commands(CLI::App& object, Invocation& invocation);
void add_session_commands(CLI::App& nat, Invocation& invocation);

}  // namespace sluice::cli
