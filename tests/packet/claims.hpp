// SPDX-License-Identifier: GPL-2.0-or-later
// Frames by which a VM claims to be somebody: ARP, neighbour discovery, DHCP.
#pragma once

#include <cstdint>
#include <optional>

#include "tests/harness/lab.hpp"
#include "tests/harness/packet.hpp"

namespace sluice::test {

inline constexpr Mac everybody{0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
inline constexpr Mac all_nodes{0x33, 0x33, 0, 0, 0, 1};
inline constexpr Mac stranger_mac{2, 9, 9, 9, 9, 9};

/// fe80:: with the address's MAC inside (RFC 4291 appendix A).
[[nodiscard]] sl_addr link_local(const Mac& mac);
inline const sl_addr own_link_local = link_local(vm_a.mac);

struct Arp {
    std::uint16_t operation = 1;  ///< 1 request, 2 reply; 3 of RARP
    Mac sender_mac{};
    sl_addr sender{};
    Mac target_mac{};
    sl_addr target{};
    std::uint16_t hardware = 1, protocol = 0x0800;
    std::uint8_t hardware_length = 6, protocol_length = 4;
};
/// What follows an Ethernet header of type 0x0806 or 0x8035.
[[nodiscard]] Raw arp_body(const Arp& arp);
[[nodiscard]] Packet arp_frame(const Mac& from, const Arp& arp);
[[nodiscard]] Packet rarp_frame(const Mac& from, const Arp& arp);

enum NdType : std::uint8_t { RS = 133, RA = 134, NS = 135, NA = 136, REDIRECT = 137 };

/// A link-layer address option: 1 source, 2 target.
[[nodiscard]] Bytes nd_option(std::uint8_t type, const Mac& mac);
/// Icmp and what follows it of a neighbour message.
/// @param options whole options, one after the other
[[nodiscard]] Packet nd(const Packet& below, NdType type, std::optional<sl_addr> target,
                        const Bytes& options = {});
/// To all nodes, hop limit 255.
[[nodiscard]] Packet nd_ip(const Mac& from, const sl_addr& source);

struct Bootp {
    std::uint8_t op = 1;  ///< 1 request, 2 reply
    Mac chaddr{};
    std::uint8_t hardware_length = 6;
    std::uint32_t id = 0x01020304;           ///< of the transaction
    sl_addr had{};                           ///< ciaddr
    sl_addr given{};                         ///< yiaddr
    std::uint8_t message = 1;                ///< option 53; 5 = ACK
    std::optional<std::uint32_t> seconds{};  ///< option 51
    Bytes more_options{};                    ///< before option 53
};
/// The payload of UDP.
[[nodiscard]] Raw bootp_body(const Bootp& bootp);
/// A client's broadcast.
[[nodiscard]] Packet dhcp_request(const Mac& from, const Bootp& bootp);

}  // namespace sluice::test
