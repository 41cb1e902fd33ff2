// SPDX-License-Identifier: GPL-2.0-or-later
// The commands and options there are, as a tree: what is parsed, and what the references, the
// completions and the man pages are made from.
#pragma once

#include <CLI/CLI.hpp>

#include "cli/command.hpp"

namespace sluice::cli {

struct CommandLine {
    CommandLine();

    CLI::App app;
    Invocation invocation;  ///< of the command that was parsed
    bool dry_run = false;

private:
    void add_global_options();
    bool json_ = false, pretty_ = false;  ///< read before parsing: app.cpp
};

}  // namespace sluice::cli
