// SPDX-License-Identifier: GPL-2.0-or-later
// The frames that an event means.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "tests/sequence/model.hpp"

namespace sluice::test::sequence {

/// On the network of `wan`, with a route to the VMs by the gateway.
inline const Host neighbour{{2, 0, 0, 0, 0x0c, 7}, ip("192.0.2.7"), ip("2001:db8:1::7")};
/// Outside, and never talked to.
inline const sl_addr stranger = ip("203.0.113.66"), stranger6 = ip("2001:db8:ffff::66");
inline constexpr PortRange masquerade_ports{2000, 30000};

/// A packet as it is sent.
struct Sent {
    At by = At::a;         ///< the cable that it goes into
    bool by_host = false;  ///< a process of the host sends it instead
    std::uint16_t number =
        0;           ///< in its IPv4 identification or IPv6 flow label: tells it from others
    Packet whole{};  ///< before it is fragmented, tag included
    Tuple tuple{};
    std::size_t chunk = 0;         ///< bytes of IP payload in a fragment; 0: it is not fragmented
    bool backwards = false;        ///< the later fragments first
    bool tail_only = false;        ///< without the first fragment
    const char* forged = nullptr;  ///< why no router may carry it; none: it may
    bool foreign = false;          ///< it is not from who should say it: a router can't always tell
    bool aged = false;             ///< what the kernel said of ways out is asked for again
    std::optional<Tuple> quoted{};  ///< by an ICMP error
    bool stray = false;             ///< which is not from or to who has to do with that

    [[nodiscard]] bool whole_has_v4() const { return whole.has<Ip4>(); }
};

[[nodiscard]] Sent packet_of(const Send& event, std::uint16_t number);
[[nodiscard]] Sent packet_of(const Say& event, const Conversation& about, std::uint16_t number);
/// One of a flood's packets.
[[nodiscard]] Sent packet_of(const Flood& event, std::uint16_t port, std::uint16_t number);

/// As they go into the cable, in order.
[[nodiscard]] std::vector<Bytes> frames_of(const Sent& sent);
/// As they are to come out if it is carried: with this tuple, one hop on.
[[nodiscard]] std::vector<Bytes> carried_frames(const Sent& sent, const Tuple& out, const Mac& to,
                                                const Mac& from);

}  // namespace sluice::test::sequence
