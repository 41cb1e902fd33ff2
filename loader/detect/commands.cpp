// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/detect/commands.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "loader/detect/store.hpp"
#include "loader/instance/change.hpp"
#include "sluice/units.hpp"

namespace sluice {
namespace {

using namespace std::chrono_literals;

/// The detectors that a name stands for.
Result<std::vector<sl_detector>> detectors_named(const std::string& name) {
    std::vector<sl_detector> named;
    if (name != "all") {
        SL_TRY(info, find_detector(name));
        return std::vector{info->detector};
    }
    for (const auto& info : detector_infos()) named.push_back(info.detector);
    return named;
}

Result<> check_numbers(const DetectorChange& wanted) {
    constexpr std::uint32_t greatest_threshold = INT32_MAX;
    if (wanted.threshold && (*wanted.threshold == 0 || *wanted.threshold > greatest_threshold))
        return fail(ErrorCode::usage,
                    fmt::format("--threshold {} is out of range", *wanted.threshold),
                    fmt::format("1 to {}; --action off turns a detector off", greatest_threshold));
    if (wanted.window) SL_CHECK(check_duration("--window", *wanted.window, 100ms, 1h));
    if (wanted.block_for) SL_CHECK(check_duration("--for", *wanted.block_for, 1s, 30 * 24h));
    return {};
}

Result<DetectorSpec> changed(DetectorSpec spec, const DetectorChange& wanted) {
    const auto& info = detector_info(spec.detector);
    spec.threshold = wanted.threshold.value_or(spec.threshold);
    spec.window = wanted.window.value_or(spec.window);
    spec.action = wanted.action.value_or(spec.action);
    spec.block_for = wanted.block_for.value_or(spec.block_for);
    if (spec.action == DetectAction::block && !blocks_sources(spec.detector))
        return fail(ErrorCode::refused,
                    fmt::format("{} can't block: what it counts has no address of a source that "
                                "stays",
                                info.name),
                    "--action limit drops what is over the threshold");
    if (wanted.block_for && spec.action != DetectAction::block)
        return fail(ErrorCode::refused, fmt::format("{} does not block", info.name),
                    "--action block --for TIME");
    return spec;
}

}  // namespace

Result<Outcome> set_detector(const Target& target, const std::string& name,
                             const DetectorChange& wanted) {
    SL_CHECK(check_numbers(wanted));
    SL_TRY(named, detectors_named(name));
    return change(target, [&](const Change& it) -> Result<> {
        for (const auto& before : all_detectors(it.before.detectors)) {
            if (std::ranges::find(named, before.detector) == named.end()) continue;
            SL_TRY(spec, changed(before, wanted));
            SL_CHECK(put_detector(it.database.connection(), spec));
        }
        return {};
    });
}

Result<Outcome> reset_detector(const Target& target, const std::string& name) {
    SL_TRY(named, detectors_named(name));
    return change(target, [&](const Change& it) -> Result<> {
        for (const auto detector : named)
            SL_CHECK(erase_detector(it.database.connection(), detector));
        return {};
    });
}

Result<std::vector<DetectorSpec>> list_detectors(const Target& target) {
    SL_TRY(instance, open_instance(target));
    return all_detectors(instance.desired.detectors);
}

}  // namespace sluice
