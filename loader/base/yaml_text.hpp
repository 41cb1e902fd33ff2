// SPDX-License-Identifier: GPL-2.0-or-later
// A YAML text of somebody else's: one document, read without an exception leaving it.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "loader/base/yaml_map.hpp"

namespace sluice {

/// What is read from a file.
struct YamlText {
    std::string_view text;
    std::size_t largest;    ///< bytes that are read at most
    std::string_view keys;  ///< of the file, for hints: `vms, classes`
};

/// @param read is given the root, which is not empty; it may throw what yaml-cpp throws
/// Errors: usage, with the place in the file.
[[nodiscard]] Result<> read_yaml(const YamlFile& file, const YamlText& yaml,
                                 const std::function<Result<>(const YAML::Node& root)>& read);

}  // namespace sluice
