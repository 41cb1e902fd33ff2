// SPDX-License-Identifier: GPL-2.0-or-later
// What the flow table remembers of a TCP connection, kept alike by both hooks.
#include <arpa/inet.h>
#include <netinet/in.h>

#include "tests/packet/scenario.hpp"

namespace sluice::test {
namespace {

class TcpState : public GateTest {
protected:
    void SetUp() override {
        GateTest::SetUp();
        masquerade_a();
    }

    static void client(std::uint8_t flags, Hook hook = Hook::tc) {
        const Packet in = a_to_server4() / Tcp{.sport = 40000, .dport = 80, .flags = flags};
        expect_forward(hook, lan0, in, with_source(routed(in, wan0, router), external, 40000));
    }
    static void remote(std::uint8_t flags, Hook hook = Hook::tc) {
        const Packet in = server_to(external) / Tcp{.sport = 80, .dport = 40000, .flags = flags};
        expect_forward(hook, wan0, in, with_destination(routed(in, lan0, vm_a), vm_a.v4, 40000));
    }
    /// Expects what each side is known to have sent.
    static void expect_seen(int by_client, int by_remote) {
        ASSERT_EQ(gate().flows4().entries().size(), 2u);
        for (const auto& [key, flow] : gate().flows4().entries())
            EXPECT_EQ(flow.tcp_seen, flow.flags & SL_FLOW_ORIG ? by_client : by_remote);
    }
    static void open() {
        client(SYN);
        remote(SYN | ACK);
        client(ACK);
    }
};

TEST_F(TcpState, Handshake) {
    client(SYN);
    expect_seen(SL_TCP_SYN, 0);
    remote(SYN | ACK);
    expect_seen(SL_TCP_SYN, SL_TCP_SYN | SL_TCP_ACK);
    client(ACK);
    expect_seen(SL_TCP_SYN | SL_TCP_ACK, SL_TCP_SYN | SL_TCP_ACK);
}

TEST_F(TcpState, HandshakeOnXdpButForTheSyn) {
    client(SYN);
    remote(SYN | ACK, Hook::xdp);
    client(ACK, Hook::xdp);
    expect_seen(SL_TCP_SYN | SL_TCP_ACK, SL_TCP_SYN | SL_TCP_ACK);
}

TEST_F(TcpState, SynIsLeftToTc) {
    open();
    expect_pass(Hook::xdp, lan0, a_to_server4() / Tcp{.sport = 40000, .dport = 80, .flags = SYN});
}

TEST_F(TcpState, FinOnEitherHook) {
    for (const Hook hook : {Hook::tc, Hook::xdp}) {
        gate().reset();
        masquerade_a();
        open();
        client(FIN | ACK, hook);
        expect_seen(SL_TCP_SYN | SL_TCP_ACK | SL_TCP_FIN, SL_TCP_SYN | SL_TCP_ACK);
        remote(FIN | ACK, hook);
        expect_seen(SL_TCP_SYN | SL_TCP_ACK | SL_TCP_FIN, SL_TCP_SYN | SL_TCP_ACK | SL_TCP_FIN);
    }
}

TEST_F(TcpState, RstOnEitherHook) {
    for (const Hook hook : {Hook::tc, Hook::xdp}) {
        gate().reset();
        masquerade_a();
        open();
        constexpr int both = SL_TCP_SYN | SL_TCP_ACK;
        for (int i = 0; i < 2; ++i) {
            remote(RST, hook);
            expect_seen(both, both | SL_TCP_RST | SL_TCP_RESET);
            client(ACK, hook);
            expect_seen(both, both | SL_TCP_RST | SL_TCP_RESET);
            remote(ACK, hook);
            expect_seen(both, both | SL_TCP_RST);
        }
    }
}

TEST_F(TcpState, ClosedTupleIsReopenedBySyn) {
    open();
    client(FIN | ACK);
    remote(FIN | ACK);
    client(ACK);
    client(SYN);
    expect_seen(SL_TCP_SYN, 0);
    remote(SYN | ACK, Hook::xdp);
    client(ACK, Hook::xdp);
    expect_seen(SL_TCP_SYN | SL_TCP_ACK, SL_TCP_SYN | SL_TCP_ACK);
    EXPECT_EQ(gate().bindings().entries().size(), 1u);
    EXPECT_EQ(gate().pool_stats(0, SL_L4_TCP).in_use, 1u);
}

TEST_F(TcpState, SynOfALiveConnectionChangesNothing) {
    open();
    client(SYN);  // a forged or late one
    expect_seen(SL_TCP_SYN | SL_TCP_ACK, SL_TCP_SYN | SL_TCP_ACK);
    remote(SYN);
    expect_seen(SL_TCP_SYN | SL_TCP_ACK, SL_TCP_SYN | SL_TCP_ACK);
}

TEST_F(TcpState, SynAfterAResetForgetsNothing) {
    constexpr int both = SL_TCP_SYN | SL_TCP_ACK;
    open();
    remote(RST);
    remote(SYN);
    expect_seen(both, both | SL_TCP_RST);
    client(RST);
    client(SYN);
    expect_seen(both | SL_TCP_RST, both | SL_TCP_RST);
}

TEST_F(TcpState, OneFinFinishesNothing) {
    constexpr int both = SL_TCP_SYN | SL_TCP_ACK;
    open();
    remote(FIN | ACK);
    client(SYN);
    remote(SYN);
    expect_seen(both, both | SL_TCP_FIN);
}

}  // namespace
}  // namespace sluice::test
