// SPDX-License-Identifier: GPL-2.0-or-later
// Detectors of floods and scans.
#pragma once

#include <chrono>
#include <cstdint>
#include <string_view>

#include "sluice/abi/detect.h"
#include "sluice/error.hpp"

namespace sluice {

enum class DetectAction : std::uint8_t { off, report, limit, block };

[[nodiscard]] Result<DetectAction> parse_detect_action(std::string_view text);
[[nodiscard]] std::string_view detect_action_text(DetectAction action);

/// One detector (sluice/abi/detect.h).
struct DetectorSpec {
    sl_detector detector = SL_DETECT_SYN_FLOOD;
    std::uint32_t threshold = 1;         ///< in one window, 1 to 2^31 - 1
    std::chrono::milliseconds window{};  ///< 100 ms to 1 h
    DetectAction action = DetectAction::report;
    std::chrono::milliseconds block_for = std::chrono::minutes(10);  ///< 1 s to 30 d
    bool operator==(const DetectorSpec&) const = default;
};

}  // namespace sluice
