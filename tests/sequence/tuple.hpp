// SPDX-License-Identifier: GPL-2.0-or-later
// What a packet says of itself, for the model: comparable values, read from whole frames by the
// tests' own parser.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>

#include "sluice/net.hpp"
#include "tests/harness/packet.hpp"

namespace sluice::test::sequence {

struct End {
    Address address{};
    std::uint16_t port = 0;
    auto operator<=>(const End&) const = default;
};
[[nodiscard]] std::string text(const End& end);

/// One direction of a conversation. An echo request has its identifier as the source's port, its
/// reply as the destination's, so that one is the other turned round.
struct Tuple {
    std::uint8_t protocol = 0;
    End src{}, dst{};
    auto operator<=>(const Tuple&) const = default;
    [[nodiscard]] Tuple turned() const { return {protocol, dst, src}; }
};
[[nodiscard]] std::string text(const Tuple& tuple);

/// The headers of an IP frame.
struct Headers {
    Mac to{}, from{};
    bool tagged = false;
    Tuple tuple{};
    bool tail = false;              ///< a fragment that is not the first: the tuple has no ports
    std::uint16_t offset = 0;       ///< of a fragment, bytes
    bool error = false;             ///< an ICMP error, whose tuple has no ports
    std::optional<Tuple> quoted{};  ///< by an ICMP error
};
/// None: not IP, or not sound.
[[nodiscard]] std::optional<Headers> read_headers(View frame);

/// The tuple of a packet before it is fragmented.
[[nodiscard]] Tuple tuple_of(const Packet& packet);
/// The packet with the tuple's addresses and ports. Same protocol.
[[nodiscard]] Packet with_tuple(Packet packet, const Tuple& tuple);

}  // namespace sluice::test::sequence
