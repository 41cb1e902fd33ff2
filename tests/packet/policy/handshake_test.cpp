// SPDX-License-Identifier: GPL-2.0-or-later
// Who may open a TCP connection is the one side alone, whatever the other sends.
#include "tests/packet/policy/routed.hpp"

namespace sluice::test {
namespace {

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

}  // namespace
}  // namespace sluice::test
