// SPDX-License-Identifier: GPL-2.0-or-later
// Documents against the files in golden/.
#pragma once

#include <string>

#include "cli/render/output.hpp"

namespace sluice::cli {

/// With SLUICE_UPDATE_GOLDEN set the files are written instead: look at the difference.
void expect_golden(const std::string& name, const std::string& printed);
void expect_golden(const std::string& name, const Document& document);

}  // namespace sluice::cli
