// SPDX-License-Identifier: GPL-2.0-or-later
// A forward is a mapping for good: what its internal endpoint sends leaves from the external one.
#include <netinet/in.h>

#include "tests/packet/scenario.hpp"

namespace sluice::test {
namespace {

class ForwardSource : public GateTest {
protected:
    void SetUp() override {
        GateTest::SetUp();
        ask_each_time();
    }
    void TearDown() override {
        EXPECT_TRUE(ip_batch("route replace default via 192.0.2.254 dev wan0\n"));
        GateTest::TearDown();
    }
    static void forward_to_a() { gate().forward(IPPROTO_UDP, external, 5000, vm_a.v4, 4000, wan0); }
    static Packet asked(std::uint16_t sport = 4000) {
        return a_to_server4() / Udp{.sport = sport, .dport = 53} / payload(8);
    }
    static Packet left(const Packet& in, std::uint16_t port) {
        return with_source(routed(in, wan0, router), external, port);
    }
    /// What the server says to the external address.
    static Packet told(std::uint16_t port) {
        return server_to(external) / Udp{.sport = 53, .dport = port} / payload(9);
    }
    static Packet at_a(const Packet& told) {
        return routed(with_destination(told, vm_a.v4, 4000), lan0, vm_a);
    }
};

TEST_F(ForwardSource, OfWhatIsMasqueraded) {
    masquerade_a();
    forward_to_a();
    expect_both(lan0, asked(), left(asked(), 5000));
    expect_both(wan0, told(5000), at_a(told(5000)));
    expect_both(lan0, asked(4001), left(asked(4001), 4001));
    EXPECT_EQ(gate().pool_stats(0, SL_L4_UDP).in_use, 1u) << "the forward has its port already";
}

TEST_F(ForwardSource, OfWhatIsOnlyRouted) {
    forward_to_a();
    expect_both(lan0, asked(), left(asked(), 5000));
    expect_both(wan0, told(5000), at_a(told(5000)));
    expect_both(lan0, asked(4001), routed(asked(4001), wan0, router));
}

// By the server's own session it is asked, and says what comes to its mind once that has ended.
TEST_F(ForwardSource, WhoeverSpeaksFirst) {
    forward_to_a();
    expect_both(wan0, told(5000), at_a(told(5000)));
    expect_both(lan0, asked(), left(asked(), 5000));
}

TEST_F(ForwardSource, OfItsOwnProtocolAndUplinkAlone) {
    forward_to_a();
    const Packet tcp = a_to_server4() / Tcp{.sport = 4000, .dport = 53, .flags = SYN};
    expect_forward(Hook::tc, lan0, tcp, routed(tcp, wan0, router));
    ASSERT_TRUE(ip_batch("route replace default via 198.51.100.9 dev thin0\n"));
    expect_both(lan0, asked(), routed(asked(), thin0, thin_host));
}

TEST_F(ForwardSource, ToAServiceByItsExternalAddress) {
    masquerade_a();
    forward_to_a();
    gate().forward(IPPROTO_UDP, external, 5001, vm_b.v4, 53, wan0);
    const Packet in = to_gateway(vm_a, lan0) / Ip4{.src = vm_a.v4, .dst = external} /
                      Udp{.sport = 4000, .dport = 5001} / payload(8);
    expect_both(lan0, in,
                with_source(with_destination(routed(in, lan1, vm_b), vm_b.v4, 53), external, 5000));
}

TEST_F(ForwardSource, ChangesUnderARunningFlow) {
    expect_both(lan0, asked(), routed(asked(), wan0, router));
    forward_to_a();
    expect_both(lan0, asked(), left(asked(), 5000));
    gate().unforward(IPPROTO_UDP, external, 5000);
    expect_both(lan0, asked(), routed(asked(), wan0, router));
}

TEST_F(ForwardSource, AMasqueradedFlowLivesOn) {
    masquerade_a();
    expect_both(lan0, asked(), left(asked(), 4000));
    forward_to_a();
    expect_both(lan0, asked(), left(asked(), 4000));
    expect_both(wan0, told(4000), at_a(told(4000)));
}

// Its answers would be taken for the other session's, which nobody has answered for: it gives way.
TEST_F(ForwardSource, WhatNobodyAnsweredGivesWay) {
    ASSERT_TRUE(ip_batch("route replace default via 198.51.100.9 dev thin0\n"));
    forward_to_a();
    expect_both(lan0, asked(), routed(asked(), thin0, thin_host));
    ASSERT_TRUE(ip_batch("route replace default via 192.0.2.254 dev wan0\n"));
    expect_both(wan0, told(5000), at_a(told(5000)));
    EXPECT_EQ(gate().flows4().entries().size(), 2u) << "one session";
}

// An established connection does not, whatever else changed meanwhile.
TEST_F(ForwardSource, WhatWasAnsweredStays) {
    forward_to_a();
    gate().forward(IPPROTO_UDP, external, 5001, vm_a.v4, 4000, wan0);
    expect_both(wan0, told(5000), at_a(told(5000)));
    expect_both(lan0, asked(), left(asked(), 5000));
    expect_drop(Hook::tc, wan0, told(5001), SL_DROP_COLLISION);
    gate().forward(IPPROTO_UDP, external, 9999, vm_b.v4, 9999, wan0);
    expect_drop(Hook::tc, wan0, told(5001), SL_DROP_COLLISION);
    // Unless it is not what the rules say any more.
    gate().unforward(IPPROTO_UDP, external, 5000);
    expect_both(wan0, told(5001), at_a(told(5001)));
}

}  // namespace
}  // namespace sluice::test
