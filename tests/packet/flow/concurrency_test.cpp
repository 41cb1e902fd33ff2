// SPDX-License-Identifier: GPL-2.0-or-later
// Two CPUs at once: no external endpoint is handed out twice, and every port is
// used before one is refused.
#include <sched.h>

#include <algorithm>
#include <bit>
#include <set>
#include <thread>
#include <vector>

#include "tests/packet/scenario.hpp"

namespace sluice::test {
namespace {

/// What one CPU was answered.
struct Answers {
    std::vector<std::uint16_t> ports;  ///< of the packets that left
    std::size_t refused = 0;
    std::size_t errors = 0;
};

/// Host 10.0.0.`host`, or with more than 250 hosts 10.0.x.y.
Packet from_host(std::uint32_t host, std::uint16_t port) {
    sl_addr source = ip("10.0.0.0");
    source.b[14] = static_cast<std::uint8_t>(host / 250);
    source.b[15] = static_cast<std::uint8_t>(2 + host % 250);
    return to_gateway(vm_a, lan0) / Ip4{.src = source, .dst = server.v4} /
           Udp{.sport = port, .dport = 53, .sum = Sum::none};
}

void run_on_cpu(int cpu, Hook hook, Gate& gate, const std::vector<Bytes>& frames,
                Answers& answers) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    sched_setaffinity(0, sizeof(set), &set);
    for (const Bytes& frame : frames) {
        const auto got = gate.run(hook, lan0, frame);
        if (!got)
            ++answers.errors;
        else if (got->verdict == Verdict::forward)
            answers.ports.push_back(
                static_cast<std::uint16_t>(got->packet[34] << 8 | got->packet[35]));
        else
            ++answers.refused;
    }
}

/// The first CPU opens sessions on TC, the second on the hook given.
class TwoCpus : public testing::TestWithParam<Hook> {
protected:
    static constexpr std::size_t pool_size = 60'000;
    static constexpr std::uint16_t first_port = 65535 - pool_size + 1;

    void SetUp() override {
        if (std::thread::hardware_concurrency() < 2) GTEST_SKIP() << "needs two CPUs";
        auto loaded = Gate::load({.flows = 200'000, .flows6 = 2, .bindings = 100'000});
        ASSERT_TRUE(loaded) << loaded.error().message;
        gate_ = std::move(*loaded);
        gate_->masquerade(ip("10.0.0.0"), 16, wan0, {external}, first_port, 65535);
    }

    void run(const std::vector<Bytes>& frames0, const std::vector<Bytes>& frames1) {
        std::jthread other([&] { run_on_cpu(1, GetParam(), *gate_, frames1, answers_[1]); });
        std::jthread one([&] { run_on_cpu(0, Hook::tc, *gate_, frames0, answers_[0]); });
        other.join();
        one.join();
        EXPECT_EQ(answers_[0].errors + answers_[1].errors, 0u);
    }

    /// The maps agree with each other: `used` ports, bits, bindings and sessions.
    void expect_consistent(std::size_t used) const {
        const sl_pool_stats stats = gate_->pool_stats(0, SL_L4_UDP);
        EXPECT_EQ(stats.in_use, used);
        EXPECT_GE(stats.highest, used);
        // A CPU that comes second with a session takes a port too, and gives it back.
        EXPECT_LE(stats.highest, std::min(used + 1, pool_size));
        const sl_port_bits bits = gate_->port_bits(0, SL_L4_UDP);
        std::size_t free = 0;
        for (std::size_t word = 0; word < std::size(bits.used); ++word) {
            free += static_cast<std::size_t>(std::popcount(~bits.used[word]));
            const bool hinted_full = bits.full[word / 64] >> word % 64 & 1;
            EXPECT_FALSE(hinted_full && bits.used[word] != ~0ull) << "hidden room in " << word;
        }
        EXPECT_EQ(free, pool_size - used);
        const auto bindings = gate_->bindings().entries();
        EXPECT_EQ(bindings.size(), used);
        std::set<std::uint16_t> bound;
        for (const auto& [key, binding] : bindings) bound.insert(binding.port);
        EXPECT_EQ(bound.size(), used) << "two bindings share a port";
        EXPECT_EQ(gate_->flows4().entries().size(), 2 * used);
        EXPECT_EQ(gate_->flows4().tagged(), 2 * used);
        expect_balanced(*gate_);
    }

    std::unique_ptr<Gate> gate_;
    Answers answers_[2];
};

// Every inside host uses the same few ports, so that nearly every port must be
// drawn; the pool is smaller than the demand.
TEST_P(TwoCpus, PoolIsUsedToTheLastPortAndNoneTwice) {
    std::vector<Bytes> frames[2];
    for (std::uint32_t host = 0; host < 3500; ++host)
        for (std::uint16_t i = 0; i < 20; ++i)
            frames[host % 2].push_back(serialise(from_host(host, 40'000 + i)));
    run(frames[0], frames[1]);
    std::vector<std::uint16_t> ports = answers_[0].ports;
    ports.insert(ports.end(), answers_[1].ports.begin(), answers_[1].ports.end());
    EXPECT_EQ(ports.size(), pool_size);
    EXPECT_EQ(answers_[0].refused + answers_[1].refused, 70'000u - pool_size);
    std::ranges::sort(ports);
    EXPECT_EQ(std::ranges::adjacent_find(ports), ports.end()) << "a port was handed out twice";
    EXPECT_GE(ports.front(), first_port);
    EXPECT_EQ(gate_->drops(lan0.id, SL_DROP_PORTS_EXHAUSTED).packets, 70'000u - pool_size);
    EXPECT_EQ(gate_->pool_stats(0, SL_L4_UDP).refused, 70'000u - pool_size);
    EXPECT_EQ(gate_->pool_stats(0, SL_L4_UDP).allocated, pool_size);
    expect_consistent(pool_size);
}

// Both CPUs open the same sessions at the same time: one session and one
// binding each, and both packets leave by the same port.
TEST_P(TwoCpus, SameSessionOpenedByBoth) {
    std::vector<Bytes> frames;
    for (std::uint32_t host = 0; host < 1000; ++host)
        for (std::uint16_t i = 0; i < 10; ++i)
            frames.push_back(serialise(from_host(host, 40'000 + i)));
    run(frames, frames);
    EXPECT_EQ(answers_[0].ports, answers_[1].ports);
    EXPECT_EQ(answers_[0].refused + answers_[1].refused, 0u);
    expect_consistent(10'000);
    for (const auto& [key, binding] : gate_->bindings().entries()) EXPECT_EQ(binding.refs, 1u);
}

INSTANTIATE_TEST_SUITE_P(SecondHook, TwoCpus, testing::Values(Hook::tc, Hook::xdp),
                         [](const auto& info) { return hook_text(info.param); });

}  // namespace
}  // namespace sluice::test
