// SPDX-License-Identifier: GPL-2.0-or-later
// Detectors: what is set over what is by default, and the rules made of it.
#include "loader/detect/store.hpp"

#include <gtest/gtest.h>

#include "loader/event/kinds.hpp"
#include "loader/instance/database.hpp"
#include "loader/model/detectors.hpp"
#include "tests/unit/temporary_folder.hpp"

namespace sluice {
namespace {

using namespace std::chrono_literals;

TEST(Detectors, EachHasAnEventOfItsName) {
    ASSERT_EQ(detector_infos().size(), std::size_t{SL_DETECTOR_COUNT});
    for (const auto& info : detector_infos())
        EXPECT_EQ(
            event_kinds()[static_cast<std::size_t>(SL_EVENT_SYN_FLOOD) - 1 + info.detector].name,
            info.name);
}

TEST(Detectors, AreFoundByName) {
    EXPECT_EQ((*find_detector("port-scan"))->detector, SL_DETECT_PORT_SCAN);
    const auto none = find_detector("portscan");
    ASSERT_FALSE(none);
    EXPECT_EQ(none.error().code, ErrorCode::usage);
    EXPECT_NE(none.error().hint.find("port-scan"), std::string::npos);
}

TEST(Detectors, WhatIsSetGoesBeforeTheDefault) {
    const std::vector<DetectorSpec> set{{SL_DETECT_ARP_SCAN, 7, 2s, DetectAction::limit}};
    const auto all = all_detectors(set);
    ASSERT_EQ(all.size(), std::size_t{SL_DETECTOR_COUNT});
    EXPECT_EQ(all[SL_DETECT_ARP_SCAN], set[0]);
    EXPECT_EQ(all[SL_DETECT_SYN_FLOOD].threshold, 1000u);
    EXPECT_EQ(all[SL_DETECT_SYN_FLOOD].action, DetectAction::report);
    const auto rule = detect_rule(set[0]);
    EXPECT_EQ(rule.threshold, 7u);
    EXPECT_EQ(rule.window, 1907u);  // 2 s / 1.048576 ms
    EXPECT_EQ(rule.action, __u32{SL_DETECT_LIMIT});
}

TEST(Detectors, AreKeptInTheDatabase) {
    const TemporaryFolder folder;
    auto database = std::move(*Database::create(folder.path() / "blue"));
    const DetectorSpec spec{SL_DETECT_MAC_FLOOD, 2'000'000'000, 3'600'000ms, DetectAction::off};
    ASSERT_TRUE(put_detector(database.connection(), spec));
    EXPECT_EQ(database.load()->detectors, std::vector{spec});
    EXPECT_TRUE(*erase_detector(database.connection(), SL_DETECT_MAC_FLOOD));
    EXPECT_FALSE(*erase_detector(database.connection(), SL_DETECT_MAC_FLOOD));
    EXPECT_TRUE(database.load()->detectors.empty());
}

}  // namespace
}  // namespace sluice
