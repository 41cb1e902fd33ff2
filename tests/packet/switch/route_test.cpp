// SPDX-License-Identifier: GPL-2.0-or-later
// The gateway of a VLAN: what is for it is routed, translated or the host's own; everything comes
// out where it should, with the tag that it should have.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <vector>

#include "tests/harness/dissect.hpp"
#include "tests/packet/switch/scenario.hpp"

namespace sluice::test {
namespace {

const Gateway gateway_20{.vlan = 20,
                         .mac = {2, 0, 0, 0, 0x20, 1},
                         .v4 = "10.20.0.1/24",
                         .v6 = "fd20::1/64",
                         .vm_mac = {2, 0, 0, 0, 0x20, 2},
                         .vm_v4 = "10.20.0.2",
                         .vm_v6 = "fd20::2"};
/// Two networks that do not know of each other.
const Gateway gateway_30{.vlan = 30,
                         .mac = {2, 0, 0, 0, 0x30, 1},
                         .v4 = "10.66.0.1/24",
                         .v6 = nullptr,
                         .vm_mac = {2, 0, 0, 0, 0x30, 2},
                         .vm_v4 = "10.66.0.2",
                         .vm_v6 = nullptr};
const Gateway gateway_40{.vlan = 40,
                         .mac = {2, 0, 0, 0, 0x40, 1},
                         .v4 = "10.66.0.1/24",
                         .v6 = nullptr,
                         .vm_mac = {2, 0, 0, 0, 0x40, 2},
                         .vm_v4 = "10.66.0.2",
                         .vm_v6 = nullptr};

Eth to_host(const Gateway& gateway) { return {.dst = gateway.mac, .src = gateway.vm_mac}; }
Eth from_host(const Gateway& gateway) { return {.dst = gateway.vm_mac, .src = gateway.mac}; }
const Udp dns{.sport = 4000, .dport = 53};

/// From a VLAN's VM to an address, by its gateway.
Packet packet4(const Gateway& from, const sl_addr& to) {
    return to_host(from) / Ip4{.src = ip(from.vm_v4), .dst = to} / dns / payload(20);
}
Packet packet6(const Gateway& from, const sl_addr& to) {
    return to_host(from) / Ip6{.src = ip(from.vm_v6), .dst = to} / dns / payload(20);
}

class SwitchRoute : public SwitchWays {
protected:
    void SetUp() override {
        SwitchTest::SetUp();
        host_10_ = rig().set_gateway(gateway_10);
        host_20_ = rig().set_gateway(gateway_20);
        wan_ = rig().join(wan0);
        rig().set(0, access(10));
        rig().set(1, access(20));
        rig().set(2, trunk({10, 20}));
    }
    /// A VM behind port, known there.
    static void place(const Gateway& gateway, std::size_t port) {
        rig().add_station(gateway.vm_mac, gateway.vlan, port);
    }
    /// One router further, on the way into the VLAN of `to`.
    static Packet hop(Packet packet, const Gateway& to) {
        packet.get<Eth>() = from_host(to);
        if (packet.has<Ip4>())
            packet.get<Ip4>().ttl -= 1;
        else
            packet.get<Ip6>().hop_limit -= 1;
        return packet;
    }

