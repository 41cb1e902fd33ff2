// SPDX-License-Identifier: GPL-2.0-or-later
// Documents as text for people.
#pragma once

#include <string>

#include "cli/render/document.hpp"

namespace sluice::cli {

[[nodiscard]] std::string render_text(const Document& document);

/// Heading line of a table whose columns are as wide as they say.
[[nodiscard]] std::string text_heading(const std::vector<Field>& columns);
[[nodiscard]] std::string text_row(const std::vector<Field>& columns, const Json& row);

}  // namespace sluice::cli
