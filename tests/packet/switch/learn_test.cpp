// SPDX-License-Identifier: GPL-2.0-or-later
// The MAC table: who is learned where, what makes it forget, and what it refuses.
#include <gtest/gtest.h>

#include <cstdint>

#include "tests/packet/switch/scenario.hpp"

namespace sluice::test {
namespace {

const Mac peer = station(1), third = station(2);

class SwitchLearn : public SwitchWays {
protected:
    void SetUp() override {
        SwitchTest::SetUp();
        for (const std::size_t port : {0, 1, 2}) rig().set(port, access(10));
    }
    static void set_flags(std::size_t port, std::uint32_t more, std::uint32_t less = 0) {
        Switched settings = access(10, more);
        settings.flags &= ~less;
        rig().set(port, settings);
    }
    static void expect_learned(const Mac& mac, std::size_t port, std::uint16_t vlan = 10) {
        EXPECT_EQ(learned_on(mac, vlan), rig().id(port));
    }
    static void age(const Mac& mac, std::uint32_t epochs) {
        sl_fdb entry = rig().fdb(mac, 10).value();
        entry.seen -= epochs;
        rig().set_fdb(mac, 10, entry);
    }
    static void set_mac_age(std::uint32_t epochs) {
        auto settings = gate().map<__u32, sl_settings>("sl_settings").get(0).value();
        settings.mac_age = epochs;
        gate().set_settings(settings);
    }
    static std::uint64_t live_macs() {
        return gate().map<__u32, sl_live>("sl_live").get(0).value().macs;
    }
};

TEST_P(SwitchLearn, UnknownIsFloodedAndItsAnswerIsNot) {
    expect_copies(GetParam(), 0, frame(vm, peer), by({1, 2}, frame(vm, peer)));
    expect_learned(vm, 0);
    EXPECT_EQ(rig().state(0).learned, 1u);
    EXPECT_EQ(live_macs(), 1u);
    expect_copies(GetParam(), 1, frame(peer, vm), by({0}, frame(peer, vm)));
    expect_learned(peer, 1);
    for (int i = 0; i < 3; ++i)
        expect_copies(GetParam(), 0, frame(vm, peer), by({1}, frame(vm, peer)));
    EXPECT_EQ(rig().state(0).learned, 1u);
    EXPECT_EQ(live_macs(), 2u);
    EXPECT_EQ(rig().vlan_count(10, SL_VLAN_FLOODED), 1u);
    EXPECT_EQ(rig().vlan_count(10, SL_VLAN_SWITCHED), 4u);
    EXPECT_TRUE(gate().events().empty());
}

// A MAC may be in two VLANs on two ports: two machines, or one with two interfaces.
TEST_P(SwitchLearn, EachVlanHasItsOwnTable) {
    rig().set(3, access(20));
    rig().set(4, access(20));
    expect_copies(GetParam(), 0, frame(vm, peer), by({1, 2}, frame(vm, peer)));
    expect_copies(GetParam(), 3, frame(vm, peer), by({4}, frame(vm, peer)));
    expect_learned(vm, 0, 10);
    expect_learned(vm, 3, 20);
    expect_copies(GetParam(), 1, frame(peer, vm), by({0}, frame(peer, vm)));
    expect_copies(GetParam(), 4, frame(peer, vm), by({3}, frame(peer, vm)));
    EXPECT_TRUE(gate().events().empty());
}

TEST_P(SwitchLearn, NotWhereItIsOff) {
    set_flags(0, 0, SL_SWITCH_LEARN);
    expect_copies(GetParam(), 0, frame(vm, peer), by({1, 2}, frame(vm, peer)));
    EXPECT_FALSE(rig().fdb(vm, 10));
    EXPECT_EQ(rig().state(0).learned, 0u);
}

TEST_P(SwitchLearn, NobodyComesFromAGroup) {
    expect_drop(GetParam(), 0, frame({1, 0, 0x5e, 0, 0, 1}, peer), SL_DROP_MALFORMED);
    expect_drop(GetParam(), 0, frame({0, 0, 0, 0, 0, 0}, peer), SL_DROP_MALFORMED);
    EXPECT_EQ(live_macs(), 0u);
}

TEST_P(SwitchLearn, FrameForItsOwnPortGoesNowhere) {
    rig().add_station(peer, 10, 0);
    expect_drop(GetParam(), 0, frame(vm, peer), SL_DROP_SWITCH_HAIRPIN);
    expect_drop(GetParam(), 0, frame(vm, vm), SL_DROP_SWITCH_HAIRPIN);
}

TEST_P(SwitchLearn, Moves) {
    (void)pass(GetParam(), 0, frame(vm, third));
    (void)pass(GetParam(), 1, frame(vm, third));
    expect_learned(vm, 1);
    EXPECT_EQ(rig().state(0).learned, 0u);
    EXPECT_EQ(rig().state(1).learned, 1u);
    EXPECT_EQ(live_macs(), 1u);
    const auto events = gate().events();
    ASSERT_EQ(events.size(), 1u);
    EXPECT_EQ(events[0].kind, SL_EVENT_MAC_MOVED);
    EXPECT_EQ(events[0].port, rig().id(1));
    EXPECT_EQ(events[0].other_port, rig().id(0));
    expect_copies(GetParam(), 2, frame(third, vm), by({1}, frame(third, vm)));
}

TEST_P(SwitchLearn, OldIsUnknown) {
    (void)pass(GetParam(), 1, frame(peer, vm));
    set_mac_age(5);
    age(peer, 5);
    expect_copies(GetParam(), 0, frame(vm, peer), by({1}, frame(vm, peer)));
    age(peer, 1);
    expect_copies(GetParam(), 0, frame(vm, peer), by({1, 2}, frame(vm, peer)));
    // What is heard of it makes it young, and does not count it twice.
    (void)pass(GetParam(), 1, frame(peer, vm));
    expect_copies(GetParam(), 0, frame(vm, peer), by({1}, frame(vm, peer)));
    EXPECT_EQ(rig().state(1).learned, 1u);
    EXPECT_EQ(live_macs(), 2u);
}

// The time is noted on both hooks, else XDP would let a busy MAC grow old.
TEST_P(SwitchLearn, EachFrameMakesItYoung) {
    (void)pass(Way::tc, 0, frame(vm, peer));
    (void)pass(Way::tc, 1, frame(peer, vm));
    const std::uint32_t now = rig().fdb(vm, 10)->seen;
    for (const std::uint32_t old : {1, 2, 100}) {
        age(vm, old);
        ASSERT_LT(rig().fdb(vm, 10)->seen, now);
        expect_copies(GetParam(), 0, frame(vm, peer), by({1}, frame(vm, peer)));
        EXPECT_GE(rig().fdb(vm, 10)->seen, now);
        EXPECT_LE(rig().fdb(vm, 10)->seen, now + 2);
    }
}

// An old entry elsewhere is no move: the machine was gone.
TEST_P(SwitchLearn, ComesBackElsewhereWithoutANotice) {
    (void)pass(GetParam(), 0, frame(vm, peer));
    set_mac_age(5);
    age(vm, 6);
    (void)pass(GetParam(), 1, frame(vm, peer));
    expect_learned(vm, 1);
    EXPECT_TRUE(events_of(SL_EVENT_MAC_MOVED).empty());
    EXPECT_EQ(rig().state(0).learned, 0u);
}

TEST_P(SwitchLearn, FlushedIsUnknown) {
    (void)pass(GetParam(), 1, frame(peer, vm));
    sl_fdb entry = rig().fdb(peer, 10).value();
    entry.seen = 0;
    rig().set_fdb(peer, 10, entry);
    set_mac_age(2 * epoch_now());
    expect_copies(GetParam(), 0, frame(vm, peer), by({1, 2}, frame(vm, peer)));
}

// What was learned and flushed does not come back by a port that no longer learns.
TEST_P(SwitchLearn, FlushedStaysUnknownWhereLearningIsOff) {
    (void)pass(GetParam(), 0, frame(vm, peer));
    (void)pass(GetParam(), 1, frame(peer, vm));
    set_flags(0, 0, SL_SWITCH_LEARN);
    expect_copies(GetParam(), 0, frame(vm, peer), by({1}, frame(vm, peer)));
    expect_copies(GetParam(), 1, frame(peer, vm), by({0}, frame(peer, vm)));
    sl_fdb entry = rig().fdb(vm, 10).value();
    entry.seen = SL_FDB_FORGOTTEN;
    rig().set_fdb(vm, 10, entry);
    for (int i = 0; i < 2; ++i) {
        expect_copies(GetParam(), 0, frame(vm, peer), by({1}, frame(vm, peer)));
        expect_copies(GetParam(), 1, frame(peer, vm), by({0, 2}, frame(peer, vm)));
    }
    // Nor does one that has grown old.
    set_flags(0, 0);
    (void)pass(GetParam(), 0, frame(vm, peer));
    set_flags(0, 0, SL_SWITCH_LEARN);
    set_mac_age(5);
    age(vm, 6);
    expect_copies(GetParam(), 0, frame(vm, peer), by({1}, frame(vm, peer)));
    expect_copies(GetParam(), 1, frame(peer, vm), by({0, 2}, frame(peer, vm)));
}

TEST_P(SwitchLearn, StaticNeitherMovesNorAges) {
    set_mac_age(1);
    rig().add_station(peer, 10, 1);
    expect_copies(GetParam(), 0, frame(vm, peer), by({1}, frame(vm, peer)));
    expect_drop(GetParam(), 2, frame(peer, vm), SL_DROP_SWITCH_STATIC);
    expect_drop(GetParam(), 2, frame(peer, everybody), SL_DROP_SWITCH_STATIC);
    expect_learned(peer, 1);
    expect_copies(GetParam(), 1, frame(peer, vm), by({0}, frame(peer, vm)));
    EXPECT_EQ(rig().fdb(peer, 10)->seen, SL_FDB_STATIC);
    EXPECT_EQ(rig().state(1).learned, 0u) << "it is not learned";
    EXPECT_EQ(rig().vlan_count(10, SL_VLAN_DROPPED), 2u);
}

TEST_P(SwitchLearn, Limit) {
    Switched limited = access(10);
    limited.mac_limit = 3;
    rig().set(0, limited);
    for (std::uint8_t i = 0; i < 3; ++i)
        expect_copies(GetParam(), 0, frame(station(0, i), peer),
                      by({1, 2}, frame(station(0, i), peer)));
    expect_drop(GetParam(), 0, frame(station(0, 3), peer), SL_DROP_SWITCH_MAC_LIMIT);
    EXPECT_FALSE(rig().fdb(station(0, 3), 10));
    EXPECT_EQ(rig().state(0).learned, 3u);
    expect_copies(GetParam(), 0, frame(station(0, 1), peer),
                  by({1, 2}, frame(station(0, 1), peer)));
    // One that is elsewhere may not come either, and one that goes makes room.
    (void)pass(GetParam(), 1, frame(peer, third));
    expect_drop(GetParam(), 0, frame(peer, third), SL_DROP_SWITCH_MAC_LIMIT);
    expect_learned(peer, 1);
    (void)pass(GetParam(), 1, frame(station(0, 0), third));
    EXPECT_EQ(rig().state(0).learned, 2u);
    (void)pass(GetParam(), 0, frame(station(0, 3), third));
    expect_learned(station(0, 3), 0);
    EXPECT_EQ(live_macs(), 5u);
}

TEST_P(SwitchLearn, LockedKnowsItsOwnAlone) {
    set_flags(0, SL_SWITCH_LOCKED);
    expect_drop(GetParam(), 0, frame(vm, peer), SL_DROP_SWITCH_LOCKED);
    expect_drop(GetParam(), 0, frame(vm, everybody), SL_DROP_SWITCH_LOCKED);
    EXPECT_FALSE(rig().fdb(vm, 10));
    rig().add_station(vm, 10, 0);
    expect_copies(GetParam(), 0, frame(vm, peer), by({1, 2}, frame(vm, peer)));
    // A MAC of another port does not move to it.
    (void)pass(GetParam(), 1, frame(peer, vm));
    expect_drop(GetParam(), 0, frame(peer, third), SL_DROP_SWITCH_LOCKED);
    expect_learned(peer, 1);
    // Frames to it are not hindered.
    expect_copies(GetParam(), 1, frame(peer, vm), by({0}, frame(peer, vm)));
}

TEST_P(SwitchLearn, PortThatLeftTheVlanGetsNothing) {
    (void)pass(GetParam(), 1, frame(peer, vm));
    rig().set(1, access(20));
    expect_copies(GetParam(), 0, frame(vm, peer), by({2}, frame(vm, peer)));
}

// The guard is first: nobody takes another's place in the table by its MAC.
TEST_P(SwitchLearn, NotFromFramesThatTheGuardDrops) {
    GuardConfig guard;
    guard.checks = SL_GUARD_MAC;
    guard.macs = {vm};
    Switched guarded = access(10);
    guarded.guard = &guard;
    rig().set(0, guarded);
    (void)pass(GetParam(), 1, frame(peer, vm));
    expect_drop(GetParam(), 0, frame(peer, everybody), SL_DROP_GUARD_MAC);
    expect_learned(peer, 1);
    expect_copies(GetParam(), 0, frame(vm, peer), by({1}, frame(vm, peer)));
    expect_copies(GetParam(), 1, frame(peer, vm), by({0}, frame(peer, vm)));
}

SWITCH_WAYS(SwitchLearn);

}  // namespace
}  // namespace sluice::test
