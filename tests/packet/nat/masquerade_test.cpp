// SPDX-License-Identifier: GPL-2.0-or-later
// Bindings and ports: who gets which external port, and what happens when there
// is none.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <set>
#include <vector>

#include "tests/harness/dissect.hpp"
#include "tests/packet/host_socket.hpp"
#include "tests/packet/scenario.hpp"

namespace sluice::test {
namespace {

std::uint16_t get16(const Bytes& frame, std::size_t at) {
    return static_cast<std::uint16_t>(frame[at] << 8 | frame[at + 1]);
}

/// Vm_a's network: host number `host` from `port`, to the server.
Packet udp_from(std::uint8_t host, std::uint16_t port, std::uint16_t dport = 53) {
    sl_addr source = vm_a.v4;
    source.b[15] = host;
    return to_gateway(vm_a, lan0) / Ip4{.src = source, .dst = server.v4} /
           Udp{.sport = port, .dport = dport} / payload(8);
}

class Nat : public GateTest {
protected:
    /// Sends on TC and returns the external port the packet left with; 0 if it
    /// did not leave.
    static std::uint16_t external_port(const Packet& in) {
        const Outcome got = send(Hook::tc, lan0, serialise(in));
        if (got.verdict != Verdict::forward) return 0;
        const std::uint16_t port = get16(got.packet, 34);
        const Packet out = with_source(routed(in, wan0, router), external, port);
        EXPECT_EQ(difference(serialise(out), got.packet), "");
        return port;
    }

    static void expect_pool(std::uint32_t in_use, std::uint64_t refused, sl_l4 l4 = SL_L4_UDP) {
        const sl_pool_stats stats = gate().pool_stats(0, l4);
        EXPECT_EQ(stats.in_use, in_use);
        EXPECT_EQ(stats.refused, refused);
        EXPECT_EQ(stats.highest, in_use);
        EXPECT_EQ(stats.allocated, in_use);
    }

