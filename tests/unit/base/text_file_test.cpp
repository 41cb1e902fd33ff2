// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/base/text_file.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <string>

namespace sluice {
namespace {

TEST(TextFile, IsReadAsItIs) {
    const std::string path = testing::TempDir() + "/text_file_test";
    const std::string text("a\r\n\0b\xff", 6);
    std::ofstream(path, std::ios::binary) << text;
    const auto got = read_text(path, "");
    ASSERT_TRUE(got);
    EXPECT_EQ(*got, text);
}

TEST(TextFile, WhatHasNoEndIsRefused) {
    const auto got = read_text("/dev/zero", "");
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error().code, ErrorCode::refused);
    EXPECT_EQ(got.error().message, "/dev/zero is longer than 64 MB");
}

TEST(TextFile, WhatIsNoFileIsToldSo) {
    for (const char* path : {"/nowhere/at/all", "/tmp"}) {
        const auto got = read_text(path, "give the path of a list");
        ASSERT_FALSE(got) << path;
        EXPECT_EQ(got.error().hint, "give the path of a list");
    }
}

}  // namespace
}  // namespace sluice
