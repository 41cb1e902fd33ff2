// SPDX-License-Identifier: GPL-2.0-or-later
#include "sluice/net.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>

#include <algorithm>
#include <bit>
#include <charconv>
#include <cstring>
#include <utility>

namespace sluice {
namespace {

// RFC 4291 section 2.5.5.2: ::ffff:a.b.c.d
constexpr std::array<std::uint8_t, 12> mapped_prefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

constexpr std::array<std::pair<std::string_view, std::uint8_t>, 4> protocols{{
    {"tcp", IPPROTO_TCP},
    {"udp", IPPROTO_UDP},
    {"icmp", IPPROTO_ICMP},
    {"icmpv6", IPPROTO_ICMPV6},
}};
/// Digits alone: no sign, no space, nothing after them.
template <class Number>
bool parse_number(std::string_view text, Number& number, int base = 10) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
    return error == std::errc() && end == text.data() + text.size();
}

std::string quoted(std::string_view text) { return fmt::format("`{}`", text); }

/// Clears all bits of the mapped form beyond the first `bits`.
std::array<std::uint8_t, 16> masked(std::array<std::uint8_t, 16> bytes, int bits) {
    for (int i = 0; i < 16; ++i) {
        const int kept = std::clamp(bits - 8 * i, 0, 8);
        bytes[i] &= static_cast<std::uint8_t>(0xff00 >> kept);
    }
    return bytes;
}

std::array<std::uint8_t, 16> bytes_of(const Address& address) {
    return std::bit_cast<std::array<std::uint8_t, 16>>(address.raw());
}

Result<std::uint16_t> parse_port(std::string_view text, std::string_view whole) {
    unsigned port = 0;
    if (!parse_number(text, port) || port < 1 || port > 65535)
        return fail(ErrorCode::usage, quoted(whole) + " is not a port or port range",
                    "ports are 1 to 65535; a range is FIRST-LAST");
    return static_cast<std::uint16_t>(port);
}

}  // namespace

Address::Address(const sl_addr& raw) { std::memcpy(bytes_.data(), raw.b, bytes_.size()); }

Result<Address> Address::parse(std::string_view text) {
    const std::string copy(text);
    const bool whole = !copy.contains('\0');  // inet_pton() would stop there
    in_addr v4{};
    if (whole && inet_pton(AF_INET, copy.c_str(), &v4) == 1) return Address::v4(v4.s_addr);
    Address address;
    if (whole && inet_pton(AF_INET6, copy.c_str(), address.bytes_.data()) == 1) return address;
    return fail(ErrorCode::usage, quoted(text) + " is not an IP address",
                "write 192.0.2.1 or 2001:db8::1");
}

Address Address::v4(__be32 network_order) {
    Address address;
    std::ranges::copy(mapped_prefix, address.bytes_.begin());
    std::memcpy(address.bytes_.data() + mapped_prefix.size(), &network_order, 4);
    return address;
}

bool Address::is_v4() const {
    return std::equal(mapped_prefix.begin(), mapped_prefix.end(), bytes_.begin());
}

int Address::family() const { return is_v4() ? AF_INET : AF_INET6; }

int Address::bits() const { return is_v4() ? 32 : 128; }

__be32 Address::v4_raw() const {
    __be32 network_order = 0;
    if (is_v4()) std::memcpy(&network_order, bytes_.data() + mapped_prefix.size(), 4);
    return network_order;
}

sl_addr Address::raw() const { return std::bit_cast<sl_addr>(bytes_); }

std::string Address::text() const {
    std::array<char, INET6_ADDRSTRLEN> text{};
    const std::size_t skipped = is_v4() ? mapped_prefix.size() : 0;
    inet_ntop(family(), bytes_.data() + skipped, text.data(), text.size());
    return text.data();
}

Prefix HostAddress::network() const {
    Prefix network{address, length};
    network.address =
        Address(std::bit_cast<sl_addr>(masked(bytes_of(address), network.mapped_length())));
    return network;
}

Result<Prefix> Prefix::parse(std::string_view text) {
    const auto slash = text.find('/');
    SL_TRY(address, Address::parse(text.substr(0, slash)));
    if (slash == std::string_view::npos) return Prefix{address, address.bits()};

    std::uint8_t length = 0;
    if (!parse_number(text.substr(slash + 1), length) || length > address.bits())
        return fail(ErrorCode::usage, quoted(text) + " is not a network",
                    fmt::format("the length after the / is 0 to {}", address.bits()));

    const Prefix prefix{address, length};
    const Prefix network = HostAddress{address, length}.network();
    if (network != prefix)
        return fail(ErrorCode::usage, quoted(text) + " has host bits set",
                    "the network is " + network.text());
    return prefix;
}

