// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/port/plan.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/instance/sample_host.hpp"

namespace sluice {
namespace {

using sample::desired;
using sample::host;
using testing::ElementsAre;

TEST(PlanPorts, BridgedTapHasTheBridgesAddresses) {
    const auto plan = plan_ports(desired().ports, host());
    const auto& tap0 = plan.ports.at(0).entry;
    EXPECT_EQ(tap0.ifindex, 2u);
    EXPECT_EQ(tap0.l3_ifindex, 4u);
    EXPECT_EQ(tap0.mac[5], 4) << "packets to the bridge's MAC are routed";
    EXPECT_EQ(tap0.mtu, 9000u);
    EXPECT_EQ(tap0.addr4, Address::parse("10.0.0.1")->v4_raw());
}

TEST(PlanPorts, APortOfTheSwitchSpeaksForNobody) {
    auto ports = desired().ports;
    ports[1].vlan = 10;
    EXPECT_EQ(plan_ports(ports, host()).ports.at(1).entry.addr4, 0u);
}

TEST(PlanPorts, BridgeIsASegment) {
    const auto plan = plan_ports(desired().ports, host());
    ASSERT_EQ(plan.segments.size(), 1u);
    EXPECT_EQ(plan.segments.at(4).role, SL_ROLE_SEGMENT);
    EXPECT_EQ(plan.segments.at(4).id, 0);
}

TEST(PlanPorts, BridgeThatIsAPortIsNoSegment) {
    auto ports = desired().ports;
    ports.push_back(sample::port("br0", Role::access, 4));
    EXPECT_TRUE(plan_ports(ports, host()).segments.empty());
}

TEST(PlanPorts, HookPolicy) {
    auto ports = desired().ports;
    auto plan = plan_ports(ports, host());
    EXPECT_FALSE(plan.ports.at(1).xdp) << "a tap: TC alone";
    EXPECT_TRUE(plan.ports.at(2).xdp) << "a NIC: XDP too";
    EXPECT_TRUE(plan.ports.at(2).xdp_no_tcp);

    ports[1].hook = HookPolicy::xdp;
    ports[2].hook = HookPolicy::tc;
    plan = plan_ports(ports, host());
    EXPECT_TRUE(plan.ports.at(1).xdp);
    EXPECT_FALSE(plan.ports.at(1).xdp_no_tcp) << "asked for: TCP too";
    EXPECT_FALSE(plan.ports.at(2).xdp);
}

TEST(PlanPorts, AbsentInterfacesAreNamed) {
    auto ports = desired().ports;
    ports.push_back(sample::port("tap9", Role::access, 9));
    const auto plan = plan_ports(ports, host());
    EXPECT_THAT(plan.absent, ElementsAre("tap9"));
    EXPECT_EQ(plan.ports.size(), 3u);
}

TEST(PlanPorts, TouchesPortsAndTheirBridges) {
    const auto plan = plan_ports(desired().ports, host());
    EXPECT_TRUE(plan.touches("tap0", 2));
    EXPECT_TRUE(plan.touches("br0", 4));
    EXPECT_FALSE(plan.touches("tap0", 7)) << "made anew: another interface";
}

}  // namespace
}  // namespace sluice
