// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/view/detect.hpp"

#include "cli/view/views.hpp"

namespace sluice::cli {

Document detectors_view(const std::vector<DetectorSpec>& detectors) {
    Json list = Json::array();
    for (const auto& it : detectors) {
        const auto& info = detector_info(it.detector);
        list.push_back({{"name", info.name},
                        {"threshold", it.threshold},
                        {"window", seconds_json(it.window)},
                        {"action", detect_action_text(it.action)},
                        {"block_for", it.action == DetectAction::block ? seconds_json(it.block_for)
                                                                       : Json(nullptr)},
                        {"counted", info.counted},
                        {"per", info.per}});
    }
    return {"sluice.detect.list/1",
            {{"detectors", std::move(list)}},
            {Table{"",
                   "/detectors",
                   {{"DETECTOR", "/name"},
                    {"THRESHOLD", "/threshold", Format::count},
                    {"WINDOW", "/window", Format::duration},
                    {"ACTION", "/action"},
                    {"FOR", "/block_for", Format::duration},
                    {"COUNTS", "/counted"},
                    {"PER", "/per"}},
                   "no detectors"}},
            {}};
}

}  // namespace sluice::cli
