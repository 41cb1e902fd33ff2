// SPDX-License-Identifier: GPL-2.0-or-later
// The Internet checksum (RFC 1071), computed plainly: the tests' own, against
// which the datapath's incremental updates are judged.
#pragma once

#include <cstdint>
#include <string>

#include "tests/harness/packet.hpp"

namespace sluice::test {

/// The folded one's-complement sum, not inverted.
[[nodiscard]] std::uint16_t ones_sum(View bytes, std::uint32_t start = 0);

/// The folded pseudo-header sum of TCP, UDP or ICMPv6 (RFC 9293 section 3.1,
/// RFC 8200 section 8.1).
/// @param v4 the addresses are IPv4-mapped and the pseudo-header is IPv4's
[[nodiscard]] std::uint16_t pseudo_sum(bool v4, const sl_addr& src, const sl_addr& dst,
                                       std::uint8_t protocol, std::size_t length);

/// Says what is wrong with the checksums of a frame; empty if nothing is.
/// Judges the IPv4 header and, unless the packet is a fragment, TCP, UDP, ICMP
/// and ICMPv6.
[[nodiscard]] std::string checksum_fault(View frame);

/// Makes the checksums right that checksum_fault() judges, as far as the frame
/// is sound.
void mend_checksums(Bytes& frame);

}  // namespace sluice::test
