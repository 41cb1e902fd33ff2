// SPDX-License-Identifier: GPL-2.0-or-later
// The policy on both hooks: what may begin, who is told, and what becomes of what was allowed when
// another policy is in force.
#include <arpa/inet.h>

#include <thread>

#include "tests/packet/host_socket.hpp"
#include "tests/packet/policy/routed.hpp"

namespace sluice::test {
namespace {

using namespace std::chrono_literals;

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

}  // namespace
}  // namespace sluice::test
