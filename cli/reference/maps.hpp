// The maps of an instance, as the BPF objects declare them and the sources describe them.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "sluice/error.hpp"

namespace sluice::cli {

struct MapReference {
    std::string name, type;
    std::string key, value;  ///< types in C
    std::uint32_t entries = 0;
    bool sized_by_up = false;  ///< by the settings of `sluice up`; `entries` are by default
    std::vector<std::string> flags;
    std::string meaning;  ///< what its comment says: `Map NAME: …`; empty: there is none
};

/// @param source the sources' folder, for the comments
[[nodiscard]] Result<std::vector<MapReference>> map_references(const std::filesystem::path& source);

}  // namespace sluice::cli
