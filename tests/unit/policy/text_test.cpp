// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/policy/text.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/policy/sample.hpp"

namespace sluice {
namespace {

using sample::policy_of;

TEST(PolicyText, SaysWhatARuleAsksFor) {
    const auto file =
        policy_of("- {name: a, action: allow, source: 10.0.0.0/8, icmp-types: echo-request}\n");
    const auto properties = properties_of(file.rules[0]);
    ASSERT_EQ(properties.size(), 3u);
    EXPECT_EQ(properties[0], (PolicyProperty{"source", {"10.0.0.0/8"}}));
    EXPECT_EQ(properties[1], (PolicyProperty{"protocol", {"icmp", "icmpv6"}}));
    EXPECT_EQ(properties[2], (PolicyProperty{"icmp-types", {"echo-request"}}));
}

}  // namespace
}  // namespace sluice
