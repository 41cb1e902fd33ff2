// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/nat/plan.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>

#include <algorithm>
#include <cstdint>
#include <vector>

#include "tests/unit/instance/sample_host.hpp"
#include "tests/unit/nat/sample.hpp"

namespace sluice {
namespace {

using sample::desired;
using sample::host;
using sample::planned_forward;
using sample::planned_masquerade;
using testing::ElementsAre;
using testing::HasSubstr;

TEST(PlanNat, MasqueradeFollowsTheUplinksFirstAddress) {
    auto state = desired();
    state.masquerades = {planned_masquerade("10.0.0.0/8")};
    const auto plan = plan_nat(state, host());
    EXPECT_THAT(plan.pools.at(0).addresses, ElementsAre(*Address::parse("192.0.2.1")));
    // One entry for the uplink, and one that says so to all others.
    std::vector<std::uint32_t> uplinks;
    for (const auto& [key, pool] : plan.masquerades) {
        EXPECT_EQ(key.prefixlen, 32u + 96 + 8);
        uplinks.push_back(key.uplink);
    }
    EXPECT_THAT(uplinks, testing::UnorderedElementsAre(5u, SL_MASQ_ANYWHERE));
}

TEST(PlanNat, AMissingUplinkStillHidesItsSources) {
    auto state = desired();
    state.masquerades = {planned_masquerade("10.0.0.0/8")};
    state.masquerades[0].uplink = "gone0";
    const auto plan = plan_nat(state, host());
    ASSERT_EQ(plan.masquerades.size(), 1u);
    EXPECT_EQ(plan.masquerades.begin()->first.uplink, SL_MASQ_ANYWHERE);
}

TEST(PlanNat, WhatIsRoutableAtAnUplinkHasAnEntryThere) {
    auto state = desired();
    const auto uplink = std::ranges::find(state.ports, Role::uplink, &PortSpec::role);
    ASSERT_NE(uplink, state.ports.end());
    uplink->routable = {*Prefix::parse("10.0.0.0/24")};
    const auto plan = plan_nat(state, host());
    ASSERT_EQ(plan.masquerades.size(), 1u);
    EXPECT_EQ(plan.masquerades.begin()->second, SL_MASQ_ROUTABLE);
}

TEST(PlanNat, UplinkWithoutAddressStillCoversItsSources) {
    auto state = desired();
    state.masquerades = {planned_masquerade("10.0.0.0/8")};
    auto bare = host();
    bare.addresses.clear();
    const auto plan = plan_nat(state, bare);
    EXPECT_EQ(plan.masquerades.size(), 2u) << "or they would leave untranslated";
    EXPECT_TRUE(plan.pools.at(0).addresses.empty());
    EXPECT_THAT(plan.warnings, ElementsAre(HasSubstr("no IPv4 address")));
}

TEST(PlanNat, ForwardRangeIsOneEntryAPort) {
    auto state = desired();
    state.forwards = {planned_forward("192.0.2.1:8000-8002", "10.0.0.5:80-82")};
    const auto plan = plan_nat(state, host());
    ASSERT_EQ(plan.forwards.size(), 3u);
    for (const auto& [key, value] : plan.forwards) {
        EXPECT_EQ(ntohs(key.port) - 8000, ntohs(value.port) - 80);
        EXPECT_EQ(value.uplink, 5u) << "the interface that has the address";
    }
}

// Whoever fails over brings the address later: the forward is as it will be then.
TEST(PlanNat, ForwardOfAnAddressThatIsNotThereYet) {
    auto state = desired();
    const auto uplink_of = [&](const char* external) {
        state.forwards = {planned_forward(external, "10.0.0.5:80")};
        return plan_nat(state, host()).forwards.begin()->second.uplink;
    };
    EXPECT_EQ(uplink_of("192.0.2.77:80"), 5u) << "the uplink in whose network it is";
    EXPECT_EQ(uplink_of("203.0.113.7:80"), 5u) << "the only one";
    state.ports[1].role = Role::uplink;
    EXPECT_EQ(uplink_of("192.0.2.77:80"), 5u);
    EXPECT_EQ(uplink_of("10.1.0.77:80"), 3u);
    EXPECT_EQ(uplink_of("203.0.113.7:80"), 0u) << "it may be either";
}

TEST(AllowedPorts, LeaveOutWhatTheHostAndForwardsHave) {
    auto state = desired();
    state.forwards = {planned_forward("192.0.2.1:2100", "10.0.0.5:80")};
    const auto plan = plan_nat(state, host());
    const PlannedPool pool{{*Address::parse("192.0.2.1")}, {2000, 33000}};
    const HostPorts host_ports{{32768, 60999}, {{IPPROTO_TCP, *Address::parse("0.0.0.0"), 2200}}};
    const auto allowed = [&](sl_l4 l4, bool local) {
        return allowed_ports(plan, pool, pool.addresses[0], l4, host_ports, local);
    };
    const auto tcp = allowed(SL_L4_TCP, true);
    EXPECT_TRUE(tcp[2000]);
    EXPECT_FALSE(tcp[1999]);
    EXPECT_FALSE(tcp[2100]) << "forwarded";
    EXPECT_FALSE(tcp[2200]) << "a socket's";
    EXPECT_TRUE(tcp[32767]);
    EXPECT_FALSE(tcp[32768]) << "the host may draw it";
    EXPECT_TRUE(allowed(SL_L4_UDP, true)[2100]) << "another protocol";
    EXPECT_TRUE(allowed(SL_L4_ICMP, true)[32768]) << "identifiers are not drawn from the range";
    EXPECT_TRUE(allowed(SL_L4_TCP, false)[32768]) << "not the host's own address";
}

}  // namespace
}  // namespace sluice
