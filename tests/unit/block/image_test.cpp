// SPDX-License-Identifier: GPL-2.0-or-later
// The block list's image, as the datapath looks it up (bpf/lib/block_image.h, built for the host),
// against a list that is searched from end to end.
#include "loader/block/image.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "bpf/lib/block_image.h"
#include "loader/block/list.hpp"

namespace sluice {
namespace {

Prefix cut(const sl_addr& address, int length) {
    const bool v4 = Address(address).is_v4();
    auto raw = address;
    for (int bit = (v4 ? 96 : 0) + length; bit < 128; ++bit)
        raw.b[bit / 8] &= static_cast<__u8>(~(0x80 >> bit % 8));
    return {Address(raw), length};
}

class Lists {
public:
    explicit Lists(std::uint64_t seed) : random_(seed) {}

    /// Close together, so that they cover each other, and share /16s, /24s and /32s.
    Address address(bool v4) {
        sl_addr raw{};
        for (auto& byte : raw.b) byte = static_cast<__u8>(draw(4) == 0 ? draw(256) : draw(3));
        if (draw(2) == 0) raw.b[0] = 0x20;
        if (!v4) return Address(raw);
        std::fill(raw.b, raw.b + 10, 0);
        raw.b[10] = raw.b[11] = 0xff;
        return Address(raw);
    }
    Prefix prefix() {
        const bool v4 = draw(2) == 0;
        const int shortest = draw(20) == 0 ? 0 : v4 ? 8 : 20;
        return cut(address(v4).raw(),
                   shortest + static_cast<int>(draw((v4 ? 33 : 129) - shortest)));
    }
    std::vector<Prefix> list(std::size_t size) {
        std::vector<Prefix> prefixes;
        for (std::size_t i = 0; i < size; ++i) prefixes.push_back(prefix());
        return prefixes;
    }
    /// In a prefix, or right beside it, or anywhere.
    Address near(const std::vector<Prefix>& prefixes) {
        if (prefixes.empty() || draw(4) == 0) return address(draw(2) == 0);
        const auto& prefix = prefixes[draw(prefixes.size())];
        auto raw = prefix.address.raw();
        const int first = prefix.mapped_length();
        for (int bit = first; bit < 128; ++bit)
            if (draw(2) == 0) raw.b[bit / 8] ^= static_cast<__u8>(0x80 >> bit % 8);
        if (draw(2) == 0 && prefix.length > 0)
            raw.b[(first - 1) / 8] ^= static_cast<__u8>(0x80 >> (first - 1) % 8);
        return Address(raw);
    }
    std::size_t draw(std::size_t below) { return random_() % below; }

private:
    std::mt19937_64 random_;
};

bool listed(const BlockImage& image, const Address& address) {
    sl_block_array parts{image.parts.data(), static_cast<__u32>(image.parts.size())};
    sl_block_array lines{image.lines.data(), static_cast<__u32>(image.lines.size())};
    const auto* tables = sl_block_tables_of(&parts);
    if (address.is_v4()) return sl_block_has4(&parts, &lines, tables, ntohl(address.v4_raw()));
    return sl_block_has6(&lines, tables, block_addr6(address));
}

bool listed(const std::vector<Prefix>& prefixes, const Address& address) {
    return std::ranges::any_of(prefixes, [&](const Prefix& it) { return it.contains(address); });
}

BlockImage image_of(std::vector<Prefix> prefixes) {
    normalise_block_list(prefixes);
    auto image = build_block_image(prefixes);
    EXPECT_TRUE(image) << image.error().message;
    return image ? *std::move(image) : BlockImage{};
}

/// To make an image under the sanitizer takes half a second.
#ifdef __SANITIZE_ADDRESS__
constexpr int image_share = 10;
#else
constexpr int image_share = 1;
#endif

TEST(BlockImage, SaysWhatTheListSays) {
    for (std::uint64_t seed = 1; seed <= 60 / image_share; ++seed) {
        Lists lists(seed);
        const auto prefixes = lists.list(lists.draw(seed % 3 == 0 ? 400 : 12));
        auto image = image_of(prefixes);
        for (int i = 0; i < 2000; ++i) {
            const auto address = lists.near(prefixes);
            ASSERT_EQ(listed(image, address), listed(prefixes, address))
                << address.text() << " with seed " << seed;
        }
    }
}

TEST(BlockImage, EveryLengthAlone) {
    for (const bool v4 : {true, false})
        for (int length = 0; length <= (v4 ? 32 : 128); length += image_share) {
            Lists lists(static_cast<std::uint64_t>(length) + 1);
            const std::vector one{cut(lists.address(v4).raw(), length)};
            auto image = image_of(one);
            for (int i = 0; i < 300; ++i) {
                const auto address = lists.near(one);
                ASSERT_EQ(listed(image, address), listed(one, address))
                    << address.text() << " and " << one[0].text();
            }
        }
}

TEST(BlockImage, EmptyListsNothing) {
    auto image = image_of({});
    for (const auto* text : {"0.0.0.0", "255.255.255.255", "::", "2001:db8::1"})
        EXPECT_FALSE(listed(image, *Address::parse(text))) << text;
}

// The key of nothing but zeros is one like any other.
TEST(BlockImage, ZeroIsAnAddress) {
    for (const auto* text : {"::/128", "::/127", "::/64", "::/33", "0.0.0.0/32"}) {
        auto image = image_of({*Prefix::parse(text)});
        EXPECT_TRUE(listed(image, Prefix::parse(text)->address)) << text;
        EXPECT_FALSE(listed(image, *Address::parse("1::"))) << text;
        EXPECT_FALSE(listed(image, *Address::parse("0.0.0.1"))) << text;
    }
    auto image = image_of({*Prefix::parse("::1/128")});
    EXPECT_FALSE(listed(image, *Address::parse("::")));
}

// Tables grow until each key is within reach of its probes.
TEST(BlockImage, ManyAreAllFound) {
    std::mt19937_64 random(7);
    std::vector<Prefix> prefixes;
    for (int i = 0; i < 200'000; ++i) {
        sl_addr raw{};
        for (auto& byte : raw.b) byte = static_cast<__u8>(random());
        raw.b[0] = 0x20;
        prefixes.push_back(cut(raw, i % 2 == 0 ? 64 : 48));
        prefixes.push_back({Address::v4(static_cast<__be32>(random())), 32});
    }
    auto image = image_of(prefixes);
    for (const auto& prefix : prefixes) ASSERT_TRUE(listed(image, prefix.address)) << prefix.text();
}

// Hosts for which there is no room in their bucket, and /24s of which many are listed, get leaves.
TEST(BlockImage, FullBucketsAndFullNetworks) {
    constexpr __u32 bucket = 77u << SL_BLOCK_TAG_BITS;
    std::vector<Prefix> prefixes;
    for (__u32 address = 0x0b000000; prefixes.size() < 40; ++address)
        if (sl_block_host(address) - bucket < 1u << SL_BLOCK_TAG_BITS)
            prefixes.push_back({Address::v4(htonl(address)), 32});
    for (__u32 last = 0; last < 256; last += 3)
        prefixes.push_back({Address::v4(htonl(0xc0000200 + last)), 32});
    auto image = image_of(prefixes);
    EXPECT_GE(image.lines.size(), 1u);
    for (const auto& prefix : prefixes) ASSERT_TRUE(listed(image, prefix.address)) << prefix.text();
    for (__u32 last = 0; last < 256; ++last)
        ASSERT_EQ(listed(image, Address::v4(htonl(0xc0000200 + last))), last % 3 == 0) << last;
}

TEST(BlockImage, TooManySlash32sAreRefused) {
    std::vector<Prefix> prefixes;
    for (int i = 0; i < 140; ++i)
        prefixes.push_back(*Prefix::parse(fmt::format("{:x}::/17", 0x2000 + i)));
    normalise_block_list(prefixes);
    const auto image = build_block_image(prefixes);
    ASSERT_FALSE(image);
    EXPECT_EQ(image.error().code, ErrorCode::refused);
}

}  // namespace
}  // namespace sluice
