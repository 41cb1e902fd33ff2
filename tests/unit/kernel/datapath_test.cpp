// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/kernel/datapath.hpp"

#include <gtest/gtest.h>

#include <chrono>

namespace sluice {
namespace {

using std::chrono::milliseconds;

TEST(Ticks, AreRoundedUpAndBounded) {
    Settings settings;
    settings.udp_timeout = milliseconds(300'000);
    settings.tcp_established_timeout = milliseconds(0);
    settings.tcp_transitory_timeout = milliseconds(1);
    settings.icmp_timeout = milliseconds(2);
    settings.other_timeout = milliseconds::max();
    const sl_settings ticks = settings_in_ticks(settings);
    EXPECT_EQ(ticks.udp_timeout, 286'103u);  // 300 s / 1.048576 ms = 286102.3
    EXPECT_EQ(ticks.tcp_established_timeout, 1u);
    EXPECT_EQ(ticks.tcp_transitory_timeout, 1u);
    EXPECT_EQ(ticks.icmp_timeout, 2u);
    EXPECT_EQ(ticks.other_timeout, 0x7fffffffu);
    EXPECT_EQ(ticks.nexthop_ttl, 477u);
    EXPECT_EQ(ticks.tracked_until4, 375'000u);
    EXPECT_EQ(ticks.tracked_until6, 93'750u);
    EXPECT_EQ(ticks.max_sessions4, 500'000u);
    EXPECT_EQ(ticks.max_sessions6, 125'000u);
}

}  // namespace
}  // namespace sluice
