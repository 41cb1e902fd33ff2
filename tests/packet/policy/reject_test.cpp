// SPDX-License-Identifier: GPL-2.0-or-later
// Who is told that a packet was rejected, and how.
#include "tests/packet/policy/routed.hpp"

namespace sluice::test {
namespace {

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

}  // namespace
}  // namespace sluice::test
