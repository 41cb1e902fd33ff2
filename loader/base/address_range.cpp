// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/base/address_range.hpp"

#include <fmt/format.h>

namespace sluice {
namespace {

/// The lower half of an address (for IPv4 all that differs) as a number.
std::uint64_t low_half(const Address& address) {
    const sl_addr raw = address.raw();
    std::uint64_t number = 0;
    for (int i = 8; i < 16; ++i) number = number << 8 | raw.b[i];
    return number;
}

Address with_low_half(const Address& address, std::uint64_t number) {
    sl_addr raw = address.raw();
    for (int i = 15; i >= 8; --i, number >>= 8) raw.b[i] = static_cast<std::uint8_t>(number);
    return Address(raw);
}

bool same_high_half(const Address& a, const Address& b) {
    return with_low_half(a, 0) == with_low_half(b, 0);
}

Result<AddressRange> parse_network(std::string_view text) {
    SL_TRY(prefix, Prefix::parse(text));
    const bool v4 = prefix.address.is_v4();
    const int host_bits = prefix.address.bits() - prefix.length;
    if (host_bits > (v4 ? 32 : 64) || host_bits < 2)
        return fail(ErrorCode::usage, fmt::format("--ip-pool {} is out of range", text),
                    v4 ? "at most a /30, so that hosts fit in"
                       : "from a /64 to a /126; or write FIRST-LAST");
    const auto first = low_half(prefix.address);
    const auto last = first | (host_bits == 64 ? ~0ull : (1ull << host_bits) - 1);
    return AddressRange{with_low_half(prefix.address, first + 1),
                        with_low_half(prefix.address, v4 ? last - 1 : last)};
}

}  // namespace

Result<AddressRange> AddressRange::parse(std::string_view text) {
    const auto dash = text.find('-');
    if (dash == std::string_view::npos) return parse_network(text);
    SL_TRY(first, Address::parse(text.substr(0, dash)));
    SL_TRY(last, Address::parse(text.substr(dash + 1)));
    if (first.is_v4() != last.is_v4() || last < first)
        return fail(ErrorCode::usage, fmt::format("`{}` is not a range of addresses", text),
                    "write FIRST-LAST: 10.0.0.10-10.0.0.99");
    if (!same_high_half(first, last))
        return fail(ErrorCode::usage, fmt::format("`{}` spans more than one /64", text),
                    "both ends of an IPv6 range have the same first 64 bits");
    return AddressRange{first, last};
}

bool AddressRange::contains(const Address& address) const {
    return address.is_v4() == first.is_v4() && first <= address && address <= last;
}

std::uint64_t AddressRange::size() const { return low_half(last) - low_half(first) + 1; }

Address AddressRange::at(std::uint64_t index) const {
    return with_low_half(first, low_half(first) + index);
}

std::string AddressRange::text() const { return fmt::format("{}-{}", first.text(), last.text()); }

}  // namespace sluice