    std::size_t host_10_ = 0, host_20_ = 0, wan_ = 0;
};

TEST_P(SwitchRoute, BetweenVlans) {
    place(gateway_20, 1);
    for (const Packet& in :
         {packet4(gateway_10, ip("10.20.0.2")), packet6(gateway_10, ip("fd20::2"))})
        for (int i = 0; i < 2; ++i) expect_copies(GetParam(), 0, in, {{1, hop(in, gateway_20)}});
    EXPECT_EQ(rig().vlan_count(10, SL_VLAN_ROUTED), 4u);
    EXPECT_EQ(rig().vlan_count(20, SL_VLAN_SWITCHED), 4u);
    place(gateway_10, 0);
    const Packet back = to_host(gateway_20) / Ip4{.src = ip("10.20.0.2"), .dst = ip("10.10.0.2")} /
                        Udp{.sport = 53, .dport = 4000} / payload(20);
    expect_copies(GetParam(), 1, back, {{0, hop(back, gateway_10)}});
}

// Where the VM is not known yet, its VLAN hears it, and no other.
TEST_P(SwitchRoute, ToAnUnknownMacOfItsVlan) {
    const Packet in = packet4(gateway_10, ip("10.20.0.2"));
    const Packet out = hop(in, gateway_20);
    expect_copies(GetParam(), 0, in, {{1, out}, {2, tagged(out, {.vid = 20})}});
}

TEST_P(SwitchRoute, OnATrunk) {
    place(gateway_20, 2);
    const Packet in = packet4(gateway_10, ip("10.20.0.2"));
    const Packet out = tagged(hop(in, gateway_20), {.vid = 20});
    expect_copies(GetParam(), 0, in, {{2, out}});
    // In by the trunk and out by the same, in another VLAN.
    expect_copies(GetParam(), 2, tagged(in, {.vid = 10}), {{2, out}});
    // A gateway's MAC is one in its own VLAN alone.
    rig().add_station(gateway_10.mac, 20, 1);
    expect_copies(GetParam(), 2, tagged(in, {.vid = 20}), {{1, in}});
}

TEST_P(SwitchRoute, ToTheHostItself) {
    place(gateway_10, 2);
    const Packet ping = to_host(gateway_10) / Ip4{.src = ip("10.10.0.2"), .dst = ip("10.10.0.1")} /
                        echo_request4(7) / payload(30);
    const auto got = pass(GetParam(), 2, tagged(ping, {.vid = 10}));
    ASSERT_EQ(got.size(), 2u) << "the request at the host, its answer at the VM";
    const auto to_the_host = std::ranges::find(got, host_10_, &Arrival::port);
    const auto to_the_vm = std::ranges::find(got, std::size_t{2}, &Arrival::port);
    ASSERT_TRUE(to_the_host != got.end() && to_the_vm != got.end());
    EXPECT_EQ(difference(serialise(ping), to_the_host->frame), "");
    Packet answer = from_host(gateway_10) / Ip4{.src = ip("10.10.0.1"), .dst = ip("10.10.0.2")} /
                    echo_reply4(7) / payload(30);
    Bytes frame = to_the_vm->frame;
    ASSERT_GE(frame.size(), 38u);
    answer.get<Ip4>().id = static_cast<std::uint16_t>(frame[22] << 8 | frame[23]);
    EXPECT_EQ(difference(serialise(tagged(answer, {.vid = 10})), frame), "");
}

// Whatever it is, tagged or not, the host gets it as on an interface of its own.
TEST_P(SwitchRoute, HostHearsItsVlan) {
    const Packet all = Eth{.dst = everybody, .src = station(0), .type = 0x88b6} / payload(46);
    expect_copies(GetParam(), 0, all,
                  {{2, Eth{.dst = everybody, .src = station(0), .type = 0x8100} /
                           Raw{{0, 10, 0x88, 0xb6}} / payload(46)},
                   {host_10_, all}});
    const Packet to_host_mac =
        Eth{.dst = gateway_10.mac, .src = station(0), .type = 0x88b6} / payload(46);
    expect_copies(GetParam(), 0, to_host_mac, {{host_10_, to_host_mac}});
}

TEST_P(SwitchRoute, ArpIsTheHosts) {
    const Arp question{.operation = 1,
                       .sender_mac = gateway_10.vm_mac,
                       .sender = ip("10.10.0.2"),
                       .target = ip("10.10.0.1")};
    const auto got = pass(GetParam(), 0, arp_frame(gateway_10.vm_mac, question));
    const Arp answer{.operation = 2,
                     .sender_mac = gateway_10.mac,
                     .sender = ip("10.10.0.1"),
                     .target_mac = gateway_10.vm_mac,
                     .target = ip("10.10.0.2")};
    Packet expected = arp_frame(gateway_10.mac, answer);
    expected.get<Eth>().dst = gateway_10.vm_mac;
    Bytes bytes = serialise(expected);
    bytes.resize(42);
    const auto at_vm = std::ranges::find(got, std::size_t{0}, &Arrival::port);
    ASSERT_NE(at_vm, got.end());
    EXPECT_EQ(difference(bytes, at_vm->frame), "");
    EXPECT_EQ(got.size(), 3u) << "the question at the host and on the trunk, the answer at port 0";
}

TEST_P(SwitchRoute, WhatTheHostSendsIsSwitched) {
    place(gateway_10, 2);
    const Packet out = from_host(gateway_10) / Ip4{.src = ip("10.10.0.1"), .dst = ip("10.10.0.2")} /
                       dns / payload(5);
    expect_copies(Way::tc, host_10_, out, {{2, tagged(out, {.vid = 10})}});
    EXPECT_EQ(learned_on(gateway_10.mac, 10), rig().id(host_10_));
}

// Nobody takes the gateway's place.
TEST_P(SwitchRoute, GatewaysMacIsTheHostsAlone) {
    expect_drop(GetParam(), 0, frame(gateway_10.mac, everybody), SL_DROP_SWITCH_STATIC);
    expect_drop(GetParam(), 2, tagged(frame(gateway_10.mac, everybody), {.vid = 10}),
                SL_DROP_SWITCH_STATIC);
    EXPECT_EQ(learned_on(gateway_10.mac, 10), 0u);
}

TEST_P(SwitchRoute, NoRouteIsTheHostsToSay) {
    const Packet in = packet4(gateway_10, spare_host.v4);
    expect_copies(GetParam(), 0, in, {{host_10_, in}});
}

TEST_P(SwitchRoute, ExpiredTtlIsAnsweredByTheGateway) {
    Packet in = packet4(gateway_10, ip("10.20.0.2"));
    in.get<Ip4>().ttl = 1;
    const auto got = pass(GetParam(), 2, tagged(in, {.vid = 10, .pcp = 3}));
    ASSERT_EQ(got.size(), 1u);
    EXPECT_EQ(got[0].port, 2u);
    EXPECT_EQ(rig().drops(2, SL_DROP_TTL_EXCEEDED), 1u);
    const Bytes& frame = got[0].frame;
    ASSERT_GT(frame.size(), 4u + 14 + 20 + 8 + 20);
    EXPECT_TRUE(std::equal(gateway_10.vm_mac.begin(), gateway_10.vm_mac.end(), frame.begin()));
    EXPECT_TRUE(std::equal(gateway_10.mac.begin(), gateway_10.mac.end(), frame.begin() + 6));
    EXPECT_EQ(Bytes(frame.begin() + 12, frame.begin() + 18), (Bytes{0x81, 0, frame[14], 10, 8, 0}));
    EXPECT_EQ(Bytes(frame.begin() + 18 + 12, frame.begin() + 18 + 20),
              (Bytes{10, 10, 0, 1, 10, 10, 0, 2}));
    EXPECT_EQ(frame[18 + 20], 11) << "time exceeded";
}

TEST_P(SwitchRoute, TooBigIsAnsweredByTheGateway) {
    const Packet in = to_host(gateway_10) /
                      Ip4{.src = ip("10.10.0.2"), .dst = thin_host.v4, .df = true} / dns /
                      payload(1400);
    const auto got = pass(GetParam(), 0, in);
    ASSERT_EQ(got.size(), 1u);
    EXPECT_EQ(got[0].port, 0u);
    const Bytes& frame = got[0].frame;
    ASSERT_GT(frame.size(), 14u + 20 + 8 + 20);
    EXPECT_TRUE(std::equal(gateway_10.mac.begin(), gateway_10.mac.end(), frame.begin() + 6));
    EXPECT_EQ(Bytes(frame.begin() + 26, frame.begin() + 34), (Bytes{10, 10, 0, 1, 10, 10, 0, 2}));
    EXPECT_EQ(Bytes(frame.begin() + 34, frame.begin() + 36), (Bytes{3, 4}));
    EXPECT_EQ(frame[40] << 8 | frame[41], 1400) << "the MTU of the way out";
    EXPECT_EQ(rig().drops(0, SL_DROP_TOO_BIG), 1u);
}

// Not the gateway's MTU counts, but that of the port behind which the receiver is.
TEST_P(SwitchRoute, TooBigForThePortIsAnswered) {
    Switched narrow = access(20);
    narrow.mtu = 1300;
    rig().set(1, narrow);
    place(gateway_20, 1);
    const Packet in = to_host(gateway_10) /
                      Ip4{.src = ip("10.10.0.2"), .dst = ip("10.20.0.2"), .df = true} / dns /
                      payload(1400);
    const auto got = pass(GetParam(), 0, in);
    ASSERT_EQ(got.size(), 1u);
    EXPECT_EQ(got[0].port, 0u);
    const Bytes& frame = got[0].frame;
    ASSERT_GT(frame.size(), 42u);
    EXPECT_EQ(Bytes(frame.begin() + 34, frame.begin() + 36), (Bytes{3, 4}));
    EXPECT_EQ(frame[40] << 8 | frame[41], 1300);
    EXPECT_EQ(rig().drops(0, SL_DROP_TOO_BIG), 1u);
}

class SwitchNat : public SwitchRoute {
protected:
    static void SetUpMasquerade(const char* network, std::uint16_t first, std::uint16_t last) {
        gate().masquerade(ip(network), 24, wan0, {external}, first, last);
    }
    static Packet outside(Packet in, std::uint16_t port) {
        return with_source(routed(std::move(in), wan0, router), external, port);
    }
    static Packet answer(std::uint16_t port) {
        return server_to(external) / Udp{.sport = 53, .dport = port} / payload(9);
    }
    static Packet inside(std::uint16_t port, const Gateway& to) {
        return hop(with_destination(answer(port), ip(to.vm_v4), 4000), to);
    }
};

TEST_P(SwitchNat, FromAVlanToTheOutsideAndBack) {
    SetUpMasquerade("10.10.0.0", 1024, 65535);
    place(gateway_10, 0);
    const Packet in = packet4(gateway_10, server.v4);
    for (int i = 0; i < 3; ++i) {
        expect_copies(GetParam(), 0, in, {{wan_, outside(in, 4000)}});
        expect_copies(GetParam(), wan_, answer(4000), {{0, inside(4000, gateway_10)}});
    }
    EXPECT_EQ(gate().flows4().entries().size(), 2u);
    EXPECT_EQ(rig().vlan_count(10, SL_VLAN_ROUTED), 3u);
    EXPECT_EQ(rig().vlan_count(10, SL_VLAN_SWITCHED), 3u);
}

TEST_P(SwitchNat, FromATrunk) {
    SetUpMasquerade("10.10.0.0", 1024, 65535);
    place(gateway_10, 2);
    const Packet in = packet4(gateway_10, server.v4);
    expect_copies(GetParam(), 2, tagged(in, {.vid = 10, .pcp = 6}), {{wan_, outside(in, 4000)}});
    expect_copies(GetParam(), wan_, answer(4000),
                  {{2, tagged(inside(4000, gateway_10), {.vid = 10})}});
}

TEST_P(SwitchNat, OverlappingNetworks) {
    SetUpMasquerade("10.66.0.0", 4000, 4001);
    rig().set_gateway(gateway_30);
    rig().set_gateway(gateway_40);
    rig().set(3, access(30));
    rig().set(4, access(40));
    place(gateway_30, 3);
    place(gateway_40, 4);
    for (int i = 0; i < 2; ++i) {
        const Packet a = packet4(gateway_30, server.v4), b = packet4(gateway_40, server.v4);
        expect_copies(GetParam(), 3, a, {{wan_, outside(a, 4000)}});
        expect_copies(GetParam(), 4, b, {{wan_, outside(b, 4001)}});
        expect_copies(GetParam(), wan_, answer(4000), {{3, inside(4000, gateway_30)}});
        expect_copies(GetParam(), wan_, answer(4001), {{4, inside(4001, gateway_40)}});
    }
}

// It is for the VM that the routes lead to, and so is its way out.
TEST_P(SwitchNat, AForwardToANetworkThatOverlaps) {
    SetUpMasquerade("10.66.0.0", 1024, 65535);
    rig().set_gateway(gateway_30);
    rig().set_gateway(gateway_40);
    gate().forward(IPPROTO_UDP, external, 5000, ip(gateway_30.vm_v4), 4000, wan0);
    rig().set(3, access(30));
    rig().set(4, access(40));
    place(gateway_30, 3);
    place(gateway_40, 4);
    const Packet a = packet4(gateway_30, server.v4), b = packet4(gateway_40, server.v4);
    for (int i = 0; i < 2; ++i) {
        expect_copies(GetParam(), 4, b, {{wan_, outside(b, 4000)}});
        expect_copies(GetParam(), 3, a, {{wan_, outside(a, 5000)}});
        expect_copies(GetParam(), wan_, answer(5000), {{3, inside(5000, gateway_30)}});
    }
}

// Each VLAN has its own network's sources alone, whether the routes know of others or not.
TEST_P(SwitchNat, SourcesOfAnotherVlan) {
    SetUpMasquerade("10.66.0.0", 1024, 65535);
    rig().set_gateway(gateway_30);
    rig().set(3, access(30));
    rig().set(4, access(20));
    for (const char* other : {"10.20.0.2", "10.10.0.2"}) {
        Packet in = packet4(gateway_30, server.v4);
        in.get<Ip4>().src = ip(other);
        expect_drop(GetParam(), 3, in, SL_DROP_SOURCE);
    }
    Packet in = packet4(gateway_20, server.v4);
    in.get<Ip4>().src = ip(gateway_30.vm_v4);
    expect_drop(GetParam(), 4, in, SL_DROP_SOURCE);
    Packet six = packet6(gateway_20, server.v6);
    six.get<Ip6>().src = ip(gateway_10.vm_v6);
    expect_drop(GetParam(), 4, six, SL_DROP_SOURCE);
}

// By one trunk, so that the tag alone tells who is who.
TEST_P(SwitchNat, OverlappingNetworksOnATrunk) {
    SetUpMasquerade("10.66.0.0", 4000, 4001);
    rig().set_gateway(gateway_30);
    rig().set_gateway(gateway_40);
    rig().set(3, trunk({30, 40}));
    place(gateway_30, 3);
    place(gateway_40, 3);
    const Packet a = packet4(gateway_30, server.v4), b = packet4(gateway_40, server.v4);
    expect_copies(GetParam(), 3, tagged(a, {.vid = 30}), {{wan_, outside(a, 4000)}});
    expect_copies(GetParam(), 3, tagged(b, {.vid = 40}), {{wan_, outside(b, 4001)}});
    expect_copies(GetParam(), wan_, answer(4000),
                  {{3, tagged(inside(4000, gateway_30), {.vid = 30})}});
    expect_copies(GetParam(), wan_, answer(4001),
                  {{3, tagged(inside(4001, gateway_40), {.vid = 40})}});
}

SWITCH_WAYS(SwitchRoute);
SWITCH_WAYS(SwitchNat);

}  // namespace
}  // namespace sluice::test
