// SPDX-License-Identifier: GPL-2.0-or-later
// The guard and the sightings of leases on switched ports, where a frame's VLAN is known by more
// than its port.
#include <gtest/gtest.h>

#include <cstdint>

#include "tests/packet/switch/scenario.hpp"

namespace sluice::test {
namespace {

class SwitchGuard : public SwitchWays {
protected:
    static void guard(std::size_t port, Switched settings, std::uint32_t checks) {
        GuardConfig config;
        config.checks = checks;
        config.macs = {vm};
        config.addresses = {ip("10.1.0.1")};
        settings.guard = &config;
        rig().set(port, settings);
    }
};

TEST_P(SwitchGuard, TagsOfAnAccessPortAreRefused) {
    guard(0, access(10), all_checks);
    rig().set(1, access(10));
    const Packet plain = frame(vm, everybody);
    expect_copies(GetParam(), 0, plain, {{1, plain}});
    expect_drop(GetParam(), 0, tagged(plain, {.vid = 10}), SL_DROP_GUARD_TAG);
    expect_drop(GetParam(), 0, tagged(plain, {.vid = 20}), SL_DROP_GUARD_TAG);
}

TEST_P(SwitchGuard, TagsOfATrunkAreNot) {
    guard(0, trunk({10, 20}), all_checks);
    rig().set(1, access(10));
    const Packet plain = frame(vm, everybody);
    expect_copies(GetParam(), 0, tagged(plain, {.vid = 10}), {{1, plain}});
    expect_drop(GetParam(), 0, tagged(plain, {.vid = 30}), SL_DROP_VLAN_TAGGED);
}

// A tag hides nothing from the guard.
TEST_P(SwitchGuard, LooksBehindTheTag) {
    guard(0, trunk({10, 20}), all_checks);
    rig().set(1, access(10));
    Packet foreign = frame(vm, everybody);
    foreign.get<Ip4>().src = ip("10.1.0.99");
    expect_drop(GetParam(), 0, tagged(foreign, {.vid = 10}), SL_DROP_GUARD_IP);
    expect_drop(GetParam(), 0, tagged(frame(stranger_mac, everybody), {.vid = 10}),
                SL_DROP_GUARD_MAC);
    const Arp claim{.operation = 2, .sender_mac = vm, .sender = ip("10.1.0.99")};
    Packet arp =
        Eth{.dst = everybody, .src = vm, .type = 0x8100} / Raw{{0, 10, 8, 6}} / arp_body(claim);
    expect_drop(GetParam(), 0, arp, SL_DROP_GUARD_ARP);
    EXPECT_FALSE(rig().fdb(stranger_mac, 10));
}

TEST_P(SwitchGuard, DeliveryOfFloodedFrames) {
    GuardConfig config;
    config.checks = SL_GUARD_DELIVERY;
    config.macs = {station(1)};
    Switched guarded = access(10);
    guarded.guard = &config;
    guarded.port_flags = SL_PORT_GUARD_EGRESS;
    rig().set(0, access(10));
    rig().set(1, guarded);
    rig().set(2, access(10));
    expect_copies(GetParam(), 0, frame(vm, unknown), by({2}, frame(vm, unknown)));
    expect_copies(GetParam(), 0, frame(vm, everybody), by({1, 2}, frame(vm, everybody)));
    expect_copies(GetParam(), 0, frame(vm, station(1)), by({1, 2}, frame(vm, station(1))));
    EXPECT_EQ(rig().drops(1, SL_DROP_GUARD_DELIVERY), 1u);
}

// A lease is of a MAC in a VLAN: the same MAC in another is not its sighting.
TEST_P(SwitchGuard, SightingsAreOfTheVlan) {
    Switched watched = trunk({10, 20});
    watched.port_flags = SL_PORT_SIGHT;
    rig().set(0, watched);
    rig().set(1, trunk({10, 20}));
    gate().lease(vm, {}, 10);
    const Packet in = frame(vm, everybody);
    expect_copies(GetParam(), 0, tagged(in, {.vid = 20}), {{1, tagged(in, {.vid = 20})}});
    EXPECT_EQ(gate().lease_of(vm, 10)->seen_port, 0u);
    expect_copies(GetParam(), 0, tagged(in, {.vid = 10}), {{1, tagged(in, {.vid = 10})}});
    EXPECT_EQ(gate().lease_of(vm, 10)->seen_port, rig().id(0));
}

SWITCH_WAYS(SwitchGuard);

}  // namespace
}  // namespace sluice::test
