// SPDX-License-Identifier: GPL-2.0-or-later
// The policy on both hooks: what may begin, who is told, and what becomes of what was allowed when
// another policy is in force.
#include <arpa/inet.h>

#include <thread>

#include "tests/harness/checksum.hpp"
#include "tests/harness/dissect.hpp"
#include "tests/packet/host_socket.hpp"
#include "tests/packet/policy/scenario.hpp"
#include "tests/packet/scenario.hpp"
#include "tests/packet/switch/scenario.hpp"

namespace sluice::test {
namespace {

using namespace std::chrono_literals;

class Policy : public WithPolicy<GateTest> {
protected:
    void SetUp() override {
        WithPolicy::SetUp();
        ask_each_time();
        for (const auto& link : {lan0, lan1, wan0}) track(link);
    }
    static void put(std::vector<ResolvedRule> rules) { maps().put({.rules = std::move(rules)}); }

    static sl_flow flow_of(const sl_addr& from, const sl_addr& to, std::uint16_t sport,
                           std::uint16_t dport, std::uint8_t protocol) {
        sl_key4 key{};
        key.saddr = from.w[3];
        key.daddr = to.w[3];
        key.sport = htons(sport);
        key.dport = htons(dport);
        key.proto = protocol;
        return gate().flows4().get(key).value_or(sl_flow{});
    }
    static sl_flow udp_flow() { return flow_of(vm_a.v4, server.v4, 4000, 53, IPPROTO_UDP); }
    static void drops_by_xdp(const Packet& in, sl_drop reason) {
        const auto before = gate().drops(lan0.id, reason);
        EXPECT_EQ(send(Hook::xdp, lan0, serialise(in)).verdict, Verdict::drop);
        EXPECT_EQ(gate().drops(lan0.id, reason).packets, before.packets + 1);
    }
    /// What comes back by lan0.
    static void expect_answer(const Packet& in, const Packet& answer) {
        const auto before = gate().drops(lan0.id, SL_DROP_POLICY_REJECT);
        const auto got = send(Hook::tc, lan0, serialise(in));
        EXPECT_EQ(got.verdict, Verdict::forward);
        EXPECT_EQ(difference(serialise(answer), got.packet), "");
        EXPECT_EQ(checksum_fault(got.packet), "");
        EXPECT_EQ(gate().drops(lan0.id, SL_DROP_POLICY_REJECT).packets, before.packets + 1);
    }
};

const Packet ask4 = a_to_server4() / udp / payload(20);
const Packet ask6 = a_to_server6() / udp / payload(20);
const Packet answer4 = server_to(vm_a.v4) / Udp{.sport = 53, .dport = 4000} / payload(30);

Packet answer_at_a() {
    Packet out = answer4;
    out.get<Eth>() = from_gateway(lan0, vm_a);
    out.get<Ip4>().ttl -= 1;
    return out;
}

TEST_F(Policy, WhatIsAllowedIsForwarded) {
    put({about_port(PolicyAction::deny, 99), about_port(PolicyAction::allow, 53),
         rule(PolicyAction::deny)});
    for (const Hook hook : {Hook::tc, Hook::xdp}) {
        gate().flows4().clear();
        expect_forward(hook, lan0, ask4, routed(ask4, wan0, router));
        expect_forward(hook, wan0, answer4, answer_at_a());
        EXPECT_EQ(udp_flow().rule, 2) << hook_text(hook);
        EXPECT_EQ(udp_flow().rules, generation()) << hook_text(hook);
        expect_forward(hook, lan0, ask6, routed(ask6, wan0, router));
    }
}

TEST_F(Policy, WhatIsDeniedIsDropped) {
    put({about_port(PolicyAction::deny, 53)});
    expect_drop(Hook::tc, lan0, ask4, SL_DROP_POLICY_DENY);
    drops_by_xdp(ask4, SL_DROP_POLICY_DENY);
    expect_drop(Hook::tc, lan0, ask6, SL_DROP_POLICY_DENY);
    drops_by_xdp(ask6, SL_DROP_POLICY_DENY);
    EXPECT_TRUE(gate().flows4().entries().empty());
    EXPECT_TRUE(gate().flows6().entries().empty());
}

TEST_F(Policy, AddressesAreTheInsideOnes) {
    masquerade_a();
    gate().forward(IPPROTO_UDP, external, 5353, vm_a.v4, 53, wan0);
    auto inside = rule(PolicyAction::deny);
    inside.source = {.any = false, .prefixes = {Prefix::parse("10.0.0.2/32").value()}, .ports = {}};
    auto server_side = rule(PolicyAction::deny);
    server_side.destination = inside.source;
    server_side.ports = {{53, 53}};
    put({inside, server_side});
    expect_drop(Hook::tc, lan0, ask4, SL_DROP_POLICY_DENY);
    const Packet in = server_to(external) / Udp{.sport = 7, .dport = 5353};
    expect_drop(Hook::tc, wan0, in, SL_DROP_POLICY_DENY);
}

TEST_F(Policy, RejectIsAReset) {
    put({rule(PolicyAction::reject)});
    const Tcp syn{.sport = 4000, .dport = 80, .flags = SYN, .options = Bytes(20)};
    const Tcp data{.sport = 4000, .dport = 80, .flags = ACK | PSH, .seq = 7, .ack = 0xfffffff0};
    const Tcp fin{.sport = 4000, .dport = 80, .flags = FIN, .seq = 0xffffffff};
    const auto reset = [](std::uint8_t flags, std::uint32_t seq, std::uint32_t ack) {
        return Tcp{.sport = 80, .dport = 4000, .flags = flags, .seq = seq, .ack = ack, .window = 0};
    };
    const auto back4 = from_gateway(lan0, vm_a) / Ip4{.src = server.v4, .dst = vm_a.v4, .id = 0};
    const auto back6 = from_gateway(lan0, vm_a) / Ip6{.src = server.v6, .dst = vm_a.v6};
    for (const auto& [to, back] : {std::pair{a_to_server4(), back4}, {a_to_server6(), back6}}) {
        expect_pass(Hook::xdp, lan0, to / syn);  // TC answers
        expect_answer(to / syn, back / reset(RST | ACK, 0, 1001));
        expect_answer(to / data / payload(33), back / reset(RST, 0xfffffff0, 0));
        expect_answer(to / fin / payload(10), back / reset(RST | ACK, 0, 10));
        expect_answer(to / fin, back / reset(RST | ACK, 0, 0));
        // What the sender's device was to sum is to be summed by it still.
        Tcp offloaded = syn, answered = reset(RST | ACK, 0, 1001);
        offloaded.sum = answered.sum = Sum::partial;
        const auto got = send(Hook::tc, lan0, serialise(to / offloaded));
        EXPECT_EQ(difference(serialise(back / answered), got.packet), "");
        // Nobody answers a reset.
        expect_drop(Hook::tc, lan0, to / Tcp{.sport = 4000, .dport = 80, .flags = RST},
                    SL_DROP_POLICY_REJECT);
    }
}

TEST_F(Policy, RejectIsAnIcmpError) {
    put({rule(PolicyAction::reject)});
    const auto quote = [](const Packet& packet) {
        const auto frame = serialise(packet);
        return Raw{Bytes(frame.begin() + eth_header, frame.end())};
    };
    expect_answer(ask4, from_gateway(lan0, vm_a) /
                            Ip4{.src = address_of(lan0.v4), .dst = vm_a.v4, .tos = 0xc0, .id = 0} /
                            Icmp{.type = 3, .code = 13} / quote(ask4));
    expect_answer(ask6, from_gateway(lan0, vm_a) / Ip6{.src = address_of(lan0.v6), .dst = vm_a.v6} /
                            Icmp{.type = 1, .code = 1} / quote(ask6));
}

// RFC 1122 section 3.2.2, RFC 4443 section 2.4 e: neither errors nor resets about what was sent to
// a group, on the link or by its address, or comes from none that is a single host.
TEST_F(Policy, RejectAnswersHostsAlone) {
    put({rule(PolicyAction::reject)});
    const Mac group4{1, 0, 0x5e, 0, 0, 0xfb}, group6{0x33, 0x33, 0, 0, 0, 0xfb};
    const Mac broadcast{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, groups_own{3, 0, 0, 0, 0, 1};
    struct Heads {
        Eth eth;
        const char *src, *dst;
    };
    const char *a4 = "10.0.0.2", *a6 = "fd00:a::2", *s4 = "203.0.113.5", *s6 = "2001:db8:ffff::5";
    const Eth plain{.dst = lan0.mac, .src = vm_a.mac};
    const Eth from_group{.dst = lan0.mac, .src = groups_own};
    const Heads heads[] = {
        {{.dst = group4, .src = vm_a.mac}, a4, "224.0.0.251"},
        {{.dst = broadcast, .src = vm_a.mac}, a4, "10.0.0.255"},
        {{.dst = broadcast, .src = vm_a.mac}, a4, "255.255.255.255"},
        {{.dst = broadcast, .src = vm_a.mac}, a4, s4},
        {{.dst = group6, .src = vm_a.mac}, a6, "ff02::fb"},
        {{.dst = group6, .src = vm_a.mac}, a6, s6},
        {from_group, a4, s4},
        {from_group, a6, s6},
        {plain, a4, "224.0.0.251"},
        {plain, a4, "255.255.255.255"},
        {plain, a6, "ff0e::1"},
        {plain, "0.0.0.0", s4},
        {plain, "127.0.0.1", s4},
        {plain, "224.0.0.1", s4},
        {plain, "240.0.0.1", s4},
        {plain, "255.255.255.255", s4},
        {plain, "::", s6},
        {plain, "::1", s6},
        {plain, "ff02::1", s6},
    };
    const Tcp syn{.sport = 4000, .dport = 80, .flags = SYN};
    for (const Heads& head : heads) {
        SCOPED_TRACE(std::string(head.src) + " > " + head.dst);
        const auto over = [&](const auto& next) {
            Packet in;
            in /= head.eth;
            if (std::string_view(head.src).contains(':'))
                in /= Ip6{.src = ip(head.src), .dst = ip(head.dst)};
            else
                in /= Ip4{.src = ip(head.src), .dst = ip(head.dst)};
            return serialise(in / next);
        };
        EXPECT_NE(send(Hook::tc, lan0, over(udp)).verdict, Verdict::forward);
        EXPECT_NE(send(Hook::tc, lan0, over(syn)).verdict, Verdict::forward);
    }
    // About a redirect, which RFC 1122 counts among the errors.
    const Packet redirect = a_to_server4() / Icmp{.type = 5, .code = 1} / payload(28);
    expect_drop(Hook::tc, lan0, redirect, SL_DROP_POLICY_REJECT);
}

TEST_F(Policy, AnswersPassThoughNothingMayBeginThatWay) {
    auto back = rule(PolicyAction::deny);
    back.source = at_port(wan0.id);
    put({back});
    for (const Hook hook : {Hook::tc, Hook::xdp}) {
        gate().flows4().clear();
        const Packet begins = server_to(vm_a.v4) / Udp{.sport = 53, .dport = 4000} / payload(30);
        if (hook == Hook::tc) expect_drop(hook, wan0, begins, SL_DROP_POLICY_DENY);
        expect_forward(hook, lan0, ask4, routed(ask4, wan0, router));
        expect_forward(hook, wan0, answer4, answer_at_a());
    }
}

TEST_F(Policy, AnotherPolicyCutsWhatItForbids) {
    put({about_port(PolicyAction::allow, 53)});
    expect_forward(Hook::tc, lan0, ask4, routed(ask4, wan0, router));
    expect_forward(Hook::tc, wan0, answer4, answer_at_a());
    put({rule(PolicyAction::allow), about_port(PolicyAction::deny, 53)});
    expect_pass(Hook::xdp, lan0, ask4);  // TC judges
    expect_forward(Hook::tc, wan0, answer4, answer_at_a());
    expect_forward(Hook::xdp, lan0, ask4, routed(ask4, wan0, router));
    EXPECT_EQ(udp_flow().rule, 1);
    EXPECT_EQ(udp_flow().rules, generation());
    put({about_port(PolicyAction::deny, 53)});
    // By whichever packet comes first; the answers begin nothing of their own.
    expect_drop(Hook::tc, wan0, answer4, SL_DROP_POLICY_DENY);
    expect_drop(Hook::tc, lan0, ask4, SL_DROP_POLICY_DENY);
    expect_drop(Hook::tc, wan0, answer4, SL_DROP_POLICY_DENY);
    EXPECT_EQ(udp_flow().flags & SL_FLOW_DENIED, SL_FLOW_DENIED);
    EXPECT_EQ(udp_flow().rule, 1);
    // And goes on if it is allowed again.
    put({rule(PolicyAction::allow)});
    expect_forward(Hook::tc, wan0, answer4, answer_at_a());
    expect_forward(Hook::tc, lan0, ask4, routed(ask4, wan0, router));
    EXPECT_EQ(udp_flow().flags & SL_FLOW_DENIED, 0);
    put({about_port(PolicyAction::deny, 53)});
    expect_drop(Hook::tc, lan0, ask4, SL_DROP_POLICY_DENY);
    maps().clear();
    expect_forward(Hook::tc, lan0, ask4, routed(ask4, wan0, router));
    expect_forward(Hook::xdp, lan0, ask4, routed(ask4, wan0, router));
}

TEST_F(Policy, TheSweeperJudgesWhatIsSilent) {
    auto settings = gate().map<__u32, sl_settings>("sl_settings").get(0).value();
    settings.nexthop_ttl = 60'000;  // its packets would not for a minute
    gate().set_settings(settings);
    expect_forward(Hook::tc, lan0, ask4, routed(ask4, wan0, router));
    put({about_port(PolicyAction::deny, 53)});
    ASSERT_TRUE(gate().start_sweeper());
    for (int i = 0; i < 100 && (udp_flow().flags & SL_FLOW_DENIED) == 0; ++i)
        std::this_thread::sleep_for(20ms);
    EXPECT_EQ(udp_flow().flags & SL_FLOW_DENIED, SL_FLOW_DENIED);
    expect_drop(Hook::tc, lan0, ask4, SL_DROP_POLICY_DENY);
}

TEST_F(Policy, ASenderIsItsMac) {
    auto mine = rule(PolicyAction::allow);
    mine.source_macs = {MacAddress{vm_a.mac}};
    put({mine, rule(PolicyAction::deny)});
    expect_forward(Hook::tc, lan0, ask4, routed(ask4, wan0, router));
    expect_forward(Hook::tc, wan0, answer4, answer_at_a());
    put({mine, rule(PolicyAction::deny)});
    expect_forward(Hook::tc, wan0, answer4, answer_at_a());  // by who it goes to
    Packet other = ask4;
    other.get<Eth>().src[5] ^= 1;
    other.get<Udp>().sport = 4001;
    expect_drop(Hook::tc, lan0, other, SL_DROP_POLICY_DENY);
}

TEST_F(Policy, IcmpErrorsPassIfTheyAreAboutAFlow) {
    auto back = rule(PolicyAction::deny);
    back.source = at_port(wan0.id);
    put({back});
    const auto error4 = [](const Packet& cause) {
        return server_to(vm_a.v4) / Icmp{.type = 3, .code = 1} / Raw{[&] {
                   const auto frame = serialise(cause);
                   return Bytes(frame.begin() + eth_header, frame.end());
               }()};
    };
    const auto at_a = [](Packet packet) {
        packet.get<Eth>() = from_gateway(lan0, vm_a);
        packet.get<Ip4>().ttl -= 1;
        return packet;
    };
    expect_drop(Hook::tc, wan0, error4(ask4), SL_DROP_ICMP_UNRELATED);
    expect_forward(Hook::tc, lan0, ask4, routed(ask4, wan0, router));
    expect_forward(Hook::tc, wan0, error4(ask4), at_a(error4(ask4)));
    Packet other = ask4;
    other.get<Udp>().sport = 4001;
    expect_drop(Hook::tc, wan0, error4(other), SL_DROP_ICMP_UNRELATED);
    expect_pass(Hook::xdp, wan0, error4(other));
    // An echo, by its identifier.
    const Packet ping = a_to_server4() / echo_request4(77);
    expect_drop(Hook::tc, wan0, error4(ping), SL_DROP_ICMP_UNRELATED);
    expect_forward(Hook::tc, lan0, ping, routed(ping, wan0, router));
    expect_forward(Hook::tc, wan0, error4(ping), at_a(error4(ping)));
}

// An error is as good as an answer: to who sent what it quotes, from where that went, of what is
// allowed.
TEST_F(Policy, IcmpErrorsPassNobodyElse) {
    auto mine = rule(PolicyAction::allow);
    mine.source = at_port(lan0.id);
    put({mine, rule(PolicyAction::deny)});
    const auto error4 = [](Packet head, const Packet& cause) {
        return head / Icmp{.type = 3, .code = 1} / Raw{[&] {
                   const auto frame = serialise(cause);
                   return Bytes(frame.begin() + eth_header, frame.end());
               }()};
    };
    expect_forward(Hook::tc, lan0, ask4, routed(ask4, wan0, router));
    expect_drop(Hook::tc, wan0, error4(server_to(vm_b.v4), ask4), SL_DROP_ICMP_UNRELATED);
    const Packet from_b = to_gateway(vm_b, lan1) / Ip4{.src = vm_b.v4, .dst = vm_a.v4};
    expect_drop(Hook::tc, lan1, error4(from_b, ask4), SL_DROP_ICMP_UNRELATED);
    const Packet to_a = error4(server_to(vm_a.v4), ask4);
    EXPECT_EQ(send(Hook::tc, wan0, serialise(to_a)).verdict, Verdict::forward);
    // Denied by now, and tried again.
    put({rule(PolicyAction::deny)});
    expect_drop(Hook::tc, wan0, to_a, SL_DROP_ICMP_UNRELATED);
    expect_drop(Hook::tc, lan0, ask4, SL_DROP_POLICY_DENY);
    expect_drop(Hook::tc, wan0, to_a, SL_DROP_ICMP_UNRELATED);
}

TEST_F(Policy, IcmpTypesAreApart) {
    auto echo = rule(PolicyAction::allow);
    echo.icmp_types = {{IPPROTO_ICMP, 13}};
    put({echo, rule(PolicyAction::deny)});
    const Packet timestamp = a_to_server4() / Icmp{.type = 13} / payload(12);
    const Packet redirect = a_to_server4() / Icmp{.type = 5} / payload(28);
    expect_forward(Hook::tc, lan0, timestamp, routed(timestamp, wan0, router));
    expect_drop(Hook::tc, lan0, redirect, SL_DROP_POLICY_DENY);
}

const Packet to_host =
    to_gateway(vm_a, lan0) / Ip4{.src = vm_a.v4, .dst = address_of(lan0.v4)} / udp / payload(20);
const Packet from_host = from_gateway(lan0, vm_a) /
                         Ip4{.src = address_of(lan0.v4), .dst = vm_a.v4} /
                         Udp{.sport = 53, .dport = 4000} / payload(30);

TEST_F(Policy, WhatTheHostHearsAndSays) {
    auto host = rule(PolicyAction::deny);
    host.destination = at_port(0);
    put({host});
    expect_drop(Hook::tc, lan0, to_host, SL_DROP_POLICY_DENY);
    expect_pass(Hook::egress, lan0, from_host);
    expect_pass(Hook::tc, lan0, to_host);  // an answer
    auto vm = rule(PolicyAction::deny);
    vm.destination = at_port(lan0.id);
    put({vm});
    expect_drop(Hook::egress, lan0, from_host, SL_DROP_POLICY_DENY);
    expect_drop(Hook::tc, lan0, to_host, SL_DROP_POLICY_DENY);
}

TEST_F(Policy, WhatALinkNeedsIsExempt) {
    put({rule(PolicyAction::deny)});
    const Packet solicitation = to_gateway(vm_a, lan0) /
                                Ip6{.src = vm_a.v6, .dst = address_of(lan0.v6), .hop_limit = 255} /
                                Icmp{.type = 135} / payload(16);
    expect_pass(Hook::tc, lan0, solicitation);
    expect_pass(Hook::tc, lan0, to(lan0.mac, 0x0806) / payload(46));
}

TEST_F(Policy, AFullTableLetsNothingPass) {
    auto settings = gate().map<__u32, sl_settings>("sl_settings").get(0).value();
    settings.tracked_until4 = 0;
    gate().set_settings(settings);
    put({about_port(PolicyAction::deny, 99)});
    const HostSocket open(SOCK_DGRAM, address_of(lan0.v4), 53);
    expect_drop(Hook::tc, lan0, to_host, SL_DROP_FLOWS_FULL);
    maps().clear();
    expect_pass(Hook::tc, lan0, to_host);
}

/// Where a bridge sends it is not known where it enters.
TEST_F(Policy, WhatABridgeSendsIsJudgedWhereItLeaves) {
    auto port = rule(PolicyAction::deny);
    port.destination = at_port(lan0.id);
    put({port});
    const Packet in = Eth{.dst = vm_a.mac, .src = vm_b.mac} /
                      Ip4{.src = ip("10.0.0.9"), .dst = vm_a.v4} / udp / payload(9);
    expect_pass(Hook::tc, wan0, in);
    const auto before = gate().drops(lan0.id, SL_DROP_POLICY_DENY);
    EXPECT_EQ(send(Hook::egress, lan0, serialise(in), {.came_by = &wan0}).verdict, Verdict::drop);
    EXPECT_EQ(gate().drops(lan0.id, SL_DROP_POLICY_DENY).packets, before.packets + 1);
    expect_drop(Hook::tc, wan0, in, SL_DROP_POLICY_DENY);  // by now it is
}

/// Of one connection: from vm_a, and back.
Packet tcp(std::uint8_t flags) {
    return a_to_server4() / Tcp{.sport = 4000, .dport = 80, .flags = flags};
}
Packet answer(std::uint8_t flags) {
    return server_to(vm_a.v4) / Tcp{.sport = 80, .dport = 4000, .flags = flags};
}

/// Who was allowed to open it is the one side alone.
TEST_F(Policy, TheOtherSideOpensNoneInItsPlace) {
    auto back = rule(PolicyAction::deny);
    back.source = at_port(wan0.id);
    put({back});
    const auto at_a = [](Packet packet) {
        packet.get<Eth>() = from_gateway(lan0, vm_a);
        packet.get<Ip4>().ttl -= 1;
        return packet;
    };
    for (const std::uint8_t flags : {+SYN, FIN | ACK})
        expect_forward(Hook::tc, lan0, tcp(flags), routed(tcp(flags), wan0, router));
    for (const std::uint8_t flags : {SYN | ACK, FIN | ACK})
        expect_forward(Hook::tc, wan0, answer(flags), at_a(answer(flags)));
    expect_drop(Hook::tc, wan0, answer(SYN), SL_DROP_COLLISION);
    EXPECT_TRUE(gate().flows4().entries().empty());
}

/// Nor over a connection that is open, or looks reset: both may be forged, and end nothing. One
/// that crosses the opener's own is a part of the handshake (RFC 9293 section 3.5).
TEST_F(Policy, TheOtherSidesSynEndsNothing) {
    auto back = rule(PolicyAction::deny);
    back.source = at_port(wan0.id);
    put({back});
    const auto is_forwarded = [](const Link& by, const Packet& in) {
        return send(Hook::tc, by, serialise(in)).verdict == Verdict::forward;
    };
    EXPECT_TRUE(is_forwarded(lan0, tcp(SYN)));
    EXPECT_TRUE(is_forwarded(wan0, answer(SYN))) << "both open at once";
    EXPECT_TRUE(is_forwarded(wan0, answer(SYN | ACK)));
    EXPECT_TRUE(is_forwarded(lan0, tcp(ACK)));
    expect_drop(Hook::tc, wan0, answer(SYN), SL_DROP_COLLISION);
    EXPECT_TRUE(is_forwarded(wan0, answer(RST)));
    expect_drop(Hook::tc, wan0, answer(SYN), SL_DROP_COLLISION);
    EXPECT_EQ(flow_of(vm_a.v4, server.v4, 4000, 80, IPPROTO_TCP).flags & SL_FLOW_FLUSH, 0);
    EXPECT_TRUE(is_forwarded(lan0, tcp(ACK)));
    EXPECT_TRUE(is_forwarded(wan0, answer(ACK)));
}

TEST_F(Policy, EventsTellTheRule) {
    put({about_port(PolicyAction::deny, 99), about_port(PolicyAction::log, 53)});
    expect_forward(Hook::xdp, lan0, ask4, routed(ask4, wan0, router));
    Packet other = ask4;
    for (const std::uint16_t sport : {1, 2, 3}) {
        other.get<Udp>() = {.sport = sport, .dport = 99};
        expect_drop(Hook::tc, lan0, other, SL_DROP_POLICY_DENY);
    }
    const auto events = gate().events();
    ASSERT_EQ(events.size(), 2u) << "one a second of each rule";
    EXPECT_EQ(events[0].kind, SL_EVENT_POLICY_LOG);
    EXPECT_EQ(events[0].other_port, 2);
    EXPECT_EQ(events[0].port, lan0.id);
    EXPECT_EQ(events[1].kind, SL_EVENT_DROP);
    EXPECT_EQ(events[1].reason, SL_DROP_POLICY_DENY);
    EXPECT_EQ(events[1].other_port, 1);
}

// A rule may be reported each second, and a policy has thousands that one VM can meet.
TEST_F(Policy, ManyRulesDoNotTakeTheRing) {
    constexpr std::uint16_t rules = 3 * SL_EVENT_BURST, first = 1000;
    std::vector<ResolvedRule> many;
    for (std::uint16_t i = 0; i < rules; ++i)
        many.push_back(about_port(PolicyAction::deny, first + i));
    put(std::move(many));
    Packet asked = ask4;
    for (std::uint16_t i = 0; i < rules; ++i) {
        asked.get<Udp>().dport = first + i;
        expect_drop(Hook::tc, lan0, asked, SL_DROP_POLICY_DENY);
    }
    const std::size_t written = gate().events().size();
    EXPECT_GE(written, SL_EVENT_BURST);
    EXPECT_LE(written, SL_EVENT_BURST + 3) << "what a slow machine saves up meanwhile";
    const Packet theirs = to_gateway(vm_b, lan1) / Ip4{.src = vm_b.v4, .dst = server.v4} /
                          Udp{.sport = 1, .dport = first + rules - 1} / payload(20);
    expect_drop(Hook::tc, lan1, theirs, SL_DROP_POLICY_DENY);
    EXPECT_EQ(gate().events().back().port, lan1.id);
}

// --- switched ---

class SwitchedPolicy : public WithPolicy<SwitchWays> {
protected:
    void SetUp() override {
        WithPolicy::SetUp();
        for (const std::size_t port : {0, 1}) {
            auto it = access(10);
            it.port_flags |= SL_PORT_TRACK;
            rig().set(port, it);
        }
    }
    static Packet datagram(const Mac& from, const Mac& to, const char* source,
                           const char* destination, const Udp& ports) {
        return Eth{.dst = to, .src = from} / Ip4{.src = ip(source), .dst = ip(destination)} /
               ports / payload(30);
    }
    const Mac peer_ = station(1);
    const Packet there_ = datagram(vm, peer_, "10.9.0.1", "10.9.0.2", {.sport = 40, .dport = 53});
    const Packet back_ = datagram(peer_, vm, "10.9.0.2", "10.9.0.1", {.sport = 53, .dport = 40});
};
SWITCH_WAYS(SwitchedPolicy);

TEST_P(SwitchedPolicy, JudgesWhatBegins) {
    pass(GetParam(), 0, frame(vm, peer_));
    pass(GetParam(), 1, frame(peer_, vm));
    auto inward = rule(PolicyAction::deny);
    inward.destination = at_port(rig().id(0));
    maps().put({.rules = {inward}});
    expect_drop(GetParam(), 1, back_, SL_DROP_POLICY_DENY);
    expect_copies(GetParam(), 0, there_, by({1}, there_));
    expect_copies(GetParam(), 1, back_, by({0}, back_));
    expect_copies(GetParam(), 0, there_, by({1}, there_));
    // Another policy cuts it at once.
    auto outward = rule(PolicyAction::deny);
    outward.source = at_port(rig().id(0));
    maps().put({.rules = {outward}});
    expect_drop(GetParam(), 1, back_, SL_DROP_POLICY_DENY);
    expect_drop(GetParam(), 0, there_, SL_DROP_POLICY_DENY);
    maps().clear();
    expect_copies(GetParam(), 1, back_, by({0}, back_));
}

TEST_P(SwitchedPolicy, RejectsInTheNameOfTheDestination) {
    pass(GetParam(), 0, frame(vm, peer_));
    pass(GetParam(), 1, frame(peer_, vm));
    maps().put({.rules = {rule(PolicyAction::reject)}});
    const auto cause = serialise(there_);
    const Packet error = Eth{.dst = vm, .src = peer_} /
                         Ip4{.src = ip("10.9.0.2"), .dst = ip("10.9.0.1"), .tos = 0xc0, .id = 0} /
                         Icmp{.type = 3, .code = 13} /
                         Raw{Bytes(cause.begin() + eth_header, cause.end())};
    expect_copies(GetParam(), 0, there_, by({0}, error));
}

TEST_P(SwitchedPolicy, RejectsInSilenceWhatIsForGroups) {
    maps().put({.rules = {rule(PolicyAction::reject)}});
    const Mac group4{1, 0, 0x5e, 0, 0, 0xfb}, group6{0x33, 0x33, 0, 0, 0, 0xfb};
    const Tcp syn{.sport = 4000, .dport = 80, .flags = SYN};
    const auto to4 = [](const Mac& mac, const char* address) {
        return Eth{.dst = mac, .src = vm} / Ip4{.src = ip("10.9.0.1"), .dst = ip(address)};
    };
    const auto to6 =
        Eth{.dst = group6, .src = vm} / Ip6{.src = ip("fd09::1"), .dst = ip("ff02::fb")};
    for (const Packet& head : {to4(group4, "224.0.0.251"), to4(everybody, "10.9.0.255"),
                               to4(everybody, "10.9.0.2"), to4(unknown, "224.0.0.251"), to6}) {
        expect_drop(GetParam(), 0, head / udp / payload(9), SL_DROP_POLICY_REJECT);
        expect_drop(GetParam(), 0, head / syn, SL_DROP_POLICY_REJECT);
    }
}

}  // namespace
}  // namespace sluice::test
