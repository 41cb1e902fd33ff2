// SPDX-License-Identifier: GPL-2.0-or-later
// Priority tags (VID 0): to the router a frame that has no other tag is untagged, wherever it goes
// and wherever the tag stands, in the frame or beside it.
#include <netinet/in.h>

#include <vector>

#include "tests/packet/scenario.hpp"
#include "tests/packet/switch/scenario.hpp"

namespace sluice::test {
namespace {

const Vlan priority{.vid = 0, .pcp = 5};
const Vlan service_priority{.vid = 0, .pcp = 3, .tpid = 0x88a8};

/// The frame with tags in it, as BPF_PROG_TEST_RUN brings it before both hooks.
class PriorityTag : public GateTest {
protected:
    /// XDP leaves it to TC, which sends what it would send of the untagged frame.
    static void expect_untagged(const Link& by, const Packet& in, const Packet& out) {
        const Packet once = tagged(in, priority);
        for (const Packet& with :
             {once, tagged(in, service_priority), tagged(once, service_priority)}) {
            expect_pass(Hook::xdp, by, with);
            expect_forward(Hook::tc, by, with, out);
        }
    }
};

TEST_F(PriorityTag, RoutedInBothFamilies) {
    const Packet in4 = a_to_server4() / udp / payload(30), in6 = a_to_server6() / udp / payload(30);
    expect_untagged(lan0, in4, routed(in4, wan0, router));
    expect_untagged(lan0, in6, routed(in6, wan0, router));
    const Packet tcp = a_to_server4() / Tcp{.sport = 9, .dport = 80, .flags = SYN};
    expect_untagged(lan0, tcp, routed(tcp, wan0, router));
    EXPECT_EQ(gate().flows4().entries().size(), 4u) << "as if it had no tag";
}

TEST_F(PriorityTag, MasqueradedAndBack) {
    masquerade_a();
    const Packet out = a_to_server4() / udp / payload(30);
    expect_untagged(lan0, out, with_source(routed(out, wan0, router), external, 4000));
    const Packet answer = server_to(external) / Udp{.sport = 53, .dport = 4000} / payload(9);
    expect_untagged(wan0, answer, with_destination(routed(answer, lan0, vm_a), vm_a.v4, 4000));
    const Packet echo = a_to_server4() / echo_request4(5000) / payload(20);
    expect_untagged(lan0, echo, with_source(routed(echo, wan0, router), external, 5000));
}

TEST_F(PriorityTag, ToAForward) {
    gate().forward(IPPROTO_UDP, external, 5000, vm_a.v4, 53, wan0);
    const Packet in = server_to(external) / Udp{.sport = 999, .dport = 5000} / payload(20);
    expect_untagged(wan0, in, with_destination(routed(in, lan0, vm_a), vm_a.v4, 53));
}

TEST_F(PriorityTag, OfFragments) {
    masquerade_a();
    const auto whole = a_to_server4() / udp / payload(200);
    const auto sent = fragments(whole, 64);
    const auto left = fragments(with_source(routed(whole, wan0, router), external, 4000), 64);
    for (std::size_t i = 0; i < sent.size(); ++i)
        expect_forward(Hook::tc, lan0, tagged(sent[i], priority), left[i]);
}

// What is left to the kernel it gets without the tags that it would take off itself.
TEST_F(PriorityTag, ToTheHostItself) {
    const Packet in = to_gateway(vm_a, lan0) / Ip4{.src = vm_a.v4, .dst = ip("10.0.0.1")} /
                      echo_request4(1) / payload(20);
    for (const Packet& with : {tagged(in, priority), tagged(tagged(in, priority), priority)}) {
        const Outcome got = send(Hook::tc, lan0, serialise(with));
        EXPECT_EQ(got.verdict, Verdict::pass);
        EXPECT_EQ(got.packet, serialise(in));
    }
}

TEST_F(PriorityTag, IsNotTakenOffBeforeTheGuard) {
    gate().set_guard(lan0, guard_of(vm_a, all_checks & ~std::uint32_t{SL_GUARD_TAG}));
    const Packet in = a_to_server4() / udp / payload(30);
    expect_untagged(lan0, in, routed(in, wan0, router));
    Packet spoofed = in;
    spoofed.get<Ip4>().src = vm_b.v4;
    expect_drop(Hook::tc, lan0, tagged(spoofed, priority), SL_DROP_GUARD_IP);
}

/// With the tag beside the frame, where the kernel puts it before TC sees it.
class PriorityTagBeside : public SwitchTest {
protected:
    void SetUp() override {
        SwitchTest::SetUp();
        lan_ = rig().join(lan0);
        wan_ = rig().join(wan0);
    }
    void expect_out(const Packet& in, const Packet& out) {
        expect_copies(Way::tc, lan_, in, {{wan_, out}});
    }

    std::size_t lan_ = 0, wan_ = 0;
};

TEST_F(PriorityTagBeside, RoutedAndMasqueraded) {
    const Packet in6 = a_to_server6() / udp / payload(30);
    expect_out(tagged(in6, priority), routed(in6, wan0, router));
    gate().masquerade(ip("10.0.0.0"), 24, wan0, {external}, 1024, 65535);
    const Packet in = a_to_server4() / udp / payload(30);
    const Packet out = with_source(routed(in, wan0, router), external, 4000);
    expect_out(tagged(in, priority), out);
    expect_out(tagged(tagged(in, priority), priority), out);
    expect_out(tagged(tagged(in, service_priority), priority), out);
    expect_out(in, out);
}

}  // namespace
}  // namespace sluice::test
