// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/kernel/sysctl.hpp"

#include <gtest/gtest.h>

#include <optional>

namespace sluice {
namespace {

TEST(Sysctls, AreReadWithoutTheirNewline) {
    EXPECT_EQ(read_sysctl("net/ipv4/conf/lo/forwarding")->value_or("none").size(), 1u);
    EXPECT_EQ(read_sysctl("net/no/such/setting"), std::nullopt);
    EXPECT_EQ(write_sysctl("net/no/such/setting", "1").error().code, ErrorCode::not_found);
}

}  // namespace
}  // namespace sluice
