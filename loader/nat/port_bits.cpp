// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/nat/port_bits.hpp"

#include <netinet/in.h>

#include <atomic>
#include <bit>

namespace sluice {
namespace {

constexpr unsigned ports_per_word = 64;
constexpr unsigned words_per_summary = 64;
constexpr __u64 all_taken = ~0ull;

__u64 bit_of(unsigned index) { return 1ull << (index % 64); }

/// std::atomic_ref takes no const object, though loading changes nothing.
__u64 load(const __u64& word) { return std::atomic_ref(const_cast<__u64&>(word)).load(); }

}  // namespace

PortSet port_set(const PortRange& range) {
    PortSet set;
    for (unsigned port = range.first; port <= range.last; ++port) set.set(port);
    return set;
}

PortSet used_by_host(const std::vector<LocalPort>& sockets, const Address& address,
                     std::uint8_t protocol) {
    PortSet set;
    for (const auto& socket : sockets)
        if (socket.protocol == protocol && socket.covers(address)) set.set(socket.port);
    return set;
}

void fill_port_bits(sl_port_bits& bits, const PortSet& free) {
    bits = {};
    for (unsigned word = 0; word < std::size(bits.used); ++word) {
        for (unsigned bit = 0; bit < ports_per_word; ++bit)
            if (!free[word * ports_per_word + bit]) bits.used[word] |= bit_of(bit);
        if (bits.used[word] == all_taken) bits.full[word / words_per_summary] |= bit_of(word);
    }
}

bool take_port(sl_port_bits& bits, std::uint16_t port) {
    const unsigned word = port / ports_per_word;
    std::atomic_ref used(bits.used[word]);
    std::atomic_ref full(bits.full[word / words_per_summary]);

    const auto before = used.fetch_or(bit_of(port));
    if ((before & bit_of(port)) != 0) return false;
    if ((before | bit_of(port)) == all_taken) {
        full.fetch_or(bit_of(word));
        // A port may have come back before the hint was set: then the hint is wrong.
        if (used.load() != all_taken) full.fetch_and(~bit_of(word));
    }
    return true;
}

void give_port_back(sl_port_bits& bits, std::uint16_t port) {
    const unsigned word = port / ports_per_word;
    std::atomic_ref(bits.used[word]).fetch_and(~bit_of(port));
    std::atomic_ref(bits.full[word / words_per_summary]).fetch_and(~bit_of(word));
}

PortSet taken_ports(const sl_port_bits& bits) {
    PortSet set;
    for (unsigned word = 0; word < std::size(bits.used); ++word) {
        auto taken = load(bits.used[word]);
        for (; taken != 0; taken &= taken - 1)
            set.set(word * ports_per_word + std::countr_zero(taken));
    }
    return set;
}

}  // namespace sluice
