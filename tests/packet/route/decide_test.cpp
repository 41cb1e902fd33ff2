// SPDX-License-Identifier: GPL-2.0-or-later
// Sequences: a session is decided anew when what it was decided by changes, what is only counted
// decides nothing, and sources are where they can be.
#include <netinet/in.h>

#include <chrono>
#include <thread>

#include "tests/packet/host_socket.hpp"
#include "tests/packet/scenario.hpp"

namespace sluice::test {
namespace {

using namespace std::chrono_literals;

class Decide : public GateTest {
protected:
    void SetUp() override {
        GateTest::SetUp();
        ask_each_time();
        for (const auto& link : {lan0, lan1, wan0, thin0}) track(link);
    }
    void TearDown() override {
        host("route replace default via 192.0.2.254 dev wan0\n");
        GateTest::TearDown();
    }
    static void host(const std::string& lines) {
        const auto done = ip_batch(lines);
        ASSERT_TRUE(done) << done.error().hint;
    }
    static void strict(const Link& link) {
        auto port = port_entry(link);
        port.flags |= SL_PORT_STRICT4 | SL_PORT_STRICT6;
        gate().set_port(link, port);
        gate().take_generation();
    }
    static Packet asked(std::uint16_t sport = 4000) {
        return a_to_server4() / Udp{.sport = sport, .dport = 53} / payload(8);
    }
    /// What the server says to an endpoint of ours, as it comes to wan0.
    static Packet told(const sl_addr& to, std::uint16_t port) {
        return server_to(to) / Udp{.sport = 53, .dport = port} / payload(9);
    }
    static Packet at_a(Packet packet, std::uint16_t port) {
        packet = with_destination(packet, vm_a.v4, port);
        packet.get<Eth>() = from_gateway(lan0, vm_a);
        packet.get<Ip4>().ttl -= 1;
        return packet;
    }
    static void expect_masqueraded(std::uint16_t port = 4000) {
        expect_forward(Hook::tc, lan0, asked(port),
                       with_source(routed(asked(port), wan0, router), external, port));
    }
};

TEST_F(Decide, WhatWentByBeforeTheRouteCameIsTranslatedWhenItIsThere) {
    gate().masquerade(ip("10.0.0.0"), 24, wan0, {external}, 1024, 65535);
    host("route del default\n");
    for (int i = 0; i < 3; ++i) expect_pass(Hook::tc, lan0, asked());
    host("route replace default via 192.0.2.254 dev wan0\n");
    expect_masqueraded();
}

TEST_F(Decide, AFlowThatWasRoutedIsTranslatedOnceItIsMasqueraded) {
    expect_both(lan0, asked(), routed(asked(), wan0, router));
    gate().masquerade(ip("10.0.0.0"), 24, wan0, {external}, 1024, 65535);
    expect_pass(Hook::xdp, lan0, asked());  // for TC to decide
    expect_masqueraded();
    expect_forward(Hook::tc, wan0, told(external, 4000), at_a(told(external, 4000), 4000));
    // What is no longer masqueraded goes as it is, and nothing comes to it by the former address.
    gate().unmasquerade(ip("10.0.0.0"), 24, wan0);
    expect_forward(Hook::tc, lan0, asked(), routed(asked(), wan0, router));
    expect_pass(Hook::tc, wan0, told(external, 4000));
}

TEST_F(Decide, AnUnrelatedRuleKeepsTheSession) {
    masquerade_a();
    expect_masqueraded();
    const auto count = gate().flows4().entries().size();
    gate().forward(IPPROTO_TCP, external_2, 80, vm_b.v4, 80, wan0);
    expect_forward(Hook::tc, wan0, told(external, 4000), at_a(told(external, 4000), 4000));
    expect_masqueraded();
    expect_forward(Hook::xdp, lan0, asked(),
                   with_source(routed(asked(), wan0, router), external, 4000));
    EXPECT_EQ(gate().flows4().entries().size(), count);
}

TEST_F(Decide, WhatTheHostHeardGoesByAForwardThatComesLater) {
    const HostSocket open(SOCK_DGRAM, address_of(wan0.v4), 5005);
    const Packet in = server_to(address_of(wan0.v4)) / Udp{.sport = 53, .dport = 5005};
    for (int i = 0; i < 2; ++i) expect_pass(Hook::tc, wan0, in);
    gate().forward(IPPROTO_UDP, address_of(wan0.v4), 5005, vm_a.v4, 53, wan0);
    expect_forward(Hook::tc, wan0, in, at_a(in, 53));
    gate().unforward(IPPROTO_UDP, address_of(wan0.v4), 5005);
    expect_pass(Hook::tc, wan0, in);
}

TEST_F(Decide, TheDefaultRouteMovesToAnotherUplink) {
    masquerade_a();
    expect_masqueraded();
    host("route replace default via 198.51.100.9 dev thin0\n");
    // It leaves by the other one with its address, or not at all.
    expect_drop(Hook::tc, lan0, asked(), SL_DROP_UNTRANSLATED);
    gate().masquerade(ip("10.0.0.0"), 24, thin0, {address_of(thin0.v4)}, 1024, 65535);
    expect_forward(Hook::tc, lan0, asked(),
                   with_source(routed(asked(), thin0, thin_host), address_of(thin0.v4), 4000));
}

TEST_F(Decide, WhoSpokeFirstTakesNoPortFromAVm) {
    masquerade_a();
    expect_pass(Hook::tc, wan0, told(external, 4000));  // unasked
    expect_masqueraded();
    expect_forward(Hook::tc, wan0, told(external, 4000), at_a(told(external, 4000), 4000));
}

TEST_F(Decide, WhatTheHostAwaitsItGets) {
    masquerade_a();
    const Packet hosts = from_gateway(wan0, router) / Ip4{.src = external, .dst = server.v4} /
                         Udp{.sport = 4000, .dport = 53} / payload(8);
    expect_pass(Hook::egress, wan0, hosts);
    const auto out = send(Hook::tc, lan0, serialise(asked()));
    ASSERT_EQ(out.verdict, Verdict::forward);
    const sl_flow flow = gate()
                             .flows4()
                             .get({v4_raw(vm_a.v4), v4_raw(server.v4), htons(4000), htons(53), 0,
                                   IPPROTO_UDP, SL_KIND_ROUTED})
                             .value_or(sl_flow{});
    EXPECT_NE(ntohs(flow.sport), 4000);
    expect_pass(Hook::tc, wan0, told(external, 4000));
}

TEST_F(Decide, AMasqueradedSourceDoesNotComeFromOutside) {
    Packet hosted = server_to(vm_b.v4) / Udp{.sport = 53, .dport = 80};
    hosted.get<Ip4>().src = ip("10.0.0.77");
    gate().masquerade(ip("10.0.0.0"), 24, thin0, {address_of(thin0.v4)}, 1024, 65535);
    expect_drop(Hook::tc, wan0, hosted, SL_DROP_SOURCE);
    gate().routable(ip("10.0.0.0"), 24, wan0);
    expect_forward(Hook::tc, wan0, hosted, routed(hosted, lan1, vm_b));
}

TEST_F(Decide, FromOutsideIntoAMasqueradedNetworkByForwardsAlone) {
    masquerade_a();
    const Packet in = server_to(vm_a.v4) / Tcp{.sport = 9, .dport = 22, .flags = SYN};
    expect_pass(Hook::xdp, wan0, in);
    expect_drop(Hook::tc, wan0, in, SL_DROP_NOT_FORWARDED);
    gate().routable(ip("10.0.0.0"), 28, wan0);
    Packet out = in;
    out.get<Eth>() = from_gateway(lan0, vm_a);
    out.get<Ip4>().ttl -= 1;
    expect_forward(Hook::tc, wan0, in, out);
    expect_forward(Hook::tc, wan0, server_to(vm_b.v4) / Udp{.sport = 1, .dport = 2}, [] {
        Packet to_b = server_to(vm_b.v4) / Udp{.sport = 1, .dport = 2};
        to_b.get<Eth>() = from_gateway(lan1, vm_b);
        to_b.get<Ip4>().ttl -= 1;
        return to_b;
    }());
}

TEST_F(Decide, AnswersLeaveByTheUplinkThatTheirSessionCameInBy) {
    host(
        "route add 198.51.100.0/24 dev thin0 table 77\n"
        "route add default via 198.51.100.9 dev thin0 table 77\n"
        "rule add from 198.51.100.1 lookup 77\n");
    gate().forward(IPPROTO_UDP, address_of(thin0.v4), 5005, vm_a.v4, 53, thin0);
    const Packet in = to_gateway(thin_host, thin0) /
                      Ip4{.src = server.v4, .dst = address_of(thin0.v4)} /
                      Udp{.sport = 9, .dport = 5005};
    Packet out = with_destination(in, vm_a.v4, 53);
    out.get<Eth>() = from_gateway(lan0, vm_a);
    out.get<Ip4>().ttl -= 1;
    expect_forward(Hook::tc, thin0, in, out);
    const Packet answer = a_to_server4() / Udp{.sport = 53, .dport = 9};
    expect_forward(Hook::tc, lan0, answer,
                   with_source(routed(answer, thin0, thin_host), address_of(thin0.v4), 5005));
    host("rule del from 198.51.100.1 lookup 77\nroute flush table 77\n");
    // Without a way back by that uplink it does not leave by another one.
    expect_drop(Hook::tc, lan0, answer, SL_DROP_NO_WAY_BACK);
}

// Not only when the sweeper comes round: what follows is another session, which stays.
TEST_F(Decide, WhatIsFlushedEndsWithItsNextPacket) {
    masquerade_a();
    expect_masqueraded();
    for (auto [key, flow] : gate().flows4().entries()) {
        if (!(flow.flags & SL_FLOW_ORIG)) continue;
        flow.flags |= SL_FLOW_FLUSH;
        flow.rules = 0;
        gate().flows4().put(key, flow);
    }
    expect_pass(Hook::xdp, lan0, asked());  // for TC to decide
    expect_masqueraded();
    for (const auto& [key, flow] : gate().flows4().entries()) {
        EXPECT_EQ(flow.flags & SL_FLOW_FLUSH, 0);
        EXPECT_LE(flow.packets, 1u);
    }
    EXPECT_EQ(gate().flows4().entries().size(), 2u);
    expect_forward(Hook::tc, wan0, told(external, 4000), at_a(told(external, 4000), 4000));
}

TEST_F(Decide, SourcesOfOthers) {
    const auto from = [](const sl_addr& source) {
        return Eth{.dst = lan0.mac, .src = vm_a.mac} / Ip4{.src = source, .dst = server.v4} / udp;
    };
    // A loose port lets in what has any way back, but never the host's own addresses.
    for (const auto& own : {address_of(lan0.v4), address_of(wan0.v4), external})
        expect_drop(Hook::tc, lan0, from(own), SL_DROP_SOURCE);
    expect_forward(Hook::tc, lan0, from(vm_b.v4), routed(from(vm_b.v4), wan0, router));
    strict(lan0);
    expect_drop(Hook::tc, lan0, from(vm_b.v4), SL_DROP_SOURCE);
    expect_drop(Hook::tc, lan0, from(server.v4), SL_DROP_SOURCE);
    expect_both(lan0, from(vm_a.v4), routed(from(vm_a.v4), wan0, router));
    const Packet six =
        Eth{.dst = lan0.mac, .src = vm_a.mac} / Ip6{.src = vm_b.v6, .dst = server.v6} / udp;
    expect_drop(Hook::tc, lan0, six, SL_DROP_SOURCE);
}

// In an L2 domain of its own a network may be another's as well, but only what is on the link, and
// only what does not leave as it is.
TEST_F(Decide, SourcesOfANetworkThatOverlaps) {
    host(
        "route add 10.0.0.0/24 dev lan1 metric 500\n"
        "route add 10.99.0.0/24 dev lan0\n"
        "route add 10.99.0.0/24 via 10.0.1.2 dev lan1 metric 500\n");
    auto inside = port_entry(lan1);
    inside.flags |= SL_PORT_STRICT4;
    for (const std::uint16_t domain : {0, 7}) {
        inside.domain = domain;
        gate().set_port(lan1, inside);
        gate().take_generation();
        const auto from = [&](const char* source) {
            return Eth{.dst = lan1.mac, .src = vm_b.mac} /
                   Ip4{.src = ip(source), .dst = server.v4} / udp;
        };
        const Packet doubly = from("10.0.0.5"), behind = from("10.99.0.5");
        expect_drop(Hook::tc, lan1, doubly, SL_DROP_SOURCE);
        gate().masquerade(ip("10.0.0.0"), 8, wan0, {external}, 1024, 65535);
        if (domain)
            expect_both(lan1, doubly, with_source(routed(doubly, wan0, router), external, 4000));
        else
            expect_drop(Hook::tc, lan1, doubly, SL_DROP_SOURCE);
        expect_drop(Hook::tc, lan1, behind, SL_DROP_SOURCE);
        gate().unmasquerade(ip("10.0.0.0"), 8, wan0);
        expect_drop(Hook::tc, lan1, doubly, SL_DROP_SOURCE);
    }
    host(
        "route del 10.0.0.0/24 dev lan1\nroute del 10.99.0.0/24 dev lan0\n"
        "route del 10.99.0.0/24 dev lan1\n");
}

/// Neither as the first packet of a session nor as a later one, on either hook.
TEST_F(Decide, NothingSaysItsOwnWay) {
    expect_both(lan0, asked(), routed(asked(), wan0, router));
    for (const std::uint8_t route : {131, 137}) {
        Packet in = asked();
        in.get<Ip4>().options = {1, route, 7, 4, 203, 0, 113, 9};
        expect_pass(Hook::xdp, lan0, in);
        expect_drop(Hook::tc, lan0, in, SL_DROP_SOURCE_ROUTED);
        in.get<Udp>().sport = 4001;
        expect_drop(Hook::tc, lan0, in, SL_DROP_SOURCE_ROUTED);
    }
    Packet harmless = asked();
    harmless.get<Ip4>().options = {148, 4, 0, 0};  // router alert
    expect_forward(Hook::tc, lan0, harmless, routed(harmless, wan0, router));
    const auto six = [](std::uint8_t type) {
        Bytes body(22);
        body[0] = type;
        return a_to_server6() / Ip6Extension{.type = 43, .body = body} / udp;
    };
    expect_drop(Hook::tc, lan0, six(0), SL_DROP_SOURCE_ROUTED);
    expect_forward(Hook::tc, lan0, six(4), routed(six(4), wan0, router));
}

TEST_F(Decide, ANeighbourDoesNotSpeakInASessionAsItsOtherEnd) {
    masquerade_a();
    auto inside = port_entry(lan1);
    inside.domain = 0;
    inside.flags |= SL_PORT_STRICT4;
    gate().set_port(lan1, inside);
    expect_masqueraded();
    const Packet forged = Eth{.dst = lan1.mac, .src = vm_b.mac} /
                          Ip4{.src = server.v4, .dst = external} / Udp{.sport = 53, .dport = 4000};
    expect_pass(Hook::xdp, lan1, forged);
    expect_drop(Hook::tc, lan1, forged, SL_DROP_SOURCE);
    expect_forward(Hook::tc, wan0, told(external, 4000), at_a(told(external, 4000), 4000));
}

}  // namespace
}  // namespace sluice::test
