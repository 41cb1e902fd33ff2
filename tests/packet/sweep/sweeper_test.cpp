// SPDX-License-Identifier: GPL-2.0-or-later
// The end of sessions: a kernel timer alone removes them and gives their ports
// back. These tests wait for real time to pass, with timeouts of fractions of a
// second.
#include <netinet/in.h>

#include <algorithm>
#include <bit>
#include <chrono>
#include <functional>
#include <thread>

#include "tests/packet/scenario.hpp"

namespace sluice::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr std::uint32_t ticks(milliseconds time) {
    return static_cast<std::uint32_t>(time.count() * 1'000'000 >> SL_TICK_SHIFT);
}

class Sweeper : public testing::Test {
protected:
    static constexpr milliseconds patience{4000};

    void SetUp() override {
        auto loaded = Gate::load();
        ASSERT_TRUE(loaded) << loaded.error().message;
        gate_ = std::move(*loaded);
        gate_->masquerade(ip("10.0.0.0"), 24, wan0, {external}, 2000, 2999);
        settings_ = gate_->map<__u32, sl_settings>("sl_settings").get(0).value();
        const auto started = gate_->start_sweeper();
        ASSERT_TRUE(started) << started.error().message;
    }
    void TearDown() override { expect_balanced(*gate_); }

    void set_timeout(std::uint32_t sl_settings::* which, milliseconds time) {
        settings_.*which = ticks(time);
        gate_->set_settings(settings_);
    }
    void send(const Link& by, const Packet& in) {
        const auto got = gate_->run(Hook::tc, by, serialise(in));
        ASSERT_TRUE(got);
        EXPECT_EQ(got->verdict, Verdict::forward);
    }
    /// Waits until it is so; false if patience ends.
    static bool comes_true(const std::function<bool()>& condition) {
        const auto end = steady_clock::now() + patience;
        while (steady_clock::now() < end) {
            if (condition()) return true;
            std::this_thread::sleep_for(milliseconds(20));
        }
        return condition();
    }
    [[nodiscard]] std::size_t flows() const {
        return gate_->flows4().entries().size() + gate_->flows6().entries().size();
    }
    /// No trace of a session is left: entries, binding, port, counts.
    void expect_nothing_left() const {
        EXPECT_EQ(flows(), 0u);
        EXPECT_TRUE(gate_->bindings().entries().empty());
        for (const sl_l4 l4 : {SL_L4_TCP, SL_L4_UDP, SL_L4_ICMP}) {
            std::uint64_t free = 0;
            for (const __u64 word : gate_->port_bits(0, l4).used)
                free += static_cast<std::uint64_t>(std::popcount(~word));
            EXPECT_EQ(free, 1000u);
            EXPECT_EQ(gate_->pool_stats(0, l4).in_use, 0u);
        }
        const sl_live live = gate_->map<__u32, sl_live>("sl_live").get(0).value();
        EXPECT_EQ(live.sessions4 + live.sessions6 + live.bindings, 0u);
    }

    static Packet udp() { return a_to_server4() / Udp{.sport = 2500, .dport = 53}; }
    static Packet tcp(std::uint8_t flags) {
        return a_to_server4() / Tcp{.sport = 2500, .dport = 80, .flags = flags};
    }
    static Packet tcp_back(std::uint8_t flags) {
        return server_to(external) / Tcp{.sport = 80, .dport = 2500, .flags = flags};
    }

    std::unique_ptr<Gate> gate_;
    sl_settings settings_{};
};

TEST_F(Sweeper, EverySessionEndsAndLeavesNothing) {
    for (auto which : {&sl_settings::udp_timeout, &sl_settings::tcp_transitory_timeout,
                       &sl_settings::icmp_timeout, &sl_settings::other_timeout})
        set_timeout(which, milliseconds(300));
    send(lan0, udp());
    send(lan0, tcp(SYN));
    send(lan0, a_to_server4() / echo_request4(2500));
    send(lan0, a_to_server6() / Udp{.sport = 1, .dport = 2});
    send(lan0, a_to_server6() / echo_request6(9));
    Packet gre = a_to_server6() / payload(20);
    gre.get<Ip6>().next = 47;
    send(lan0, gre);
    EXPECT_EQ(flows(), 12u);
    EXPECT_TRUE(comes_true([&] { return flows() == 0; }));
    EXPECT_TRUE(comes_true([&] { return gate_->bindings().entries().empty(); }));
    expect_nothing_left();
}

