// SPDX-License-Identifier: GPL-2.0-or-later
// Which external port a new binding gets where it can't keep its own: any free one, each as likely
// as any other, whatever is taken. The thresholds are such that a right draw misses one of them
// less than once in 10^6 runs of all these tests.
#include <gtest/gtest.h>
#include <netinet/in.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "tests/packet/scenario.hpp"

namespace sluice::test {
namespace {

constexpr std::uint16_t first_port = 2000;
constexpr int hosts = 2;                        ///< whose ports below first_port ask for bindings
constexpr std::size_t most_draws = 3000;        ///< before the tables are emptied
constexpr std::uint32_t udp_space = SL_L4_UDP;  ///< of the first external address

bool is_taken(const sl_port_bits& bits, std::uint32_t port) {
    return (bits.used[port / 64] >> port % 64 & 1) != 0;
}

/// All taken but for these.
sl_port_bits bits_without(const std::vector<std::uint16_t>& free) {
    sl_port_bits bits{};
    std::ranges::fill(bits.used, ~__u64{0});
    for (const std::uint16_t port : free) bits.used[port / 64] &= ~(__u64{1} << port % 64);
    for (std::size_t word = 0; word < std::size(bits.used); ++word)
        if (bits.used[word] == ~__u64{0}) bits.full[word / 64] |= __u64{1} << word % 64;
    return bits;
}

/// The value that chi-square of so many degrees of freedom exceeds once in 10^8 (Wilson, Hilferty).
double chi_square_limit(std::size_t freedom) {
    const double part = 2.0 / (9.0 * static_cast<double>(freedom));
    return static_cast<double>(freedom) * std::pow(1 - part + 5.6 * std::sqrt(part), 3);
}

class NatRandom : public GateTest {
protected:
    void begin() {
        gate().reset();
        masquerade_a(first_port, 65535);
        drawn_ = 0;
    }
    /// The port that the next binding gets, of those that are free in `bits`; 0: none. Each talks
    /// to another port of the server, since ports that are in use are given out again here.
    std::uint16_t draw(const sl_port_bits& bits) {
        if (drawn_ == most_draws) begin();
        const auto number = static_cast<std::uint16_t>(drawn_++);
        gate().map<__u32, sl_port_bits>("sl_port_bits").put(udp_space, bits);
        sl_addr source = vm_a.v4;
        source.b[15] = static_cast<std::uint8_t>(2 + number % hosts);
        const Packet in = to_gateway(vm_a, lan0) / Ip4{.src = source, .dst = server.v4} /
                          Udp{.sport = static_cast<std::uint16_t>(1 + number / hosts),
                              .dport = static_cast<std::uint16_t>(1 + number)};
        const Outcome got = send(Hook::tc, lan0, serialise(in));
        if (got.verdict != Verdict::forward) return 0;
        return static_cast<std::uint16_t>(got.packet[34] << 8 | got.packet[35]);
    }

    /// Draws, and compares how often each cell came with its share of the free ports.
    /// @param cell_of the index of a free port's cell, from 0 on, by its rank among the free
    template <class CellOf>
    void expect_uniform(const std::vector<std::uint16_t>& free, std::size_t draws,
                        const CellOf& cell_of) {
        begin();
        const sl_port_bits bits = bits_without(free);
        std::map<std::size_t, double> share, count;
        for (std::size_t rank = 0; rank < free.size(); ++rank) ++share[cell_of(rank)];
        for (std::size_t i = 0; i < draws; ++i) {
            const std::uint16_t port = draw(bits);
            const auto found = std::ranges::lower_bound(free, port);
            ASSERT_TRUE(found != free.end() && *found == port) << "port " << port << " is taken";
            ++count[cell_of(static_cast<std::size_t>(found - free.begin()))];
        }
        double chi_square = 0;
        for (const auto& [cell, ports] : share) {
            const double expected =
                static_cast<double>(draws) * ports / static_cast<double>(free.size());
            chi_square += std::pow(count[cell] - expected, 2) / expected;
        }
        EXPECT_LT(chi_square, chi_square_limit(share.size() - 1))
            << share.size() << " cells of " << free.size() << " free ports";
    }
    /// By place, and by how many free ones are in the same word: neither may matter.
    void expect_uniform(const std::vector<std::uint16_t>& free, std::size_t draws) {
        const std::size_t cells = std::min<std::size_t>(free.size(), 64);
        expect_uniform(free, draws, [&](std::size_t rank) { return rank * cells / free.size(); });
        const sl_port_bits bits = bits_without(free);
        expect_uniform(free, draws, [&](std::size_t rank) {
            const int room = 64 - std::popcount(bits.used[free[rank] / 64]);
            return static_cast<std::size_t>(std::bit_width(static_cast<unsigned>(room)));
        });
    }
    /// Of all ports from first_port on, each free with this probability.
    std::vector<std::uint16_t> some_free(double probability) {
        std::bernoulli_distribution is_free(probability);
        std::vector<std::uint16_t> free;
        for (std::uint32_t port = first_port; port < 65536; ++port)
            if (is_free(random_)) free.push_back(static_cast<std::uint16_t>(port));
        return free;
    }

