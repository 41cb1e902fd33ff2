// SPDX-License-Identifier: GPL-2.0-or-later
// Fragments: the first one names the flow, the later ones follow it; TC alone
// handles them.
#include <netinet/in.h>

#include <vector>

#include "tests/packet/scenario.hpp"

namespace sluice::test {
namespace {

class Fragments : public GateTest {
protected:
    static Packet datagram4(std::size_t length = 200) {
        return a_to_server4() / Udp{.sport = 4000, .dport = 53} / payload(length);
    }
    static Packet datagram6(std::size_t length = 200) {
        return a_to_server6() / Udp{.sport = 4000, .dport = 53} / payload(length);
    }
    static Packet masqueraded(const Packet& in) {
        return with_source(routed(in, wan0, router), external, 4000);
    }
    static auto fragment_map() {
        return gate().map<sl_fragment_key, sl_fragment_value>("sl_fragments");
    }
    static auto on_their_way() {
        auto entries = fragment_map().entries();
        std::erase_if(entries, [](const auto& it) { return it.first.kind != SL_FRAGMENT_PACKET; });
        return entries;
    }
    /// Whatever is on its way has been for so long.
    static void age(std::uint32_t ticks) {
        for (auto [key, value] : on_their_way()) {
            value.packet.tick -= ticks;
            fragment_map().put(key, value);
        }
    }
    /// Every fragment goes in as it is cut from `in` and comes out as cut from
    /// `out`.
    static void expect_fragments(const Link& by, const Packet& in, const Packet& out,
                                 std::size_t chunk) {
        const auto sent = fragments(in, chunk), expected = fragments(out, chunk);
        ASSERT_GT(sent.size(), 1u);
        for (std::size_t i = 0; i < sent.size(); ++i) {
            SCOPED_TRACE(i);
            expect_pass(Hook::xdp, by, sent[i]);
            expect_forward(Hook::tc, by, sent[i], expected[i]);
        }
    }
};

TEST_F(Fragments, Masqueraded) {
    masquerade_a();
    expect_fragments(lan0, datagram4(), masqueraded(datagram4()), 64);
    EXPECT_EQ(gate().flows4().entries().size(), 2u);
}

TEST_F(Fragments, OfATcpSegmentAndAnEcho) {
    masquerade_a();
    const Packet tcp = a_to_server4() / Tcp{.sport = 4000, .dport = 80} / payload(100);
    expect_fragments(lan0, tcp, masqueraded(tcp), 40);
    const Packet echo = a_to_server4() / echo_request4(4000) / payload(100);
    expect_fragments(lan0, echo, masqueraded(echo), 40);
}

TEST_F(Fragments, FromOutside) {
    masquerade_a();
    expect_forward(Hook::tc, lan0, datagram4(), masqueraded(datagram4()));
    const Packet answer = server_to(external) / Udp{.sport = 53, .dport = 4000} / payload(100);
    expect_fragments(wan0, answer, with_destination(routed(answer, lan0, vm_a), vm_a.v4, 4000), 32);
}

TEST_F(Fragments, ToAForward) {
    gate().forward(IPPROTO_UDP, external, 5000, vm_b.v4, 53, wan0);
    const Packet in = server_to(external) / Udp{.sport = 999, .dport = 5000} / payload(100);
    expect_fragments(wan0, in, with_destination(routed(in, lan1, vm_b), vm_b.v4, 53), 32);
}

TEST_F(Fragments, RoutedInBothFamilies) {
    expect_fragments(lan0, datagram4(), routed(datagram4(), wan0, router), 64);
    expect_fragments(lan0, datagram6(), routed(datagram6(), wan0, router), 64);
}

TEST_F(Fragments, FirstOneOfAnEstablishedFlow) {
    masquerade_a();
    expect_both(lan0, datagram4(), masqueraded(datagram4()));
    expect_fragments(lan0, datagram4(), masqueraded(datagram4()), 104);
}

TEST_F(Fragments, OrphanOfAMasqueradedSourceDoesNotPass) {
    masquerade_a();
    const auto parts = fragments(datagram4(), 64);
    for (std::size_t i = 1; i < parts.size(); ++i) {
        expect_pass(Hook::xdp, lan0, parts[i]);
        expect_held(lan0, parts[i]);
    }
    EXPECT_TRUE(gate().flows4().entries().empty());
}

// Two datagrams at once from one sender, told apart by their identification alone: each
// fragment must go where its own first one went.
TEST_F(Fragments, Interleaved) {
    gate().forward(IPPROTO_UDP, external, 5000, vm_a.v4, 53, wan0);
    gate().forward(IPPROTO_UDP, external, 5001, vm_b.v4, 53, wan0);
    const Packet first = server_to(external) / Udp{.sport = 9, .dport = 5000} / payload(100);
    Packet second = server_to(external) / Udp{.sport = 9, .dport = 5001} / payload(100);
    second.get<Ip4>().id = 0x7777;
    const auto a = fragments(first, 32), b = fragments(second, 32);
    const auto a_out = fragments(with_destination(routed(first, lan0, vm_a), vm_a.v4, 53), 32);
    const auto b_out = fragments(with_destination(routed(second, lan1, vm_b), vm_b.v4, 53), 32);
    for (std::size_t i = 0; i < a.size(); ++i) {
        expect_forward(Hook::tc, wan0, a[i], a_out[i]);
        expect_forward(Hook::tc, wan0, b[i], b_out[i]);
    }
}

// The identification is the sender's own: the same one from another host is another packet.
TEST_F(Fragments, SameIdentificationOfAnotherHost) {
    masquerade_a();
    Packet other = datagram4();
    other.get<Ip4>().src = ip("10.0.0.3");
    other.get<Udp>().sport = 5000;
    const auto a = fragments(datagram4(), 64), b = fragments(other, 64);
    const auto a_out = fragments(masqueraded(datagram4()), 64);
    expect_forward(Hook::tc, lan0, a[0], a_out[0]);
    expect_held(lan0, b[1]);
    gate().forget_held();
    EXPECT_EQ(send(Hook::tc, lan0, serialise(b[0])).verdict, Verdict::forward);
    expect_forward(Hook::tc, lan0, a[1], a_out[1]);
}

// RFC 6946: offset 0 and no more to come is a whole packet.
TEST_F(Fragments, AtomicFragment) {
    const Packet in = a_to_server6() / Ip6Fragment{} / Udp{.sport = 1, .dport = 2} / payload(9);
    expect_forward(Hook::tc, lan0, in, routed(in, wan0, router));
}

// The smallest first fragment has 8 bytes: the ports of TCP but neither flags
// nor checksum (RFC 1858). What it can't translate completely must not leave.
TEST_F(Fragments, TinyFirstFragmentOfTcp) {
    masquerade_a();
    const Packet tcp = a_to_server4() / Tcp{.sport = 4000, .dport = 80} / payload(100);
    expect_drop(Hook::tc, lan0, fragments(tcp, 8)[0], SL_DROP_MALFORMED);
}

// RFC 791 section 3.2, RFC 1122 section 3.3.2: the rest of a packet may come for so long.
TEST_F(Fragments, LaterOnesAreNotWaitedForForever) {
    masquerade_a();
    const auto sent = fragments(datagram4(), 64), left = fragments(masqueraded(datagram4()), 64);
    for (const std::uint32_t ticks : {SL_FRAGMENT_TICKS - 2000, SL_FRAGMENT_TICKS}) {
        expect_forward(Hook::tc, lan0, sent[0], left[0]);
        age(ticks);
        if (ticks < SL_FRAGMENT_TICKS)
            expect_forward(Hook::tc, lan0, sent[1], left[1]);
        else
            expect_held(lan0, sent[1]);
    }
}

TEST_F(Fragments, NothingIsLeftBehindByAWholePacket) {
    masquerade_a();
    const auto sent = fragments(datagram4(), 64), left = fragments(masqueraded(datagram4()), 64);
    ASSERT_EQ(sent.size(), 4u);
    for (const std::size_t i : {0u, 3u, 1u, 2u}) {
        expect_forward(Hook::tc, lan0, sent[i], left[i]);
        EXPECT_EQ(on_their_way().size(), i == 2 ? 0u : 1u);
    }
    expect_held(lan0, sent[1]);
    expect_fragments(lan0, datagram6(), routed(datagram6(), wan0, router), 64);
    EXPECT_TRUE(on_their_way().empty());
}

TEST_F(Fragments, WhatDoesNotPassLeavesNothing) {
    masquerade_a();
    Packet expiring = datagram4();
    expiring.get<Ip4>().ttl = 1;
    EXPECT_EQ(send(Hook::tc, lan0, serialise(fragments(expiring, 64)[0])).verdict, Verdict::forward)
        << "the answer";
    EXPECT_TRUE(on_their_way().empty());
}

// At an address that is shared with the host nobody can tell whose it is.
TEST_F(Fragments, OrphanFromOutside) {
    masquerade_a();
    const auto parts = fragments(server_to(external) / udp / payload(200), 64);
    for (std::size_t i = 1; i < parts.size(); ++i) expect_held(wan0, parts[i]);
    // The host's own are, by their first one; and where nobody shares the address.
    for (const Packet& part : parts) expect_pass(Hook::tc, wan0, part);
    const auto own = fragments(server_to(address_of(wan0.v4)) / udp / payload(200), 64);
    expect_pass(Hook::tc, wan0, own[1]);
}

// Two hosts behind one address are told apart by where they are at least.
TEST_F(Fragments, OfAnotherPort) {
    gate().masquerade(ip("10.0.0.0"), 16, wan0, {external}, 1024, 65535);
    const auto sent = fragments(datagram4(), 64);
    expect_forward(Hook::tc, lan0, sent[0], fragments(masqueraded(datagram4()), 64)[0]);
    Packet other = sent[1];
    other.get<Eth>() = to_gateway(vm_b, lan1);
    expect_held(lan1, other);
}

// Who leaves many packets unfinished loses the oldest of them, and nobody else any.
TEST_F(Fragments, APortHasSoManyAtATime) {
    gate().forward(IPPROTO_UDP, external, 5000, vm_a.v4, 53, wan0);
    gate().forward(IPPROTO_UDP, external, 5001, vm_b.v4, 53, wan0);
    const Packet rest = server_to(external) / Udp{.sport = 9, .dport = 5001} / payload(100);
    const Packet rest_at_b = with_destination(routed(rest, lan1, vm_b), vm_b.v4, 53);
    expect_forward(Hook::tc, wan0, fragments(rest, 32)[0], fragments(rest_at_b, 32)[0]);
    const auto numbered = [](Packet packet, unsigned number) {
        packet.get<Ip4>().id = static_cast<std::uint16_t>(number);
        return packet;
    };
    const Packet in = server_to(external) / Udp{.sport = 9, .dport = 5000} / payload(100);
    const Packet out = with_destination(routed(in, lan0, vm_a), vm_a.v4, 53);
    const auto part = [&](const Packet& packet, unsigned number, std::size_t i) {
        return fragments(numbered(packet, number), 32)[i];
    };
    for (unsigned i = 1; i <= SL_FRAGMENTS + 5; ++i)
        expect_forward(Hook::tc, wan0, part(in, i, 0), part(out, i, 0));
    EXPECT_EQ(on_their_way().size(), SL_FRAGMENTS + 1u);
    for (unsigned i = 6; i <= SL_FRAGMENTS + 5; ++i)
        expect_forward(Hook::tc, wan0, part(in, i, 1), part(out, i, 1));
    for (std::size_t i = 1; i < 4; ++i)
        expect_forward(Hook::tc, wan0, fragments(rest, 32)[i], fragments(rest_at_b, 32)[i]);
}

}  // namespace
}  // namespace sluice::test
