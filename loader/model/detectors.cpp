// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/model/detectors.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace sluice {

const std::vector<DetectorInfo>& detector_infos() {
#define SL_DETECTOR_ROW(id, name, threshold, window, counted, per) \
    {SL_DETECT_##id, name, threshold, std::chrono::milliseconds(window), counted, per},
    static const std::vector<DetectorInfo> infos{SL_DETECTORS(SL_DETECTOR_ROW)};
#undef SL_DETECTOR_ROW
    return infos;
}

const DetectorInfo& detector_info(sl_detector detector) { return detector_infos()[detector]; }

std::string_view detector_name(std::uint32_t number) {
    return number < SL_DETECTOR_COUNT ? detector_infos()[number].name : "unknown";
}

Result<const DetectorInfo*> find_detector(std::string_view name) {
    std::string names;
    for (const auto& info : detector_infos()) {
        if (info.name == name) return &info;
        names += fmt::format("{}{}", names.empty() ? "" : ", ", info.name);
    }
    return fail(ErrorCode::usage, fmt::format("`{}` is not a detector", name),
                "there are " + names);
}

std::vector<DetectorSpec> all_detectors(std::span<const DetectorSpec> set) {
    std::vector<DetectorSpec> all;
    for (const auto& info : detector_infos()) {
        const auto found = std::ranges::find(set, info.detector, &DetectorSpec::detector);
        all.push_back(found != set.end() ? *found
                                         : DetectorSpec{info.detector, info.threshold, info.window,
                                                        DetectAction::report});
    }
    return all;
}

bool blocks_sources(sl_detector detector) {
    return detector != SL_DETECT_MAC_FLOOD && detector != SL_DETECT_ARP_SCAN;
}

sl_detect_rule detect_rule(const DetectorSpec& spec) {
    const auto ticks = [](std::chrono::milliseconds time) {
        using Ticks =
            std::chrono::duration<std::uint64_t, std::ratio<1 << SL_TICK_SHIFT, 1'000'000'000>>;
        return static_cast<__u32>(std::chrono::duration_cast<Ticks>(time).count());
    };
    return {.threshold = spec.threshold,
            .window = ticks(spec.window),
            .action = static_cast<__u32>(spec.action),
            .block = spec.action == DetectAction::block ? ticks(spec.block_for) : 0};
}

static_assert(static_cast<int>(DetectAction::off) == SL_DETECT_OFF);
static_assert(static_cast<int>(DetectAction::report) == SL_DETECT_REPORT);
static_assert(static_cast<int>(DetectAction::limit) == SL_DETECT_LIMIT);
static_assert(static_cast<int>(DetectAction::block) == SL_DETECT_BLOCK);

}  // namespace sluice