bool Prefix::contains(const Address& other) const {
    return other.is_v4() == address.is_v4() &&
           masked(bytes_of(other), mapped_length()) == bytes_of(address);
}

bool Prefix::overlaps(const Prefix& other) const {
    return contains(other.address) || other.contains(address);
}

int Prefix::mapped_length() const { return address.is_v4() ? 96 + length : length; }

std::string Prefix::text() const { return fmt::format("{}/{}", address.text(), length); }

Result<HostAddress> HostAddress::parse(std::string_view text) {
    const auto slash = text.find('/');
    SL_TRY(address, Address::parse(text.substr(0, slash)));
    std::uint8_t length = 0;
    if (slash == std::string_view::npos || !parse_number(text.substr(slash + 1), length) ||
        length == 0 || length > address.bits())
        return fail(ErrorCode::usage, quoted(text) + " is not an address with its network's length",
                    fmt::format("`{}/{}`, the length is 1 to {}", address.text(),
                                address.is_v4() ? 24 : 64, address.bits()));
    return HostAddress{address, length};
}

std::string HostAddress::text() const { return fmt::format("{}/{}", address.text(), length); }

Result<PortRange> PortRange::parse(std::string_view text) {
    const auto dash = text.find('-');
    SL_TRY(first, parse_port(text.substr(0, dash), text));
    if (dash == std::string_view::npos) return PortRange{first, first};
    SL_TRY(last, parse_port(text.substr(dash + 1), text));
    if (first > last)
        return fail(ErrorCode::usage, quoted(text) + " is a reversed port range",
                    fmt::format("write {}-{}", last, first));
    return PortRange{first, last};
}

bool PortRange::contains(std::uint16_t port) const { return first <= port && port <= last; }

bool PortRange::overlaps(const PortRange& other) const {
    return first <= other.last && other.first <= last;
}

std::uint32_t PortRange::size() const { return std::uint32_t{last} - first + 1; }

std::string PortRange::text() const {
    return first == last ? fmt::format("{}", first) : fmt::format("{}-{}", first, last);
}

Result<Endpoint> Endpoint::parse(std::string_view text) {
    const auto colon = text.rfind(':');
    auto host = text.substr(0, colon);
    const bool bracketed = host.starts_with('[') && host.ends_with(']');
    if (bracketed) host = host.substr(1, host.size() - 2);
    // A bare IPv6 address would swallow the port: 2001:db8::1:80 is an address.
    if (colon == std::string_view::npos || bracketed != host.contains(':'))
        return fail(ErrorCode::usage, quoted(text) + " is not ADDRESS:PORT[-PORT]",
                    "an IPv6 address stands in brackets: [2001:db8::1]:80");
    SL_TRY(address, Address::parse(host));
    SL_TRY(ports, PortRange::parse(text.substr(colon + 1)));
    return Endpoint{address, ports};
}

std::string Endpoint::text() const {
    if (address.is_v4()) return fmt::format("{}:{}", address.text(), ports.text());
    return fmt::format("[{}]:{}", address.text(), ports.text());
}

Result<MacAddress> MacAddress::parse(std::string_view text) {
    MacAddress mac;
    bool good = text.size() == 17;
    for (std::size_t i = 0; good && i < mac.bytes.size(); ++i) {
        good = parse_number(text.substr(3 * i, 2), mac.bytes[i], 16) &&
               (i == 0 || text[3 * i - 1] == ':');
    }
    if (!good)
        return fail(ErrorCode::usage, quoted(text) + " is not a MAC address",
                    "write six pairs of hex digits: 02:00:00:00:00:01");
    return mac;
}

std::string MacAddress::text() const { return fmt::format("{:02x}", fmt::join(bytes, ":")); }

Result<std::uint8_t> parse_protocol(std::string_view text) {
    for (const auto& [name, number] : protocols)
        if (name == text) return number;
    std::uint8_t number = 0;
    if (!parse_number(text, number))
        return fail(ErrorCode::usage, quoted(text) + " is not a protocol",
                    "write tcp, udp, icmp, icmpv6 or a number 0 to 255");
    return number;
}

std::string protocol_text(std::uint8_t protocol) {
    for (const auto& [name, number] : protocols)
        if (number == protocol) return std::string(name);
    return fmt::format("{}", protocol);
}

}  // namespace sluice
