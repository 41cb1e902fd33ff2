// SPDX-License-Identifier: GPL-2.0-or-later
// Whom a frame reaches that is not for one port alone: flags, isolation, storms, sizes, and many
// ports.
#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

#include "tests/packet/switch/scenario.hpp"

namespace sluice::test {
namespace {

const Mac mdns_group{1, 0, 0x5e, 0, 0, 0xfb};

class SwitchFlood : public SwitchWays {
protected:
    void SetUp() override {
        SwitchTest::SetUp();
        for (const std::size_t port : {0, 1, 2, 3}) rig().set(port, access(10));
    }
    static void without(std::size_t port, std::uint32_t flag) {
        Switched settings = access(10);
        settings.flags &= ~flag;
        rig().set(port, settings);
    }
};

TEST_P(SwitchFlood, EachKindHasItsFlag) {
    without(1, SL_SWITCH_FLOOD);
    without(2, SL_SWITCH_MULTICAST);
    without(3, SL_SWITCH_BROADCAST);
    expect_copies(GetParam(), 0, frame(vm, unknown), by({2, 3}, frame(vm, unknown)));
    expect_copies(GetParam(), 0, frame(vm, mdns_group), by({1, 3}, frame(vm, mdns_group)));
    expect_copies(GetParam(), 0, frame(vm, everybody), by({1, 2}, frame(vm, everybody)));
    EXPECT_EQ(rig().vlan_count(10, SL_VLAN_FLOODED), 3u) << "a frame, however many copies";
    EXPECT_EQ(gate().port_stats(rig().id(0)).rx[SL_COUNT_FORWARDED].packets, 3u);
    // A port without them still gets what is for its own.
    rig().add_station(unknown, 10, 1);
    expect_copies(GetParam(), 0, frame(vm, unknown), by({1}, frame(vm, unknown)));
    // The flags are about what leaves, not what enters.
    expect_copies(GetParam(), 3, frame(station(3), everybody),
                  by({0, 1, 2}, frame(station(3), everybody)));
}

TEST_P(SwitchFlood, Nowhere) {
    rig().set(7, access(70));
    expect_drop(GetParam(), 7, frame(vm, unknown), SL_DROP_SWITCH_NOWHERE);
    expect_drop(GetParam(), 7, frame(vm, everybody), SL_DROP_SWITCH_NOWHERE);
    EXPECT_EQ(rig().vlan_count(70, SL_VLAN_DROPPED), 2u);
    for (const std::size_t port : {1, 2, 3}) without(port, SL_SWITCH_MULTICAST);
    expect_drop(GetParam(), 0, frame(vm, mdns_group), SL_DROP_SWITCH_NOWHERE);
}

// IGMP, MLD, neighbour discovery: all of it is multicast, and the whole VLAN hears it.
TEST_P(SwitchFlood, GroupsAreNotLookedUp) {
    rig().add_station(everybody, 10, 1);
    rig().add_station(mdns_group, 10, 1);
    for (const Mac& to : {everybody, mdns_group, all_nodes})
        expect_copies(GetParam(), 0, frame(vm, to), by({1, 2, 3}, frame(vm, to)));
}

// The kernel's own protocols are frames like others.
TEST_P(SwitchFlood, AnyEthertype) {
    const Arp arp{.sender_mac = vm, .sender = ip("10.0.0.2"), .target = ip("10.0.0.1")};
    const Packet llc = Eth{.dst = everybody, .src = vm, .type = 46} / payload(46);
    const Packet odd = Eth{.dst = everybody, .src = vm, .type = 0x88b6} / payload(46);
    const Packet cut = Eth{.dst = everybody, .src = vm, .type = 0x0800} / payload(6);
    for (const Packet& in : {arp_frame(vm, arp), llc, odd, cut})
        expect_copies(GetParam(), 0, in, by({1, 2, 3}, in));
}

struct IsolationCase {
    const char* name;
    std::uint32_t flags_a, flags_b;
    std::uint16_t community_a, community_b;
    bool allowed;
    friend void PrintTo(const IsolationCase& pair, std::ostream* out) { *out << pair.name; }
};

/// RFC 5517 section 2.
const std::vector<IsolationCase> isolation_cases{
    {"Promiscuous", 0, 0, 0, 0, true},
    {"IsolatedAndPromiscuous", SL_SWITCH_ISOLATED, 0, 0, 0, true},
    {"BothIsolated", SL_SWITCH_ISOLATED, SL_SWITCH_ISOLATED, 0, 0, false},
    {"IsolatedAndCommunity", SL_SWITCH_ISOLATED, 0, 0, 7, false},
    {"CommunityAndPromiscuous", 0, 0, 7, 0, true},
    {"SameCommunity", 0, 0, 7, 7, true},
    {"OtherCommunity", 0, 0, 7, 8, false},
    {"IsolatedAndItsCommunity", SL_SWITCH_ISOLATED, 0, 7, 7, false},
    {"IsolatedInTheSameCommunity", SL_SWITCH_ISOLATED, SL_SWITCH_ISOLATED, 7, 7, false},
};

class SwitchIsolation : public SwitchTest, public testing::WithParamInterface<IsolationCase> {
protected:
    void SetUp() override {
        SwitchTest::SetUp();
        const IsolationCase& pair = GetParam();
        Switched a = access(10, pair.flags_a), b = access(10, pair.flags_b);
        a.community = pair.community_a;
        b.community = pair.community_b;
        rig().set(0, a);
        rig().set(1, b);
        rig().add_station(station(0), 10, 0);
        rig().add_station(station(1), 10, 1);
    }
    /// Both ways, known and flooded; port 2 is promiscuous.
    static void expect_pair(Way way) {
        for (const std::size_t from : {0, 1}) {
            const std::size_t to = 1 - from;
            const Packet known = frame(station(from), station(to));
            const Packet all = frame(station(from), everybody);
            rig().set(2, access(20));
            if (GetParam().allowed) {
                expect_copies(way, from, known, {{to, known}});
                expect_copies(way, from, all, {{to, all}});
            } else {
                expect_drop(way, from, known, SL_DROP_SWITCH_ISOLATED);
                expect_drop(way, from, all, SL_DROP_SWITCH_NOWHERE);
            }
            rig().set(2, access(10));
            const Packet out = frame(station(from), station(2));
            rig().add_station(station(2), 10, 2);
            expect_copies(way, from, out, {{2, out}});
        }
    }
};

TEST_P(SwitchIsolation, ByTc) { expect_pair(Way::tc); }
TEST_P(SwitchIsolation, ByXdp) { expect_pair(Way::xdp); }
INSTANTIATE_TEST_SUITE_P(Rfc5517, SwitchIsolation, testing::ValuesIn(isolation_cases), name_of);

// 64 ports besides the one it came by, their ids all over the set; every copy, each once.
TEST_P(SwitchFlood, SixtyFourPorts) {
    std::vector<Copy> out;
    for (std::size_t port = 1; port <= 64; ++port) {
        rig().set(port, access(11));
        out.push_back({port, frame(vm, everybody)});
    }
    rig().set(0, access(11));
    for (int i = 0; i < 3; ++i) expect_copies(GetParam(), 0, frame(vm, everybody), out);
    const Bytes big = serialise(Eth{.dst = everybody, .src = vm, .type = 0x88b6} / payload(3000));
    rig().send(GetParam(), 0, big);
    const auto got = rig().receive();
    ASSERT_EQ(got.size(), 64u);
    for (std::size_t i = 0; i < got.size(); ++i) {
        EXPECT_EQ(got[i].port, i + 1);
        EXPECT_EQ(got[i].frame, big);
    }
    EXPECT_EQ(rig().vlan_count(11, SL_VLAN_FLOODED), 4u);
}

struct StormCase {
    const char* name;
    sl_storm_kind kind;
    Mac to;
    friend void PrintTo(const StormCase& storm, std::ostream* out) { *out << storm.name; }
};

class SwitchStorm : public SwitchTest, public testing::WithParamInterface<StormCase> {};

// A bucket of a tenth of a second's packets, refilled at the rate; the other kinds are free.
TEST_P(SwitchStorm, Limit) {
    Switched limited = access(10);
    limited.storm[GetParam().kind] = 100;
    rig().set(0, limited);
    rig().set(1, access(10));
    const Packet in = frame(vm, GetParam().to);
    const auto burst = [&in] {
        std::size_t passed = 0;
        for (int i = 0; i < 30; ++i) passed += pass(i % 2 ? Way::tc : Way::xdp, 0, in).size();
        return passed;
    };
    const auto first = burst();
    EXPECT_GE(first, 9u);
    EXPECT_LE(first, 14u);
    EXPECT_EQ(rig().drops(0, SL_DROP_SWITCH_STORM), 30 - first);
    EXPECT_EQ(rig().vlan_count(10, SL_VLAN_DROPPED), 30 - first);
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    const auto second = burst();
    EXPECT_GE(second, 4u);
    EXPECT_LE(second, 10u);
    std::this_thread::sleep_for(std::chrono::milliseconds(150));
    const auto third = burst();
    EXPECT_GE(third, 9u) << "the bucket holds a tenth of a second";
    EXPECT_LE(third, 14u);
    for (const Mac& other : {unknown, mdns_group, everybody}) {
        if (other == GetParam().to) continue;
        for (int i = 0; i < 30; ++i)
            expect_copies(Way::tc, 0, frame(vm, other), {{1, frame(vm, other)}});
    }
    // What is known is no storm.
    rig().add_station(unknown, 10, 1);
    for (int i = 0; i < 30; ++i)
        expect_copies(i % 2 ? Way::tc : Way::xdp, 0, frame(vm, unknown), {{1, frame(vm, unknown)}});
    // Nor does the limit of one port hold for another.
    for (int i = 0; i < 30; ++i)
        expect_copies(Way::tc, 1, frame(station(1), everybody),
                      {{0, frame(station(1), everybody)}});
}

INSTANTIATE_TEST_SUITE_P(Kinds, SwitchStorm,
                         testing::Values(StormCase{"Broadcast", SL_STORM_BROADCAST, everybody},
                                         StormCase{"Multicast", SL_STORM_MULTICAST, mdns_group},
                                         StormCase{"Unknown", SL_STORM_UNKNOWN, unknown}),
                         name_of);

Packet sized_frame(const Mac& to, std::size_t l3_length) {
    return Eth{.dst = to, .src = vm} / Ip4{.src = ip("10.1.0.1"), .dst = ip("10.1.0.2")} /
           Udp{.sport = 1, .dport = 2} / payload(l3_length - 28);
}

TEST_P(SwitchFlood, SizeOfTheWayOut) {
    Switched small = access(10);
    small.mtu = 1500;
    rig().set(1, small);
    rig().add_station(unknown, 10, 1);
    expect_copies(GetParam(), 0, sized_frame(unknown, 1500), by({1}, sized_frame(unknown, 1500)));
    expect_drop(GetParam(), 0, sized_frame(unknown, 1501), SL_DROP_SWITCH_MTU);
    // Who is flooded and has the room gets his copy; of the other the port's counters tell.
    expect_copies(GetParam(), 0, sized_frame(everybody, 1500),
                  by({1, 2, 3}, sized_frame(everybody, 1500)));
    expect_copies(GetParam(), 0, sized_frame(everybody, 1501),
                  by({2, 3}, sized_frame(everybody, 1501)));
    EXPECT_EQ(rig().drops(1, SL_DROP_SWITCH_MTU), 1u);
}

// A tag is not part of what the MTU counts, neither on the way in nor out.
TEST_P(SwitchFlood, TagsAreNoLength) {
    Switched small = trunk({10});
    small.mtu = 1500;
    rig().set(1, small);
    rig().add_station(unknown, 10, 1);
    const Packet full = sized_frame(unknown, 1500);
    expect_copies(GetParam(), 0, full, {{1, tagged(full, {.vid = 10})}});
    rig().set(0, trunk({10}));
    expect_copies(GetParam(), 0, tagged(full, {.vid = 10}), {{1, tagged(full, {.vid = 10})}});
    expect_drop(GetParam(), 0, tagged(sized_frame(unknown, 1501), {.vid = 10}), SL_DROP_SWITCH_MTU);
}

TEST_F(SwitchTest, Jumbo) {
    rig().set(0, access(10));
    rig().set(1, access(10));
    rig().set(2, trunk({10}));
    for (const Mac& to : {unknown, everybody})
        expect_copies(
            Way::tc, 0, sized_frame(to, 9000),
            {{1, sized_frame(to, 9000)}, {2, tagged(sized_frame(to, 9000), {.vid = 10})}});
    rig().add_station(unknown, 10, 2);
    expect_copies(Way::tc, 0, sized_frame(unknown, 9000),
                  {{2, tagged(sized_frame(unknown, 9000), {.vid = 10})}});
}

// A GSO frame is as long as its segments: it is cut up where it leaves the host.
TEST_F(SwitchTest, Gso) {
    Switched small = access(10);
    small.mtu = 1500;
    rig().set(0, access(10));
    rig().set(1, small);
    rig().add_station(unknown, 10, 1);
    const Packet big = Eth{.dst = unknown, .src = vm} /
                       Ip4{.src = ip("10.1.0.1"), .dst = ip("10.1.0.2")} /
                       Tcp{.sport = 1, .dport = 2, .sum = Sum::partial} / payload(8000);
    const Bytes bytes = serialise(big);
    for (const Mac& to : {unknown, everybody}) {
        Bytes frame = bytes;
        std::ranges::copy(to, frame.begin());
        rig().send(Way::tc, 0, frame, 1460);
        const auto got = rig().receive();
        ASSERT_EQ(got.size(), 1u);
        EXPECT_EQ(got[0].frame, frame);
    }
    EXPECT_EQ(rig().drops(1, SL_DROP_SWITCH_MTU), 0u);
}

SWITCH_WAYS(SwitchFlood);

}  // namespace
}  // namespace sluice::test
