// SPDX-License-Identifier: GPL-2.0-or-later
// The flow table as an account of all traffic: what the host itself says and hears, what is
// switched and what is routed, each frame once, and nothing done to it.
#include <arpa/inet.h>
#include <gtest/gtest.h>

#include <chrono>
#include <optional>
#include <thread>
#include <vector>

#include "tests/packet/host_socket.hpp"
#include "tests/packet/scenario.hpp"
#include "tests/packet/switch/scenario.hpp"

namespace sluice::test {
namespace {

using namespace std::chrono_literals;

/// The entry of an IPv4 packet as it enters; all zero if there is none.
sl_key4 key_of(const sl_addr& from, const sl_addr& to, std::uint16_t sport, std::uint16_t dport,
               std::uint8_t protocol, std::uint16_t domain = 0) {
    sl_key4 key{};
    key.saddr = from.w[3];
    key.daddr = to.w[3];
    key.sport = htons(sport);
    key.dport = htons(dport);
    key.domain = domain;
    key.proto = protocol;
    return key;
}

sl_flow flow_of(const Gate& gate, const sl_addr& from, const sl_addr& to, std::uint16_t sport,
                std::uint16_t dport, std::uint8_t protocol, std::uint16_t domain = 0) {
    auto key = key_of(from, to, sport, dport, protocol, domain);
    if (const auto routed = gate.flows4().get(key)) return *routed;
    key.kind = SL_KIND_COUNTED;
    return gate.flows4().get(key).value_or(sl_flow{});
}

void expect_counts(const sl_flow& flow, std::uint64_t packets, std::uint64_t bytes) {
    EXPECT_EQ(flow.packets, packets);
    EXPECT_EQ(flow.bytes, bytes);
}

class Flows : public GateTest {
protected:
    void SetUp() override {
        GateTest::SetUp();
        track(lan0);
    }
    /// What the test's packets to the host are for: a closed port has no flows.
    HostSocket open_{SOCK_DGRAM, address_of(lan0.v4), 53};
    static std::size_t entries() {
        return gate().flows4().entries().size() + gate().flows6().entries().size();
    }
    static sl_counter unattributed(const Link& link) {
        return gate().port_stats(link.id).unattributed;
    }
};

const Packet to_own_address = to_gateway(vm_a, lan0) /
                              Ip4{.src = vm_a.v4, .dst = address_of(lan0.v4), .tos = 0xb8} / udp /
                              payload(20);
const Packet answer = Eth{.dst = vm_a.mac, .src = lan0.mac} /
                      Ip4{.src = address_of(lan0.v4), .dst = vm_a.v4} /
                      Udp{.sport = 53, .dport = 4000} / payload(30);

TEST_F(Flows, WhatTheHostHearsAndSays) {
    expect_pass(Hook::tc, lan0, to_own_address);
    expect_pass(Hook::tc, lan0, to_own_address);
    expect_pass(Hook::egress, lan0, answer);
    const auto asked = flow_of(gate(), vm_a.v4, address_of(lan0.v4), 4000, 53, IPPROTO_UDP);
    expect_counts(asked, 2, 2 * serialise(to_own_address).size());
    EXPECT_EQ(asked.flags, SL_FLOW_ORIG | SL_FLOW_TO_HOST);
    EXPECT_EQ(asked.in_port, lan0.id);
    auto key = key_of(vm_a.v4, address_of(lan0.v4), 4000, 53, IPPROTO_UDP);
    key.kind = SL_KIND_COUNTED;
    const auto birth = gate().flows4().birth(key);
    EXPECT_EQ(birth.value_or(sl_birth{}).dscp, 46);
    const auto answered = flow_of(gate(), address_of(lan0.v4), vm_a.v4, 53, 4000, IPPROTO_UDP);
    expect_counts(answered, 1, serialise(answer).size());
    EXPECT_EQ(answered.flags, 0);
    EXPECT_EQ(answered.in_port, 0);
    EXPECT_EQ(entries(), 2u);
}

/// Who knocks at a closed port is told so by the host, and neither leaves anything behind.
TEST_F(Flows, NoneOfAClosedPortOfTheHost) {
    Packet other = to_own_address;
    other.get<Udp>().dport = 54;
    expect_pass(Hook::tc, lan0, other);
    const Packet knock = to_gateway(vm_a, lan0) / Ip4{.src = vm_a.v4, .dst = address_of(lan0.v4)} /
                         Tcp{.sport = 4000, .dport = 22, .flags = SYN};
    expect_pass(Hook::tc, lan0, knock);
    expect_pass(Hook::egress, lan0,
                Eth{.dst = vm_a.mac, .src = lan0.mac} /
                    Ip4{.src = address_of(lan0.v4), .dst = vm_a.v4} /
                    Tcp{.sport = 22, .dport = 4000, .flags = RST | ACK});
    EXPECT_EQ(entries(), 0u);
    const HostSocket ssh(SOCK_STREAM, address_of(lan0.v4), 22);
    expect_pass(Hook::tc, lan0, knock);
    EXPECT_EQ(entries(), 2u);
}

TEST_F(Flows, TheHostBegins) {
    expect_pass(Hook::egress, lan0, answer);
    expect_pass(Hook::tc, lan0, to_own_address);
    expect_counts(flow_of(gate(), address_of(lan0.v4), vm_a.v4, 53, 4000, IPPROTO_UDP), 1,
                  serialise(answer).size());
    const auto back = flow_of(gate(), vm_a.v4, address_of(lan0.v4), 4000, 53, IPPROTO_UDP);
    expect_counts(back, 1, serialise(to_own_address).size());
    EXPECT_EQ(back.in_port, lan0.id);
}

TEST_F(Flows, WhatCameByAPortIsNotCountedAgain) {
    const auto leave = serialise(answer);
    expect_pass(Hook::egress, lan0, leave, {.came_by = &lan1});
    EXPECT_EQ(entries(), 0u);
}

TEST_F(Flows, OnlyWhereTheyAreWanted) {
    gate().set_port(lan0, port_entry(lan0));
    expect_pass(Hook::tc, lan0, to_own_address);
    expect_pass(Hook::egress, lan0, answer);
    EXPECT_EQ(entries(), 0u);
}

TEST_F(Flows, NoFlowOfWhatIsNone) {
    expect_pass(Hook::tc, lan0, to(lan0.mac, 0x88b6) / payload(60));
    expect_pass(Hook::tc, lan0,
                to_gateway(vm_a, lan0) / Ip4{.src = vm_a.v4, .dst = address_of(lan0.v4)} /
                    Icmp{.type = 3, .code = 3} / Ip4{.src = address_of(lan0.v4), .dst = vm_a.v4} /
                    udp);
    EXPECT_EQ(entries(), 0u);
    EXPECT_EQ(unattributed(lan0).packets, 0u);
}

TEST_F(Flows, FragmentsBelongToTheirFlow) {
    Packet first = to_own_address, later = to_own_address;
    first.get<Ip4>().id = later.get<Ip4>().id = 7;
    first.get<Ip4>().mf = true;
    expect_pass(Hook::tc, lan0, first);
    later = to_gateway(vm_a, lan0) /
            Ip4{.src = vm_a.v4,
                .dst = address_of(lan0.v4),
                .id = 7,
                .offset = 56,
                .protocol = IPPROTO_UDP} /
            payload(40);
    expect_pass(Hook::tc, lan0, later);
    expect_counts(flow_of(gate(), vm_a.v4, address_of(lan0.v4), 4000, 53, IPPROTO_UDP), 2,
                  serialise(first).size() + serialise(later).size());
}

/// A table that is full loses no packet, and says what it could not attribute.
TEST_F(Flows, WhatHasNoPlaceIsCounted) {
    auto settings = gate().map<__u32, sl_settings>("sl_settings").get(0).value();
    settings.tracked_until4 = 1;
    gate().set_settings(settings);
    expect_pass(Hook::tc, lan0, to_own_address);
    Packet other = to_own_address;
    other.get<Udp>().sport = 4001;
    expect_pass(Hook::tc, lan0, other);
    expect_pass(Hook::tc, lan0, to_own_address);
    EXPECT_EQ(entries(), 2u);
    EXPECT_EQ(unattributed(lan0).packets, 1u);
    EXPECT_EQ(unattributed(lan0).bytes, serialise(other).size());
    // The router's own sessions find a place all the same.
    expect_forward(Hook::tc, lan0, a_to_server4() / udp,
                   routed(a_to_server4() / udp, wan0, router));
}

TEST_F(Flows, LiveOnesAreCountedApart) {
    expect_pass(Hook::tc, lan0, to_own_address);
    expect_forward(Hook::tc, lan0, a_to_server4() / udp,
                   routed(a_to_server4() / udp, wan0, router));
    const auto live = gate().map<__u32, sl_live>("sl_live").get(0).value();
    EXPECT_EQ(live.sessions4, 2u);
    EXPECT_EQ(live.tracked4, 1u);
}

/// Of all hooks the sum: neither a packet more nor less.
TEST_F(Flows, RoutedOnesAreCountedOnce) {
    track(wan0);
    const Packet in = a_to_server4() / udp / payload(9), out = routed(in, wan0, router);
    expect_both(lan0, in, out);
    expect_counts(flow_of(gate(), vm_a.v4, server.v4, 4000, 53, IPPROTO_UDP), 3,
                  3 * serialise(in).size());
    EXPECT_EQ(entries(), 2u);
}

TEST_F(Flows, HandshakeIsTimed) {
    for (const Hook hook : {Hook::tc, Hook::xdp}) {
        gate().reset();
        const auto send_tcp = [&](Hook by, std::uint8_t flags) {
            const Packet in = a_to_server4() / Tcp{.sport = 40000, .dport = 80, .flags = flags};
            expect_forward(by, lan0, in, routed(in, wan0, router));
        };
        const auto handshake = [&] {
            const auto key = key_of(vm_a.v4, server.v4, 40000, 80, IPPROTO_TCP);
            return gate().flows4().birth(key).value_or(sl_birth{}).handshake;
        };
        send_tcp(Hook::tc, SYN);
        std::this_thread::sleep_for(30ms);
        send_tcp(hook, ACK);
        const auto measured = handshake();
        EXPECT_GE(measured, 30'000u) << hook_text(hook);
        EXPECT_LT(measured, 5'000'000u) << hook_text(hook);
        std::this_thread::sleep_for(5ms);
        send_tcp(hook, ACK);
        send_tcp(hook, ACK | FIN);
        EXPECT_EQ(handshake(), measured) << "only the first ACK ends it";
    }
}

/// The ring that `flow watch` reads.
class FlowLogTest : public Flows {
protected:
    using Head = sl_flow_log_head;
    static Head head() { return gate().map<__u32, Head>("sl_flow_log_head").get(0).value(); }
    static void watch(std::uint64_t until) {
        auto now = head();
        now.watched_until = until;
        gate().map<__u32, Head>("sl_flow_log_head").put(0, now);
    }
    static std::optional<sl_flow_record> record(std::uint64_t number) {
        return gate()
            .map<__u32, sl_flow_record>("sl_flow_log")
            .get(static_cast<__u32>((number - 1) % SL_FLOW_RECORDS));
    }
};

TEST_F(FlowLogTest, BeginsAreNotedWhileSomebodyWatches) {
    const auto before = head().newest;
    expect_pass(Hook::tc, lan0, to_own_address);
    EXPECT_EQ(head().newest, before);
    watch(~0ull);
    Packet other = to_own_address;
    other.get<Udp>().sport = 4001;
    expect_pass(Hook::tc, lan0, other);
    expect_pass(Hook::tc, lan0, other);
    watch(1);  // over long since
    other.get<Udp>().sport = 4002;
    expect_pass(Hook::tc, lan0, other);
    watch(0);
    ASSERT_EQ(head().newest, before + 1);
    const auto noted = record(before + 1).value();
    EXPECT_EQ(noted.number, before + 1);
    EXPECT_EQ(noted.kind, SL_FLOW_BEGAN);
    EXPECT_EQ(noted.family, AF_INET);
    EXPECT_EQ(noted.key.v4.sport, htons(4001));
    EXPECT_EQ(noted.flow.packets, 1u);
    EXPECT_EQ(noted.flow.in_port, lan0.id);
}

// --- switched ---

const Mac peer = station(1);
const sl_addr first_vm = ip("10.9.0.1"), second_vm = ip("10.9.0.2");

Packet between(const Mac& from, const Mac& to, const sl_addr& source, const sl_addr& destination,
               std::uint16_t sport = 4000, std::uint16_t dport = 53) {
    return Eth{.dst = to, .src = from} / Ip4{.src = source, .dst = destination} /
           Udp{.sport = sport, .dport = dport} / payload(30);
}

class SwitchedFlows : public SwitchWays {
protected:
    void SetUp() override {
        SwitchTest::SetUp();
        rig().set(0, tracked(access(10)));
        rig().set(1, tracked(access(10)));
        rig().set(2, tracked(access(20)));
        rig().set(3, tracked(trunk({10, 20})));
    }
    static std::size_t entries() {
        return gate().flows4().entries().size() + gate().flows6().entries().size();
    }
    const Packet there_ = between(vm, peer, first_vm, second_vm);
    const Packet back_ = between(peer, vm, second_vm, first_vm, 53, 4000);
};
SWITCH_WAYS(SwitchedFlows);

TEST_P(SwitchedFlows, KnownUnicastBothWays) {
    rig().add_station(vm, 10, 0);
    rig().add_station(peer, 10, 1);
    for (int i = 0; i < 3; ++i) expect_copies(GetParam(), 0, there_, {{1, there_}});
    for (int i = 0; i < 2; ++i) expect_copies(GetParam(), 1, back_, {{0, back_}});
    const auto sent = flow_of(gate(), first_vm, second_vm, 4000, 53, IPPROTO_UDP, 10);
    expect_counts(sent, 3, 3 * serialise(there_).size());
    EXPECT_EQ(sent.in_port, rig().id(0));
    EXPECT_EQ(sent.flags, SL_FLOW_ORIG);
    const auto received = flow_of(gate(), second_vm, first_vm, 53, 4000, IPPROTO_UDP, 10);
    expect_counts(received, 2, 2 * serialise(back_).size());
    EXPECT_EQ(received.in_port, rig().id(1));
    EXPECT_EQ(entries(), 2u);
}

/// A flooded frame is one frame; who answers shows where the other end is.
TEST_P(SwitchedFlows, UnknownUnicastIsCountedOnce) {
    const Packet on_trunk = tagged(there_, {.vid = 10});
    expect_copies(GetParam(), 0, there_, {{1, there_}, {3, on_trunk}});
    expect_counts(flow_of(gate(), first_vm, second_vm, 4000, 53, IPPROTO_UDP, 10), 1,
                  serialise(there_).size());
    EXPECT_EQ(flow_of(gate(), second_vm, first_vm, 53, 4000, IPPROTO_UDP, 10).in_port, 0);
    expect_copies(GetParam(), 1, back_, {{0, back_}});
    const auto answered = flow_of(gate(), second_vm, first_vm, 53, 4000, IPPROTO_UDP, 10);
    EXPECT_EQ(answered.in_port, rig().id(1));
    EXPECT_EQ(answered.packets, 1u);
}

/// The same addresses in two VLANs are two conversations.
TEST_P(SwitchedFlows, VlansAreApart) {
    rig().add_station(vm, 10, 0);
    rig().add_station(peer, 10, 3);
    rig().add_station(vm, 20, 2);
    rig().add_station(peer, 20, 3);
    expect_copies(GetParam(), 0, there_, {{3, tagged(there_, {.vid = 10})}});
    expect_copies(GetParam(), 2, there_, {{3, tagged(there_, {.vid = 20})}});
    expect_copies(GetParam(), 2, there_, {{3, tagged(there_, {.vid = 20})}});
    EXPECT_EQ(flow_of(gate(), first_vm, second_vm, 4000, 53, IPPROTO_UDP, 10).packets, 1u);
    EXPECT_EQ(flow_of(gate(), first_vm, second_vm, 4000, 53, IPPROTO_UDP, 20).packets, 2u);
    EXPECT_EQ(entries(), 4u);
}

TEST_P(SwitchedFlows, WhatIsNoIpHasNone) {
    rig().add_station(peer, 10, 1);
    const Packet other = Eth{.dst = peer, .src = vm, .type = 0x88b6} / payload(60);
    expect_copies(GetParam(), 0, other, {{1, other}});
    EXPECT_EQ(entries(), 0u);
}

/// A full table costs no frame.
TEST_P(SwitchedFlows, AFullTableForwards) {
    auto settings = gate().map<__u32, sl_settings>("sl_settings").get(0).value();
    settings.tracked_until4 = 0;
    gate().set_settings(settings);
    rig().add_station(peer, 10, 1);
    expect_copies(GetParam(), 0, there_, {{1, there_}});
    EXPECT_EQ(entries(), 0u);
    EXPECT_EQ(gate().port_stats(rig().id(0)).unattributed.packets, 1u);
}

/// From one VLAN into another by the gateway: the router's flow, and no second one of the switch.
TEST_P(SwitchedFlows, RoutedBetweenVlansIsCountedOnce) {
    const Gateway gateway_20{.vlan = 20,
                             .mac = {2, 0, 0, 0, 0x20, 1},
                             .v4 = "10.20.0.1/24",
                             .v6 = "fd20::1/64",
                             .vm_mac = {2, 0, 0, 0, 0x20, 2},
                             .vm_v4 = "10.20.0.2",
                             .vm_v6 = "fd20::2"};
    rig().set_gateway(gateway_10);
    rig().set_gateway(gateway_20);
    rig().add_station(gateway_10.vm_mac, 10, 0);
    rig().add_station(gateway_20.vm_mac, 20, 2);
    const auto from = ip(gateway_10.vm_v4), to = ip(gateway_20.vm_v4);
    const Packet in = between(gateway_10.vm_mac, gateway_10.mac, from, to);
    Packet out = between(gateway_20.mac, gateway_20.vm_mac, from, to);
    out.get<Ip4>().ttl -= 1;
    for (int i = 0; i < 2; ++i) expect_copies(GetParam(), 0, in, {{2, out}});
    expect_counts(flow_of(gate(), from, to, 4000, 53, IPPROTO_UDP, 10), 2,
                  2 * serialise(in).size());
    EXPECT_EQ(flow_of(gate(), from, to, 4000, 53, IPPROTO_UDP, 20).packets, 0u);
    EXPECT_EQ(entries(), 2u);
}

}  // namespace
}  // namespace sluice::test
