// SPDX-License-Identifier: GPL-2.0-or-later
// Runs what prints, and catches what it printed.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "cli/render/output.hpp"

namespace sluice::cli {

struct Captured {
    int code = 0;
    std::string out, err;

    [[nodiscard]] Json json() const { return Json::parse(out); }
};

/// `sluice` with these arguments, in this process.
[[nodiscard]] Captured run_captured(const std::vector<std::string>& arguments);

/// What `print` writes to an Output of this mode.
[[nodiscard]] Captured capture(Mode mode, const std::function<void(Output&)>& print);

}  // namespace sluice::cli
