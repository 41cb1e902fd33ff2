#include "loader/detectors.hpp"

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

sl_detect_rule detect_rule(const DetectorSpec& spec) {
    using Ticks =
        std::chrono::duration<std::uint64_t, std::ratio<1 << SL_TICK_SHIFT, 1'000'000'000>>;
    return {.threshold = spec.threshold,
            .window = static_cast<__u32>(std::chrono::duration_cast<Ticks>(spec.window).count()),
            .action = static_cast<__u32>(spec.action),
            .zero = 0};
}

static_assert(static_cast<int>(DetectAction::off) == SL_DETECT_OFF);
static_assert(static_cast<int>(DetectAction::report) == SL_DETECT_REPORT);
static_assert(static_cast<int>(DetectAction::limit) == SL_DETECT_LIMIT);

}  // namespace sluice
