// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/command_line.hpp"

#include "sluice/abi/types.h"

namespace sluice::cli {
namespace {

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

}  // namespace

void CommandLine::add_global_options() {
    app.add_option("--instance", invocation.target.instance, "Instance to work on")
        ->type_name("NAME")
        ->capture_default_str();
    app.add_option("--netns", invocation.target.netns,
                   "Network namespace; needed only for `up`, the instance remembers it")
        ->type_name("NAME|PATH");
    auto* json = app.add_flag("--json", json_, "Print one JSON document");
    app.add_flag("--pretty", pretty_, "The same, indented")->excludes(json);
    app.add_flag("--dry-run", dry_run, "Check and show what would be done; change nothing");
}

CommandLine::CommandLine()
    : app("sluice: the packet gate between virtual machines and the network", "sluice") {
    app.fallthrough();
    app.require_subcommand(1);
    app.get_formatter()->label("SUBCOMMAND", "COMMAND");
    app.get_formatter()->label("Subcommands", "Commands");
    add_global_options();
#define SL_ADD(name) add_##name##_commands(app, invocation);
    SL_EACH_OBJECT(SL_ADD)
#undef SL_ADD
    add_version(app, invocation);
    app.footer(
        "`sluice OBJECT --help` shows an object's actions, `sluice OBJECT ACTION --help` "
        "an action's options.");
}

}  // namespace sluice::cli
