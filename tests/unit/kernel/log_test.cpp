// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/kernel/log.hpp"

#include <bpf/libbpf.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

namespace sluice {
namespace {

using testing::HasSubstr;

TEST(Log, KeepsWarningsAndTheirEnd) {
    const LogCapture outer;
    {
        const LogCapture inner;
        EXPECT_EQ(bpf_object__open_file("/no/such/object.o", nullptr), nullptr);
        EXPECT_THAT(inner.text(), HasSubstr("/no/such/object.o"));
        EXPECT_TRUE(inner.tail().starts_with('\n'));
        EXPECT_FALSE(inner.tail().ends_with('\n'));
    }
    EXPECT_EQ(outer.tail(), "");
    for (int i = 0; i < 20; ++i)
        EXPECT_EQ(bpf_object__open_file(("/no/" + std::to_string(i)).c_str(), nullptr), nullptr);
    const std::string tail = outer.tail();
    EXPECT_EQ(std::ranges::count(tail, '\n'), 16);
    EXPECT_THAT(tail, HasSubstr("/no/19"));
}

}  // namespace
}  // namespace sluice