TEST_F(Sweeper, SessionsEndNotBeforeTheirTime) {
    set_timeout(&sl_settings::udp_timeout, milliseconds(800));
    const auto start = steady_clock::now();
    send(lan0, udp());
    EXPECT_TRUE(comes_true([&] { return flows() == 0; }));
    EXPECT_GE(steady_clock::now() - start, milliseconds(750));
}

// Either direction keeps both alive (RFC 4787 REQ-6).
TEST_F(Sweeper, TrafficKeepsASession) {
    set_timeout(&sl_settings::udp_timeout, milliseconds(400));
    send(lan0, udp());
    for (int i = 0; i < 10; ++i) {
        std::this_thread::sleep_for(milliseconds(100));
        send(wan0, server_to(external) / Udp{.sport = 53, .dport = 2500});
    }
    EXPECT_EQ(flows(), 2u);
    EXPECT_EQ(gate_->pool_stats(0, SL_L4_UDP).allocated, 1u) << "it never ended in between";
    EXPECT_TRUE(comes_true([&] { return flows() == 0; }));
}

TEST_F(Sweeper, EstablishedTcpOutlivesTheTransitory) {
    set_timeout(&sl_settings::tcp_transitory_timeout, milliseconds(200));
    send(lan0, tcp(SYN));
    send(wan0, tcp_back(SYN | ACK));
    send(lan0, tcp(ACK));
    std::this_thread::sleep_for(milliseconds(700));
    EXPECT_EQ(flows(), 2u);
    send(lan0, tcp(FIN | ACK));
    send(wan0, tcp_back(FIN | ACK));
    send(lan0, tcp(ACK));
    EXPECT_TRUE(comes_true([&] { return flows() == 0; }));
    EXPECT_TRUE(comes_true([&] { return gate_->bindings().entries().empty(); }));
    expect_nothing_left();
}

// RFC 7857 section 2.1: a reset, which anybody can forge, proposes an end; whatever follows it,
// either way, takes it back. One FIN is none.
TEST_F(Sweeper, AResetProposesAnEnd) {
    set_timeout(&sl_settings::tcp_transitory_timeout, milliseconds(300));
    const auto open = [&] {
        send(lan0, tcp(SYN));
        send(wan0, tcp_back(SYN | ACK));
        send(lan0, tcp(ACK));
    };
    for (const bool same_way : {true, false}) {
        open();
        send(wan0, tcp_back(RST));
        std::this_thread::sleep_for(milliseconds(20));
        if (same_way)
            send(wan0, tcp_back(ACK));
        else
            send(lan0, tcp(ACK));
        std::this_thread::sleep_for(milliseconds(800));
        EXPECT_EQ(flows(), 2u) << "it lives on";
    }
    send(wan0, tcp_back(FIN | ACK));
    std::this_thread::sleep_for(milliseconds(800));
    EXPECT_EQ(flows(), 2u) << "half closed";
    send(wan0, tcp_back(RST));
    EXPECT_TRUE(comes_true([&] { return flows() == 0; })) << "nothing follows";
    expect_nothing_left();
}

// With a SYN after it, too: neither makes an open connection one that is only begun.
TEST_F(Sweeper, AResetAndASynEndNothing) {
    set_timeout(&sl_settings::tcp_transitory_timeout, milliseconds(300));
    send(lan0, tcp(SYN));
    send(wan0, tcp_back(SYN | ACK));
    send(lan0, tcp(ACK));
    send(wan0, tcp_back(RST));
    send(wan0, tcp_back(SYN));
    std::this_thread::sleep_for(milliseconds(20));
    send(lan0, tcp(ACK));
    std::this_thread::sleep_for(milliseconds(800));
    EXPECT_EQ(flows(), 2u);
    for (const auto& [key, flow] : gate_->flows4().entries())
        EXPECT_TRUE(flow.tcp_seen & SL_TCP_ACK);
}

