// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/nat/plan.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>

#include "loader/nat/commands.hpp"
#include "tests/unit/instance/sample_host.hpp"

namespace sluice {
namespace {

using sample::desired;
using sample::host;
using testing::ElementsAre;
using testing::HasSubstr;

MasqueradeSpec planned_masquerade(const char* source, PortRange ports = {1024, 65535}) {
    MasqueradeSpec rule;
    rule.source = *Prefix::parse(source);
    rule.uplink = "eth0";
    rule.ports = ports;
    return rule;
}

ForwardSpec planned_forward(const char* external, const char* internal) {
    return {IPPROTO_TCP, *Endpoint::parse(external), *Endpoint::parse(internal)};
}

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

TEST(MasqueradeRules, WhatIsRefused) {
    auto state = desired();
    state.masquerades = {planned_masquerade("10.0.0.0/24", {2000, 5000})};
    const auto code = [&](const MasqueradeSpec& rule) {
        auto checked = check_masquerade(rule);
        if (checked) checked = check_masquerade_fits(rule, state, host());
        return checked ? 0 : static_cast<int>(checked.error().code);
    };
    EXPECT_EQ(code(planned_masquerade("10.1.0.0/24", {2000, 5000})), 0) << "shares the pool";
    EXPECT_EQ(code(planned_masquerade("10.1.0.0/24", {5001, 6000})), 0);
    EXPECT_EQ(code(planned_masquerade("10.1.0.0/24", {4000, 6000})), 4) << "overlaps in part";
    EXPECT_EQ(code(planned_masquerade("10.0.0.0/24", {6000, 7000})), 4) << "there already";
    EXPECT_EQ(code(planned_masquerade("2001:db8::/32")), 5);

    auto other = planned_masquerade("10.1.0.0/24");
    other.uplink = "tap1";
    EXPECT_EQ(code(other), 4) << "not an uplink";
    other.uplink = "br0";
    EXPECT_EQ(code(other), 4) << "not a port";
    other.uplink = "eth1";
    EXPECT_EQ(code(other), 3);

    auto addressed = planned_masquerade("10.1.0.0/24", {4000, 6000});
    addressed.addresses = {*Address::parse("192.0.2.2")};
    EXPECT_EQ(code(addressed), 0) << "another address";
    addressed.addresses.push_back(addressed.addresses[0]);
    EXPECT_EQ(code(addressed), 2) << "twice";
    addressed.addresses = {*Address::parse("224.0.0.1")};
    EXPECT_EQ(code(addressed), 2);
}

TEST(ForwardRules, WhatIsRefused) {
    auto state = desired();
    state.forwards = {planned_forward("192.0.2.1:8000-8100", "10.0.0.5:8000-8100")};
    const auto code = [&](const ForwardSpec& rule) {
        auto checked = check_forward(rule);
        if (checked) checked = check_forward_fits(rule, state);
        if (checked) checked = check_forward_reaches(rule, host());
        return checked ? 0 : static_cast<int>(checked.error().code);
    };
    EXPECT_EQ(code(planned_forward("192.0.2.1:80", "10.0.0.5:80")), 0);
    EXPECT_EQ(code(planned_forward("192.0.2.2:8000", "10.0.0.5:80")), 0) << "another address";
    EXPECT_EQ(code(planned_forward("192.0.2.1:8100-8101", "10.0.0.5:80-81")), 4);
    EXPECT_EQ(code(planned_forward("192.0.2.1:80-81", "10.0.0.5:80")), 2) << "sizes differ";
    EXPECT_EQ(code(planned_forward("[2001:db8::1]:80", "10.0.0.5:80")), 5);
    EXPECT_EQ(code(planned_forward("192.0.2.1:80", "10.1.0.1:80")), 4) << "the host itself";
    EXPECT_EQ(code(planned_forward("192.0.2.1:80", "10.0.0.255:80")), 4) << "a broadcast address";
    EXPECT_EQ(code(planned_forward("192.0.2.1:80", "10.0.0.0:80")), 4) << "the network's own";
    EXPECT_EQ(code(planned_forward("192.0.2.1:80", "10.9.0.255:80")), 0) << "not a network of ours";

    auto udp = planned_forward("192.0.2.1:8000", "10.0.0.5:80");
    udp.protocol = IPPROTO_UDP;
    EXPECT_EQ(code(udp), 0) << "another protocol";
    udp.protocol = IPPROTO_ICMP;
    EXPECT_EQ(code(udp), 2);
}

}  // namespace
}  // namespace sluice
