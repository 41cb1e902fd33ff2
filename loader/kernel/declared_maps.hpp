// SPDX-License-Identifier: GPL-2.0-or-later
// The maps that the BPF objects declare, read from the objects in this binary.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sluice/error.hpp"

namespace sluice {

struct DeclaredMap {
    std::string name, type;
    std::string key, value;  ///< types in C
    std::uint32_t entries = 0;
    bool sized_by_up = false;  ///< by the settings of `sluice up`; `entries` are by default
    std::vector<std::string> flags;
};

/// Lists them by name; those of the programs' own scratch memory among them.
[[nodiscard]] Result<std::vector<DeclaredMap>> declared_maps();

}  // namespace sluice
