// SPDX-License-Identifier: GPL-2.0-or-later
// Block lists as files have them.
#include "loader/block/list.hpp"

#include <gmock/gmock.h>

#include <random>

#include "tests/unit/expect_error.hpp"

namespace sluice {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::vector<std::string> texts(const std::vector<Prefix>& prefixes) {
    std::vector<std::string> all;
    for (const auto& prefix : prefixes) all.push_back(prefix.text());
    return all;
}

std::vector<Prefix> normalised(std::initializer_list<const char*> prefixes) {
    std::vector<Prefix> all;
    for (const auto* text : prefixes) all.push_back(*Prefix::parse(text));
    normalise_block_list(all);
    return all;
}

TEST(BlockList, CommentsBlanksAndBareAddresses) {
    const auto list = parse_block_list(
        "; Spamhaus DROP List 2026/11/23\n"
        "1.10.16.0/20 ; SBL256894\r\n"
        "\n"
        "   \t\n"
        "# a comment\n"
        "\t192.0.2.1#at once\n"
        "2001:db8::/32;SBL1\n"
        "2001:db8::1",
        "drop.txt");
    ASSERT_TRUE(list) << list.error().message;
    EXPECT_THAT(texts(*list),
                ElementsAre("1.10.16.0/20", "192.0.2.1/32", "2001:db8::/32", "2001:db8::1/128"));
}

TEST(BlockList, NothingIsAList) {
    for (const auto* text : {"", "\n", "# nothing\n;\n"}) {
        const auto list = parse_block_list(text, "empty");
        ASSERT_TRUE(list);
        EXPECT_TRUE(list->empty());
    }
}

TEST(BlockList, BadLinesSayWhereAndWhy) {
    const std::pair<const char*, const char*> cases[] = {
        {"1.2.3.4\n# two\n1.2.3.400\n", "bad.txt:3: `1.2.3.400`"},
        {"1.2.3.4 5.6.7.8\n", "bad.txt:1: `1.2.3.4 5.6.7.8`"},
        {"1.2.3.0/33", "bad.txt:1: `1.2.3.0/33`"},
        {"\n10.0.0.1/24", "bad.txt:2: `10.0.0.1/24` has host bits set"},
        {"1.2.3.4,evil\n", "bad.txt:1: `1.2.3.4,evil`"},
    };
    for (const auto& [text, message] : cases) {
        const auto list = parse_block_list(text, "bad.txt");
        ASSERT_FALSE(list) << text;
        EXPECT_EQ(list.error().code, ErrorCode::usage);
        EXPECT_THAT(list.error().message, HasSubstr(message));
        EXPECT_THAT(list.error().hint, HasSubstr("a list has one address or network a line"));
    }
    EXPECT_THAT(parse_block_list("10.0.0.1/24", "x").error().hint, HasSubstr("10.0.0.0/24"));
}

TEST(BlockList, ProgressIsTold) {
    std::string text;
    for (int i = 0; i < 140'000; ++i) text += "1.2.3.4\n";
    std::vector<std::size_t> told;
    ASSERT_TRUE(parse_block_list(text, "x", [&](std::size_t lines) { told.push_back(lines); }));
    EXPECT_THAT(told, ElementsAre(65'536, 131'072));
}

TEST(BlockList, WhatIsCoveredIsLeftOut) {
    EXPECT_THAT(texts(normalised({"10.1.0.0/16", "10.0.0.0/8", "10.1.2.3/32", "11.0.0.0/8",
                                  "11.0.0.0/8", "9.255.255.255/32"})),
                ElementsAre("9.255.255.255/32", "10.0.0.0/8", "11.0.0.0/8"));
    // ::/64 holds the numbers of all IPv4 addresses, but not the addresses.
    EXPECT_THAT(texts(normalised({"::2:0:0:1/128", "::/64", "192.0.2.0/24", "::1/128"})),
                ElementsAre("192.0.2.0/24", "::/64"));
    EXPECT_TRUE(normalised({}).empty());
}

TEST(BlockList, DigestsDifferWithTheList) {
    const auto digest = [](std::initializer_list<const char*> prefixes) {
        return block_list_digest(normalised(prefixes));
    };
    EXPECT_EQ(digest({"10.0.0.0/8", "::1"}), digest({"::1", "10.0.0.0/8"}));
    EXPECT_NE(digest({"10.0.0.0/8"}), digest({"10.0.0.0/9"}));
    EXPECT_NE(digest({"10.0.0.0/8"}), digest({"11.0.0.0/8"}));
    EXPECT_NE(digest({"::1/128"}), digest({"::2/128"}));
    EXPECT_NE(digest({}), 0u);
}

TEST(BlockList, PackedAndBack) {
    const auto list = normalised({"0.0.0.0/0", "::/0"});
    EXPECT_EQ(unpack_block_list(pack_block_list(list)), list);
    const auto more = normalised({"192.0.2.1", "10.0.0.0/8", "2001:db8::/29", "::1", "fe80::/10"});
    const auto packed = pack_block_list(more);
    EXPECT_EQ(packed.size(), 2u * 5 + 3 * 17);
    EXPECT_EQ(unpack_block_list(packed), more);
    for (const std::string_view bad :
         {std::string_view(packed).substr(0, packed.size() - 1),
          std::string_view("\x21\x01\x02\x03\x04"), std::string_view("\xff")}) {
        EXPECT_FALSE(unpack_block_list(bad));
    }
}

}  // namespace
}  // namespace sluice