    std::mt19937 random_{20261130};
    std::size_t drawn_ = 0;
};

TEST_F(NatRandom, OfAnEmptyPool) { expect_uniform(some_free(1), 6000); }
TEST_F(NatRandom, OfHalfAPool) { expect_uniform(some_free(0.5), 6000); }
TEST_F(NatRandom, OfTheLastTenth) { expect_uniform(some_free(0.1), 6000); }
// Here most are drawn by counting.
TEST_F(NatRandom, OfTheLastHundredth) { expect_uniform(some_free(0.01), 6000); }
TEST_F(NatRandom, OfTheLastForty) {
    std::vector<std::uint16_t> free = some_free(1), last;
    std::ranges::sample(free, std::back_inserter(last), 40, random_);
    expect_uniform(last, 4000);
}

// Words with one free port beside a word that is free as a whole, far apart.
TEST_F(NatRandom, OfWordsThatDiffer) {
    std::vector<std::uint16_t> free;
    for (std::uint16_t port = 2048; port < 2112; ++port) free.push_back(port);
    for (std::uint32_t port = 4100; port < 65536; port += 640)
        free.push_back(static_cast<std::uint16_t>(port));
    expect_uniform(free, 6000);
}

TEST_F(NatRandom, OfASmallRange) {
    std::vector<std::uint16_t> free;
    for (std::uint16_t port = 2000; port <= 5000; ++port) free.push_back(port);
    expect_uniform(free, 6000);
}

// The bindings of one VM, one after the other: a resolver's queries among them.
TEST_F(NatRandom, FortyBindingsAreSpread) {
    gate().reset();
    masquerade_a(2000, 5000);
    std::map<int, int> blocks;
    std::set<int> ports;
    for (std::uint16_t i = 0; i < 40; ++i) {
        const Packet in =
            a_to_server4() / Udp{.sport = static_cast<std::uint16_t>(100 + i), .dport = 53};
        const Outcome got = send(Hook::tc, lan0, serialise(in));
        ASSERT_EQ(got.verdict, Verdict::forward);
        const int port = got.packet[34] << 8 | got.packet[35];
        ports.insert(port);
        ++blocks[port / 64];
    }
    EXPECT_EQ(ports.size(), 40u);
    EXPECT_GE(blocks.size(), 15u);
    for (const auto& [block, count] : blocks) EXPECT_LE(count, 12) << "from port " << 64 * block;
}

TEST_F(NatRandom, TheLastPortIsFound) {
    begin();
    std::uniform_int_distribution<int> any(first_port, 65535);
    for (const int port : {2000, 65535, 32767, 32768, any(random_), any(random_), any(random_)}) {
        const sl_port_bits bits = bits_without({static_cast<std::uint16_t>(port)});
        EXPECT_EQ(draw(bits), port);
        EXPECT_TRUE(is_taken(gate().port_bits(0, SL_L4_UDP), static_cast<std::uint32_t>(port)));
    }
    // Far from each other: nearly all draws between them meet what is taken.
    for (int i = 0; i < 20; ++i) {
        const std::uint16_t port = draw(bits_without({2000, 65535}));
        EXPECT_TRUE(port == 2000 || port == 65535) << port;
    }
    EXPECT_EQ(draw(bits_without({})), 0);
}

// The summary is a hint: what it does not say is found out.
TEST_F(NatRandom, TheSummaryMayBeBehind) {
    begin();
    sl_port_bits bits = bits_without({});
    std::ranges::fill(bits.full, 0);
    EXPECT_EQ(draw(bits), 0);
    bits.used[700] = ~(__u64{1} << 33);
    EXPECT_EQ(draw(bits), 700 * 64 + 33);
}

}  // namespace
}  // namespace sluice::test
