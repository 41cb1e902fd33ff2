// SPDX-License-Identifier: GPL-2.0-or-later
// Frames for human eyes: named fields, a hex dump, and what differs between two
// frames.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tests/harness/packet.hpp"

namespace sluice::test {

/// Where the parts of a frame lie. Offsets are from the first byte of the
/// frame.
struct Layout {
    std::uint16_t ethertype = 0;  ///< after the VLAN tags
    std::size_t l3 = 0;
    bool v4 = false, v6 = false;
    std::uint8_t protocol = 0;        ///< of what is at l4, after extension headers
    std::optional<std::size_t> l4{};  ///< absent in a fragment that is not the first
    bool fragment = false;            ///< any fragment, the first one too
    std::size_t end = 0;              ///< of the IP packet; the rest of the frame is padding
};

/// Parses as far as the frame is sound; nullopt if a header is cut or
/// contradicts itself.
[[nodiscard]] std::optional<Layout> locate(View frame);

struct Field {
    std::string name;
    std::string value;
    auto operator<=>(const Field&) const = default;
};

[[nodiscard]] std::vector<Field> dissect(View frame);
[[nodiscard]] std::string hex_dump(View bytes);

/// Fields and bytes in which the frames differ, expected beside got; empty if
/// they are equal.
[[nodiscard]] std::string difference(View expected, View got);

}  // namespace sluice::test
