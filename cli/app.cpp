// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/app.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <exception>

#include "cli/command_line.hpp"
#include "loader/instance/target.hpp"

namespace sluice::cli {
namespace {

constexpr int done_in_part = 7;  ///< exit code

/// Before parsing, so that a usage error comes out in the form that was asked for.
Mode wanted_mode(int argc, const char* const* argv) {
    Mode mode = Mode::text;
    for (int i = 1; i < argc; ++i) {
        if (std::strcmp(argv[i], "--") == 0) break;
        if (std::strcmp(argv[i], "--pretty") == 0) return Mode::pretty;
        if (std::strcmp(argv[i], "--json") == 0) mode = Mode::json;
    }
    return mode;
}

/// The commands on the line so far, `port add`; empty if there is none.
std::string command_line(const CLI::App& app) {
    std::string line;
    for (const CLI::App* at = &app; !at->get_subcommands().empty();) {
        at = at->get_subcommands().front();
        line += (line.empty() ? "" : " ") + at->get_name();
    }
    return line;
}

/// What an argument is that nobody took.
std::string_view what_is_left_over(const CLI::App& app, std::string_view argument) {
    if (argument.starts_with('-')) return "unknown option";
    const CLI::App* last = &app;
    while (!last->get_subcommands().empty()) last = last->get_subcommands().front();
    const auto actions = last->get_subcommands([](const CLI::App*) { return true; });
    return actions.empty() ? "unexpected argument" : "unknown command";
}

/// An option or argument that was given with nothing in it: mostly the unset variable of a script.
/// To read that as "not given" would do something else than what was asked.
/// @return its name; empty if there is none
std::string given_empty(const CLI::App& app) {
    for (const auto* option : app.get_options())
        if (std::ranges::any_of(option->results(), &std::string::empty)) return option->get_name();
    // Groups of options are commands without a name.
    const auto is_used = [](const CLI::App* it) { return it->get_name().empty() || it->parsed(); };
    for (const auto* used : app.get_subcommands(is_used))
        if (auto name = given_empty(*used); !name.empty()) return name;
    return {};
}

Error usage_error(const CLI::App& app, const CLI::ParseError& error) {
    const auto line = command_line(app);
    const auto hint =
        fmt::format("`sluice{}{} --help` shows how it is used", line.empty() ? "" : " ", line);
    const auto about = line.empty() ? "" : line + ": ";
    if (const auto rest = app.remaining(true); !rest.empty())
        return {ErrorCode::usage,
                fmt::format("{}{}: {}", about, what_is_left_over(app, rest.front()), rest.front()),
                hint};
    const std::string message = error.what();
    if (message == "A subcommand is required")
        return {ErrorCode::usage, about + "what to do is missing", hint};
    return {ErrorCode::usage, about + message, hint};
}

int report(Output& output, const Error& error) {
    output.print(error);
    return static_cast<int>(error.code);
}

}  // namespace

int run(int argc, const char* const* argv, std::FILE* out, std::FILE* err) {
    Output output(wanted_mode(argc, argv), out, err);
    CommandLine line;
    auto& app = line.app;
    auto& invocation = line.invocation;

    // The one place where exceptions, CLI11's and nlohmann's, become errors of ours.
    try {
        app.parse(argc, argv);
        output.set_instance(invocation.target.instance);
        if (const auto name = given_empty(app); !name.empty())
            return report(
                output, {ErrorCode::usage, fmt::format("{}: {} is empty", command_line(app), name),
                         "give it a value, or leave it out"});
        if (line.dry_run) invocation.target.effect = Effect::plan;
        if (auto done = invocation.action(output); !done) return report(output, done.error());
        if (std::fflush(out) == 0 && std::ferror(out) == 0)
            return output.in_part() ? done_in_part : 0;
        return report(output, {ErrorCode::failed, "the answer could not be written", ""});
    } catch (const CLI::CallForHelp& help) {
        return app.exit(help);
    } catch (const CLI::ParseError& error) {
        output.print(usage_error(app, error));
        return static_cast<int>(ErrorCode::usage);
    } catch (const std::exception& error) {
        return report(output, {ErrorCode::failed, error.what(), ""});
    }
}

}  // namespace sluice::cli
