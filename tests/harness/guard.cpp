// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/harness/guard.hpp"

#include <arpa/inet.h>

#include <bit>
#include <cstdlib>
#include <optional>
#include <random>

namespace sluice::test {
namespace {

/// Fills the table with the first odd factor that gives every key a slot in its window.
/// @param slot_of key, factor -> the first slot it may be in
template <class Entry, class SlotOf>
std::uint64_t place(const std::vector<Entry>& entries, Entry (&table)[SL_GUARD_SLOTS],
                    const SlotOf& slot_of) {
    std::mt19937_64 random(1);
    for (int tries = 0; tries < 100'000; ++tries) {
        const std::uint64_t factor = random() | 1;
        std::optional<Entry> slots[SL_GUARD_SLOTS];
        std::size_t placed = 0;
        for (const Entry& entry : entries) {
            const std::uint32_t first = slot_of(entry, factor);
            for (std::uint32_t i = 0; i < SL_GUARD_WINDOW; ++i) {
                auto& slot = slots[(first + i) % SL_GUARD_SLOTS];
                if (slot) continue;
                slot = entry;
                ++placed;
                break;
            }
        }
        if (placed < entries.size()) continue;
        for (std::size_t i = 0; i < SL_GUARD_SLOTS; ++i) table[i] = slots[i].value_or(Entry{});
        return factor;
    }
    std::abort();
}

struct Halves {
    std::uint64_t first, second;
};

}  // namespace

std::uint64_t mac_number(const Mac& mac) {
    std::uint64_t number = 0;
    for (std::size_t i = 0; i < mac.size(); ++i) number |= std::uint64_t{mac[i]} << 8 * i;
    return number;
}

sl_guard guard_entry(const GuardConfig& config, std::uint16_t port) {
    sl_guard guard{};
    guard.checks = config.checks | (config.networks.empty() ? 0 : SL_GUARD_PREFIXES);
    guard.dhcp_rate = config.dhcp_rate;
    guard.learn = config.learn;
    guard.port = port;
    for (std::size_t i = 0; i < config.ethertypes.size(); ++i)
        guard.ethertypes[i] = htons(config.ethertypes[i]);
    std::vector<__u64> macs;
    for (const Mac& mac : config.macs) macs.push_back(mac_number(mac));
    for (const Mac& mac : config.standby) macs.push_back(mac_number(mac) | SL_GUARD_MAC_STANDBY);
    guard.mac_factor = place(macs, guard.macs, [](__u64 mac, std::uint64_t factor) {
        return sl_guard_mac_slot(mac & SL_GUARD_MAC_BITS, factor);
    });
    guard.addr_factor =
        place(config.addresses, guard.addrs, [](const sl_addr& addr, std::uint64_t factor) {
            const auto [first, second] = std::bit_cast<Halves>(addr);
            return sl_guard_addr_slot(first, second, factor);
        });
    guard.mac_count = static_cast<__u16>(macs.size());
    guard.addr_count = static_cast<__u16>(config.addresses.size());
    return guard;
}

GuardConfig guard_of(const Host& host, std::uint32_t checks) {
    return {.checks = checks, .macs = {host.mac}, .addresses = {host.v4, host.v6}};
}

}  // namespace sluice::test
