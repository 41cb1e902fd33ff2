// SPDX-License-Identifier: GPL-2.0-or-later
// The block list: sets of networks, and single ones.
#pragma once

#include <cstdint>
#include <string>

#include "sluice/net.hpp"

namespace sluice {

/// A set of networks to block, from a file. Its networks are read apart: there may be a million.
struct BlockSetSpec {
    std::string name;           ///< 1..32 letters, digits, `-`, `_` and `.`
    std::string source;         ///< the file it came from
    std::uint64_t loaded = 0;   ///< CLOCK_REALTIME, seconds
    std::uint64_t expires = 0;  ///< CLOCK_REALTIME, milliseconds; 0 = never
    std::uint64_t count = 0;    ///< networks
    std::uint64_t digest = 0;   ///< of them: loader/block/list.hpp
    bool operator==(const BlockSetSpec&) const = default;
};

/// A network that is blocked by itself.
struct BlockEntrySpec {
    Prefix prefix;
    std::uint64_t expires = 0;  ///< CLOCK_REALTIME, milliseconds; 0 = never
    bool operator==(const BlockEntrySpec&) const = default;
};

}  // namespace sluice
