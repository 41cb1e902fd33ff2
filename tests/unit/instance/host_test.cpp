// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/instance/host.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

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

TEST(Host, HasAlwaysANameForItsErrors) {
    Host made = host();
    made.addresses.push_back({2, *Address::parse("fe80::2"), 64, false, true});
    EXPECT_EQ(*made.router_address(3, AF_INET), *Address::parse("10.1.0.1")) << "its own";
    EXPECT_EQ(*made.router_address(2, AF_INET), *Address::parse("10.0.0.1")) << "another's";
    EXPECT_EQ(*made.router_address(2, AF_INET6), *Address::parse("fe80::2")) << "of the link";
    EXPECT_EQ(made.router_address(3, AF_INET6), nullptr) << "another link's is nobody's here";
    made.addresses.push_back({5, *Address::parse("2001:db8::1"), 64, true, false});
    EXPECT_EQ(*made.router_address(2, AF_INET6), *Address::parse("fe80::2")) << "tentative";
    made.addresses.back().usable = true;
    EXPECT_EQ(*made.router_address(2, AF_INET6), *Address::parse("2001:db8::1"));
}

}  // namespace
}  // namespace sluice
