// SPDX-License-Identifier: GPL-2.0-or-later
// What the environment says of a run, shared by both drivers.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>

namespace sluice::test::sequence {

[[nodiscard]] std::optional<std::uint64_t> number_from(const char* variable);
/// SLUICE_SEQUENCE_SEED, or any.
[[nodiscard]] std::uint64_t first_seed();

using Properties = std::set<std::string>;
/// SLUICE_SEQUENCE_KNOWN: what is known not to hold and is not to be told, with commas.
[[nodiscard]] Properties known_properties();

}  // namespace sluice::test::sequence
