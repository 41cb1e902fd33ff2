// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/guard/table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <optional>

namespace sluice {
namespace {

/// Four of five random factors hold a full table: this many are never all in vain.
constexpr int most_factors = 256;

struct Halves {
    __u64 first, second;
};
Halves halves(const Address& address) { return std::bit_cast<Halves>(address.raw()); }

bool is_empty(const sl_addr& slot) {
    const auto [first, second] = std::bit_cast<Halves>(slot);
    return (first | second) == 0;
}

/// SplitMix64 (Steele, Lea, Flood 2014): the same factors in the same order for everybody.
__u64 next_factor(__u64& state) {
    state += 0x9e3779b97f4a7c15;
    __u64 mixed = state;
    mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9;
    mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111eb;
    return (mixed ^ (mixed >> 31)) | 1;
}

/// Where each key goes if all find room in their windows. The keys in the order of their
/// first slots: so the crowded ones are pushed on by as little as can be.
/// @param first_slots of each key
std::optional<std::vector<__u32>> place(const std::vector<__u32>& first_slots) {
    std::vector<std::size_t> order(first_slots.size());
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
    std::ranges::stable_sort(order, {}, [&](std::size_t i) { return first_slots[i]; });

    std::array<bool, SL_GUARD_SLOTS> taken{};
    std::vector<__u32> slots(first_slots.size());
    for (const auto i : order) {
        __u32 step = 0;
        while (step < SL_GUARD_WINDOW && taken[(first_slots[i] + step) % SL_GUARD_SLOTS]) ++step;
        if (step == SL_GUARD_WINDOW) return std::nullopt;
        slots[i] = (first_slots[i] + step) % SL_GUARD_SLOTS;
        taken[slots[i]] = true;
    }
    return slots;
}

struct Placement {
    __u64 factor;
    std::vector<__u32> slots;  ///< of each key
};

/// @param slot_of __u32(size_t key, __u64 factor)
template <class SlotOf>
Result<Placement> find_placement(std::size_t count, std::string_view keys, SlotOf&& slot_of) {
    __u64 state = 0;
    std::vector<__u32> first_slots(count);
    for (int i = 0; i < most_factors; ++i) {
        const auto factor = next_factor(state);
        for (std::size_t key = 0; key < count; ++key) first_slots[key] = slot_of(key, factor);
        if (auto slots = place(first_slots)) return Placement{factor, std::move(*slots)};
    }
    return fail(ErrorCode::refused,
                fmt::format("these {} {} do not fit into one table", count, keys),
                "leave one of them out; so many that hash alike do not come by chance");
}

Result<> check_count(std::size_t count, std::size_t most, std::string_view keys) {
    if (count <= most) return {};
    return fail(ErrorCode::refused, fmt::format("{} {} on one port", count, keys),
                fmt::format("a port's guard has room for {}", most));
}

}  // namespace

__u64 mac_in_slot(const MacAddress& mac) {
    __u64 number = 0;
    std::memcpy(&number, mac.bytes.data(), mac.bytes.size());
    return number;
}

MacAddress mac_of_slot(__u64 slot) {
    MacAddress mac;
    std::memcpy(mac.bytes.data(), &slot, mac.bytes.size());
    return mac;
}

Result<> fill_guard_macs(sl_guard& guard, std::vector<GuardMac> macs) {
    SL_CHECK(check_count(macs.size(), SL_GUARD_MACS, "MACs"));
    std::ranges::sort(macs);
    SL_TRY(placement, find_placement(macs.size(), "MACs", [&](std::size_t i, __u64 factor) {
               return sl_guard_mac_slot(mac_in_slot(macs[i].mac), factor);
           }));
    std::ranges::fill(guard.macs, 0);
    for (std::size_t i = 0; i < macs.size(); ++i)
        guard.macs[placement.slots[i]] =
            mac_in_slot(macs[i].mac) | (macs[i].standby ? SL_GUARD_MAC_STANDBY : 0);
    guard.mac_factor = placement.factor;
    guard.mac_count = static_cast<__u16>(macs.size());
    return {};
}

Result<> fill_guard_addresses(sl_guard& guard, std::vector<Address> addresses) {
    SL_CHECK(check_count(addresses.size(), SL_GUARD_ADDRS, "addresses"));
    std::ranges::sort(addresses);
    SL_TRY(placement,
           find_placement(addresses.size(), "addresses", [&](std::size_t i, __u64 factor) {
               const auto [first, second] = halves(addresses[i]);
               return sl_guard_addr_slot(first, second, factor);
           }));
    std::ranges::fill(guard.addrs, sl_addr{});
    for (std::size_t i = 0; i < addresses.size(); ++i)
        guard.addrs[placement.slots[i]] = addresses[i].raw();
    guard.addr_factor = placement.factor;
    guard.addr_count = static_cast<__u16>(addresses.size());
    return {};
}

std::vector<GuardMac> guard_macs(const sl_guard& guard) {
    std::vector<GuardMac> macs;
    for (const auto slot : guard.macs)
        if (slot != 0) macs.push_back({mac_of_slot(slot), (slot & SL_GUARD_MAC_STANDBY) != 0});
    std::ranges::sort(macs);
    return macs;
}

std::vector<Address> guard_addresses(const sl_guard& guard) {
    std::vector<Address> addresses;
    for (const auto& slot : guard.addrs)
        if (!is_empty(slot)) addresses.emplace_back(slot);
    std::ranges::sort(addresses);
    return addresses;
}

const __u64* find_guard_mac(const sl_guard& guard, const MacAddress& mac) {
    const auto number = mac_in_slot(mac);
    const auto first = sl_guard_mac_slot(number, guard.mac_factor);
    for (__u32 i = 0; i < SL_GUARD_WINDOW; ++i) {
        const auto& slot = guard.macs[(first + i) % SL_GUARD_SLOTS];
        if (number != 0 && (slot & SL_GUARD_MAC_BITS) == number) return &slot;
    }
    return nullptr;
}

bool has_guard_address(const sl_guard& guard, const Address& address) {
    const auto raw = address.raw();
    const auto [first_half, second_half] = halves(address);
    const auto first = sl_guard_addr_slot(first_half, second_half, guard.addr_factor);
    if (is_empty(raw)) return false;
    for (__u32 i = 0; i < SL_GUARD_WINDOW; ++i)
        if (std::memcmp(&guard.addrs[(first + i) % SL_GUARD_SLOTS], &raw, sizeof raw) == 0)
            return true;
    return false;
}

}  // namespace sluice