TEST_F(Sweeper, BindingEndsWithItsLastSession) {
    set_timeout(&sl_settings::udp_timeout, milliseconds(500));
    const Packet other = a_to_server4() / Udp{.sport = 2500, .dport = 123};
    send(lan0, udp());
    send(lan0, other);
    for (int i = 0; i < 10; ++i) {
        std::this_thread::sleep_for(milliseconds(100));
        send(lan0, other);
    }
    EXPECT_EQ(flows(), 2u);
    ASSERT_EQ(gate_->bindings().entries().size(), 1u);
    EXPECT_EQ(gate_->bindings().entries()[0].second.refs, 1u);
    EXPECT_TRUE(comes_true([&] { return flows() == 0; }));
    EXPECT_TRUE(comes_true([&] { return gate_->bindings().entries().empty(); }));
    expect_nothing_left();
}

TEST_F(Sweeper, FlushedSessionGoesWithinASecond) {
    send(lan0, udp());
    for (auto [key, flow] : gate_->flows4().entries()) {
        if (!(flow.flags & SL_FLOW_ORIG)) continue;
        flow.flags |= SL_FLOW_FLUSH;
        gate_->flows4().put(key, flow);
    }
    const auto start = steady_clock::now();
    {
        const auto rules = gate_->map<__u32, sl_rules>("sl_rules");
        auto entry = rules.get(0).value();
        ++entry.recheck;
        rules.put(0, entry);
    }
    EXPECT_TRUE(comes_true([&] { return flows() == 0; }));
    EXPECT_LE(steady_clock::now() - start, milliseconds(1200));
    EXPECT_TRUE(comes_true([&] { return gate_->bindings().entries().empty(); }));
    expect_nothing_left();
}

/// What was held and did not go on is counted then, as dropped.
TEST_F(Sweeper, HeldFragmentsGoAfterAWhile) {
    const auto parts = fragments(udp() / payload(200), 64);
    ASSERT_EQ(gate_->run(Hook::tc, lan0, serialise(parts[1]))->verdict, Verdict::drop);
    EXPECT_EQ(gate_->held(), 1u);
    EXPECT_EQ(gate_->drops(lan0.id, SL_DROP_FRAGMENT_ORPHAN).packets, 0u);
    EXPECT_TRUE(comes_true([&] { return gate_->held() == 0; }));
    EXPECT_EQ(gate_->drops(lan0.id, SL_DROP_FRAGMENT_ORPHAN).packets, 1u);
    expect_nothing_left();
}

/// An ended session is found no more at once; its slots are free when no packet can be at them.
TEST_F(Sweeper, SlotsOfTheDeadAreFreed) {
    send(lan0, udp());
    for (auto [key, flow] : gate_->flows4().entries()) {
        flow.flags |= SL_FLOW_FLUSH;
        gate_->flows4().put(key, flow);
    }
    EXPECT_TRUE(comes_true([&] { return flows() == 0; }));
    EXPECT_TRUE(comes_true([&] { return gate_->flows4().tagged() == 0; }));
}

TEST_F(Sweeper, PortsReturnToAnExhaustedPool) {
    set_timeout(&sl_settings::udp_timeout, milliseconds(300));
    const auto from = [](std::uint16_t port) {
        return a_to_server4() / Udp{.sport = port, .dport = 53};
    };
    for (std::uint16_t i = 0; i < 1000; ++i) send(lan0, from(10'000 + i));
    const auto refused = gate_->run(Hook::tc, lan0, serialise(from(9)));
    ASSERT_TRUE(refused);
    EXPECT_EQ(refused->verdict, Verdict::drop);
    EXPECT_TRUE(comes_true([&] {
        const auto got = gate_->run(Hook::tc, lan0, serialise(from(9)));
        return got && got->verdict == Verdict::forward;
    }));
}

}  // namespace
}  // namespace sluice::test
