// SPDX-License-Identifier: GPL-2.0-or-later
// Addresses, prefixes and ports as people write them. Values are immutable and comparable;
// all functions are thread-safe. Text forms follow RFC 5952 (IPv6) and RFC 4632 (CIDR).
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "sluice/abi/types.h"
#include "sluice/error.hpp"

namespace sluice {

/// An IPv4 or IPv6 address, network order, IPv4 kept IPv4-mapped as in sl_addr.
class Address {
public:
    Address() = default;  ///< ::
    explicit Address(const sl_addr& raw);
    [[nodiscard]] static Result<Address> parse(std::string_view text);
    /// @param network_order an IPv4 address as it stands in a packet
    [[nodiscard]] static Address v4(__be32 network_order);

    [[nodiscard]] bool is_v4() const;
    [[nodiscard]] int family() const;     ///< AF_INET or AF_INET6
    [[nodiscard]] int bits() const;       ///< 32 or 128
    [[nodiscard]] __be32 v4_raw() const;  ///< network order; 0 for an IPv6 address
    [[nodiscard]] sl_addr raw() const;
    [[nodiscard]] std::string text() const;
    auto operator<=>(const Address&) const = default;

private:
    std::array<std::uint8_t, 16> bytes_{};
};

/// A network in CIDR form. A bare address parses as its full-length prefix.
struct Prefix {
    Address address;
    int length = 0;  ///< 0..32 or 0..128, in the address's own family

    /// Refuses host bits (`10.0.0.1/24`), with the network meant as the hint.
    [[nodiscard]] static Result<Prefix> parse(std::string_view text);
    [[nodiscard]] bool contains(const Address& address) const;
    [[nodiscard]] bool overlaps(const Prefix& other) const;
    [[nodiscard]] int mapped_length() const;  ///< length in the mapped form: +96 for IPv4
    [[nodiscard]] std::string text() const;
    auto operator<=>(const Prefix&) const = default;
};

/// An address of an interface of the host, with the length of the network that it is in.
struct HostAddress {
    Address address;
    int length = 0;  ///< 1..32 or 1..128, in the address's own family

    [[nodiscard]] static Result<HostAddress> parse(std::string_view text);  ///< `10.0.0.1/24`
    [[nodiscard]] Prefix network() const;
    [[nodiscard]] std::string text() const;
    auto operator<=>(const HostAddress&) const = default;
};

/// First and last port, host order, 1..65535, first <= last.
struct PortRange {
    std::uint16_t first = 0;
    std::uint16_t last = 0;

    [[nodiscard]] static Result<PortRange> parse(std::string_view text);  ///< `80` or `2000-5000`
    [[nodiscard]] bool contains(std::uint16_t port) const;
    [[nodiscard]] bool overlaps(const PortRange& other) const;
    [[nodiscard]] std::uint32_t size() const;
    [[nodiscard]] std::string text() const;
    auto operator<=>(const PortRange&) const = default;
};

/// ADDRESS:PORT[-PORT]; an IPv6 address stands in brackets (RFC 3986 section 3.2.2).
struct Endpoint {
    Address address;
    PortRange ports;

    [[nodiscard]] static Result<Endpoint> parse(std::string_view text);
    [[nodiscard]] std::string text() const;
    auto operator<=>(const Endpoint&) const = default;
};

struct MacAddress {
    std::array<std::uint8_t, 6> bytes{};

    [[nodiscard]] static Result<MacAddress> parse(std::string_view text);
    [[nodiscard]] std::string text() const;
    auto operator<=>(const MacAddress&) const = default;
};

/// IPPROTO_TCP/UDP/ICMP/ICMPV6 from `tcp`, `udp`, `icmp`, `icmpv6`, or a number 0..255.
[[nodiscard]] Result<std::uint8_t> parse_protocol(std::string_view text);
[[nodiscard]] std::string protocol_text(std::uint8_t protocol);

}  // namespace sluice
