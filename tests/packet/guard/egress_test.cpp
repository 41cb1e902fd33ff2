// SPDX-License-Identifier: GPL-2.0-or-later
// What leaves by a guarded port: delivery to the port's own MACs alone. And what the guard keeps
// away from flows that exist already.
#include <netinet/in.h>

#include <algorithm>

#include "tests/packet/claims.hpp"
#include "tests/packet/scenario.hpp"

namespace sluice::test {
namespace {

class GuardEgress : public GateTest {
protected:
    static void guard(GuardConfig config, std::uint32_t more_checks) {
        config.checks |= more_checks;
        gate().set_guard(lan0, config, SL_PORT_GUARD_EGRESS);
    }
    static Packet frame_to(const Mac& mac) {
        return Eth{.dst = mac, .src = lan0.mac} / Ip4{.src = server.v4, .dst = vm_a.v4} /
               Udp{.sport = 1, .dport = 2} / payload(9);
    }
};

TEST_F(GuardEgress, DeliversToThePortsOwnMacs) {
    GuardConfig config = guard_of(vm_a);
    config.standby = {vm_b.mac};
    guard(config, SL_GUARD_DELIVERY);
    for (const Mac& own : {vm_a.mac, vm_b.mac, everybody, all_nodes})
        expect_pass(Hook::egress, lan0, frame_to(own));
    expect_drop(Hook::egress, lan0, frame_to(stranger_mac), SL_DROP_GUARD_DELIVERY);
    expect_drop(Hook::egress, lan0,
                Eth{.dst = stranger_mac, .src = lan0.mac, .type = 0x88b5} / payload(46),
                SL_DROP_GUARD_DELIVERY);
    const auto events = gate().events();
    ASSERT_EQ(events.size(), 1u);
    EXPECT_EQ(events[0].egress, 1);
}

TEST_F(GuardEgress, DeliversToLearnedAndChangedMacs) {
    GuardConfig config = guard_of(vm_a);
    config.learn = 1;
    guard(config, SL_GUARD_DELIVERY | SL_GUARD_MAC_CHANGE);
    const Mac first{2, 0xaa, 0, 0, 0, 1}, second{2, 0xaa, 0, 0, 0, 2};
    for (const Mac& mac : {first, second}) {
        Packet in = a_to_server4() / Udp{.sport = 1, .dport = 2};
        in.get<Eth>().src = mac;
        EXPECT_EQ(send(Hook::tc, lan0, serialise(in)).verdict, Verdict::forward);
        expect_pass(Hook::egress, lan0, frame_to(mac));
    }
    expect_drop(Hook::egress, lan0, frame_to(stranger_mac), SL_DROP_GUARD_DELIVERY);
}

TEST_F(GuardEgress, DeliversAllWithoutTheCheckOrTheFlag) {
    guard(guard_of(vm_a), 0);
    expect_pass(Hook::egress, lan0, frame_to(stranger_mac));
    gate().set_guard(lan0, guard_of(vm_a, all_checks | SL_GUARD_DELIVERY));
    expect_pass(Hook::egress, lan0, frame_to(stranger_mac));
}

TEST_F(GuardEgress, LooksOnInAudit) {
    guard(guard_of(vm_a), SL_GUARD_DELIVERY | SL_GUARD_AUDIT);
    expect_pass(Hook::egress, lan0, frame_to(stranger_mac));
    EXPECT_EQ(gate().audits(lan0.id, SL_DROP_GUARD_DELIVERY).packets, 1u);
}

// Invariant 3: the guard runs before any accept, cache or NAT.
class GuardAndNat : public GateTest {
protected:
    void SetUp() override {
        GateTest::SetUp();
        masquerade_a();
        gate().forward(IPPROTO_TCP, external, 8080, vm_b.v4, 80, wan0);
    }
};

TEST_F(GuardAndNat, AForgedFrameNeverHitsAFlow) {
    const Udp udp{.sport = 4000, .dport = 53};
    Packet victims = a_to_server4() / udp / payload(20);
    Packet victims6 = a_to_server6() / udp / payload(20);
    for (const Packet& in : {victims, victims6})
        EXPECT_EQ(send(Hook::tc, lan0, serialise(in)).verdict, Verdict::forward);
    const auto flows = gate().flows4().entries();
    const auto flows6 = gate().flows6().entries();
    // Now lan0 is another VM's port.
    gate().set_guard(lan0, guard_of(vm_b));
    for (const Hook hook : {Hook::xdp, Hook::tc}) {
        for (Packet in : {victims, victims6}) {
            expect_drop(hook, lan0, in, SL_DROP_GUARD_MAC);
            in.get<Eth>().src = vm_b.mac;
            expect_drop(hook, lan0, in, SL_DROP_GUARD_IP);
        }
    }
    const auto after = gate().flows4().entries();
    ASSERT_EQ(after.size(), flows.size());
    for (const auto& [key, flow] : flows)
        EXPECT_EQ(gate().flows4().get(key)->packets, flow.packets);
    for (const auto& [key, flow] : flows6)
        EXPECT_EQ(gate().flows6().get(key)->packets, flow.packets);
}

TEST_F(GuardAndNat, OwnPacketsAreTranslatedAsEver) {
    gate().set_guard(lan0, guard_of(vm_a));
    const Packet in = a_to_server4() / Udp{.sport = 4000, .dport = 53} / payload(20);
    expect_both(lan0, in, with_source(routed(in, wan0, router), external, 4000));
}

}  // namespace
}  // namespace sluice::test
