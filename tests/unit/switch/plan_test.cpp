// SPDX-License-Identifier: GPL-2.0-or-later
// The switch's maps, from what was asked for and what the host has.
#include "loader/switch/plan.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace sluice {
namespace {

using testing::ElementsAre;
using testing::Key;
using testing::SizeIs;

constexpr MacAddress gateway_mac{{2, 0, 0, 0, 0, 1}};

Link switched_link(const std::string& name, std::uint32_t ifindex) {
    Link made;
    made.name = name;
    made.ifindex = ifindex;
    made.mtu = 1500;
    made.ethernet = true;
    return made;
}

Host switch_host() {
    Host host;
    host.links = {switched_link("tap0", 2), switched_link("tap1", 3), switched_link("eth1", 4),
                  switched_link("vlan10", 5), switched_link("vlan10-sw", 6)};
    host.links[3].mac = gateway_mac;
    host.links[4].mtu = 65535;
    host.addresses = {{5, *Address::parse("10.0.10.1"), 24, true, true}};
    return host;
}

PortSpec asked(const std::string& name, std::uint16_t id, Role role) {
    PortSpec port;
    port.name = name;
    port.id = id;
    port.role = role;
    return port;
}

/// tap0 in VLAN 10, eth1 a trunk, vlan10 the gateway; tap1 in none.
DesiredState asked_for() {
    DesiredState desired;
    desired.ports = {asked("tap0", 1, Role::access), asked("tap1", 2, Role::access),
                     asked("eth1", 70, Role::trunk), asked("vlan10", 3, Role::internal)};
    desired.ports[0].vlan = desired.ports[3].vlan = 10;
    desired.ports[2].vlans = {{10, 12}, {4094, 4094}};
    desired.ports[2].native_vlan = 5;
    return desired;
}

bool is_member(const SwitchPlan& plan, std::uint16_t vlan, std::uint16_t id) {
    const auto members = plan.members.find(vlan);
    return members != plan.members.end() && (members->second.ports[id / 64] >> (id % 64) & 1) != 0;
}

TEST(SwitchPlan, PortsAreInTheirVlans) {
    const auto plan = plan_switch(asked_for(), switch_host());
    EXPECT_THAT(plan.ports, ElementsAre(Key(1), Key(3), Key(70)));
    EXPECT_THAT(plan.members, ElementsAre(Key(5), Key(10), Key(11), Key(12), Key(4094)));
    EXPECT_TRUE(is_member(plan, 10, 1) && is_member(plan, 10, 3) && is_member(plan, 10, 70));
    EXPECT_TRUE(is_member(plan, 5, 70) && is_member(plan, 4094, 70));
    EXPECT_FALSE(is_member(plan, 11, 1) || is_member(plan, 10, 2));
    EXPECT_EQ(plan.ports.at(1).mode, SL_VLAN_ACCESS);
    EXPECT_EQ(plan.ports.at(1).pvid, 10);
    EXPECT_EQ(plan.ports.at(1).ifindex, 2u);
    EXPECT_EQ(plan.ports.at(70).mode, SL_VLAN_TRUNK);
    EXPECT_EQ(plan.ports.at(70).pvid, 5);
    EXPECT_EQ(plan.ports.at(70).vlans[0], 1ull << 5 | 7ull << 10);
    EXPECT_EQ(plan.ports.at(70).vlans[4094 / 64], 1ull << 4094 % 64);
}

TEST(SwitchPlan, TheGatewayIsTheHostsEnd) {
    const auto plan = plan_switch(asked_for(), switch_host());
    ASSERT_THAT(plan.vlans, ElementsAre(Key(10)));
    const auto& vlan = plan.vlans.at(10);
    EXPECT_EQ(vlan.l3_ifindex, 5u);
    EXPECT_EQ(vlan.port, 3);
    EXPECT_EQ(vlan.addr4, Address::parse("10.0.10.1")->v4_raw());
    EXPECT_TRUE(std::ranges::equal(vlan.mac, gateway_mac.bytes));
    EXPECT_EQ(plan.ports.at(3).ifindex, 6u) << "our programs run on the other end";
    EXPECT_EQ(plan.ports.at(3).mtu, 1500u) << "what the host takes";
}

TEST(SwitchPlan, ABridgesPortsAreItsOwn) {
    auto host = switch_host();
    host.links[0].master = 9;
    const auto desired = asked_for();
    EXPECT_FALSE(is_switched(desired.ports[0], host.links[0]));
    EXPECT_FALSE(plan_switch(desired, host).ports.contains(1));
    EXPECT_FALSE(is_switched(desired.ports[1], host.links[1])) << "no VLAN";
}

TEST(SwitchPlan, AnAbsentInterfaceIsInNoVlan) {
    auto host = switch_host();
    host.links.erase(host.links.begin());
    const auto plan = plan_switch(asked_for(), host);
    EXPECT_FALSE(plan.ports.contains(1));
    EXPECT_FALSE(is_member(plan, 10, 1));
}

TEST(SwitchPlan, SettingsBecomeFlags) {
    auto desired = asked_for();
    const __u32 usual = SL_SWITCH_LEARN | SL_SWITCH_FLOOD | SL_SWITCH_MULTICAST |
                        SL_SWITCH_BROADCAST | SL_SWITCH_LOOP_BLOCK;
    EXPECT_EQ(plan_switch(desired, switch_host()).ports.at(1).flags, usual);
    SwitchPortSpec spec;
    spec.port = "tap0";
    spec.learn = spec.broadcast = false;
    spec.locked = spec.isolated = true;
    spec.bpdu = BpduPolicy::shut;
    spec.loop = LoopAction::shut;
    spec.mac_limit = 4;
    spec.storm = {1, 2, 3};
    desired.switch_ports = {spec};
    desired.ports[0].priorities[0] = 5;
    const auto port = plan_switch(desired, switch_host()).ports.at(1);
    EXPECT_EQ(port.flags, SL_SWITCH_FLOOD | SL_SWITCH_MULTICAST | SL_SWITCH_LOCKED |
                              SL_SWITCH_ISOLATED | SL_SWITCH_BPDU_SHUT | SL_SWITCH_LOOP_SHUT |
                              SL_SWITCH_PCP_MAP);
    EXPECT_EQ(port.mac_limit, 4u);
    EXPECT_THAT(port.storm, ElementsAre(1, 2, 3));
    EXPECT_THAT(port.pcp, ElementsAre(5, 1, 2, 3, 4, 5, 6, 7));
}

TEST(SwitchPlan, TagsOfItsOwn) {
    auto desired = asked_for();
    desired.ports[0].qinq = desired.ports[2].qinq = true;
    desired.ports[2].translations = {{500, 11}};
    const auto plan = plan_switch(desired, switch_host());
    EXPECT_EQ(plan.ports.at(1).mode, SL_VLAN_TUNNEL);
    EXPECT_TRUE(plan.ports.at(70).flags & SL_SWITCH_STAG);
    EXPECT_TRUE(plan.ports.at(70).flags & SL_SWITCH_TRANSLATE);
    ASSERT_THAT(plan.maps, SizeIs(2));
    EXPECT_EQ(plan.maps.at({70, 500, 0}), 11u);
    EXPECT_EQ(plan.maps.at({70, 11, 1}), 500u);
}

TEST(SwitchPlan, StaticMacsAndVnis) {
    auto desired = asked_for();
    const MacAddress mac{{2, 0, 0, 0, 0, 7}};
    desired.fdb = {{mac, 10, "tap0"}, {mac, 11, "tap1"}, {mac, 12, "gone"}};
    desired.vlans = {{10, 5010}, {77, 5077}};
    const auto plan = plan_switch(desired, switch_host());
    ASSERT_THAT(plan.fdb, SizeIs(1)) << "on switched ports alone";
    EXPECT_EQ(plan.fdb.at(fdb_key(mac, 10)), 1);
    EXPECT_EQ(plan.vlans.at(10).vni, 5010u);
    EXPECT_EQ(plan.vlans.at(10).port, 3);
    EXPECT_EQ(plan.vlans.at(77).vni, 5077u);
}

}  // namespace
}  // namespace sluice
