// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/detect/store.hpp"

#include <algorithm>

#include "loader/model/detectors.hpp"
#include "loader/store/stored.hpp"

namespace sluice {

Result<std::vector<DetectorSpec>> load_detectors(const Connection& connection) {
    std::vector<DetectorSpec> specs;
    SL_TRY(row,
           connection.prepare("SELECT name, threshold, window, action, block_for FROM detector"));
    SL_CHECK(row.each_row([&]() -> Result<> {
        SL_TRY(info, stored(find_detector(row.text(0))));
        SL_TRY(action, stored(parse_detect_action(row.text(3))));
        specs.push_back({info->detector, row.integer<std::uint32_t>(1),
                         std::chrono::milliseconds(row.integer(2)), action,
                         std::chrono::milliseconds(row.integer(4))});
        return {};
    }));
    std::ranges::sort(specs, {}, &DetectorSpec::detector);
    return specs;
}

Result<> put_detector(const Connection& connection, const DetectorSpec& spec) {
    SL_CHECK(connection.run("INSERT OR REPLACE INTO detector VALUES (?, ?, ?, ?, ?)",
                            detector_info(spec.detector).name, spec.threshold, spec.window.count(),
                            detect_action_text(spec.action), spec.block_for.count()));
    return {};
}

Result<bool> erase_detector(const Connection& connection, sl_detector detector) {
    SL_TRY(erased,
           connection.run("DELETE FROM detector WHERE name = ?", detector_info(detector).name));
    return erased != 0;
}

}  // namespace sluice
