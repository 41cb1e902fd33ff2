// SPDX-License-Identifier: GPL-2.0-or-later
#include "sluice/dscp.hpp"

#include <gtest/gtest.h>

#include "tests/unit/expect_error.hpp"

namespace sluice {
namespace {

TEST(Dscp, NamesAreThoseOfTheRfcs) {
    for (int number = 0; number < 8; ++number)
        EXPECT_EQ(parse_dscp("cs" + std::to_string(number)), 8 * number);
    for (int level = 1; level <= 4; ++level)
        for (int drops = 1; drops <= 3; ++drops)
            EXPECT_EQ(parse_dscp("af" + std::to_string(level) + std::to_string(drops)),
                      8 * level + 2 * drops);
    EXPECT_EQ(parse_dscp("ef"), 46);
    EXPECT_EQ(parse_dscp("EF"), 46);
    EXPECT_EQ(parse_dscp("va"), 44);
    EXPECT_EQ(parse_dscp("le"), 1);
    EXPECT_EQ(parse_dscp("be"), 0);
    EXPECT_EQ(parse_dscp("df"), 0);
}

TEST(Dscp, ComesBackFromItsText) {
    for (std::uint8_t dscp = 0; dscp < 64; ++dscp) {
        EXPECT_EQ(parse_dscp(dscp_text(dscp)), dscp);
        EXPECT_EQ(parse_dscp(std::to_string(dscp)), dscp);
    }
    EXPECT_EQ(dscp_text(46), "ef");
    EXPECT_EQ(dscp_text(0), "be");
    EXPECT_EQ(dscp_text(8), "cs1");
    EXPECT_EQ(dscp_text(47), "47");
}

TEST(Dscp, RefusesWhatIsNone) {
    for (const auto* text : {"", "64", "-1", "256", "ef ", "cs8", "af44", "af14", "af", "0x2e", "e",
                             "EFF", "4 6", "keep"})
        expect_error(parse_dscp(text), ErrorCode::usage, "is not a DSCP");
}

}  // namespace
}  // namespace sluice
