// SPDX-License-Identifier: GPL-2.0-or-later
// What a policy can't see does not get past it: headers cut over fragments, headers that lie, more
// headers or tags than the parser reads. On ports without a guard, on both hooks, routed, switched
// and left to a bridge; and only where a rule could forbid the packet.
#include <netinet/in.h>

#include <ostream>
#include <vector>

#include "tests/packet/policy/scenario.hpp"
#include "tests/packet/scenario.hpp"
#include "tests/packet/switch/scenario.hpp"

namespace sluice::test {
namespace {

constexpr std::uint16_t denied = 22, allowed = 443;

ResolvedRule deny_of(std::uint8_t protocol) {
    auto it = about_port(PolicyAction::deny, denied);
    it.protocols = {protocol};
    return it;
}

struct HiddenCase {
    const char* name;
    Packet in;  ///< as the VM sends it, to the denied port
    sl_drop reason;
};

void PrintTo(const HiddenCase& row, std::ostream* out) { *out << row.name; }

Packet chain_of(Packet packet, int headers) {
    for (int i = 0; i < headers; ++i) packet /= Ip6Extension{.type = 60, .body = Bytes(6)};
    return packet;
}

Raw snap_of(const Packet& packet) {
    const Bytes frame = serialise(packet);
    Raw raw{{0xaa, 0xaa, 3, 0, 0, 0}};
    raw.bytes.insert(raw.bytes.end(), frame.begin() + 12, frame.end());
    return raw;
}

/// @param v4, v6 frames up to their IP headers
std::vector<HiddenCase> hidden_packets(const Packet& v4, const Packet& v6) {
    const Udp udp{.sport = 9, .dport = denied};
    const Tcp tcp{.sport = 9, .dport = denied, .flags = SYN};
    Packet short_header = v4 / tcp;
    short_header.get<Tcp>().header_words = 4;
    Packet no_length = v4 / Udp{.sport = 9, .dport = denied, .length = 0} / payload(20);
    Packet no_length6 = v6 / Udp{.sport = 9, .dport = denied, .length = 0} / payload(20);
    Packet too_long = v6 / Udp{.sport = 9, .dport = denied, .length = 99} / payload(20);
    return {
        {"TinyFirstFragment", fragments(v4 / tcp, 8)[0], SL_DROP_MALFORMED},
        {"RestOfATinyFragment", fragments(v4 / tcp, 8)[1], SL_DROP_FRAGMENT_ORPHAN},
        {"FirstFragmentOf16", fragments(v4 / tcp, 16)[0], SL_DROP_MALFORMED},
        {"TinyFirstFragment6", fragments(v6 / tcp, 8)[0], SL_DROP_MALFORMED},
        {"RestOfATinyFragment6", fragments(v6 / tcp, 8)[1], SL_DROP_FRAGMENT_ORPHAN},
        {"LaterFragmentOfNobody", fragments(v4 / udp / payload(64), 32)[1],
         SL_DROP_FRAGMENT_ORPHAN},
        {"LaterFragmentOfNobody6", fragments(v6 / udp / payload(64), 32)[1],
         SL_DROP_FRAGMENT_ORPHAN},
        {"UdpLengthOf0", no_length, SL_DROP_MALFORMED},
        {"UdpLengthOf0In6", no_length6, SL_DROP_MALFORMED},
        {"UdpLengthTooLong", too_long, SL_DROP_MALFORMED},
        {"TcpHeaderOf16", short_header, SL_DROP_MALFORMED},
        {"LongChain", chain_of(v6, 7) / udp / payload(20), SL_DROP_POLICY_HIDDEN},
        {"LongestChain", chain_of(v6, 12) / tcp, SL_DROP_POLICY_HIDDEN},
        {"ChainAndFragment", chain_of(v6, 6) / Ip6Fragment{} / tcp, SL_DROP_POLICY_HIDDEN},
        {"FragmentOfAFragment", v6 / Ip6Fragment{} / Ip6Fragment{} / udp / payload(20),
         SL_DROP_POLICY_HIDDEN},
    };
}

// --- routed ---

class RoutedPolicy : public WithPolicy<GateTest> {
protected:
    void SetUp() override {
        WithPolicy::SetUp();
        maps().put({.rules = {deny_of(IPPROTO_UDP), deny_of(IPPROTO_TCP)}});
        for (const auto& link : {lan0, wan0}) track(link);
    }
    static Packet to_bridge(Packet packet) {
        packet.get<Eth>().dst = {2, 9, 9, 9, 9, 9};
        return packet;
    }
};

class RoutedHidden : public RoutedPolicy, public testing::WithParamInterface<HiddenCase> {
protected:
    /// The first fragment may yet come, if it is one that could pass.
    static void expect_refused() {
        if (GetParam().reason == SL_DROP_FRAGMENT_ORPHAN)
            expect_held(lan0, GetParam().in);
        else
            expect_drop(Hook::tc, lan0, GetParam().in, GetParam().reason);
    }
};

TEST_P(RoutedHidden, IsDropped) {
    expect_pass(Hook::xdp, lan0, GetParam().in);
    expect_refused();
    EXPECT_TRUE(gate().flows4().entries().empty());
    EXPECT_TRUE(gate().flows6().entries().empty());
}

TEST_P(RoutedHidden, IsNotLeftToABridge) {
    const Packet in = to_bridge(GetParam().in);
    expect_pass(Hook::xdp, lan0, in);
    expect_drop(Hook::tc, lan0, in, GetParam().reason);
    for (const Vlan& tag : {Vlan{.vid = 0}, Vlan{.vid = 7}})
        expect_drop(Hook::tc, lan0, tagged(in, tag), GetParam().reason);
}

// It may know enough of the packet without what is hidden; what is damaged is never routed.
TEST_P(RoutedHidden, IsDroppedOnlyIfARuleCouldForbidIt) {
    auto elsewhere = deny_of(IPPROTO_UDP), of_others = rule(PolicyAction::deny);
    elsewhere.source = at_port(wan0.id);
    of_others.source = {.any = false,
                        .prefixes = {Prefix::parse("10.0.0.77/32").value(),
                                     Prefix::parse("fd00:a::77/128").value()},
                        .ports = {}};
    auto of_a_vlan = deny_of(IPPROTO_TCP);
    of_a_vlan.vlans = {{99, 99}};
    maps().put(
        {.rules = {elsewhere, of_others, of_a_vlan, about_port(PolicyAction::allow, denied)}});
    const Packet in = to_bridge(GetParam().in);
    expect_pass(Hook::tc, lan0, in);
    if (GetParam().reason != SL_DROP_MALFORMED) {
        EXPECT_EQ(send(Hook::tc, lan0, serialise(GetParam().in)).verdict, Verdict::forward);
    }
    // Where it would go is not known before it is routed.
    auto outward = deny_of(IPPROTO_UDP);
    outward.destination = at_port(wan0.id);
    maps().put({.rules = {outward}});
    expect_refused();
}

INSTANTIATE_TEST_SUITE_P(Packets, RoutedHidden,
                         testing::ValuesIn(hidden_packets(a_to_server4(), a_to_server6())),
                         name_of);

using HiddenFlows = RoutedPolicy;

TEST_F(HiddenFlows, FragmentsOfWhatIsAllowedPass) {
    const Packet in4 = a_to_server4() / Udp{.sport = 9, .dport = allowed} / payload(200);
    const Packet in6 = a_to_server6() / Udp{.sport = 9, .dport = allowed} / payload(200);
    for (const Packet& in : {in4, in6}) {
        const auto sent = fragments(in, 64), left = fragments(routed(in, wan0, router), 64);
        for (std::size_t i = 0; i < sent.size(); ++i)
            expect_forward(Hook::tc, lan0, sent[i], left[i]);
    }
}

TEST_F(HiddenFlows, LaterFragmentsShareTheFateOfTheFirst) {
    const Packet in4 = a_to_server4() / Udp{.sport = 9, .dport = denied} / payload(200);
    const Packet in6 = a_to_server6() / Udp{.sport = 9, .dport = denied} / payload(200);
    for (const Packet& in : {in4, in6}) {
        const auto sent = fragments(in, 64);
        expect_drop(Hook::tc, lan0, sent[0], SL_DROP_POLICY_DENY);
        for (std::size_t i = 1; i < sent.size(); ++i) expect_held(lan0, sent[i]);
    }
}

// RFC 1858, RFC 3128: what the first fragment said must not be overwritten by another.
TEST_F(HiddenFlows, LaterFragmentsDoNotOverlayHeaders) {
    const Tcp tcp{.sport = 9, .dport = allowed, .flags = SYN, .options = Bytes(12, 1)};
    const Packet in = a_to_server4() / tcp / payload(64);
    expect_forward(Hook::tc, lan0, fragments(in, 40)[0],
                   fragments(routed(in, wan0, router), 40)[0]);
    for (const std::uint16_t offset : {8, 16, 24}) {
        Packet overlay = a_to_server4() / payload(48);
        overlay.get<Ip4>().protocol = IPPROTO_TCP;
        overlay.get<Ip4>().offset = offset;
        expect_drop(Hook::tc, lan0, overlay, SL_DROP_MALFORMED);
    }
    // A shorter first fragment does not make room for it.
    const Packet plain = a_to_server4() / Tcp{.sport = 9, .dport = allowed} / payload(64);
    EXPECT_EQ(send(Hook::tc, lan0, serialise(fragments(plain, 40)[0])).verdict, Verdict::forward);
    Packet overlay = a_to_server4() / payload(48);
    overlay.get<Ip4>().protocol = IPPROTO_TCP;
    overlay.get<Ip4>().offset = 24;
    expect_drop(Hook::tc, lan0, overlay, SL_DROP_MALFORMED);
}

// RFC 8200 section 4.5: which protocol it is the first fragment alone says.
TEST_F(HiddenFlows, ProtocolOfLaterIpv6FragmentsIsThatOfTheFirst) {
    const Packet in = a_to_server6() / Ip6Fragment{.more = true} /
                      Ip6Extension{.type = 60, .body = Bytes(6)} /
                      Udp{.sport = 9, .dport = allowed, .length = 108} / payload(64);
    expect_forward(Hook::tc, lan0, in, routed(in, wan0, router));
    for (const std::uint8_t next : {60, 6, 17}) {
        const Packet later =
            a_to_server6() / Ip6Fragment{.offset = 80, .more = true, .next = next} / payload(16);
        expect_forward(Hook::tc, lan0, later, routed(later, wan0, router));
    }
    EXPECT_EQ(gate().flows6().entries().size(), 2u);
}

// A flow that was there before the policy, and whose packets it can't judge.
TEST_F(HiddenFlows, NotEvenOfAnEstablishedFlow) {
    maps().clear();
    const Packet in = chain_of(a_to_server6(), 7) / Udp{.sport = 9, .dport = denied} / payload(9);
    expect_forward(Hook::tc, lan0, in, routed(in, wan0, router));
    maps().put({.rules = {deny_of(IPPROTO_UDP)}});
    expect_pass(Hook::xdp, lan0, in);
    expect_drop(Hook::tc, lan0, in, SL_DROP_POLICY_HIDDEN);
}

TEST_F(HiddenFlows, TagsThatTheParserGivesUpOn) {
    const Packet in = a_to_server4() / Udp{.sport = 9, .dport = denied} / payload(9);
    const Packet three = tagged(tagged(tagged(in, {.vid = 0}), {.vid = 0}), {.vid = 0});
    expect_pass(Hook::xdp, lan0, three);
    expect_drop(Hook::tc, lan0, three, SL_DROP_POLICY_HIDDEN);
    const auto once = tagged(in, {.vid = 0});
    for (const Packet& with : {once, tagged(once, {.vid = 0})})
        EXPECT_EQ(send(Hook::tc, lan0, serialise(with)).verdict, Verdict::drop);
    EXPECT_EQ(gate().drops(lan0.id, SL_DROP_POLICY_DENY).packets, 2u);
    expect_pass(Hook::tc, lan0, to(lan0.mac, 0x0806) / payload(46));
    maps().clear();
    expect_pass(Hook::tc, lan0, three);
}

// --- switched ---

const Mac peer = station(1);
const Packet to_peer4 =
    Eth{.dst = peer, .src = vm} / Ip4{.src = ip("10.9.0.1"), .dst = ip("10.9.0.2")};
const Packet to_peer6 =
    Eth{.dst = peer, .src = vm} / Ip6{.src = ip("fd09::1"), .dst = ip("fd09::2")};

class SwitchedDeny : public WithPolicy<SwitchTest> {
protected:
    void SetUp() override {
        WithPolicy::SetUp();
        for (const std::size_t port : {0, 1}) rig().set(port, tracked(access(10)));
        rig().set(2, tracked(trunk({10, 20})));
        pass(Way::tc, 1, frame(peer, vm));
        pass(Way::tc, 0, frame(vm, peer));
        maps().put({.rules = {deny_of(IPPROTO_UDP), deny_of(IPPROTO_TCP)}});
    }
};

class SwitchedHidden : public SwitchedDeny, public testing::WithParamInterface<HiddenCase> {};

TEST_P(SwitchedHidden, IsDropped) {
    for (const Way way : {Way::tc, Way::xdp}) {
        expect_drop(way, 0, GetParam().in, GetParam().reason);
        expect_drop(way, 0, tagged(GetParam().in, {.vid = 0}), GetParam().reason);
    }
}

TEST_P(SwitchedHidden, PassesWithoutAPolicyThatCouldForbidIt) {
    maps().clear();
    expect_copies(Way::tc, 0, GetParam().in, by({1}, GetParam().in));
    auto elsewhere = rule(PolicyAction::deny);
    elsewhere.source = at_port(rig().id(1));
    maps().put({.rules = {elsewhere}});
    for (const Way way : {Way::tc, Way::xdp})
        expect_copies(way, 0, GetParam().in, by({1}, GetParam().in));
}

INSTANTIATE_TEST_SUITE_P(Packets, SwitchedHidden,
                         testing::ValuesIn(hidden_packets(to_peer4, to_peer6)), name_of);

using SwitchedFragments = SwitchedDeny;

TEST_F(SwitchedFragments, ShareTheFateOfTheFirst) {
    for (const Packet& to : {to_peer4, to_peer6}) {
        for (const Way way : {Way::tc, Way::xdp}) {
            const Packet good = to / Udp{.sport = 9, .dport = allowed} / payload(100);
            for (const Packet& part : fragments(good, 48))
                expect_copies(way, 0, part, by({1}, part));
            const auto bad = fragments(to / Udp{.sport = 9, .dport = denied} / payload(100), 48);
            expect_drop(way, 0, bad[0], SL_DROP_POLICY_DENY);
            expect_drop(way, 0, bad[1], SL_DROP_FRAGMENT_ORPHAN);
        }
    }
}

// Some receivers take IP out of LLC/SNAP (CVE-2021-27862); other LLC frames are none of our
// business.
TEST_F(SwitchedFragments, IpInLlcSnap) {
    const auto snap = snap_of(to_peer4 / Udp{.sport = 9, .dport = denied} / payload(20));
    const auto llc = [](Raw content) {
        const auto length = static_cast<std::uint16_t>(content.bytes.size());
        return Eth{.dst = peer, .src = vm, .type = length} / std::move(content);
    };
    for (const Way way : {Way::tc, Way::xdp}) {
        expect_drop(way, 0, llc(snap), SL_DROP_POLICY_HIDDEN);
        expect_copies(way, 0, llc(payload(46)), by({1}, llc(payload(46))));
    }
    maps().clear();
    expect_copies(Way::tc, 0, llc(snap), by({1}, llc(snap)));
}

// Behind the switch's own tag there may be others, which the receiver takes off.
TEST_F(SwitchedFragments, TagsBehindTheTrunks) {
    const Packet from_trunk = Eth{.dst = peer, .src = station(2)} /
                              Ip4{.src = ip("10.9.0.3"), .dst = ip("10.9.0.2")} /
                              Udp{.sport = 9, .dport = denied} / payload(20);
    for (const Way way : {Way::tc, Way::xdp}) {
        const Packet one = tagged(from_trunk, {.vid = 0}), two = tagged(one, {.vid = 0});
        for (const Packet& in : {one, two})
            expect_drop(way, 2, tagged(in, {.vid = 10}), SL_DROP_POLICY_DENY);
        expect_drop(way, 2, tagged(tagged(two, {.vid = 0}), {.vid = 10}), SL_DROP_POLICY_HIDDEN);
    }
}

}  // namespace
}  // namespace sluice::test
