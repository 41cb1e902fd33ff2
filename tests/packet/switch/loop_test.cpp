// SPDX-License-Identifier: GPL-2.0-or-later
// What protects a switched network from itself: link-local frames end here, loops are found and
// cut, closed ports stay closed until their time is over.
#include <arpa/inet.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <thread>
#include <vector>

#include "tests/packet/switch/scenario.hpp"

namespace sluice::test {
namespace {

const Mac all_bridges{0x01, 0x80, 0xc2, 0, 0, 0};
const Mac pvst{0x01, 0x00, 0x0c, 0xcc, 0xcc, 0xcd};

/// An 802.3 frame, as spanning tree has it.
Packet bpdu_frame(const Mac& to) {
    return Eth{.dst = to, .src = vm, .type = 38} / Raw{{0x42, 0x42, 3, 0, 0, 2, 2}} / payload(39);
}

class SwitchLoop : public SwitchWays {
protected:
    void SetUp() override {
        SwitchTest::SetUp();
        set_all(0);
    }
    static void set_all(std::uint32_t flags) {
        for (const std::size_t port : {0, 1, 2}) rig().set(port, access(10, flags));
    }
    static void expect_event(sl_event_kind kind, std::size_t port, std::uint16_t other = 0) {
        const auto events = events_of(kind);
        ASSERT_EQ(events.size(), 1u);
        EXPECT_EQ(events[0].port, rig().id(port));
        EXPECT_EQ(events[0].other_port, other);
    }
    static bool is_open(std::size_t port) { return rig().state(port).closed_until == 0; }
    static void expect_closed(std::size_t port, sl_closed why, bool for_good) {
        const sl_switch_state state = rig().state(port);
        EXPECT_EQ(state.closed, why);
        if (for_good) {
            EXPECT_EQ(state.closed_until, SL_CLOSED_FOR_GOOD);
        } else {
            // 30 s are 28 epoch seconds; the clocks differ by some.
            EXPECT_GE(state.closed_until, epoch_now() + 26);
            EXPECT_LE(state.closed_until, epoch_now() + 32);
        }
    }
    /// The probes that leave with a frame flooded from port 0.
    static std::vector<Arrival> flood_probes(Way way = Way::tc) {
        (void)pass(way, 0, frame(vm, everybody));
        return rig().take_probes();
    }
    static Bytes probe_of(std::size_t port) {
        for (const Arrival& probe : flood_probes())
            if (probe.port == port) return probe.frame;
        ADD_FAILURE() << "no probe left by port " << port;
        return Bytes(60);
    }
    /// The MAC moves as often as a loop would make it, and comes to `first` first.
    static void flap(Way way, std::size_t first, std::size_t second) {
        for (std::uint32_t move = 0; move < SL_LOOP_MOVES + 2; ++move)
            rig().send(way, move % 2 ? second : first, serialise(frame(vm, unknown)));
        (void)rig().receive();
    }
    static void lease_to(std::size_t port, std::uint16_t vlan) {
        sl_lease lease{};
        lease.port = rig().id(port);
        gate().lease(vm, lease, vlan);
    }
    static void enter(Way way, std::size_t port, View frame) {
        rig().send(way, port, frame);
        EXPECT_TRUE(rig().receive().empty()) << "a probe goes no further";
    }
};

TEST_P(SwitchLoop, BpduIsDroppedAndReported) {
    for (const Mac& to : {all_bridges, pvst})
        expect_drop(GetParam(), 0, bpdu_frame(to), SL_DROP_SWITCH_BPDU);
    expect_event(SL_EVENT_BPDU, 0);
    EXPECT_TRUE(is_open(0));
    rig().set(3, trunk({10}));
    expect_drop(GetParam(), 3, tagged(frame(vm, pvst), {.vid = 10}), SL_DROP_SWITCH_BPDU);
}

TEST_P(SwitchLoop, BpduShutsThePort) {
    rig().set(0, access(10, SL_SWITCH_BPDU_SHUT));
    rig().add_station(unknown, 10, 0);
    expect_drop(GetParam(), 0, bpdu_frame(all_bridges), SL_DROP_SWITCH_BPDU);
    expect_event(SL_EVENT_BPDU, 0);
    expect_closed(0, SL_CLOSED_BPDU, true);
    expect_drop(GetParam(), 0, frame(vm, everybody), SL_DROP_SWITCH_CLOSED);
    // What is known behind it may be elsewhere now.
    const Packet lost = frame(station(1), unknown);
    expect_copies(GetParam(), 1, lost, by({2}, lost));
    expect_copies(GetParam(), 1, frame(station(1), everybody),
                  by({2}, frame(station(1), everybody)));
    EXPECT_FALSE(rig().fdb(vm, 10)) << "a closed port teaches nothing";
    rig().set_state(0, {});
    expect_copies(GetParam(), 1, frame(station(1), unknown), by({0}, frame(station(1), unknown)));
}

TEST_P(SwitchLoop, BpduAmongThoseThatForward) {
    for (const std::size_t port : {0, 1}) rig().set(port, access(10, SL_SWITCH_BPDU_FORWARD));
    rig().set(3, access(10, SL_SWITCH_BPDU_FORWARD));
    for (const Mac& to : {all_bridges, pvst})
        expect_copies(GetParam(), 0, bpdu_frame(to), by({1, 3}, bpdu_frame(to)));
    expect_drop(GetParam(), 2, bpdu_frame(all_bridges), SL_DROP_SWITCH_BPDU);
    EXPECT_EQ(events_of(SL_EVENT_BPDU).size(), 1u);
}

TEST_P(SwitchLoop, LinkLocalEndsHere) {
    for (std::uint8_t last = 1; last < 16; ++last)
        expect_drop(GetParam(), 0, frame(vm, {1, 0x80, 0xc2, 0, 0, last}), SL_DROP_SWITCH_RESERVED);
    for (const Mac& to : {Mac{1, 0x80, 0xc2, 0, 0, 0x10}, Mac{1, 0x80, 0xc2, 0, 1, 0},
                          Mac{1, 0x80, 0xc2, 0, 0, 0x21}, Mac{3, 0x80, 0xc2, 0, 0, 0}})
        expect_copies(GetParam(), 0, frame(vm, to), by({1, 2}, frame(vm, to)));
}

TEST_P(SwitchLoop, ProbeFollowsTheFlood) {
    rig().set(2, trunk({10}));
    rig().set(3, access(20));
    const auto probes = flood_probes(GetParam());
    ASSERT_EQ(probes.size(), 2u) << "by ports of the flood, not by the one it came by";
    for (const Arrival& probe : probes) {
        const bool is_trunk = probe.port == 2;
        Bytes bytes = probe.frame;
        if (is_trunk) {
            EXPECT_EQ(Bytes(bytes.begin() + 12, bytes.begin() + 16), (Bytes{0x81, 0, 0, 10}));
            bytes.erase(bytes.begin() + 12, bytes.begin() + 16);
        }
        ASSERT_EQ(bytes.size(), 60u);
        EXPECT_TRUE(std::equal(everybody.begin(), everybody.end(), bytes.begin()));
        EXPECT_EQ(bytes[6] & 3, 2) << "the source is a MAC of nobody's";
        sl_probe content;
        std::memcpy(&content, bytes.data() + 14, sizeof(content));
        EXPECT_EQ(ntohl(content.magic), SL_PROBE_MAGIC);
        EXPECT_EQ(ntohs(content.port), rig().id(probe.port));
        EXPECT_EQ(ntohs(content.vlan), 10u);
        EXPECT_EQ(content.cookie, rig().state(probe.port).probe_cookie);
        EXPECT_NE(content.cookie, 0u);
        EXPECT_TRUE(std::all_of(bytes.begin() + 14 + sizeof(content), bytes.end(),
                                [](std::uint8_t byte) { return byte == 0; }))
            << "nothing of the frame before it is in the probe";
    }
    EXPECT_NE(rig().state(1).probe_cookie, rig().state(2).probe_cookie);
}

TEST_P(SwitchLoop, ProbesAreFew) {
    EXPECT_EQ(flood_probes(GetParam()).size(), 2u);
    for (int i = 0; i < 5; ++i) EXPECT_TRUE(flood_probes(GetParam()).empty());
    std::this_thread::sleep_for(std::chrono::milliseconds(520));
    EXPECT_EQ(flood_probes(GetParam()).size(), 2u);
    // Each port has its own time.
    sl_switch_state due = rig().state(1);
    due.probe_tick = 0;
    rig().set_state(1, due);
    const auto again = flood_probes(GetParam());
    ASSERT_EQ(again.size(), 1u);
    EXPECT_EQ(again[0].port, 1u);
    // What goes to one port alone makes no loop.
    rig().add_station(unknown, 10, 1);
    rig().set_state(1, {});
    expect_copies(GetParam(), 0, frame(vm, unknown), by({1}, frame(vm, unknown)));
    EXPECT_TRUE(rig().take_probes().empty());
}

// A frame of any shape may be the one that the probe is made of.
TEST_P(SwitchLoop, ProbeOfAnyFrame) {
    rig().set(0, tunnel(10));
    const Packet small = Eth{.dst = everybody, .src = vm, .type = 0x0800} / Raw{};
    const Packet big = Eth{.dst = everybody, .src = vm, .type = 0x88b6} / payload(3000);
    const Packet inner = tagged(tagged(frame(vm, everybody), {.vid = 5}), {.vid = 6});
    for (const Packet& in : {big, inner, tagged(inner, {.vid = 7, .tpid = 0x88a8}), small}) {
        rig().set_state(1, {});
        expect_copies(GetParam(), 0, in, by({1, 2}, in));
        const auto probes = rig().take_probes();
        const auto to_1 = std::ranges::find(probes, std::size_t{1}, &Arrival::port);
        ASSERT_NE(to_1, probes.end());
        EXPECT_EQ(to_1->frame.size(), 60u);
    }
}

TEST_P(SwitchLoop, ReportedAlone) {
    enter(GetParam(), 2, probe_of(1));
    expect_event(SL_EVENT_LOOP, 2, rig().id(1));
    EXPECT_EQ(rig().drops(2, SL_DROP_SWITCH_PROBE), 1u);
    for (const std::size_t port : {0, 1, 2}) EXPECT_TRUE(is_open(port));
}

TEST_P(SwitchLoop, OneEndIsBlocked) {
    set_all(SL_SWITCH_LOOP_BLOCK);
    const auto probes = flood_probes();
    ASSERT_EQ(probes.size(), 2u);
    // Both come back, each by the other's port, as from a cable.
    enter(GetParam(), 2, probes[0].frame);
    enter(GetParam(), 1, probes[1].frame);
    EXPECT_FALSE(events_of(SL_EVENT_LOOP).empty());
    ASSERT_NE(is_open(1), is_open(2)) << "the loop is cut, at one end";
    const std::size_t closed = is_open(1) ? 2 : 1, open = 3 - closed;
    expect_closed(closed, SL_CLOSED_LOOP, false);
    EXPECT_EQ(rig().state(closed).closed_by, rig().id(open));
    expect_copies(GetParam(), 0, frame(vm, everybody), by({open}, frame(vm, everybody)));
    expect_drop(GetParam(), closed, frame(station(1), everybody), SL_DROP_SWITCH_CLOSED);
    // Its time is over.
    sl_switch_state state = rig().state(closed);
    state.closed_until = 1;
    rig().set_state(closed, state);
    expect_copies(GetParam(), 0, frame(vm, everybody), by({1, 2}, frame(vm, everybody)));
}

TEST_P(SwitchLoop, OnePortIsLoopedToItself) {
    set_all(SL_SWITCH_LOOP_SHUT);
    enter(GetParam(), 1, probe_of(1));
    expect_event(SL_EVENT_LOOP, 1, rig().id(1));
    expect_closed(1, SL_CLOSED_LOOP, true);
    EXPECT_TRUE(is_open(0));
    EXPECT_TRUE(is_open(2));
}

// Anybody in the segment behind an uplink could send its probe back, and all VMs would pay.
TEST_P(SwitchLoop, UplinkIsNotClosedByItsOwnProbe) {
    for (const std::uint32_t flag : {SL_SWITCH_LOOP_BLOCK, SL_SWITCH_LOOP_SHUT}) {
        gate()
            .map<__u32, sl_event_limit>("sl_event_limits")
            .put(rig().id(1) * SL_EVENT_SUBJECTS + SL_DROP_MAX + SL_EVENT_LOOP, {});
        Switched uplink = trunk({}, 10, flag);
        uplink.role = SL_ROLE_UPLINK;
        rig().set(1, uplink);
        rig().set_state(1, {});
        enter(GetParam(), 1, probe_of(1));
        EXPECT_EQ(is_open(1), flag == SL_SWITCH_LOOP_BLOCK) << "shut is asked for";
    }
    EXPECT_EQ(events_of(SL_EVENT_LOOP).size(), 2u);
}

// The other end has been closed since the probe left: that is enough.
TEST_P(SwitchLoop, LateProbeClosesNoMore) {
    set_all(SL_SWITCH_LOOP_BLOCK);
    const Bytes probe = probe_of(1);
    sl_switch_state state = rig().state(1);
    state.closed = SL_CLOSED_LOOP;
    state.closed_until = SL_CLOSED_FOR_GOOD;
    rig().set_state(1, state);
    enter(GetParam(), 2, probe);
    EXPECT_TRUE(is_open(2));
    expect_event(SL_EVENT_LOOP, 2, rig().id(1));
}

// The port of a VM is closed rather than the way out.
TEST_P(SwitchLoop, UplinkStaysOpen) {
    Switched uplink = trunk({}, 10, SL_SWITCH_LOOP_BLOCK);
    uplink.role = SL_ROLE_UPLINK;
    for (const bool to_uplink : {false, true}) {
        rig().set_state(1, {});
        rig().set_state(2, {});
        rig().set(1, access(10, SL_SWITCH_LOOP_BLOCK));
        rig().set(2, uplink);
        enter(GetParam(), to_uplink ? 2 : 1, probe_of(to_uplink ? 1 : 2));
        EXPECT_FALSE(is_open(1));
        EXPECT_TRUE(is_open(2));
    }
}

// A VM knows what a probe looks like, but not the cookie of another's port.
TEST_P(SwitchLoop, ForgedProbeIsAFrameLikeOthers) {
    set_all(SL_SWITCH_LOOP_SHUT);
    const Bytes genuine = probe_of(1);
    Bytes others_port = genuine, cookie = genuine, magic = genuine, none = genuine;
    others_port[14 + offsetof(sl_probe, port) + 1] = static_cast<std::uint8_t>(rig().id(2));
    cookie[14 + offsetof(sl_probe, cookie) + 3] ^= 1;
    magic[14] ^= 1;
    none[14 + offsetof(sl_probe, port)] = none[14 + offsetof(sl_probe, port) + 1] = 0;
    const Bytes cut(genuine.begin(), genuine.begin() + 20);
    for (const Bytes& forged : {others_port, cookie, magic, none, cut}) {
        rig().send(GetParam(), 0, forged);
        EXPECT_TRUE(rig().receive().empty()) << "it has a probe's type";
        EXPECT_EQ(rig().take_probes().size(), 2u) << "and goes to both others";
    }
    EXPECT_TRUE(events_of(SL_EVENT_LOOP).empty());
    for (const std::size_t port : {0, 1, 2}) EXPECT_TRUE(is_open(port));
}

// Eight moves within a second: the event. Which of the two has borrowed the MAC the frames do not
// tell, so nobody is closed for them alone, whoever was there first.
TEST_P(SwitchLoop, MacThatGoesToAndFro) {
    set_all(SL_SWITCH_LOOP_BLOCK);
    (void)pass(GetParam(), 1, frame(vm, unknown));
    for (std::uint32_t move = 1; move < SL_LOOP_MOVES; ++move)
        (void)pass(GetParam(), move % 2 ? 2 : 1, frame(vm, unknown));
    EXPECT_TRUE(events_of(SL_EVENT_LOOP).empty());
    for (int i = 0; i < 9; ++i) (void)pass(GetParam(), i % 2 ? 2 : 1, frame(vm, unknown));
    const auto events = events_of(SL_EVENT_LOOP);
    EXPECT_EQ(events.size(), 2u) << "each port's once a second";
    for (const sl_event& event : events) {
        EXPECT_EQ(event.port + event.other_port, rig().id(1) + rig().id(2));
        EXPECT_NE(event.port, event.other_port);
    }
    EXPECT_TRUE(is_open(1) && is_open(2));
}

// Known by a lease whose the MAC is: the other port pays, also if it was the first to use it.
TEST_P(SwitchLoop, WhoBorrowsALeasedMacIsClosed) {
    for (const bool thief_first : {false, true}) {
        for (const std::size_t port : {1, 2}) rig().set_state(port, {});
        set_all(SL_SWITCH_LOOP_BLOCK);
        lease_to(2, 10);
        flap(GetParam(), thief_first ? 1 : 2, thief_first ? 2 : 1);
        EXPECT_TRUE(is_open(2)) << "the owner";
        expect_closed(1, SL_CLOSED_LOOP, false);
        EXPECT_EQ(rig().state(1).closed_by, rig().id(2));
    }
}

TEST_P(SwitchLoop, WhoBorrowsAGuardedMacIsClosed) {
    GuardConfig config;
    config.checks = SL_GUARD_MAC;
    config.macs = {vm};
    Switched owner = access(10, SL_SWITCH_LOOP_BLOCK);
    owner.guard = &config;
    set_all(SL_SWITCH_LOOP_BLOCK);
    rig().set(2, owner);
    flap(GetParam(), 1, 2);
    EXPECT_TRUE(is_open(2));
    expect_closed(1, SL_CLOSED_LOOP, false);
}

// A lease in another VLAN is another's; one of both ports' tells nothing; an uplink stays open.
TEST_P(SwitchLoop, NobodyIsClosedInDoubt) {
    set_all(SL_SWITCH_LOOP_BLOCK);
    lease_to(2, 20);
    flap(GetParam(), 1, 2);
    EXPECT_TRUE(is_open(1) && is_open(2));
    GuardConfig config;
    config.checks = SL_GUARD_MAC;
    config.macs = {vm};
    Switched guarded = access(10, SL_SWITCH_LOOP_BLOCK);
    guarded.guard = &config;
    for (const std::size_t port : {1, 2}) rig().set(port, guarded);
    flap(GetParam(), 1, 2);
    EXPECT_TRUE(is_open(1) && is_open(2));
    Switched uplink = trunk({}, 10, SL_SWITCH_LOOP_BLOCK);
    uplink.role = SL_ROLE_UPLINK;
    rig().set(1, uplink);
    rig().set(2, access(10, SL_SWITCH_LOOP_BLOCK));
    lease_to(2, 10);
    flap(GetParam(), 1, 2);
    EXPECT_TRUE(is_open(1) && is_open(2));
}

TEST_P(SwitchLoop, SlowMovesAreNone) {
    set_all(SL_SWITCH_LOOP_BLOCK);
    for (std::uint32_t move = 0; move < 3 * SL_LOOP_MOVES; ++move) {
        (void)pass(GetParam(), move % 2 ? 2 : 1, frame(vm, unknown));
        const auto moves = gate().map<__u64, sl_mac_moves>("sl_mac_moves");
        const __u64 key = mac_number(vm) | 10ull << SL_FDB_MAC_BITS;
        if (auto seen = moves.get(key)) {
            seen->tick -= 300;  // a third of a second goes by
            moves.put(key, *seen);
        }
    }
    EXPECT_TRUE(events_of(SL_EVENT_LOOP).empty());
    EXPECT_TRUE(is_open(1) && is_open(2));
}

// Two cables, one VLAN, no spanning tree: what leaves by port 1 enters by port 2 and back. The
// first broadcast is the last that goes round.
TEST_P(SwitchLoop, ClassicAccident) {
    set_all(SL_SWITCH_LOOP_BLOCK);
    std::vector<Arrival> on_cable = pass(GetParam(), 0, frame(vm, everybody));
    std::size_t rounds = 0, carried = 0;
    while (!on_cable.empty() && ++rounds < 20) {
        auto probes = rig().take_probes();
        std::ranges::move(probes, std::back_inserter(on_cable));
        for (const Arrival& each : std::exchange(on_cable, {})) {
            if (each.port == 0) continue;
            ++carried;
            rig().send(GetParam(), 3 - each.port, each.frame);
        }
        on_cable = rig().receive();
    }
    EXPECT_LE(rounds, 3u);
    EXPECT_LE(carried, 12u);
    EXPECT_FALSE(events_of(SL_EVENT_LOOP).empty());
    EXPECT_NE(is_open(1), is_open(2));
}

SWITCH_WAYS(SwitchLoop);

}  // namespace
}  // namespace sluice::test
