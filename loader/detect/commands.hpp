// SPDX-License-Identifier: GPL-2.0-or-later
// Detection of floods and scans: what is set, and the rules of the datapath.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "loader/instance/journal.hpp"
#include "loader/instance/target.hpp"
#include "loader/kernel/datapath.hpp"
#include "loader/model/detectors.hpp"

namespace sluice {

/// What `detect set` changes; the rest stays.
struct DetectorChange {
    std::optional<std::uint32_t> threshold;
    std::optional<std::chrono::milliseconds> window;
    std::optional<DetectAction> action;
    std::optional<std::chrono::milliseconds> block_for;
};

/// @param name of the detector, or `all`. Errors: usage (no such detector), refused (it goes by no
/// address, and is to block; a time, and it does not block).
[[nodiscard]] Result<Outcome> set_detector(const Target& target, const std::string& name,
                                           const DetectorChange& wanted);
/// Makes it as it is by default again. Errors: usage (no such detector).
[[nodiscard]] Result<Outcome> reset_detector(const Target& target, const std::string& name);
/// Lists all detectors as they are in force.
[[nodiscard]] Result<std::vector<DetectorSpec>> list_detectors(const Target& target);

}  // namespace sluice
