// SPDX-License-Identifier: GPL-2.0-or-later
// What a guard takes up on its own: other source MACs, up to a bound or one at a time, and the end
// of them. The rate of DHCP requests.
#include <chrono>
#include <functional>
#include <thread>

#include "tests/packet/claims.hpp"
#include "tests/packet/scenario.hpp"

namespace sluice::test {
namespace {

Mac nested(std::uint8_t number) { return {2, 0xaa, 0, 0, 0, number}; }

sl_port_mac learned_key(const Mac& mac) {
    sl_port_mac key{};
    key.port = lan0.id;
    std::copy(mac.begin(), mac.end(), key.mac);
    return key;
}

class Learning : public GateTest {
protected:
    static Packet from(const Mac& mac) {
        return Eth{.dst = stranger_mac, .src = mac} / Ip4{.src = vm_a.v4, .dst = server.v4} /
               Udp{.sport = 1, .dport = 2};
    }
    static Verdict sent_by(const Mac& mac, Hook hook = Hook::tc) {
        return send(hook, lan0, serialise(from(mac))).verdict;
    }
    static void guard(std::uint16_t learn, std::uint32_t more_checks = 0) {
        GuardConfig config = guard_of(vm_a, all_checks | more_checks);
        config.learn = learn;
        gate().set_guard(lan0, config);
    }
    static auto learned() { return gate().map<sl_port_mac, sl_learned_mac>("sl_learned_macs"); }
};

TEST_F(Learning, UpToTheBound) {
    guard(3);
    for (std::uint8_t i = 0; i < 3; ++i) EXPECT_EQ(sent_by(nested(i)), Verdict::pass);
    EXPECT_EQ(gate().guard_state(lan0).learned, 3u);
    for (int round = 0; round < 2; ++round) {
        EXPECT_EQ(sent_by(nested(3)), Verdict::drop);
        EXPECT_EQ(sent_by(nested(1)), Verdict::pass);
        EXPECT_EQ(sent_by(vm_a.mac), Verdict::pass);
    }
    EXPECT_EQ(gate().guard_state(lan0).learned, 3u);
    EXPECT_EQ(learned().entries().size(), 3u);
    const auto events = gate().events();
    ASSERT_GE(events.size(), 1u);
    EXPECT_EQ(events[0].kind, SL_EVENT_MAC_LEARNED);
    EXPECT_EQ(gate().drops(lan0.id, SL_DROP_GUARD_MAC).packets, 2u);
}

// XDP learns nothing: it leaves the frame to TC, and accepts what TC saw within the second.
TEST_F(Learning, IsLeftToTcByXdp) {
    guard(1);
    expect_pass(Hook::xdp, lan0, from(nested(0)));
    EXPECT_TRUE(learned().entries().empty());
    EXPECT_EQ(sent_by(nested(0)), Verdict::pass);
    Packet routed_one = a_to_server4() / Udp{.sport = 1, .dport = 2};
    routed_one.get<Eth>().src = nested(0);
    const std::uint32_t now = epoch_now();
    learned().put(learned_key(nested(0)), {now});
    const Verdict fresh = send(Hook::xdp, lan0, serialise(routed_one)).verdict;
    EXPECT_TRUE(fresh == Verdict::forward || epoch_now() != now);
    learned().put(learned_key(nested(0)), {now - 5});
    EXPECT_EQ(send(Hook::xdp, lan0, serialise(routed_one)).verdict, Verdict::pass);
    EXPECT_EQ(send(Hook::tc, lan0, serialise(routed_one)).verdict, Verdict::forward);
    EXPECT_GE(learned().get(learned_key(nested(0)))->last_seen, now);
}

TEST_F(Learning, NeverWhatIsLeased) {
    guard(4, SL_GUARD_MAC_CHANGE);
    gate().lease(nested(0), {});
    EXPECT_EQ(sent_by(nested(0)), Verdict::drop);
    EXPECT_TRUE(learned().entries().empty());
    EXPECT_EQ(gate().guard_state(lan0).changed_mac, 0u);
    // Leased after it was learned: given up.
    EXPECT_EQ(sent_by(nested(1)), Verdict::pass);
    learned().put(learned_key(nested(1)), {epoch_now() - 5});
    gate().lease(nested(1), {});
    EXPECT_EQ(sent_by(nested(1)), Verdict::drop);
    EXPECT_TRUE(learned().entries().empty());
    EXPECT_EQ(gate().guard_state(lan0).learned, 0u);
}

TEST_F(Learning, NobodysMacsAreNot) {
    guard(4, SL_GUARD_MAC_CHANGE);
    for (const Mac& mac : {Mac{}, everybody, Mac{3, 0, 0, 0, 0, 1}})
        for (const Hook hook : {Hook::xdp, Hook::tc}) EXPECT_EQ(sent_by(mac, hook), Verdict::drop);
    EXPECT_TRUE(learned().entries().empty());
}

TEST_F(Learning, ItsLinkLocalAddressIsThePortsOwn) {
    guard(1);
    Packet in = Eth{.dst = stranger_mac, .src = nested(0)} /
                Ip6{.src = link_local(nested(0)), .dst = server.v6} / Udp{.sport = 1, .dport = 2};
    EXPECT_EQ(send(Hook::tc, lan0, serialise(in)).verdict, Verdict::pass);
    in.get<Ip6>().src = link_local(nested(1));
    expect_drop(Hook::tc, lan0, in, SL_DROP_GUARD_IP);
}

TEST_F(Learning, AChangedMacIsOneAtATime) {
    guard(0, SL_GUARD_MAC_CHANGE);
    expect_pass(Hook::xdp, lan0, from(nested(0)));
    EXPECT_EQ(sent_by(nested(0)), Verdict::pass);
    EXPECT_EQ(gate().guard_state(lan0).changed_mac, mac_number(nested(0)));
    EXPECT_EQ(sent_by(nested(1)), Verdict::drop);
    EXPECT_EQ(sent_by(vm_a.mac), Verdict::pass);
    // Silent for more than a second: the VM has changed it again.
    sl_guard_state state = gate().guard_state(lan0);
    state.changed_seen -= 2;
    gate().map<__u32, sl_guard_state>("sl_guard_states").put(lan0.id, state);
    EXPECT_EQ(sent_by(nested(1)), Verdict::pass);
    EXPECT_EQ(sent_by(nested(0)), Verdict::drop);
    EXPECT_EQ(gate().guard_state(lan0).changed_mac, mac_number(nested(1)));
    // No longer allowed: what was noted does not count.
    guard(0);
    EXPECT_EQ(sent_by(nested(1)), Verdict::drop);
}

class DhcpRate : public GateTest {
protected:
    static int accepted(int requests, Hook hook = Hook::tc) {
        int count = 0;
        const Bytes frame = serialise(dhcp_request(vm_a.mac, {.chaddr = vm_a.mac}));
        for (int i = 0; i < requests; ++i)
            count += send(hook, lan0, frame).verdict == Verdict::pass;
        return count;
    }
    /// The bucket as it was some ticks after it was last filled: by a request, which is let in.
    static void set_bucket(std::uint32_t tokens, std::uint32_t ticks_ago) {
        const auto states = gate().map<__u32, sl_guard_state>("sl_guard_states");
        states.put(lan0.id, {});
        EXPECT_EQ(accepted(1), 1);
        sl_guard_state state = gate().guard_state(lan0);
        state.dhcp_tokens = tokens;
        state.dhcp_filled -= ticks_ago;
        states.put(lan0.id, state);
    }
    static void guard(std::uint16_t rate) {
        GuardConfig config = guard_of(vm_a);
        config.dhcp_rate = rate;
        gate().set_guard(lan0, config);
    }
};

TEST_F(DhcpRate, AsManyAtOnceAsASecondAllows) {
    guard(1);
    EXPECT_EQ(accepted(5), 1);
    EXPECT_EQ(gate().drops(lan0.id, SL_DROP_GUARD_DHCP_RATE).packets, 4u);
    EXPECT_EQ(accepted(5, Hook::xdp), 5) << "TC counts them";
    // Another packet is no request.
    const Packet udp = Eth{.dst = stranger_mac, .src = vm_a.mac} /
                       Ip4{.src = vm_a.v4, .dst = server.v4} / Udp{.sport = 68, .dport = 69};
    expect_pass(Hook::tc, lan0, udp);
}

TEST_F(DhcpRate, TimeFillsTheBucketUpToTheRate) {
    guard(20);
    set_bucket(0, 0);
    EXPECT_LE(accepted(100), 10) << "what a loop of microseconds earns";
    set_bucket(0, 954 / 2);
    const int half = accepted(100);
    EXPECT_GE(half, 10);
    EXPECT_LE(half, 20);
    set_bucket(20, 954 * 60);
    const int full = accepted(100);
    EXPECT_GE(full, 20);
    EXPECT_LE(full, 30);
}

TEST_F(DhcpRate, TheBucketHoldsNoMoreThanASecond) {
    guard(1000);
    set_bucket(1000, 954 / 2);
    EXPECT_EQ(accepted(1), 1);
    EXPECT_EQ(gate().guard_state(lan0).dhcp_tokens, 999u);
}

// More than one a tick.
TEST_F(DhcpRate, ALargeRateIsOneToo) {
    guard(3000);
    set_bucket(0, 0);
    EXPECT_LT(accepted(3000), 2000) << "what a loop of microseconds earns";
}

TEST_F(DhcpRate, CountsRequestsOfIpv6Too) {
    guard(2);
    const Packet solicit = Eth{.dst = {0x33, 0x33, 0, 1, 0, 2}, .src = vm_a.mac} /
                           Ip6{.src = link_local(vm_a.mac), .dst = ip("ff02::1:2")} /
                           Udp{.sport = 546, .dport = 547} / payload(30);
    set_bucket(1, 0);
    expect_pass(Hook::tc, lan0, solicit);
    expect_drop(Hook::tc, lan0, solicit, SL_DROP_GUARD_DHCP_RATE);
}

// The kernel timer ends what was learned: MACs after a silence, addresses with their lease.
TEST(GuardSweeper, EndsWhatWasLearned) {
    auto loaded = Gate::load();
    ASSERT_TRUE(loaded) << loaded.error().message;
    Gate& gate = **loaded;
    const auto macs = gate.map<sl_port_mac, sl_learned_mac>("sl_learned_macs");
    const auto addrs = gate.map<sl_port_addr, sl_learned_addr>("sl_learned_addrs");
    const std::uint32_t now = epoch_now();
    macs.put(learned_key(nested(0)), {now - 290});
    macs.put(learned_key(nested(1)), {now - 200});
    sl_guard_state state{};
    state.learned = 2;
    gate.map<__u32, sl_guard_state>("sl_guard_states").put(lan0.id, state);
    sl_learned_addr ended{}, running{};
    ended.expires = now;
    running.expires = now + 60;
    addrs.put({vm_a.v4, lan0.id}, ended);
    addrs.put({vm_b.v4, lan0.id}, running);
    ASSERT_TRUE(gate.start_sweeper());
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(4);
    while (std::chrono::steady_clock::now() < end &&
           (macs.entries().size() > 1 || addrs.entries().size() > 1))
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
    EXPECT_FALSE(macs.get(learned_key(nested(0))));
    EXPECT_TRUE(macs.get(learned_key(nested(1))));
    EXPECT_EQ(gate.guard_state(lan0).learned, 1u);
    EXPECT_FALSE(addrs.get({vm_a.v4, lan0.id}));
    EXPECT_TRUE(addrs.get({vm_b.v4, lan0.id}));
}

}  // namespace
}  // namespace sluice::test
