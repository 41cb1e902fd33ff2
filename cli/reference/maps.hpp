// SPDX-License-Identifier: GPL-2.0-or-later
// The maps of an instance, as the BPF objects declare them and the sources describe them.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "loader/monitor/maps.hpp"

namespace sluice::cli {

struct MapReference : DeclaredMap {
    std::string meaning;  ///< what its comment says: `Map NAME: …`; empty: there is none
};

/// @param source the sources' folder, for the comments
[[nodiscard]] Result<std::vector<MapReference>> map_references(const std::filesystem::path& source);

}  // namespace sluice::cli
