// SPDX-License-Identifier: GPL-2.0-or-later
// The block list: networks from and to which nothing enters.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "loader/block/list.hpp"
#include "loader/instance/target.hpp"
#include "sluice/model/block.hpp"

namespace sluice {

constexpr std::string_view manual_block_set = "manual";  ///< what `block add` has added
constexpr std::string_view found_block_set = "found";    ///< what the datapath blocked by itself

/// @param expire none = never. Errors: refused (a /0), usage (no networks).
[[nodiscard]] Result<Outcome> add_blocks(const Target& target, const std::vector<Prefix>& prefixes,
                                         std::optional<std::chrono::milliseconds> expire);
/// What was added one by one, or found by the datapath. Errors: not_found.
[[nodiscard]] Result<Outcome> remove_blocks(const Target& target,
                                            const std::vector<Prefix>& prefixes);

struct BlockFile {
    std::string file;  ///< `-` = standard input
    std::string set;   ///< 1 to 32 letters, digits, `-`, `_` and `.`; none of the names above
    std::optional<std::chrono::milliseconds> expire = {};
    BlockProgress progress = {};
};
struct BlockLoaded {
    Outcome outcome;
    std::size_t count = 0;    ///< networks of the set
    std::size_t covered = 0;  ///< that another one of the file covers
};
/// Replaces the set of that name. Errors: usage (a bad line), refused (nothing listed, or a /0).
[[nodiscard]] Result<BlockLoaded> load_blocks(const Target& target, const BlockFile& from);

/// @param set none = all there is, what the datapath found as well. Errors: not_found.
[[nodiscard]] Result<Outcome> clear_blocks(const Target& target,
                                           const std::optional<std::string>& set);

struct BlockEntryStatus {
    Prefix prefix;
    std::string_view by = {};   ///< the detector that found it; empty: it was added by hand
    std::uint64_t expires = 0;  ///< CLOCK_REALTIME, milliseconds; 0 = never
};
struct BlockStatus {
    std::vector<BlockSetSpec> sets;
    std::vector<BlockEntryStatus> entries;
    std::uint64_t memory = 0;  ///< bytes of the image in the kernel
};
[[nodiscard]] Result<BlockStatus> list_blocks(const Target& target);

/// The networks of a set, in the order of addresses. Errors: not_found.
[[nodiscard]] Result<std::vector<Prefix>> read_blocks(const Target& target, const std::string& set);

}  // namespace sluice
