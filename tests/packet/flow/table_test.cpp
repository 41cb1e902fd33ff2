// SPDX-License-Identifier: GPL-2.0-or-later
// The flow tables: filled to the last entry each flow is found, what is over leaves nothing, and a
// key is a flow's own to the last bit.
#include <thread>

#include "tests/packet/scenario.hpp"

namespace sluice::test {
namespace {

using namespace std::chrono_literals;

class FlowTables : public testing::TestWithParam<Hook> {
protected:
    static constexpr std::uint32_t capacity = 4096;
    static constexpr std::uint16_t first_port = 1024;

    void SetUp() override { load(capacity); }

    void load(std::uint32_t flows) {
        auto loaded = Gate::load({.flows = flows, .flows6 = capacity, .bindings = 64});
        ASSERT_TRUE(loaded) << loaded.error().message;
        gate_ = std::move(*loaded);
    }

    static Packet flow4(std::uint32_t number) {
        return a_to_server4() /
               Udp{.sport = static_cast<std::uint16_t>(first_port + number), .dport = 53};
    }
    static Packet flow6(std::uint32_t number) {
        return a_to_server6() /
               Udp{.sport = static_cast<std::uint16_t>(first_port + number), .dport = 53};
    }

    Verdict send(const Packet& in, Hook hook) {
        const auto got = gate_->run(hook, lan0, serialise(in));
        return got ? got->verdict : Verdict::pass;
    }

    /// Opens all sessions there is room for, and one more.
    template <class Make>
    void fill(Make&& packet) {
        for (std::uint32_t n = 0; n < capacity / 2; ++n)
            ASSERT_EQ(send(packet(n), Hook::tc), Verdict::forward) << n;
        EXPECT_EQ(send(packet(capacity), Hook::tc), Verdict::drop);
    }

    template <class Key>
    static void expect_packets(const FlowView<Key>& flows, std::uint64_t packets) {
        const auto entries = flows.entries();
        EXPECT_EQ(entries.size(), capacity);
        EXPECT_EQ(flows.tagged(), capacity);
        std::size_t opened = 0;
        for (const auto& [key, flow] : entries) {
            const bool is_original = (flow.flags & SL_FLOW_ORIG) != 0;
            EXPECT_EQ(flow.packets, is_original ? packets : 0);
            EXPECT_TRUE(flows.get(key)) << "or it is there twice";
            opened += is_original;
        }
        EXPECT_EQ(opened, capacity / 2);
    }

    /// How many keys of the last level the level before it knows of.
    [[nodiscard]] std::uint64_t passed() const {
        const auto counts = gate_->map<__u32, __u32>("sl_flow_passed");
        std::uint64_t all = 0;
        for (__u32 n = 0; n < 2 * SL_FLOW_PASSES; ++n) all += counts.get(n).value_or(0);
        return all;
    }

    /// Lets the sweeper end all sessions.
    void expect_emptied() {
        auto settings = gate_->map<__u32, sl_settings>("sl_settings").get(0).value();
        const auto as_it_was = settings;
        settings.udp_timeout = 1;
        gate_->set_settings(settings);
        ASSERT_TRUE(gate_->start_sweeper());
        for (int i = 0; i < 100 && gate_->flows4().tagged() + gate_->flows6().tagged() > 0; ++i)
            std::this_thread::sleep_for(50ms);
        gate_->set_settings(as_it_was);
        EXPECT_TRUE(gate_->flows4().entries().empty());
        EXPECT_TRUE(gate_->flows6().entries().empty());
        EXPECT_EQ(gate_->flows4().tagged() + gate_->flows6().tagged(), 0u);
    }

