// What leaves by a guarded port: delivery to the port's own MACs alone, DHCP snooping. And what
// the guard keeps away from flows that exist already.
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
    static auto snooped() { return gate().map<sl_port_addr, sl_learned_addr>("sl_learned_addrs"); }
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

Packet ack(const Bootp& bootp, const Mac& to = everybody) {
    return Eth{.dst = to, .src = lan0.mac} / Ip4{.src = ip("10.0.0.1"), .dst = bootp.given} /
           Udp{.sport = 67, .dport = 68} / bootp_body(bootp);
}

class Snooping : public GuardEgress {
protected:
    void SetUp() override {
        GuardEgress::SetUp();
        guard({.macs = {vm_a.mac}}, SL_GUARD_SNOOP);
    }
    static Bootp answer() {
        return {.op = 2, .chaddr = vm_a.mac, .given = vm_a.v4, .message = 5, .seconds = 600};
    }
    static Verdict sent() {
        const Packet in = Eth{.dst = stranger_mac, .src = vm_a.mac} /
                          Ip4{.src = vm_a.v4, .dst = server.v4} / Udp{.sport = 1, .dport = 2};
        const Verdict xdp = send(Hook::xdp, lan0, serialise(in)).verdict;
        const Verdict tc = send(Hook::tc, lan0, serialise(in)).verdict;
        EXPECT_EQ(xdp, tc);
        return tc;
    }
    static void expect_nothing_learned(const Packet& in) {
        expect_pass(Hook::egress, lan0, in);
        EXPECT_TRUE(snooped().entries().empty());
        EXPECT_EQ(sent(), Verdict::drop);
    }
};

TEST_F(Snooping, AnAckGivesTheAddressForAsLongAsItsLease) {
    EXPECT_EQ(sent(), Verdict::drop);
    const std::uint32_t before = epoch_now();
    expect_pass(Hook::egress, lan0, ack(answer()));
    const auto learned = snooped().get({vm_a.v4, lan0.id});
    ASSERT_TRUE(learned);
    const std::uint32_t length = 600'000'000'000 >> SL_EPOCH_SHIFT;
    EXPECT_GE(learned->expires, before + length);
    EXPECT_LE(learned->expires, epoch_now() + length + 1);
    EXPECT_TRUE(std::equal(vm_a.mac.begin(), vm_a.mac.end(), learned->mac));
    EXPECT_EQ(sent(), Verdict::pass);
    std::size_t told = 0;
    for (const sl_event& event : gate().events()) told += event.kind == SL_EVENT_ADDRESS_SNOOPED;
    EXPECT_EQ(told, 1u);
    sl_learned_addr ended = *learned;
    ended.expires = before;
    snooped().put({vm_a.v4, lan0.id}, ended);
    EXPECT_EQ(sent(), Verdict::drop);
}

TEST_F(Snooping, OptionsInAnyPlace) {
    Bootp padded = answer();
    padded.more_options = {0, 0, 54, 4, 10, 0, 0, 1, 12, 3, 'v', 'm', '1', 0};
    expect_pass(Hook::egress, lan0, ack(padded, vm_a.mac));
    EXPECT_EQ(sent(), Verdict::pass);
}

TEST_F(Snooping, ForEver) {
    Bootp forever = answer();
    forever.seconds = 0xffffffff;
    expect_pass(Hook::egress, lan0, ack(forever));
    EXPECT_EQ(snooped().get({vm_a.v4, lan0.id})->expires, 0xffffffffu);
}

TEST_F(Snooping, OtherAnswersTeachNothing) {
    Bootp offer = answer(), others = answer(), timeless = answer(), inform = answer(),
          request = answer(), long_address = answer();
    offer.message = 2;
    others.chaddr = vm_b.mac;
    timeless.seconds = std::nullopt;
    inform.given = ip("0.0.0.0");
    request.op = 1;
    long_address.hardware_length = 16;
    for (const Bootp& each : {offer, others, timeless, inform, request, long_address})
        expect_nothing_learned(ack(each));
    Packet other_port = ack(answer());
    other_port.get<Udp>().sport = 68;
    expect_nothing_learned(other_port);
    other_port.get<Udp>() = {.sport = 67, .dport = 67};
    expect_nothing_learned(other_port);
    expect_nothing_learned(fragments(ack(answer()), 256)[0]);
    // What is behind the packet's end is padding.
    Bytes cut = serialise(ack(answer()));
    cut.resize(cut.size() - 7);
    cut[16] = 1;
    cut[17] = static_cast<std::uint8_t>(cut.size() - 14 - 256);
    cut.resize(cut.size() + 7);
    send(Hook::egress, lan0, cut);
    EXPECT_TRUE(snooped().entries().empty());
}

// An answer that sluice itself routes (to a client that renews its lease) goes by the egress
// program, as if it came through a segment: XDP leaves it, TC does not count it as sent.
TEST_F(Snooping, RoutedAnswersAreSeenToo) {
    const Packet in = server_to(vm_a.v4) / Udp{.sport = 67, .dport = 68} / bootp_body(answer());
    expect_pass(Hook::xdp, wan0, in);
    expect_forward(Hook::tc, wan0, in, routed(in, lan0, vm_a));
    EXPECT_EQ(gate().port_stats(lan0.id).tx[SL_COUNT_FORWARDED].packets, 0u);
    EXPECT_EQ(gate().port_stats(0).tx[SL_COUNT_FORWARDED].packets, 1u);
    const Packet other = server_to(vm_a.v4) / Udp{.sport = 53, .dport = 68} / payload(9);
    expect_both(wan0, other, routed(other, lan0, vm_a));
    EXPECT_EQ(gate().port_stats(lan0.id).tx[SL_COUNT_FORWARDED].packets, 3u);
}

TEST_F(Snooping, NotWithoutTheCheck) {
    guard({.macs = {vm_a.mac}}, SL_GUARD_DELIVERY);
    expect_nothing_learned(ack(answer()));
    // Nor does what was learned count any longer.
    sl_learned_addr entry{};
    entry.expires = epoch_now() + 60;
    snooped().put({vm_a.v4, lan0.id}, entry);
    EXPECT_EQ(sent(), Verdict::drop);
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
