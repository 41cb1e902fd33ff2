// SPDX-License-Identifier: GPL-2.0-or-later
// What the desired state means on a host, decided without touching one.
#include "loader/nat/plan.hpp"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>

#include "loader/nat/commands.hpp"
#include "loader/port/plan.hpp"

namespace sluice {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Link link(std::string name, std::uint32_t ifindex) {
    Link made;
    made.name = std::move(name);
    made.ifindex = ifindex;
    made.ethernet = made.up = made.carrier = true;
    made.mtu = 1500;
    made.mac.bytes = {2, 0, 0, 0, 0, static_cast<std::uint8_t>(ifindex)};
    return made;
}

InterfaceAddress address(std::uint32_t ifindex, const char* text) {
    return {ifindex, *Address::parse(text), 24, true, true};
}

/// tap0 in bridge br0, lone tap1, a NIC eth0 towards the outside.
Host host() {
    Host made{{link("tap0", 2), link("tap1", 3), link("br0", 4), link("eth0", 5)},
              {address(4, "10.0.0.1"), address(3, "10.1.0.1"), address(5, "192.0.2.1"),
               address(5, "192.0.2.2")}};
    made.links[0].master = 4;
    made.links[2].mtu = 9000;
    made.links[3].physical = true;
    return made;
}

PortSpec port(std::string name, Role role, std::uint16_t id) {
    PortSpec spec;
    spec.name = std::move(name);
    spec.role = role;
    spec.id = id;
    return spec;
}

DesiredState desired() {
    DesiredState state;
    state.up = true;
    state.ports = {port("tap0", Role::access, 1), port("tap1", Role::access, 2),
                   port("eth0", Role::uplink, 3)};
    return state;
}

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

TEST(PlanPorts, BridgedTapHasTheBridgesAddresses) {
    const auto plan = plan_ports(desired().ports, host());
    const auto& tap0 = plan.ports.at(0).entry;
    EXPECT_EQ(tap0.ifindex, 2u);
    EXPECT_EQ(tap0.l3_ifindex, 4u);
    EXPECT_EQ(tap0.mac[5], 4) << "packets to the bridge's MAC are routed";
    EXPECT_EQ(tap0.mtu, 9000u);
    EXPECT_EQ(tap0.addr4, Address::parse("10.0.0.1")->v4_raw());
}

TEST(PlanPorts, BridgeIsASegment) {
    const auto plan = plan_ports(desired().ports, host());
    ASSERT_EQ(plan.segments.size(), 1u);
    EXPECT_EQ(plan.segments.at(4).role, SL_ROLE_SEGMENT);
    EXPECT_EQ(plan.segments.at(4).id, 0);
}

TEST(PlanPorts, BridgeThatIsAPortIsNoSegment) {
    auto ports = desired().ports;
    ports.push_back(port("br0", Role::access, 4));
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
    ports.push_back(port("tap9", Role::access, 9));
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
        return checked ? 0 : static_cast<int>(checked.error().code);
    };
    EXPECT_EQ(code(planned_forward("192.0.2.1:80", "10.0.0.5:80")), 0);
    EXPECT_EQ(code(planned_forward("192.0.2.2:8000", "10.0.0.5:80")), 0) << "another address";
    EXPECT_EQ(code(planned_forward("192.0.2.1:8100-8101", "10.0.0.5:80-81")), 4);
    EXPECT_EQ(code(planned_forward("192.0.2.1:80-81", "10.0.0.5:80")), 2) << "sizes differ";
    EXPECT_EQ(code(planned_forward("[2001:db8::1]:80", "10.0.0.5:80")), 5);

    auto udp = planned_forward("192.0.2.1:8000", "10.0.0.5:80");
    udp.protocol = IPPROTO_UDP;
    EXPECT_EQ(code(udp), 0) << "another protocol";
    udp.protocol = IPPROTO_ICMP;
    EXPECT_EQ(code(udp), 2);
}

TEST(Host, UnknownInterfaceHasANearMiss) {
    const auto wanted = host().require_link("eth1");
    ASSERT_FALSE(wanted);
    EXPECT_EQ(wanted.error().code, ErrorCode::not_found);
    EXPECT_THAT(wanted.error().hint, HasSubstr("eth0"));
    EXPECT_EQ(host().require_link("a-name-of-16-byte").error().code, ErrorCode::usage);
    EXPECT_THAT(host().require_link("enp94s0f1").error().hint, HasSubstr("--netns"));
}

}  // namespace
}  // namespace sluice
