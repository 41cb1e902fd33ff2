// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/base/text_file.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "tests/unit/expect_error.hpp"

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

TEST(TextFile, WhatMayHaveNoEndIsRefused) {
    expect_error(read_text("/dev/zero", ""), ErrorCode::refused, "/dev/zero is not a file");
    const std::string fifo = testing::TempDir() + "/text_file_fifo";
    ASSERT_EQ(mkfifo(fifo.c_str(), 0600), 0);
    expect_error(read_text(fifo, ""), ErrorCode::refused, "is not a file");
    unlink(fifo.c_str());
}

TEST(TextFile, WhatIsTooLongIsRefused) {
    const std::string path = testing::TempDir() + "/text_file_long";
    std::ofstream(path).close();
    std::filesystem::resize_file(path, 64'000'001);  // a hole
    expect_error(read_text(path, ""), ErrorCode::refused, "is longer than 64 MB");
    std::filesystem::remove(path);
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
