// SPDX-License-Identifier: GPL-2.0-or-later
// The detectors that there are.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "sluice/abi/detect.h"
#include "sluice/error.hpp"
#include "sluice/model/detect.hpp"

namespace sluice {

struct DetectorInfo {
    sl_detector detector;
    std::string_view name;
    std::uint32_t threshold;           ///< if nothing is set
    std::chrono::milliseconds window;  ///< likewise
    std::string_view counted, per;     ///< what, and for what
};

/// Lists them in the order of the enum.
[[nodiscard]] const std::vector<DetectorInfo>& detector_infos();
[[nodiscard]] const DetectorInfo& detector_info(sl_detector detector);
/// For a number of the datapath's: a name, whatever it is.
[[nodiscard]] std::string_view detector_name(std::uint32_t number);
/// Errors: usage, with the names as the hint.
[[nodiscard]] Result<const DetectorInfo*> find_detector(std::string_view name);

/// Does it go by what a source sends, so that blocking the source is an answer?
[[nodiscard]] bool blocks_sources(sl_detector detector);
/// All detectors: as set, or as they are by default (report).
[[nodiscard]] std::vector<DetectorSpec> all_detectors(std::span<const DetectorSpec> set);
[[nodiscard]] sl_detect_rule detect_rule(const DetectorSpec& spec);

}  // namespace sluice
