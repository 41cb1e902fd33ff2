// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/model/mac_pool.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/expect_error.hpp"

namespace sluice {
namespace {

MacRange range_of(const char* text) {
    const auto range = MacRange::parse_prefix(text);
    EXPECT_TRUE(range) << range.error().message;
    return range.value_or(MacRange{});
}

TEST(MacNumber, IsOrderedAsTheTextIs) {
    const auto mac = *MacAddress::parse("02:1a:2b:3c:4d:5e");
    EXPECT_EQ(mac_number(mac), 0x021a2b3c4d5eu);
    EXPECT_EQ(mac_from_number(0x021a2b3c4d5e), mac);
}

TEST(MacRange, PrefixesOfEveryLength) {
    EXPECT_EQ(range_of("02").text(), "02:00:00:00:00:00-02:ff:ff:ff:ff:ff");
    EXPECT_EQ(range_of("02:1a:2b").text(), "02:1a:2b:00:00:00-02:1a:2b:ff:ff:ff");
    EXPECT_EQ(range_of("52:54:00").size(), 1u << 24);
    EXPECT_EQ(range_of("00:1A:2B:CD").text(), "00:1a:2b:cd:00:00-00:1a:2b:cd:ff:ff");
    EXPECT_EQ(range_of("02:00:00:00:01").size(), 256u);
}

TEST(MacRange, TheLastByteMayBeARange) {
    EXPECT_EQ(range_of("00:50:56:80-bf").text(), "00:50:56:80:00:00-00:50:56:bf:ff:ff");
    EXPECT_EQ(range_of("02:00:00:00:00:10-11").size(), 2u);
}

TEST(MacRange, MalformedPrefixes) {
    for (const auto* text : {"", "2", "02:", ":02", "02:1", "02:1g", "021a", "02:1a:2b:3c:4d:5e:6f",
                             "02:10-20:30", "02:20-10", "02:10-", "02 1a", "02:1a2b"})
        expect_error(MacRange::parse_prefix(text), ErrorCode::usage, "is not a MAC prefix");
}

TEST(MacRange, FirstAndLast) {
    EXPECT_EQ(MacRange::parse("02:00:00:00:00:10-02:00:00:00:00:1f")->size(), 16u);
    expect_error(MacRange::parse("02:00:00:00:00:10"), ErrorCode::usage, "not a range");
    expect_error(MacRange::parse("02:00:00:00:00:10-x"), ErrorCode::usage, "not a MAC");
    expect_error(MacRange::parse("02:00:00:00:00:10-02:00:00:00:00:0f"), ErrorCode::usage,
                 "reversed");
}

TEST(MacRange, MulticastIsRefused) {
    expect_error(MacRange::parse_prefix("01"), ErrorCode::refused, "multicast");
    expect_error(MacRange::parse_prefix("33:33"), ErrorCode::refused, "multicast");
    expect_error(MacRange::parse_prefix("02-04"), ErrorCode::refused, "multicast");
    expect_error(MacRange::parse("02:00:00:00:00:00-04:00:00:00:00:00"), ErrorCode::refused,
                 "multicast");
    expect_error(MacRange::parse("ff:ff:ff:ff:ff:00-ff:ff:ff:ff:ff:ff"), ErrorCode::refused,
                 "multicast");
}

TEST(MacRange, TwoUsableAddressesAtLeast) {
    expect_error(MacRange::parse_prefix("02:00:00:00:00:10-10"), ErrorCode::refused, "too small");
    expect_error(MacRange::parse_prefix("02:00:00:00:00:10"), ErrorCode::refused, "too small");
    expect_error(MacRange::parse("52:54:00:12:34:56-52:54:00:12:34:57"), ErrorCode::refused,
                 "too small");
    expect_error(MacRange::parse_prefix("00:00:5e:00:01"), ErrorCode::refused, "too small");
    expect_error(MacRange::parse_prefix("00:00:5e:00:02"), ErrorCode::refused, "too small");
    EXPECT_TRUE(MacRange::parse("52:54:00:12:34:55-52:54:00:12:34:57"));
}

TEST(MacRange, ReservedAddressesAreNotCounted) {
    EXPECT_EQ(usable_macs(range_of("52:54:00")), (1u << 24) - 1);
    EXPECT_EQ(usable_macs(range_of("00:00:5e")), (1u << 24) - 512);
    EXPECT_EQ(usable_macs(range_of("00:00:00")), (1u << 24) - 1);
    EXPECT_EQ(usable_macs(range_of("02:1a:2b")), 1u << 24);
    for (const auto* text : {"52:54:00:12:34:56", "00:00:00:00:00:00", "ff:ff:ff:ff:ff:ff",
                             "00:00:5e:00:01:00", "00:00:5e:00:01:ff", "00:00:5e:00:02:07"})
        EXPECT_TRUE(reserved_at(mac_number(*MacAddress::parse(text)))) << text;
    for (const auto* text : {"52:54:00:12:34:57", "00:00:5e:00:00:ff", "00:00:5e:00:03:00"})
        EXPECT_FALSE(reserved_at(mac_number(*MacAddress::parse(text)))) << text;
}

TEST(MacRange, UniversalOnesAreTold) {
    EXPECT_TRUE(is_universal(range_of("00:1a:2b")));
    EXPECT_FALSE(is_universal(range_of("02:1a:2b")));
    EXPECT_FALSE(is_universal(range_of("52:54:00")));
}

MacPool pool(const char* name, const char* bytes, std::uint16_t domain = 0) {
    MacPool made;
    made.name = name;
    made.range = range_of(bytes);
    made.domain = domain;
    return made;
}

TEST(MacPools, OverlapOnlyInOneDomain) {
    const std::vector<MacPool> pools{pool("a", "02:1a"), pool("b", "02:1b", 10)};
    expect_error(check_pool_fits(pool("c", "02:1a:2b"), pools), ErrorCode::refused,
                 "overlaps with pool a");
    expect_error(check_pool_fits(pool("c", "02"), pools), ErrorCode::refused, "overlaps");
    expect_error(check_pool_fits(pool("a", "06"), pools), ErrorCode::refused,
                 "there is a MAC pool");
    EXPECT_TRUE(check_pool_fits(pool("c", "02:1a:2b", 10), pools));
    EXPECT_TRUE(check_pool_fits(pool("c", "02:1b"), pools));
    EXPECT_TRUE(check_pool_fits(pool("c", "02:1c"), pools));
}

TEST(MacPools, WhoseAnAddressIs) {
    const std::vector<MacPool> pools{pool("a", "02:1a"), pool("b", "02:1a", 10)};
    const auto mac = *MacAddress::parse("02:1a:00:00:00:01");
    EXPECT_EQ(pool_of(pools, 0, mac), &pools[0]);
    EXPECT_EQ(pool_of(pools, 10, mac), &pools[1]);
    EXPECT_EQ(pool_of(pools, 11, mac), nullptr);
    EXPECT_EQ(pool_of(pools, 0, *MacAddress::parse("02:1b:00:00:00:01")), nullptr);
}

TEST(AddressRange, Networks) {
    EXPECT_EQ(AddressRange::parse("10.0.0.0/24")->text(), "10.0.0.1-10.0.0.254");
    EXPECT_EQ(AddressRange::parse("10.0.0.0/30")->size(), 2u);
    EXPECT_EQ(AddressRange::parse("2001:db8::/120")->text(), "2001:db8::1-2001:db8::ff");
    EXPECT_EQ(AddressRange::parse("2001:db8::/64")->at(255).text(), "2001:db8::100");
    for (const auto* text : {"10.0.0.1/24", "10.0.0.0/31", "10.0.0.1", "2001:db8::/63", "x"})
        EXPECT_FALSE(AddressRange::parse(text)) << text;
}

TEST(AddressRange, FirstAndLast) {
    const auto range = *AddressRange::parse("10.0.0.250-10.0.1.5");
    EXPECT_EQ(range.size(), 12u);
    EXPECT_EQ(range.at(6).text(), "10.0.1.0");
    EXPECT_TRUE(range.contains(*Address::parse("10.0.1.0")));
    EXPECT_FALSE(range.contains(*Address::parse("10.0.1.6")));
    EXPECT_FALSE(range.contains(*Address::parse("::10.0.1.0")));
    for (const auto* text :
         {"10.0.0.9-10.0.0.1", "10.0.0.1-2001:db8::1", "10.0.0.1-", "2001:db8::1-2001:db8:0:1::1"})
        EXPECT_FALSE(AddressRange::parse(text)) << text;
}

}  // namespace
}  // namespace sluice
