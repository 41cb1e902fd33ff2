// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/instance/host.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/instance/sample_host.hpp"

namespace sluice {
namespace {

using sample::host;
using testing::HasSubstr;

TEST(Host, UnknownInterfaceHasANearMiss) {
    const auto wanted = host().require_link("eth1");
    ASSERT_FALSE(wanted);
    EXPECT_EQ(wanted.error().code, ErrorCode::not_found);
    EXPECT_THAT(wanted.error().hint, HasSubstr("eth0"));
    EXPECT_EQ(host().require_link("a-name-of-16-byte").error().code, ErrorCode::usage);
    EXPECT_THAT(host().require_link("enp94s0f1").error().hint, HasSubstr("--netns"));
}

}  // namespace
}  // namespace sluice
