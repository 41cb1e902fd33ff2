// SPDX-License-Identifier: GPL-2.0-or-later
// The bitmap of free ports: its content, and changes by several threads at once.
#include "loader/nat/port_bits.hpp"

#include <gtest/gtest.h>
#include <netinet/in.h>

#include <memory>
#include <thread>

namespace sluice {
namespace {

constexpr PortRange lab_range{2000, 5000};

std::unique_ptr<sl_port_bits> filled(const PortSet& free) {
    auto bits = std::make_unique<sl_port_bits>();
    fill_port_bits(*bits, free);
    return bits;
}

/// `full` must say of every word whether it has room.
void expect_hints_agree(const sl_port_bits& bits) {
    for (unsigned word = 0; word < std::size(bits.used); ++word) {
        const bool full = (bits.full[word / 64] >> (word % 64) & 1) != 0;
        EXPECT_EQ(full, bits.used[word] == ~0ull) << "word " << word;
    }
}

TEST(PortBits, HoldExactlyTheFreePorts) {
    const auto bits = filled(port_set(lab_range));
    EXPECT_EQ(taken_ports(*bits), ~port_set(lab_range));
    EXPECT_EQ((~taken_ports(*bits)).count(), lab_range.size());
    expect_hints_agree(*bits);
}

TEST(PortBits, EveryPortCanBeFree) {
    const auto bits = filled(PortSet{}.set());
    EXPECT_TRUE(taken_ports(*bits).none());
    expect_hints_agree(*bits);
}

TEST(PortBits, TakeAndGiveBackKeepTheHints) {
    const auto bits = filled(port_set({64, 127}));
    for (std::uint16_t port = 64; port <= 127; ++port) EXPECT_TRUE(take_port(*bits, port));
    EXPECT_FALSE(take_port(*bits, 100));
    EXPECT_FALSE(take_port(*bits, 63)) << "outside the range";
    expect_hints_agree(*bits);
    give_port_back(*bits, 100);
    expect_hints_agree(*bits);
    EXPECT_TRUE(take_port(*bits, 100));
}

TEST(PortBits, NoPortIsTakenTwice) {
    const auto bits = filled(port_set(lab_range));
    std::atomic<unsigned> taken = 0;
    const auto take_all = [&] {
        for (unsigned port = lab_range.first; port <= lab_range.last; ++port)
            taken += take_port(*bits, static_cast<std::uint16_t>(port));
    };
    std::thread other(take_all);
    take_all();
    other.join();
    EXPECT_EQ(taken, lab_range.size());
    EXPECT_TRUE(taken_ports(*bits).all());
    expect_hints_agree(*bits);
}

TEST(PortBits, HostSocketsOnTheirOwnAddressesOnly) {
    const auto address = *Address::parse("192.0.2.1");
    const std::vector<LocalPort> sockets{{IPPROTO_TCP, *Address::parse("0.0.0.0"), 22},
                                         {IPPROTO_TCP, address, 2500},
                                         {IPPROTO_TCP, *Address::parse("192.0.2.9"), 2501},
                                         {IPPROTO_UDP, address, 2502}};
    const auto used = used_by_host(sockets, address, IPPROTO_TCP);
    EXPECT_EQ(used.count(), 2u);
    EXPECT_TRUE(used[22]);
    EXPECT_TRUE(used[2500]);
}

}  // namespace
}  // namespace sluice
