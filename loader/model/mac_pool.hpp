// SPDX-License-Identifier: GPL-2.0-or-later
// MAC pools: ranges of addresses to give to VMs, and the rules they obey. Everything here is pure
// and thread-safe.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "loader/base/address_range.hpp"
#include "sluice/net.hpp"

namespace sluice {

/// A MAC as a number, the first byte the highest: numbers are ordered as the texts are.
[[nodiscard]] std::uint64_t mac_number(const MacAddress& mac);
[[nodiscard]] MacAddress mac_from_number(std::uint64_t number);

/// Group bit set (IEEE 802-2014 section 8.2), or all zero: nothing a VM may have.
[[nodiscard]] bool is_unicast(const MacAddress& mac);

/// MACs as numbers, first <= last.
struct MacRange {
    std::uint64_t first = 0;
    std::uint64_t last = 0;

    /// 1 to 5 bytes that all addresses begin with, `02:1a:2b`; the last may be a range, as vCenter
    /// has it: `00:50:56:80-bf`. Errors: usage, refused (see check_range()).
    [[nodiscard]] static Result<MacRange> parse_prefix(std::string_view text);
    /// FIRST-LAST. Errors: the same.
    [[nodiscard]] static Result<MacRange> parse(std::string_view text);

    [[nodiscard]] bool contains(std::uint64_t number) const {
        return first <= number && number <= last;
    }
    [[nodiscard]] bool overlaps(const MacRange& other) const {
        return first <= other.last && other.first <= last;
    }
    [[nodiscard]] std::uint64_t size() const { return last - first + 1; }
    [[nodiscard]] std::string text() const;
    auto operator<=>(const MacRange&) const = default;
};

/// Addresses with a meaning of their own, which no pool gives, in order: all-zero, VRRP's for IPv4
/// and IPv6 (RFC 5798 section 7.3), QEMU's default, broadcast.
[[nodiscard]] std::span<const MacRange> reserved_macs();
/// The reserved range that has this address, null if none.
[[nodiscard]] const MacRange* reserved_at(std::uint64_t number);
/// Addresses of a range that a pool may give.
[[nodiscard]] std::uint64_t usable_macs(const MacRange& range);

/// Refuses multicast addresses and what holds fewer than two usable ones.
[[nodiscard]] Result<> check_range(const MacRange& range);

/// An OUI of a manufacturer, not locally administered: another device may have the address.
[[nodiscard]] bool is_universal(const MacRange& range);

enum class MacStrategy : std::uint8_t { random, sequential, uuid, time };
[[nodiscard]] Result<MacStrategy> parse_mac_strategy(std::string_view text);
[[nodiscard]] std::string_view mac_strategy_text(MacStrategy strategy);

struct MacPool {
    std::string name;
    MacRange range;
    std::uint16_t domain = 0;  ///< L2 domain: VLAN id, 0 = none
    MacStrategy strategy = MacStrategy::random;
    std::chrono::milliseconds ttl{300'000};       ///< silence after which a lease expires
    std::chrono::milliseconds cooldown{300'000};  ///< before another VM may have the address
    bool quarantine = false;                  ///< drop duplicates and foreign MACs, not only report
    std::vector<AddressRange> address_pools;  ///< a lease gets one address of each family in these
    std::uint64_t next = 0;                   ///< sequential: where to look next
    bool operator==(const MacPool&) const = default;
};

inline constexpr std::uint16_t last_nic = 63;  ///< of a VM

/// Cooldown of what is in no pool.
inline constexpr std::chrono::milliseconds default_cooldown{300'000};

/// 0 = none, or a VLAN id of IEEE 802.1Q: 1 to 4094. Errors: usage.
[[nodiscard]] Result<> check_vlan_id(std::uint16_t vlan);

/// The pool that an address belongs to, null if none.
[[nodiscard]] const MacPool* pool_of(std::span<const MacPool> pools, std::uint16_t domain,
                                     const MacAddress& mac);

/// Against the pools there are. Errors: refused (same name, or overlapping in one L2 domain).
[[nodiscard]] Result<> check_pool_fits(const MacPool& pool, std::span<const MacPool> pools);

}  // namespace sluice