    static sl_live live() { return gate().map<__u32, sl_live>("sl_live").get(0).value(); }
};

TEST_F(Nat, PortIsKeptWhenFree) {
    masquerade_a();
    EXPECT_EQ(external_port(udp_from(2, 33333)), 33333);
    expect_pool(1, 0);
}

TEST_F(Nat, TakenPortIsReplacedByAnotherOfTheRange) {
    masquerade_a(2000, 5000);
    EXPECT_EQ(external_port(udp_from(2, 3000)), 3000);
    const std::uint16_t other = external_port(udp_from(3, 3000));
    EXPECT_NE(other, 3000);
    EXPECT_GE(other, 2000);
    EXPECT_LE(other, 5000);
    expect_pool(2, 0);
}

TEST_F(Nat, PortsOutsideTheRangeAreNeverUsed) {
    masquerade_a(2000, 2063);
    std::set<std::uint16_t> ports;
    for (std::uint16_t i = 0; i < 64; ++i) ports.insert(external_port(udp_from(2, 100 + i)));
    EXPECT_EQ(ports.size(), 64u);
    EXPECT_EQ(*ports.begin(), 2000);
    EXPECT_EQ(*ports.rbegin(), 2063);
}

TEST_F(Nat, ExhaustedPoolRefusesAndKeepsTheLiving) {
    masquerade_a(2000, 2003);
    std::vector<std::uint16_t> ports;
    for (std::uint16_t i = 0; i < 4; ++i) ports.push_back(external_port(udp_from(2, 9000 + i)));
    expect_drop(Hook::tc, lan0, udp_from(2, 9004), SL_DROP_PORTS_EXHAUSTED);
    expect_drop(Hook::tc, lan0, udp_from(9, 2000), SL_DROP_PORTS_EXHAUSTED);
    expect_drop(Hook::xdp, lan0, udp_from(9, 2001), SL_DROP_PORTS_EXHAUSTED);
    expect_pool(4, 3);
    for (std::uint16_t i = 0; i < 4; ++i) {
        const Packet in = udp_from(2, 9000 + i);
        expect_both(lan0, in, with_source(routed(in, wan0, router), external, ports[i]));
    }
    EXPECT_EQ(gate().bindings().entries().size(), 4u);
    EXPECT_EQ(live().sessions4, 4u);
    EXPECT_EQ(live().bindings, 4u);
}

TEST_F(Nat, ProtocolsHavePortSpacesOfTheirOwn) {
    masquerade_a(2000, 2000);
    const Packet udp = udp_from(2, 2000);
    const Packet tcp = a_to_server4() / Tcp{.sport = 2000, .dport = 80, .flags = SYN};
    const Packet icmp = a_to_server4() / echo_request4(2000) / payload(8);
    for (const Packet& in : {udp, tcp, icmp})
        expect_forward(Hook::tc, lan0, in, with_source(routed(in, wan0, router), external, 2000));
    for (const sl_l4 l4 : {SL_L4_TCP, SL_L4_UDP, SL_L4_ICMP}) expect_pool(1, 0, l4);
}

TEST_F(Nat, OneBindingForAllRemotes) {  // RFC 4787 REQ-1
    masquerade_a(2000, 5000);
    const std::uint16_t port = external_port(udp_from(2, 1500, 53));
    EXPECT_EQ(external_port(udp_from(2, 1500, 123)), port);
    const auto bindings = gate().bindings().entries();
    ASSERT_EQ(bindings.size(), 1u);
    EXPECT_EQ(bindings[0].second.refs, 2u);
    EXPECT_EQ(ntohs(bindings[0].second.port), port);
    EXPECT_EQ(ntohs(bindings[0].first.port), 1500);
    expect_pool(1, 0);
}

TEST_F(Nat, OnlyTheRemoteOfASessionGetsIn) {
    masquerade_a();
    external_port(udp_from(2, 4000));
    const Packet stranger = to_gateway(router, wan0) /
                            Ip4{.src = ip("198.18.0.1"), .dst = external} /
                            Udp{.sport = 53, .dport = 4000};
    for (const Hook hook : {Hook::tc, Hook::xdp})
        EXPECT_NE(send(hook, wan0, serialise(stranger)).verdict, Verdict::forward);
}

TEST_F(Nat, PoolOfTwoAddresses) {
    gate().masquerade(ip("10.0.0.0"), 24, wan0, {external, external_2}, 2000, 2001);
    std::set<std::pair<std::uint32_t, std::uint16_t>> endpoints;
    for (std::uint16_t i = 0; i < 4; ++i) {
        const Outcome got = send(Hook::tc, lan0, serialise(udp_from(2, 100 + i)));
        ASSERT_EQ(got.verdict, Verdict::forward);
        endpoints.emplace(get16(got.packet, 28), get16(got.packet, 34));
    }
    EXPECT_EQ(endpoints.size(), 4u);
    EXPECT_EQ(gate().pool_stats(0, SL_L4_UDP).refused + gate().pool_stats(1, SL_L4_UDP).refused,
              0u);
    expect_drop(Hook::tc, lan0, udp_from(2, 200), SL_DROP_PORTS_EXHAUSTED);
    EXPECT_EQ(gate().pool_stats(0, SL_L4_UDP).refused + gate().pool_stats(1, SL_L4_UDP).refused,
              1u);
}

TEST_F(Nat, OneAddressForOneInsideHost) {  // RFC 4787 REQ-2
    gate().masquerade(ip("10.0.0.0"), 24, wan0, {external, external_2}, 2000, 5000);
    std::set<std::uint16_t> addresses;
    for (std::uint16_t i = 0; i < 20; ++i)
        addresses.insert(get16(send(Hook::tc, lan0, serialise(udp_from(2, 100 + i))).packet, 28));
    EXPECT_EQ(addresses.size(), 1u);
}

TEST_F(Nat, LongestPrefixDecides) {
    gate().masquerade(ip("10.0.0.0"), 8, wan0, {external_2}, 1024, 65535);
    gate().masquerade(ip("10.0.0.0"), 24, wan0, {external}, 1024, 65535);
    EXPECT_EQ(external_port(udp_from(2, 4000)), 4000);
    const Packet from_b = to_gateway(vm_b, lan1) / Ip4{.src = vm_b.v4, .dst = server.v4} /
                          Udp{.sport = 4000, .dport = 53};
    expect_both(lan1, from_b, with_source(routed(from_b, wan0, router), external_2, 4000));
}

TEST_F(Nat, SourcesOutsideTheRuleAreRouted) {
    masquerade_a();
    const Packet from_b = to_gateway(vm_b, lan1) / Ip4{.src = vm_b.v4, .dst = server.v4} /
                          Udp{.sport = 4000, .dport = 53};
    expect_both(lan1, from_b, routed(from_b, wan0, router));
    const Packet inside = to_gateway(vm_a, lan0) / Ip4{.src = vm_a.v4, .dst = vm_b.v4} /
                          Udp{.sport = 4000, .dport = 53};
    expect_both(lan0, inside, routed(inside, lan1, vm_b));
}

TEST_F(Nat, ProtocolWithoutPortsIsRefused) {
    masquerade_a();
    for (const std::uint8_t protocol : {47, 50, 132}) {  // GRE, ESP, SCTP
        Packet in = a_to_server4() / payload(40);
        in.get<Ip4>().protocol = protocol;
        expect_pass(Hook::xdp, lan0, in);
        expect_drop(Hook::tc, lan0, in, SL_DROP_NOT_TRANSLATABLE);
    }
    const Packet timestamp = a_to_server4() / Icmp{.type = 13} / payload(12);
    expect_drop(Hook::tc, lan0, timestamp, SL_DROP_NOT_TRANSLATABLE);
}

TEST_F(Nat, ProtocolWithoutPortsIsRoutedUntranslated) {
    Packet in = a_to_server4() / payload(40);
    in.get<Ip4>().protocol = 47;
    expect_both(lan0, in, routed(in, wan0, router));
}

TEST_F(Nat, PortsOfHostSocketsAreNotHandedOut) {
    masquerade_a(3000, 3003);
    const HostSocket udp(SOCK_DGRAM, external, 3001);
    const HostSocket any(SOCK_DGRAM, ip("0.0.0.0"), 3002);
    std::set<std::uint16_t> ports;
    for (std::uint16_t i = 0; i < 2; ++i) ports.insert(external_port(udp_from(2, 3001 + i)));
    EXPECT_EQ(ports, (std::set<std::uint16_t>{3000, 3003}));
    expect_drop(Hook::tc, lan0, udp_from(2, 4000), SL_DROP_PORTS_EXHAUSTED);

    const HostSocket tcp(SOCK_STREAM, external, 3000);
    const Packet syn = a_to_server4() / Tcp{.sport = 3000, .dport = 80, .flags = SYN};
    const Outcome got = send(Hook::tc, lan0, serialise(syn));
    ASSERT_EQ(got.verdict, Verdict::forward);
    EXPECT_NE(get16(got.packet, 34), 3000);
}

TEST_F(Nat, EntriesSayWhereTheyLead) {
    gate().masquerade(ip("10.0.1.0"), 24, wan0, {external}, 1024, 65535);
    const Packet in = to_gateway(vm_b, lan1) / Ip4{.src = vm_b.v4, .dst = server.v4} /
                      Udp{.sport = 4000, .dport = 53};
    expect_forward(Hook::tc, lan1, in, with_source(routed(in, wan0, router), external, 4000));
    sl_key4 key{};
    key.saddr = v4_raw(vm_b.v4);
    key.daddr = v4_raw(server.v4);
    key.sport = htons(4000);
    key.dport = htons(53);
    key.domain = lan1.domain;
    key.proto = IPPROTO_UDP;
    const auto there = gate().flows4().get(key);
    ASSERT_TRUE(there);
    EXPECT_EQ(there->flags, SL_FLOW_ORIG | SL_FLOW_SNAT | SL_FLOW_BOUND);
    EXPECT_EQ(there->in_port, lan1.id);
    EXPECT_EQ(there->out_domain, wan0.domain);
    key.saddr = v4_raw(server.v4);
    key.daddr = v4_raw(external);
    key.sport = htons(53);
    key.dport = htons(4000);
    key.domain = wan0.domain;
    const auto back = gate().flows4().get(key);
    ASSERT_TRUE(back);
    EXPECT_EQ(back->flags, SL_FLOW_SNAT);
    EXPECT_EQ(back->in_port, wan0.id);
    EXPECT_EQ(back->out_domain, lan1.domain);
    EXPECT_EQ(back->daddr, v4_raw(vm_b.v4));
    EXPECT_EQ(back->packets, 0u);
}

// Two conversations whose answers would be the same packets: the second one does not begin.
TEST_F(Nat, AnswersBelongToOneSession) {
    gate().forward(IPPROTO_UDP, external, 5000, vm_b.v4, 80, wan0);
    const Packet direct = server_to(vm_b.v4) / Udp{.sport = 40000, .dport = 80} / payload(8);
    const Packet forwarded = server_to(external) / Udp{.sport = 40000, .dport = 5000} / payload(8);
    const Packet answer = to_gateway(vm_b, lan1) / Ip4{.src = vm_b.v4, .dst = server.v4} /
                          Udp{.sport = 80, .dport = 40000} / payload(8);
    EXPECT_EQ(send(Hook::tc, wan0, serialise(direct)).verdict, Verdict::forward);
    EXPECT_EQ(send(Hook::tc, lan1, serialise(answer)).verdict, Verdict::forward);
    expect_drop(Hook::tc, wan0, forwarded, SL_DROP_COLLISION);
    expect_pass(Hook::xdp, wan0, forwarded);  // for TC to see who gives way
    EXPECT_EQ(gate().flows4().tagged(), 2u);
    EXPECT_EQ(live().sessions4, 1u);
}

// Full tables: nothing is left behind by the session that did not come to be.
class SmallTables : public testing::Test {
protected:
    static Verdict verdict(Gate& gate, const Packet& in) {
        const auto got = gate.run(Hook::tc, lan0, serialise(in));
        return got ? got->verdict : Verdict::pass;
    }
    static std::uint64_t free_ports(const Gate& gate) {
        std::uint64_t free = 0;
        const sl_port_bits bits = gate.port_bits(0, SL_L4_UDP);
        for (const __u64 word : bits.used) free += static_cast<std::uint64_t>(std::popcount(~word));
        return free;
    }
};

TEST_F(SmallTables, FlowsFull) {
    const auto gate = Gate::load({.flows = 8, .flows6 = 2, .bindings = 64});
    ASSERT_TRUE(gate) << gate.error().message;
    Gate& g = **gate;
    g.masquerade(ip("10.0.0.0"), 24, wan0, {external}, 2000, 2999);
    for (std::uint16_t i = 0; i < 4; ++i)
        EXPECT_EQ(verdict(g, udp_from(2, 100 + i)), Verdict::forward);
    for (std::uint16_t i = 4; i < 10; ++i)
        EXPECT_EQ(verdict(g, udp_from(2, 100 + i)), Verdict::drop);
    EXPECT_EQ(g.drops(lan0.id, SL_DROP_FLOWS_FULL).packets, 6u);
    EXPECT_EQ(g.flows4().entries().size(), 8u);
    EXPECT_EQ(g.flows4().tagged(), 8u);
    EXPECT_EQ(g.bindings().entries().size(), 4u);
    EXPECT_EQ(free_ports(g), 996u);
    EXPECT_EQ(g.pool_stats(0, SL_L4_UDP).in_use, 4u);
    for (std::uint16_t i = 0; i < 4; ++i)
        EXPECT_EQ(verdict(g, udp_from(2, 100 + i)), Verdict::forward) << "a live session ended";

    const Packet v6 = a_to_server6() / Udp{.sport = 1, .dport = 2};
    const Packet another = a_to_server6() / Udp{.sport = 2, .dport = 2};
    EXPECT_EQ(verdict(g, v6), Verdict::forward);
    EXPECT_EQ(verdict(g, another), Verdict::drop);
    EXPECT_EQ(g.drops(lan0.id, SL_DROP_FLOWS_FULL).packets, 7u);
    expect_balanced(g);
}

TEST_F(SmallTables, BindingsFull) {
    const auto gate = Gate::load({.flows = 1024, .flows6 = 2, .bindings = 4});
    ASSERT_TRUE(gate) << gate.error().message;
    Gate& g = **gate;
    g.masquerade(ip("10.0.0.0"), 24, wan0, {external}, 2000, 2999);
    for (std::uint16_t i = 0; i < 4; ++i)
        EXPECT_EQ(verdict(g, udp_from(2, 100 + i)), Verdict::forward);
    EXPECT_EQ(verdict(g, udp_from(2, 200)), Verdict::drop);
    EXPECT_EQ(g.drops(lan0.id, SL_DROP_BINDINGS_FULL).packets, 1u);
    EXPECT_EQ(free_ports(g), 996u);
    EXPECT_EQ(verdict(g, udp_from(2, 100, 54)), Verdict::forward) << "its binding is there";
    expect_balanced(g);
}

}  // namespace
}  // namespace sluice::test
