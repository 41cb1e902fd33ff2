// SPDX-License-Identifier: GPL-2.0-or-later
// The guard's tables: every key is found by the datapath's rule, and nothing else is.
#include "loader/guard/table.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <random>
#include <set>

namespace sluice {
namespace {

using testing::ElementsAreArray;
using testing::IsEmpty;

MacAddress mac_of(__u64 number) { return mac_of_slot(number & SL_GUARD_MAC_BITS); }

class Sets {
public:
    std::vector<GuardMac> macs(std::size_t count) {
        std::set<GuardMac> chosen;
        while (chosen.size() < count) chosen.insert({mac_of(random_()), false});
        return {chosen.begin(), chosen.end()};
    }
    /// IPv4 and IPv6 by turns.
    std::vector<Address> addresses(std::size_t count) {
        std::set<Address> chosen;
        while (chosen.size() < count) {
            sl_addr raw{};
            for (auto& byte : raw.b) byte = static_cast<__u8>(random_());
            chosen.insert(chosen.size() % 2 == 0 ? Address(raw) : Address::v4(raw.w[0]));
        }
        return {chosen.begin(), chosen.end()};
    }

private:
    std::mt19937_64 random_{1};
};

TEST(GuardTable, MacsAreNumbersWithTheFirstByteLowest) {
    const auto parsed = *MacAddress::parse("02:00:00:00:00:07");
    EXPECT_EQ(mac_in_slot(parsed), 0x0700'0000'0002u);
    EXPECT_EQ(mac_of_slot(0x0700'0000'0002u), parsed);
}

TEST(GuardTable, FindsEveryMacAndNoOther) {
    Sets sets;
    for (const std::size_t count : {0, 1, 2, 10, 32, 63, 64})
        for (int round = 0; round < 50; ++round) {
            const auto macs = sets.macs(count);
            sl_guard guard{};
            ASSERT_TRUE(fill_guard_macs(guard, macs));
            EXPECT_EQ(guard.mac_count, count);
            EXPECT_THAT(guard_macs(guard), ElementsAreArray(macs));
            for (const auto& key : macs) ASSERT_NE(find_guard_mac(guard, key.mac), nullptr);
            for (const auto& other : sets.macs(100))
                ASSERT_EQ(find_guard_mac(guard, other.mac), nullptr);
            ASSERT_EQ(find_guard_mac(guard, MacAddress{}), nullptr) << "an empty slot is no MAC";
        }
}

TEST(GuardTable, FindsEveryAddressAndNoOther) {
    Sets sets;
    for (const std::size_t count : {0, 1, 2, 10, 32, 63, 64})
        for (int round = 0; round < 50; ++round) {
            const auto addresses = sets.addresses(count);
            sl_guard guard{};
            ASSERT_TRUE(fill_guard_addresses(guard, addresses));
            EXPECT_EQ(guard.addr_count, count);
            EXPECT_THAT(guard_addresses(guard), ElementsAreArray(addresses));
            for (const auto& key : addresses) ASSERT_TRUE(has_guard_address(guard, key));
            for (const auto& other : sets.addresses(100))
                ASSERT_FALSE(has_guard_address(guard, other));
            ASSERT_FALSE(has_guard_address(guard, Address{})) << "an empty slot is no address";
        }
}

/// MACs as pools give them: neighbours that differ in a byte.
TEST(GuardTable, FindsNeighboursThatDifferInOneByte) {
    std::vector<GuardMac> macs;
    for (__u64 i = 0; i < SL_GUARD_MACS; ++i) macs.push_back({mac_of(0x02 | i << 40), false});
    sl_guard guard{};
    ASSERT_TRUE(fill_guard_macs(guard, macs));
    for (const auto& key : macs) EXPECT_NE(find_guard_mac(guard, key.mac), nullptr);
}

TEST(GuardTable, TheFactorsAreOdd) {
    Sets sets;
    sl_guard guard{};
    ASSERT_TRUE(fill_guard_macs(guard, sets.macs(64)));
    ASSERT_TRUE(fill_guard_addresses(guard, sets.addresses(64)));
    EXPECT_EQ(guard.mac_factor % 2, 1u);
    EXPECT_EQ(guard.addr_factor % 2, 1u);
}

TEST(GuardTable, StandbyIsKeptAndStillFound) {
    const GuardMac waiting{mac_of(0x112233445502), true};
    sl_guard guard{};
    ASSERT_TRUE(fill_guard_macs(guard, {waiting}));
    EXPECT_EQ(*find_guard_mac(guard, waiting.mac) & SL_GUARD_MAC_STANDBY, SL_GUARD_MAC_STANDBY);
    EXPECT_EQ(guard_macs(guard), std::vector{waiting});
}

/// reconcile() compares bytes.
TEST(GuardTable, TheSameSetMakesTheSameBytesInAnyOrder) {
    Sets sets;
    auto macs = sets.macs(64);
    auto addresses = sets.addresses(64);
    sl_guard one{}, other{};
    ASSERT_TRUE(fill_guard_macs(one, macs));
    ASSERT_TRUE(fill_guard_addresses(one, addresses));
    std::ranges::reverse(macs);
    std::ranges::reverse(addresses);
    ASSERT_TRUE(fill_guard_macs(other, macs));
    ASSERT_TRUE(fill_guard_addresses(other, addresses));
    EXPECT_EQ(std::memcmp(&one, &other, sizeof one), 0);
}

TEST(GuardTable, WritesOverWhatWasThere) {
    Sets sets;
    sl_guard guard{};
    ASSERT_TRUE(fill_guard_macs(guard, sets.macs(64)));
    ASSERT_TRUE(fill_guard_addresses(guard, sets.addresses(64)));
    ASSERT_TRUE(fill_guard_macs(guard, {}));
    ASSERT_TRUE(fill_guard_addresses(guard, {}));
    EXPECT_THAT(guard_macs(guard), IsEmpty());
    EXPECT_THAT(guard_addresses(guard), IsEmpty());
}

TEST(GuardTable, RefusesMoreThanItHolds) {
    Sets sets;
    sl_guard guard{};
    const auto macs = fill_guard_macs(guard, sets.macs(65));
    ASSERT_FALSE(macs);
    EXPECT_EQ(macs.error().code, ErrorCode::refused);
    EXPECT_FALSE(fill_guard_addresses(guard, sets.addresses(65)));
}

/// Both halves are folded into one number before it is hashed: whoever makes five addresses
/// with the same number gets an answer, not an endless search.
TEST(GuardTable, GivesUpOnAddressesMadeToCollide) {
    std::vector<Address> alike;
    for (__u64 i = 1; i <= SL_GUARD_WINDOW + 1; ++i) {
        const std::array<__u64, 2> halves{i * 0x9e3779b97f4a7c15ull, i};
        sl_addr raw{};
        std::memcpy(&raw, halves.data(), sizeof raw);
        alike.emplace_back(raw);
    }
    sl_guard guard{};
    const auto done = fill_guard_addresses(guard, alike);
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().code, ErrorCode::refused);
}

}  // namespace
}  // namespace sluice
