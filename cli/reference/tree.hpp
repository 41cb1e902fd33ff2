// SPDX-License-Identifier: GPL-2.0-or-later
// The command line as the references, the completions and the man pages tell of it, read from the
// tree that parses it.
#pragma once

#include <string>
#include <vector>

#include "cli/command_line.hpp"

namespace sluice::cli {

/// An option, or an operand.
struct Argument {
    std::string name;   ///< `--role`, `IF`
    std::string value;  ///< how it is written, `auto|tc|xdp`; empty: a flag
    std::string meaning;
    std::string as_default;  ///< may be empty
    bool required = false, repeats = false;
    bool value_may_be_left_out = false;
};

/// A term of a filter, or of what else is written as KEY=VALUE.
struct FilterKey {
    std::string name;
    bool is_number = false;  ///< compared by < and > too
    std::string value, meaning;
};

struct Command {
    std::string line;  ///< as it is typed, `sluice port add`
    std::string about;
    std::string more;  ///< examples and what stands below them
    std::string help;  ///< all that --help prints
    std::vector<Argument> options, operands;
    std::vector<FilterKey> keys;
    std::vector<Command> commands;
};

[[nodiscard]] Command command_tree();

/// The command and all below it, in the order of --help.
[[nodiscard]] std::vector<const Command*> all_commands(const Command& command);

}  // namespace sluice::cli
