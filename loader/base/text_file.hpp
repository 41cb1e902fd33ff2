// SPDX-License-Identifier: GPL-2.0-or-later
// Texts that a command is given in a file or by its standard input.
#pragma once

#include <string>

#include "sluice/error.hpp"

namespace sluice {

/// A file's text; `-` is standard input. No more than 64 MB are read: more is refused, and so are
/// devices and FIFOs, which may have no end or never begin.
/// @param hint what kind of file is asked for, if it can't be read
/// Errors: as of errno; refused.
[[nodiscard]] Result<std::string> read_text(const std::string& file, std::string hint);

}  // namespace sluice
