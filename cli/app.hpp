// SPDX-License-Identifier: GPL-2.0-or-later
// The command line as a whole: parses, runs one command, and gives its exit code.
#pragma once

#include <cstdio>

namespace sluice::cli {

/// @return 0 done, 1 failed, 2 usage, 3 not found, 4 refused, 5 unsupported, 6 no permission
[[nodiscard]] int run(int argc, const char* const* argv, std::FILE* out, std::FILE* err);

}  // namespace sluice::cli