    std::unique_ptr<Gate> gate_;
};

TEST_P(FlowTables, FullOfIpv4) {
    fill(flow4);
    for (std::uint32_t n = 0; n < capacity / 2; ++n)
        ASSERT_EQ(send(flow4(n), GetParam()), Verdict::forward) << n;
    expect_packets(gate_->flows4(), 2);
    EXPECT_EQ(gate_->drops(lan0.id, SL_DROP_FLOWS_FULL).packets, 1u);
    expect_emptied();
    fill(flow4);
    expect_packets(gate_->flows4(), 1);
}

TEST_P(FlowTables, FullOfIpv6) {
    fill(flow6);
    for (std::uint32_t n = 0; n < capacity / 2; ++n)
        ASSERT_EQ(send(flow6(n), GetParam()), Verdict::forward) << n;
    expect_packets(gate_->flows6(), 2);
    EXPECT_EQ(gate_->drops(lan0.id, SL_DROP_FLOWS_FULL).packets, 1u);
    expect_emptied();
    fill(flow6);
    expect_packets(gate_->flows6(), 1);
}

// More flows than the first of two levels holds: those in the last one are counted, for as long as
// they are there, and found. (Three levels take 300 000 flows: scripts/bench scale sends those.)
TEST_P(FlowTables, TwoLevels) {
    constexpr std::uint32_t flows = 32'768, sessions = 9'000;
    ASSERT_EQ(sl_flow_small_levels(sl_flow_groups(flows)), 1u);
    ASSERT_GT(2 * sessions, SL_FLOW_LEVEL_FIRST * SL_FLOW_SLOTS);
    load(flows);
    for (std::uint32_t n = 0; n < sessions; ++n)
        ASSERT_EQ(send(flow4(n), Hook::tc), Verdict::forward) << n;
    const auto in_last_level = gate_->flows4().tagged(sl_flow_level_begin(1));
    EXPECT_GT(in_last_level, 0u);
    EXPECT_EQ(passed(), in_last_level);
    for (std::uint32_t n = 0; n < sessions; n += 4)
        ASSERT_EQ(send(flow4(n), GetParam()), Verdict::forward) << n;
    EXPECT_EQ(gate_->flows4().entries().size(), 2 * sessions);
    expect_emptied();
    EXPECT_EQ(passed(), 0u);
}

// Each part of the key tells flows apart.
TEST_P(FlowTables, EveryPartOfTheKeyCounts) {
    const Ip4 ip4{.src = vm_a.v4, .dst = server.v4};
    const Ip6 ip6{.src = vm_a.v6, .dst = server.v6};
    Ip4 from4 = ip4, to4 = ip4;
    from4.src.b[13] ^= 1;
    to4.dst.b[15] ^= 1;
    Ip6 from6 = ip6, to6 = ip6;
    from6.src.b[15] ^= 1;
    to6.dst.b[8] ^= 1;
    const Eth eth = to_gateway(vm_a, lan0);
    const Packet packets[] = {
        eth / ip4 / Udp{.sport = 1, .dport = 2}, eth / ip4 / Udp{.sport = 1, .dport = 3},
        eth / ip4 / Udp{.sport = 3, .dport = 2}, eth / from4 / Udp{.sport = 1, .dport = 2},
        eth / to4 / Udp{.sport = 1, .dport = 2}, eth / ip4 / Tcp{.sport = 1, .dport = 2},
        eth / ip6 / Udp{.sport = 1, .dport = 2}, eth / ip6 / Udp{.sport = 1, .dport = 3},
        eth / ip6 / Udp{.sport = 3, .dport = 2}, eth / from6 / Udp{.sport = 1, .dport = 2},
        eth / to6 / Udp{.sport = 1, .dport = 2}, eth / ip6 / Tcp{.sport = 1, .dport = 2},
    };
    for (const Packet& packet : packets) {
        EXPECT_EQ(send(packet, Hook::tc), Verdict::forward);
        EXPECT_EQ(send(packet, GetParam()), Verdict::forward);
    }
    EXPECT_EQ(gate_->flows4().entries().size(), 12u);
    EXPECT_EQ(gate_->flows6().entries().size(), 12u);
    for (const auto& [key, flow] : gate_->flows4().entries())
        EXPECT_EQ(flow.packets, (flow.flags & SL_FLOW_ORIG) != 0 ? 2u : 0u);
    for (const auto& [key, flow] : gate_->flows6().entries())
        EXPECT_EQ(flow.packets, (flow.flags & SL_FLOW_ORIG) != 0 ? 2u : 0u);
}

INSTANTIATE_TEST_SUITE_P(Hooks, FlowTables, testing::Values(Hook::tc, Hook::xdp),
                         [](const auto& param) { return std::string(hook_text(param.param)); });

}  // namespace
}  // namespace sluice::test
