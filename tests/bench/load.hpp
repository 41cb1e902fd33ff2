// SPDX-License-Identifier: GPL-2.0-or-later
// What the programs and maps of a BPF object cost, of whatever version: nothing is attached, no
// packet is run.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sluice/error.hpp"
#include "tests/harness/program_cost.hpp"

namespace sluice::bench {

struct MapCost {
    std::string name;
    std::uint64_t bytes = 0;  ///< of kernel memory that does not depend on how many sessions may be
    double per_session = 0;   ///< bytes for each IPv4 session that there is room for
};

struct LoadCost {
    std::vector<test::ProgramCost> programs;
    std::vector<MapCost> maps;
};

/// Loads the object. Maps whose size is the loader's get the one that it gives them today.
/// Errors: not_found (no such file), failed (refused; the end of the verifier's log).
[[nodiscard]] Result<LoadCost> load_object(const std::string& path);

}  // namespace sluice::bench
