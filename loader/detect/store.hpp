// SPDX-License-Identifier: GPL-2.0-or-later
// Detectors in state.db. Works inside the connection's transaction; not thread-safe.
#pragma once

#include <vector>

#include "loader/store/sqlite.hpp"
#include "sluice/model/detect.hpp"

namespace sluice {

/// For which something was set, in the order of the enum.
[[nodiscard]] Result<std::vector<DetectorSpec>> load_detectors(const Connection& connection);
/// Makes or replaces what is set for a detector.
[[nodiscard]] Result<> put_detector(const Connection& connection, const DetectorSpec& spec);
/// @return whether something was set
[[nodiscard]] Result<bool> erase_detector(const Connection& connection, sl_detector detector);

}  // namespace sluice
