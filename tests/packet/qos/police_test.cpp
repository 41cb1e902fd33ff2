// SPDX-License-Identifier: GPL-2.0-or-later
// Policers: what is more than a port's rate is dropped, on both hooks, and all is counted as it is
// on the wire. A byte takes 125 us (64 kbit/s), so that no bucket fills while a test runs.
#include <netinet/in.h>

#include <utility>
#include <vector>

#include "tests/harness/dissect.hpp"
#include "tests/packet/scenario.hpp"
#include "tests/packet/switch/scenario.hpp"

namespace sluice::test {
namespace {

constexpr __u64 second = 1'000'000'000ull << SL_BUCKET_TIME_SHIFT;

/// Of `burst` bytes.
sl_bucket bytes_bucket(__u64 burst) {
    const __u64 cost = 10'000'000ull << 24;  // 100 bytes a second: none is earned meanwhile
    return {cost, cost * burst >> SL_BUCKET_COST_SHIFT, 1'200 * second, SL_BUCKET_LIMITED, 0};
}

/// Of `burst` packets, one a second.
sl_bucket packets_bucket(__u64 burst) {
    return {1'000'000'000ull << 24, burst * second, 600 * second, SL_BUCKET_LIMITED, 0};
}

Packet sized(Packet packet, std::size_t bytes) {
    const std::size_t head = serialise(packet).size();
    return std::move(packet) / payload(bytes - head);
}

/// A datagram of vm_a's to the server, `bytes` long as a frame.
Packet datagram(std::size_t bytes) { return sized(a_to_server4() / udp, bytes); }

class Police : public GateTest {
protected:
    static void expect_counts(const Link& link, sl_qos_count conformed, std::uint64_t packets,
                              std::uint64_t bytes, std::uint64_t dropped,
                              std::uint64_t dropped_bytes) {
        const auto stats = gate().qos_stats(link.id);
        const auto& exceeded = stats.counts[conformed + 1];
        EXPECT_EQ(stats.counts[conformed].packets, packets);
        EXPECT_EQ(stats.counts[conformed].bytes, bytes);
        EXPECT_EQ(exceeded.packets, dropped);
        EXPECT_EQ(exceeded.bytes, dropped_bytes);
    }
    static void police(__u64 burst, std::uint16_t more_flags = 0) {
        sl_qos rates{};
        rates.in_bytes = bytes_bucket(burst);
        gate().set_qos(lan0, rates, SL_QOS_POLICE | more_flags);
    }
};

/// Both hooks: the session is there, so that XDP finishes the frame.
class PoliceHooks : public Police, public testing::WithParamInterface<Hook> {
protected:
    void open_sessions() {
        for (const auto& first : {datagram(100), sized(a_to_server6() / udp, 100)})
            EXPECT_EQ(send(Hook::tc, lan0, serialise(first)).verdict, Verdict::forward);
    }
    void expect_through(const Packet& in) {
        expect_forward(GetParam(), lan0, in, routed(in, wan0, router));
    }
};

TEST_P(PoliceHooks, TheBurstPassesAndNoMore) {
    masquerade_a();
    open_sessions();
    police(3'000);
    const Packet in = datagram(1'000);
    const Packet out = with_source(routed(in, wan0, router), external, udp.sport);
    for (int i = 0; i < 3; ++i) expect_forward(GetParam(), lan0, in, out);
    expect_drop(GetParam(), lan0, in, SL_DROP_QOS_RATE);
    expect_drop(GetParam(), lan0, datagram(100), SL_DROP_QOS_RATE);
    expect_counts(lan0, SL_QOS_IN_CONFORMED, 3, 3'000, 2, 1'100);
}

TEST_P(PoliceHooks, Ipv6Likewise) {
    open_sessions();
    police(1'500);
    const Packet in = sized(a_to_server6() / udp, 700);
    expect_through(in);
    expect_through(in);
    expect_drop(GetParam(), lan0, in, SL_DROP_QOS_RATE);
    expect_counts(lan0, SL_QOS_IN_CONFORMED, 2, 1'400, 1, 700);
}

TEST_P(PoliceHooks, TheFirstPacketOfASessionPaysToo) {
    police(1'000);
    expect_through(datagram(1'000));
    Packet another = a_to_server4() / Udp{.sport = 4001, .dport = 53};
    expect_drop(GetParam(), lan0, sized(another, 100), SL_DROP_QOS_RATE);
    expect_counts(lan0, SL_QOS_IN_CONFORMED, 1, 1'000, 1, 100);
    EXPECT_EQ(gate().flows4().entries().size(), 2u) << "no session of what was dropped";
}

TEST_P(PoliceHooks, FromACpusCreditFramesPassTheBucketBy) {
    open_sessions();
    sl_qos rates{};
    rates.in_bytes = bytes_bucket(10'000);
    rates.in_bytes.chunk = 3'000;
    gate().set_qos(lan0, rates, SL_QOS_POLICE);
    const auto paid = [] {
        return gate().map<__u32, sl_qos_state>("sl_qos_states").get(lan0.id).value().in.bytes_at;
    };
    expect_through(datagram(1'000));
    const auto first = paid();
    for (int i = 0; i < 3; ++i) expect_through(datagram(1'000));
    EXPECT_EQ(paid(), first);
    expect_through(datagram(1'000));
    EXPECT_GT(paid(), first);
    for (int i = 0; i < 5; ++i) expect_through(datagram(1'000));
    expect_drop(GetParam(), lan0, datagram(1'000), SL_DROP_QOS_RATE);
    expect_counts(lan0, SL_QOS_IN_CONFORMED, 10, 10'000, 1, 1'000);
}

TEST_P(PoliceHooks, PacketsASecondByThemselves) {
    open_sessions();
    sl_qos rates{};
    rates.in_frames = packets_bucket(2);
    gate().set_qos(lan0, rates, SL_QOS_POLICE | SL_QOS_SINGLY);
    expect_through(datagram(1'000));
    expect_through(datagram(60));
    expect_drop(GetParam(), lan0, datagram(60), SL_DROP_QOS_PPS);
    expect_counts(lan0, SL_QOS_IN_CONFORMED, 2, 1'060, 1, 60);
}

TEST_P(PoliceHooks, CreditOfBytesIsNoneOfPackets) {
    open_sessions();
    sl_qos rates{};
    rates.in_bytes = bytes_bucket(10'000);
    rates.in_bytes.chunk = 3'000;
    rates.in_frames = packets_bucket(2);
    gate().set_qos(lan0, rates, SL_QOS_POLICE | SL_QOS_SINGLY);
    expect_through(datagram(100));
    expect_through(datagram(100));
    expect_drop(GetParam(), lan0, datagram(100), SL_DROP_QOS_PPS);
}

TEST_P(PoliceHooks, WhatHasTooManyBytesLeavesThePacketsToOthers) {
    open_sessions();
    sl_qos rates{};
    rates.in_bytes = bytes_bucket(1'100);
    rates.in_frames = packets_bucket(2);
    gate().set_qos(lan0, rates, SL_QOS_POLICE | SL_QOS_SINGLY);
    expect_through(datagram(1'000));
    for (int i = 0; i < 3; ++i) expect_drop(GetParam(), lan0, datagram(200), SL_DROP_QOS_RATE);
    expect_through(datagram(100));
    expect_drop(GetParam(), lan0, datagram(60), SL_DROP_QOS_PPS);
}

TEST_P(PoliceHooks, BlockedIsNothing) {
    open_sessions();
    sl_qos rates{};
    rates.in_bytes.flags = SL_BUCKET_BLOCKED;
    gate().set_qos(lan0, rates, SL_QOS_POLICE | SL_QOS_SINGLY);
    expect_drop(GetParam(), lan0, datagram(60), SL_DROP_QOS_RATE);
    expect_counts(lan0, SL_QOS_IN_CONFORMED, 0, 0, 1, 60);
}

TEST_P(PoliceHooks, OtherPortsDoNotPay) {
    open_sessions();
    police(60);
    expect_through(datagram(60));
    expect_drop(GetParam(), lan0, datagram(60), SL_DROP_QOS_RATE);
    const Packet other =
        sized(to_gateway(vm_b, lan1) / Ip4{.src = vm_b.v4, .dst = server.v4} / udp, 60);
    EXPECT_EQ(send(Hook::tc, lan1, serialise(other)).verdict, Verdict::forward);
    EXPECT_EQ(send(GetParam(), lan1, serialise(other)).verdict, Verdict::forward);
}

INSTANTIATE_TEST_SUITE_P(Hooks, PoliceHooks, testing::Values(Hook::tc, Hook::xdp),
                         [](const auto& info) { return hook_text(info.param); });

TEST_F(Police, WhatTheKernelGetsPaysToo) {
    police(1'000);
    const Packet to_host =
        sized(to(lan0.mac) / Ip4{.src = vm_a.v4, .dst = ip("10.0.0.1")} / udp, 900);
    expect_pass(Hook::tc, lan0, to_host);
    expect_drop(Hook::tc, lan0, to_host, SL_DROP_QOS_RATE);
    const Packet arp = Eth{.dst = everybody, .src = vm_a.mac, .type = 0x0806} / payload(46);
    expect_pass(Hook::tc, lan0, arp);
    expect_drop(Hook::tc, lan0, arp, SL_DROP_QOS_RATE);
    expect_counts(lan0, SL_QOS_IN_CONFORMED, 2, 960, 2, 960);
}

TEST_F(Police, WhatXdpLeavesToTcPaysThere) {
    police(1'000);
    const Packet to_host =
        sized(to(lan0.mac) / Ip4{.src = vm_a.v4, .dst = ip("10.0.0.1")} / udp, 900);
    expect_pass(Hook::xdp, lan0, to_host);
    expect_counts(lan0, SL_QOS_IN_CONFORMED, 0, 0, 0, 0);
    expect_pass(Hook::tc, lan0, to_host);
    expect_counts(lan0, SL_QOS_IN_CONFORMED, 1, 900, 0, 0);
}

constexpr std::size_t gso_payload = 2'000, tcp_head = 54;
const FrameContext four_segments{.gso_size = 500};
constexpr std::size_t segments_bytes = gso_payload + 4 * tcp_head;

Packet gso_frame() {
    return a_to_server4() / Tcp{.sport = 4000, .dport = 80, .flags = ACK} / payload(gso_payload);
}

TEST_F(Police, AGsoFrameIsTheFramesThatItBecomes) {
    police(2 * segments_bytes);
    const Bytes in = serialise(gso_frame());
    EXPECT_EQ(send(Hook::tc, lan0, in, four_segments).verdict, Verdict::forward);
    expect_counts(lan0, SL_QOS_IN_CONFORMED, 4, segments_bytes, 0, 0);
    EXPECT_EQ(send(Hook::tc, lan0, in, four_segments).verdict, Verdict::forward);
    EXPECT_EQ(send(Hook::tc, lan0, in, four_segments).verdict, Verdict::drop);
    expect_counts(lan0, SL_QOS_IN_CONFORMED, 8, 2 * segments_bytes, 4, segments_bytes);
    EXPECT_EQ(gate().drops(lan0.id, SL_DROP_QOS_RATE).packets, 1u);
}

TEST_F(Police, FromCreditAsWell) {
    sl_qos rates{};
    rates.in_bytes = bytes_bucket(100'000);
    rates.in_bytes.chunk = 20'000;
    gate().set_qos(lan0, rates, SL_QOS_POLICE);
    const Bytes in = serialise(gso_frame());
    for (int i = 0; i < 2; ++i)
        EXPECT_EQ(send(Hook::tc, lan0, in, four_segments).verdict, Verdict::forward);
    expect_counts(lan0, SL_QOS_IN_CONFORMED, 8, 2 * segments_bytes, 0, 0);
}

TEST_F(Police, AGsoFrameLargerThanTheBurstGoesOnceItIsFull) {
    police(500);
    const Bytes in = serialise(gso_frame());
    EXPECT_EQ(send(Hook::tc, lan0, in, four_segments).verdict, Verdict::forward);
    EXPECT_EQ(send(Hook::tc, lan0, in, four_segments).verdict, Verdict::drop);
    EXPECT_EQ(send(Hook::tc, lan0, serialise(datagram(60))).verdict, Verdict::drop);
}

TEST_F(Police, BehindTheGuard) {
    const GuardConfig guard = guard_of(vm_a);
    auto entry = port_entry(lan0);
    entry.guard = gate().make_guard(lan0.id, guard);
    entry.qos = SL_QOS_POLICE;
    sl_qos rates{};
    rates.in_bytes = bytes_bucket(1'000);
    gate().put_qos(lan0.id, rates);
    gate().set_port(lan0, entry);
    const Packet forged = sized(
        Eth{.dst = lan0.mac, .src = stranger_mac} / Ip4{.src = vm_a.v4, .dst = server.v4} / udp,
        900);
    expect_drop(Hook::tc, lan0, forged, SL_DROP_GUARD_MAC);
    expect_counts(lan0, SL_QOS_IN_CONFORMED, 0, 0, 0, 0);
}

TEST_F(Police, XdpAsksThePortThatItRedirectsTo) {
    sl_qos rates{};
    rates.out = bytes_bucket(2'000);
    gate().set_qos(wan0, rates, SL_QOS_EGRESS);
    const Packet in = datagram(1'000);
    expect_forward(Hook::xdp, lan0, in, routed(in, wan0, router));
    expect_forward(Hook::xdp, lan0, in, routed(in, wan0, router));
    EXPECT_EQ(send(Hook::xdp, lan0, serialise(in)).verdict, Verdict::drop);
    EXPECT_EQ(gate().drops(wan0.id, SL_DROP_QOS_EGRESS).packets, 1u);
    EXPECT_EQ(gate().port_stats(wan0.id).tx[SL_COUNT_DROPPED].packets, 1u);
    EXPECT_EQ(gate().port_stats(lan0.id).rx[SL_COUNT_FORWARDED].packets, 3u);
    expect_counts(wan0, SL_QOS_OUT_CONFORMED, 2, 2'000, 1, 1'000);
}

TEST_F(Police, WhatTheHostSendsIsPolicedOnEgress) {
    sl_qos rates{};
    rates.out = bytes_bucket(1'000);
    gate().set_qos(wan0, rates, SL_QOS_EGRESS);
    const Packet out = sized(
        from_gateway(wan0, router) / Ip4{.src = ip("192.0.2.1"), .dst = server.v4} / udp, 1'000);
    expect_pass(Hook::egress, wan0, out);
    expect_drop(Hook::egress, wan0, out, SL_DROP_QOS_EGRESS);
    expect_counts(wan0, SL_QOS_OUT_CONFORMED, 1, 1'000, 1, 1'000);
}

/// The switch, with real cables.
class SwitchPolice : public SwitchWays {};

TEST_P(SwitchPolice, TagsAreBytesToo) {
    sl_qos rates{};
    rates.in_bytes = bytes_bucket(200);
    auto from = trunk({10});
    from.qos = SL_QOS_POLICE;
    from.rates = &rates;
    rig().set(0, from);
    rig().set(1, access(10));
    const Packet plain = sized(frame(vm, station(1)), 96);
    const Packet in = tagged(plain, {.vid = 10});
    expect_copies(GetParam(), 0, in, by({1}, plain));
    expect_copies(GetParam(), 0, in, by({1}, plain));
    expect_drop(GetParam(), 0, in, SL_DROP_QOS_RATE);
    const auto stats = gate().qos_stats(rig().id(0));
    EXPECT_EQ(stats.counts[SL_QOS_IN_CONFORMED].bytes, 200u);
    EXPECT_EQ(stats.counts[SL_QOS_IN_EXCEEDED].bytes, 100u);
}

TEST_P(SwitchPolice, TagsArePaidFromCreditAsWell) {
    sl_qos rates{};
    rates.in_bytes = bytes_bucket(100'000);
    rates.in_bytes.chunk = 20'000;
    auto from = trunk({10});
    from.qos = SL_QOS_POLICE;
    from.rates = &rates;
    rig().set(0, from);
    rig().set(1, access(10));
    const Packet plain = sized(frame(vm, station(1)), 96);
    for (int i = 0; i < 2; ++i)
        expect_copies(GetParam(), 0, tagged(plain, {.vid = 10}), by({1}, plain));
    EXPECT_EQ(gate().qos_stats(rig().id(0)).counts[SL_QOS_IN_CONFORMED].bytes, 200u);
}

TEST_P(SwitchPolice, WhatLeavesIsPoliced) {
    sl_qos rates{};
    rates.out = bytes_bucket(200);
    auto target = access(10);
    target.qos = SL_QOS_EGRESS;
    target.rates = &rates;
    rig().set(0, access(10));
    rig().set(1, target);
    rig().add_station(vm, 10, 0);
    rig().add_station(station(1), 10, 1);
    const Packet in = sized(frame(vm, station(1)), 100);
    expect_copies(GetParam(), 0, in, by({1}, in));
    expect_copies(GetParam(), 0, in, by({1}, in));
    expect_copies(GetParam(), 0, in, {});
    EXPECT_EQ(gate().drops(rig().id(1), SL_DROP_QOS_EGRESS).packets, 1u);
    const auto stats = gate().qos_stats(rig().id(1));
    EXPECT_EQ(stats.counts[SL_QOS_OUT_CONFORMED].packets, 2u);
    EXPECT_EQ(stats.counts[SL_QOS_OUT_EXCEEDED].bytes, 100u);
}

SWITCH_WAYS(SwitchPolice);

}  // namespace
}  // namespace sluice::test
