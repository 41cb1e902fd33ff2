// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>
#include <string_view>

namespace sluice::cli {

/// Every `old` becomes `with`.
[[nodiscard]] inline std::string replaced(std::string text, std::string_view old,
                                          std::string_view with) {
    for (auto at = text.find(old); at != text.npos; at = text.find(old, at + with.size()))
        text.replace(at, old.size(), with);
    return text;
}

}  // namespace sluice::cli
