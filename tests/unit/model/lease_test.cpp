// SPDX-License-Identifier: GPL-2.0-or-later
// States of leases, by clocks of the tests' own.
#include "loader/model/lease.hpp"

#include <gtest/gtest.h>

#include "tests/unit/lease/sample.hpp"

namespace sluice {
namespace {

using namespace std::chrono_literals;
using sample::held;
using sample::pool;

constexpr std::uint32_t start = 5000;  // epoch second at which the loader entered it
constexpr double epoch_second = 1.073741824;

sl_lease entry(std::uint32_t last_seen) {
    sl_lease made{};
    made.since = start;
    made.last_seen = last_seen;
    return made;
}

/// So many seconds after `start`, rounded up to the epoch.
LeaseClock after(double seconds) {
    return {1'000'000, start + static_cast<std::uint32_t>(seconds / epoch_second) + 1};
}

LeaseState state(const Lease& lease, const std::optional<sl_lease>& seen, const LeaseClock& now) {
    const auto its_pool = pool();
    return state_of(lease, &its_pool, seen, now);
}

TEST(LeaseState, ReservedUntilSeen) {
    EXPECT_EQ(state(held(), entry(0), after(0)), LeaseState::reserved);
    EXPECT_EQ(state(held(), entry(0), after(99)), LeaseState::reserved);
    EXPECT_EQ(state(held(), entry(start + 1), after(1)), LeaseState::active);
}

TEST(LeaseState, SilenceBeginsWithTheLastFrame) {
    const auto seen = entry(start + 1000);
    EXPECT_EQ(state(held(), seen, {0, start + 1001}), LeaseState::active);
    EXPECT_EQ(state(held(), seen, {0, start + 1000 + 94}), LeaseState::active) << "99.8 s";
    EXPECT_EQ(state(held(), seen, {0, start + 1000 + 95}), LeaseState::quarantine) << "100.9 s";
    EXPECT_EQ(state(held(), seen, {0, start + 1000 + 140}), LeaseState::quarantine) << "149.3 s";
    EXPECT_EQ(state(held(), seen, {0, start + 1000 + 141}), LeaseState::free) << "150.3 s";
}

TEST(LeaseState, NeverBeforeItIsOver) {
    // A frame at the end of its epoch second, a clock at the beginning of its own.
    EXPECT_EQ(silence(entry(start + 1), {0, start + 2}), 0ms);
    EXPECT_LE(silence(entry(start + 1), {0, start + 11}), 9 * 1074ms);
    EXPECT_EQ(silence(entry(start + 9), {0, start + 5}), 0ms) << "a frame that came meanwhile";
}

TEST(LeaseState, AnInstanceMadeAnewBeginsToCountAnew) {
    auto seen = entry(0);
    seen.since = start + 1000;
    EXPECT_EQ(state(held(), seen, {0, start + 1000 + 50}), LeaseState::reserved);
}

TEST(LeaseState, NothingExpiresWhileNobodyLooks) {
    EXPECT_EQ(state(held(), std::nullopt, {2'000'000'000, start + 100'000}), LeaseState::reserved);
}

TEST(LeaseState, PinnedAndMigratingNeverExpire) {
    auto lease = held();
    lease.pinned = true;
    EXPECT_EQ(state(lease, entry(start + 1), {0, start + 100'000}), LeaseState::reserved);
    EXPECT_EQ(state(lease, entry(start + 1), {0, start + 2}), LeaseState::active);
    lease = held();
    lease.moving_to = "host2";
    EXPECT_EQ(state(lease, entry(start + 1), {0, start + 100'000}), LeaseState::migrating);
    lease = held();
    lease.standby = "tap1";
    EXPECT_EQ(state(lease, entry(0), {0, start + 100'000}), LeaseState::migrating);
}

TEST(LeaseState, OutsideOfPoolsNothingExpires) {
    EXPECT_EQ(state_of(held(), nullptr, entry(start + 1), {0, start + 100'000}),
              LeaseState::active);
}

TEST(LeaseState, ReleasedCoolsDownByWallClock) {
    auto lease = held();
    lease.released = 1'000'000;
    EXPECT_EQ(state(lease, std::nullopt, {1'000'049, 0}), LeaseState::quarantine);
    EXPECT_EQ(state(lease, std::nullopt, {1'000'050, 0}), LeaseState::free);
    EXPECT_EQ(state_of(lease, nullptr, std::nullopt, {1'000'299, 0}), LeaseState::quarantine);
    EXPECT_EQ(state_of(lease, nullptr, std::nullopt, {1'000'300, 0}), LeaseState::free);
}

TEST(Uuid, IsKeptInLowerCase) {
    EXPECT_EQ(*parse_uuid("123E4567-e89b-12d3-a456-426614174000"),
              "123e4567-e89b-12d3-a456-426614174000");
    for (const auto* text :
         {"", "123e4567e89b12d3a456426614174000", "123e4567-e89b-12d3-a456-42661417400",
          "g23e4567-e89b-12d3-a456-"
          "426614174000"})
        EXPECT_FALSE(parse_uuid(text)) << text;
}

}  // namespace
}  // namespace sluice
