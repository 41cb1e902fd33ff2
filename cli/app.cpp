#include "cli/app.hpp"

#include <fmt/format.h>

#include <cstring>
#include <exception>

#include "cli/command.hpp"
#include "loader/instance/target.hpp"

namespace sluice::cli {
namespace {

struct Flags {
    bool json = false, pretty = false, dry_run = false;
};

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

void add_global_options(CLI::App& app, Target& target, Flags& flags) {
    app.add_option("--instance", target.instance, "Instance to work on")
        ->type_name("NAME")
        ->capture_default_str();
    app.add_option("--netns", target.netns,
                   "Network namespace; needed only for `up`, the instance remembers it")
        ->type_name("NAME|PATH");
    auto* json = app.add_flag("--json", flags.json, "Print one JSON document");
    app.add_flag("--pretty", flags.pretty, "The same, indented")->excludes(json);
    app.add_flag("--dry-run", flags.dry_run, "Check and show what would be done; change nothing");
}

void add_version(CLI::App& app, Invocation& invocation) {
    auto* command = add_command(app, "version", "Version of this program and of its map layouts",
                                "  sluice version");
    on_run(command, invocation, [](const Target&) -> Result<Document> {
        return Document{"sluice.version/1",
                        {{"version", SLUICE_VERSION}, {"abi", SL_ABI_VERSION}},
                        {Facts{"", {{"sluice", "/version"}, {"map layout", "/abi"}}}},
                        {}};
    });
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

Error usage_error(const CLI::App& app, const CLI::ParseError& error) {
    const auto line = command_line(app);
    const auto hint =
        fmt::format("`sluice{}{} --help` shows how it is used", line.empty() ? "" : " ", line);
    const auto about = line.empty() ? "" : line + ": ";
    if (const auto rest = app.remaining(true); !rest.empty())
        return {ErrorCode::usage, fmt::format("{}there is no \"{}\"", about, rest.front()), hint};
    const std::string message = error.what();
    if (message == "A subcommand is required")
        return {ErrorCode::usage, about + "what to do is missing", hint};
    return {ErrorCode::usage, about + message, hint};
}

/// Hints name commands as for the default instance; this makes them fit to be copied.
std::string for_instance(std::string hint, const std::string& instance) {
    constexpr std::string_view command = "`sluice ", other = "`sluice --instance ";
    if (instance == Target{}.instance) return hint;
    for (auto at = hint.find(command); at != hint.npos; at = hint.find(command, at + 1))
        if (hint.compare(at, other.size(), other) != 0)
            hint.insert(at + command.size(), fmt::format("--instance {} ", instance));
    return hint;
}

int report(Output& output, const Invocation& invocation, Error error) {
    error.hint = for_instance(std::move(error.hint), invocation.target.instance);
    output.print(error);
    return static_cast<int>(error.code);
}

}  // namespace

int run(int argc, const char* const* argv, std::FILE* out, std::FILE* err) {
    Output output(wanted_mode(argc, argv), out, err);
    CLI::App app{"sluice: the packet gate between virtual machines and the network", "sluice"};
    Invocation invocation;
    Flags flags;

    app.fallthrough();
    app.require_subcommand(1);
    app.get_formatter()->label("SUBCOMMAND", "COMMAND");
    app.get_formatter()->label("Subcommands", "Commands");
    add_global_options(app, invocation.target, flags);
    add_instance_commands(app, invocation);
    add_port_commands(app, invocation);
    add_nat_commands(app, invocation);
    add_guard_commands(app, invocation);
    add_switch_commands(app, invocation);
    add_qos_commands(app, invocation);
    add_block_commands(app, invocation);
    add_policy_commands(app, invocation);
    add_mac_commands(app, invocation);
    add_flow_commands(app, invocation);
    add_detect_commands(app, invocation);
    add_events_command(app, invocation);
    add_stats_commands(app, invocation);
    add_serve_command(app, invocation);
    add_version(app, invocation);
    app.footer(
        "`sluice OBJECT --help` shows an object's actions, `sluice OBJECT ACTION --help` "
        "an action's options.");

    // The one place where exceptions, CLI11's and nlohmann's, become errors of ours.
    try {
        app.parse(argc, argv);
        if (flags.dry_run) invocation.target.effect = Effect::plan;
        auto name = parse_instance_name(invocation.target.instance);
        if (!name) return report(output, invocation, name.error());
        if (auto done = invocation.action(output); !done)
            return report(output, invocation, done.error());
        if (std::fflush(out) == 0 && std::ferror(out) == 0) return 0;
        return report(output, invocation,
                      {ErrorCode::failed, "the answer could not be written", ""});
    } catch (const CLI::CallForHelp& help) {
        return app.exit(help);
    } catch (const CLI::ParseError& error) {
        output.print(usage_error(app, error));
        return static_cast<int>(ErrorCode::usage);
    } catch (const std::exception& error) {
        return report(output, invocation, {ErrorCode::failed, error.what(), ""});
    }
}

}  // namespace sluice::cli
