// SPDX-License-Identifier: GPL-2.0-or-later
// Events: what is dropped or would be is reported, once a second for each port and reason, with the
// frame's beginning.
#include <chrono>
#include <thread>

#include "tests/packet/claims.hpp"
#include "tests/packet/scenario.hpp"

namespace sluice::test {
namespace {

class Events : public GateTest {
protected:
    void SetUp() override {
        GateTest::SetUp();
        gate().set_guard(lan0, guard_of(vm_a));
    }
    static Packet forged(std::size_t length = 200) {
        return Eth{.dst = lan0.mac, .src = stranger_mac} / Ip4{.src = vm_a.v4, .dst = server.v4} /
               Udp{.sport = 1, .dport = 2} / payload(length);
    }
    static void drop(Hook hook, const Packet& in) {
        EXPECT_EQ(send(hook, lan0, serialise(in)).verdict, Verdict::drop);
    }
};

TEST_F(Events, ADropWithTheFramesBeginning) {
    for (const Hook hook : {Hook::tc, Hook::xdp}) {
        gate().reset();
        gate().set_guard(lan0, guard_of(vm_a));
        const Bytes frame = serialise(forged());
        drop(hook, forged());
        const auto events = gate().events();
        ASSERT_EQ(events.size(), 1u) << hook_text(hook);
        const sl_event& event = events[0];
        EXPECT_EQ(event.number, 1u);
        EXPECT_GT(event.time, 0u);
        EXPECT_EQ(event.kind, SL_EVENT_DROP);
        EXPECT_EQ(event.reason, SL_DROP_GUARD_MAC);
        EXPECT_EQ(event.port, lan0.id);
        EXPECT_EQ(event.egress, 0);
        EXPECT_EQ(event.repeats, 0u);
        EXPECT_EQ(event.frame_len, frame.size());
        ASSERT_EQ(event.header_len, SL_EVENT_HEADER);
        EXPECT_EQ(Bytes(event.header, event.header + SL_EVENT_HEADER),
                  Bytes(frame.begin(), frame.begin() + SL_EVENT_HEADER));
    }
}

TEST_F(Events, AShortFrameIsThereWhole) {
    const Packet in = Eth{.dst = everybody, .src = vm_a.mac, .type = 0x88b5} / payload(46);
    const Bytes frame = serialise(in);
    drop(Hook::tc, in);
    const auto events = gate().events();
    ASSERT_EQ(events.size(), 1u);
    ASSERT_EQ(events[0].header_len, frame.size());
    EXPECT_EQ(Bytes(events[0].header, events[0].header + frame.size()), frame);
}

TEST_F(Events, OneForEachReasonAndPort) {
    gate().set_guard(lan1, guard_of(vm_b));
    const Packet lldp = Eth{.dst = everybody, .src = vm_a.mac, .type = 0x88cc} / payload(46);
    for (int i = 0; i < 5; ++i) {
        drop(Hook::tc, forged());
        drop(Hook::xdp, lldp);
        EXPECT_EQ(send(Hook::tc, lan1, serialise(forged())).verdict, Verdict::drop);
    }
    const auto events = gate().events();
    ASSERT_EQ(events.size(), 3u);
    EXPECT_EQ(events[0].reason, SL_DROP_GUARD_MAC);
    EXPECT_EQ(events[1].reason, SL_DROP_GUARD_ETHERTYPE);
    EXPECT_EQ(events[2].port, lan1.id);
}

// What the limit held back is told by the next one.
TEST_F(Events, Repeats) {
    for (int i = 0; i < 7; ++i) drop(i % 2 ? Hook::tc : Hook::xdp, forged());
    ASSERT_EQ(gate().events().size(), 1u);
    std::this_thread::sleep_for(std::chrono::milliseconds(1100));
    for (int i = 0; i < 2; ++i) drop(Hook::tc, forged());
    const auto events = gate().events();
    ASSERT_EQ(events.size(), 2u);
    EXPECT_EQ(events[1].number, 2u);
    EXPECT_EQ(events[1].repeats, 6u);
    EXPECT_GT(events[1].time - events[0].time, 900'000'000u);
}

TEST_F(Events, AnAudit) {
    gate().set_guard(lan0, guard_of(vm_a, all_checks | SL_GUARD_AUDIT));
    EXPECT_EQ(send(Hook::xdp, lan0, serialise(forged())).verdict, Verdict::pass);
    EXPECT_TRUE(gate().events().empty()) << "TC reports it";
    send(Hook::tc, lan0, serialise(forged()));
    const auto events = gate().events();
    ASSERT_EQ(events.size(), 1u);
    EXPECT_EQ(events[0].kind, SL_EVENT_AUDIT);
    EXPECT_EQ(events[0].reason, SL_DROP_GUARD_MAC);
}

// Also those of other stages; a packet that is answered by an ICMP error shows as it came.
TEST_F(Events, EveryDropOfOtherStages) {
    const Packet expired = to_gateway(vm_a, lan0) /
                           Ip4{.src = vm_a.v4, .dst = server.v4, .ttl = 1} /
                           Udp{.sport = 1, .dport = 2} / payload(20);
    const Bytes frame = serialise(expired);
    EXPECT_EQ(send(Hook::tc, lan0, frame).verdict, Verdict::forward) << "the error goes back";
    masquerade_a();
    const Packet untranslated = from_gateway(wan0, router) / Ip4{.src = vm_a.v4, .dst = server.v4} /
                                Udp{.sport = 1, .dport = 2};
    EXPECT_EQ(send(Hook::egress, wan0, serialise(untranslated)).verdict, Verdict::drop);
    const auto events = gate().events();
    ASSERT_EQ(events.size(), 2u);
    EXPECT_EQ(events[0].reason, SL_DROP_TTL_EXCEEDED);
    EXPECT_EQ(events[0].frame_len, frame.size());
    EXPECT_EQ(Bytes(events[0].header, events[0].header + events[0].header_len), frame);
    EXPECT_EQ(events[1].reason, SL_DROP_UNTRANSLATED);
    EXPECT_EQ(events[1].port, wan0.id);
    EXPECT_EQ(events[1].egress, 1);
}

// One port has a burst of events and then one a while, however much it has to tell; another port's
// are written, and so are those of its own that are not about single frames.
TEST_F(Events, NoPortTakesTheRing) {
    gate().set_guard(lan1, guard_of(vm_b));
    const auto limits = gate().map<__u32, sl_event_limit>("sl_event_limits");
    const __u32 subject = lan0.id * SL_EVENT_SUBJECTS + SL_DROP_GUARD_MAC;
    const auto drop_anew = [&] {  // as if a second had gone by, or it were another reason
        limits.put(subject, {.last = 0, .counted = limits.get(subject)->counted});
        drop(Hook::tc, forged());
    };
    for (std::uint32_t i = 0; i < 3 * SL_EVENT_BURST; ++i) drop_anew();
    const std::size_t written = gate().events().size();
    EXPECT_GE(written, SL_EVENT_BURST);
    EXPECT_LE(written, SL_EVENT_BURST + 3) << "what a slow machine saves up meanwhile";
    EXPECT_EQ(send(Hook::tc, lan1, serialise(forged())).verdict, Verdict::drop);
    ASSERT_EQ(gate().events().size(), written + 1);
    EXPECT_EQ(gate().events().back().port, lan1.id);
    // Later it has one more, which tells how many there were.
    const auto budget = lan0.id * SL_EVENT_SUBJECTS + SL_EVENT_BUDGET_FRAMES;
    limits.put(budget, {.last = limits.get(budget)->last - SL_EVENT_COST, .counted = 0});
    drop_anew();
    const auto events = gate().events();
    ASSERT_GE(events.size(), written + 2);
    EXPECT_EQ(events[written + 1].port, lan0.id);
    std::uint32_t told = 0;
    for (const sl_event& event : events)
        if (event.port == lan0.id) told += 1 + event.repeats;
    EXPECT_EQ(told, 3 * SL_EVENT_BURST + 1);
}

// The ring goes round: the newest SL_EVENTS are there, each in its slot.
TEST_F(Events, TheRingKeepsTheNewest) {
    const auto head = gate().map<__u32, sl_event_head>("sl_event_head");
    head.put(0, {SL_EVENTS});
    drop(Hook::tc, forged());
    const auto slot = gate().map<__u32, sl_event>("sl_events").get(0);
    ASSERT_TRUE(slot);
    EXPECT_EQ(slot->number, SL_EVENTS + 1);
    EXPECT_EQ(head.get(0)->newest, SL_EVENTS + 1);
}

}  // namespace
}  // namespace sluice::test
