// SPDX-License-Identifier: GPL-2.0-or-later
// A frame's headers as people read them: for what shows packets, not for what judges them.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "sluice/net.hpp"

namespace sluice {

/// Whether a VLAN tag begins with it (0x8100, 0x88a8, 0x9100), in host order.
[[nodiscard]] bool is_tag_type(std::uint16_t ethertype);

/// An ARP or RARP packet for IPv4 over Ethernet (RFC 826, RFC 903).
struct ArpHeader {
    std::uint16_t operation = 0;
    MacAddress sender_mac, target_mac;
    Address sender, target;
};

struct IpHeader {
    Address source, destination;
    std::uint8_t protocol = 0;  ///< what follows IPv6's extension headers
    bool fragment = false;      ///< a part of a packet
    bool data_only = false;     ///< a part that is not the first: nothing follows but data
    std::optional<std::uint16_t> source_port, destination_port;  ///< TCP, UDP, SCTP; host order
    std::optional<std::uint8_t> icmp_type;
};

/// Reads as far as the bytes reach: what is cut off is absent.
struct FrameHeaders {
    MacAddress destination, source;
    std::vector<std::uint16_t> vlans;        ///< ids of the tags in the frame, outermost first
    std::optional<std::uint16_t> ethertype;  ///< none: the frame ends before it
    bool llc = false;                        ///< 802.3: the ethertype is a length
    std::optional<ArpHeader> arp;
    std::optional<IpHeader> ip;
};

/// None: not even an Ethernet header.
[[nodiscard]] std::optional<FrameHeaders> dissect(std::span<const std::uint8_t> bytes);

/// One line, `02:00:00:00:00:01 > ff:ff:ff:ff:ff:ff ARP reply 10.0.0.1 is 02:00:00:00:00:01`.
[[nodiscard]] std::string frame_text(const FrameHeaders& frame);

/// Who talks to whom, `tcp 10.0.0.2:4000 > [2001:db8::9]:443`.
[[nodiscard]] std::string flow_text(const IpHeader& ip);

}  // namespace sluice
