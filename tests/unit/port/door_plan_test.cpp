// SPDX-License-Identifier: GPL-2.0-or-later
// What the door says of ports, and that it shuts first and opens last.
#include "loader/port/door_plan.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

Link iface(std::string name, std::uint32_t ifindex, std::string kind = "tun") {
    Link made;
    made.name = std::move(name);
    made.ifindex = ifindex;
    made.kind = std::move(kind);
    return made;
}

/// tap0 in bridge br0, lone tap1, a NIC eth0 towards the outside, the host's end of VLAN 10.
Host door_host() {
    Host made{{iface("tap0", 2), iface("tap1", 3), iface("br0", 4, "bridge"), iface("eth0", 5, ""),
               iface("vlan10", 6, "veth"), iface("vlan10-sw", 7, "veth")},
              {}};
    made.links[0].master = 4;
    return made;
}

PortSpec declared(std::string name, Role role = Role::access, std::uint16_t vlan = 0) {
    PortSpec spec;
    spec.name = std::move(name);
    spec.role = role;
    spec.vlan = vlan;
    return spec;
}

DoorSets planned(const std::vector<PortSpec>& ports, const ForwardedBefore& before = {}) {
    return plan_door(ports, door_host(), before);
}

TEST(Door, KnowsDeclaredInterfacesByNameAndOpenOnesByIndex) {
    const auto sets = planned({declared("tap1"), declared("tap9")});
    EXPECT_THAT(sets.at("inet ports"), UnorderedElementsAre("\"tap1\"", "\"tap9\""))
        << "one that is not there yet is closed when it comes";
    for (const auto* set : {"bridge open", "inet open", "arp open"})
        EXPECT_THAT(sets.at(set), ElementsAre("3")) << set;
}

TEST(Door, OfATapInABridgePacketsAreTheBridges) {
    const auto sets = planned({declared("tap0")});
    EXPECT_THAT(sets.at("bridge ports"), ElementsAre("\"tap0\""));
    EXPECT_THAT(sets.at("inet ways"), ElementsAre("\"br0\""));
    EXPECT_THAT(sets.at("inet segments"), ElementsAre("\"br0\""));
    EXPECT_THAT(sets.at("inet hairpins"), ElementsAre("\"br0\" . \"br0\""));
}

TEST(Door, ABridgeThatIsAPortIsLookedAtWhenItHasTheFrame) {
    const auto sets = planned({declared("br0")});
    EXPECT_THAT(sets.at("inet bridges"), ElementsAre("\"br0\""));
    EXPECT_THAT(sets.at("inet ports"), IsEmpty());
    EXPECT_THAT(sets.at("inet hairpins"), ElementsAre("\"br0\" . \"br0\""));
}

TEST(Door, AGatewayIsAWayAndItsOtherEndThePort) {
    const auto sets =
        planned({declared("vlan10", Role::internal, 10), declared("tap1", Role::access, 10)});
    EXPECT_THAT(sets.at("inet ports"), UnorderedElementsAre("\"vlan10-sw\"", "\"tap1\""));
    EXPECT_THAT(sets.at("inet ways"), ElementsAre("\"vlan10\"")) << "tap1 is switched";
    EXPECT_THAT(sets.at("inet narrow4"), ElementsAre("\"vlan10\""));
}

TEST(Door, IsNarrowWhereTheHostDidNotForward) {
    const auto sets = planned({declared("tap1"), declared("eth0", Role::uplink)},
                              {{3, {true, false, false}}, {5, {false, true, false}}});
    EXPECT_THAT(sets.at("inet narrow4"), ElementsAre("\"eth0\""));
    EXPECT_THAT(sets.at("inet narrow6"), ElementsAre("\"tap1\""));
    EXPECT_THAT(sets.at("inet ways"), UnorderedElementsAre("\"tap1\"", "\"eth0\""));
}

TEST(Door, ShutsToWhatComesBeforeItDoes) {
    const auto now = planned({declared("tap0")}),
               wanted = planned({declared("tap0"), declared("tap1")});
    const auto between = door_between(now, wanted);
    EXPECT_THAT(between.at("inet ports"), UnorderedElementsAre("\"tap0\"", "\"tap1\""));
    EXPECT_THAT(between.at("inet open"), ElementsAre("2")) << "tap0 goes on meanwhile";
    EXPECT_THAT(between.at("inet ways"), ElementsAre("\"br0\""));
}

TEST(Door, StaysShutToWhatGoesUntilItHasGone) {
    const auto now = planned({declared("tap0"), declared("tap1")}),
               wanted = planned({declared("tap0")});
    const auto between = door_between(now, wanted);
    EXPECT_THAT(between.at("inet ports"), UnorderedElementsAre("\"tap0\"", "\"tap1\""));
    EXPECT_THAT(between.at("inet open"), ElementsAre("2"));
    EXPECT_THAT(between.at("inet ways"), ElementsAre("\"br0\""));
    EXPECT_THAT(between.at("inet narrow4"), UnorderedElementsAre("\"br0\"", "\"tap1\""));
}

TEST(Door, ShutsToATapThatIsAnotherByNow) {
    auto wanted = planned({declared("tap1")});
    auto now = wanted;
    now["inet open"] = {"30"};
    EXPECT_THAT(door_between(now, wanted).at("inet open"), IsEmpty());
    EXPECT_THAT(shut(wanted).at("bridge open"), IsEmpty());
    EXPECT_THAT(shut(wanted).at("inet ports"), ElementsAre("\"tap1\""));
}

TEST(Door, NamesThatMeanMoreToNftAreRefused) {
    for (const char* name : {"tap0", "br-0123", "eth0.10", "e\xc3\xa9"})
        EXPECT_TRUE(check_door_name(name)) << name;
    for (const char* name : {"tap*", "a\"b", "a\\b", "12", "w\xff"}) {
        const auto checked = check_door_name(name);
        ASSERT_FALSE(checked) << name;
        EXPECT_EQ(checked.error().code, ErrorCode::refused);
    }
}

}  // namespace
}  // namespace sluice
