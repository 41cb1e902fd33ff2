// SPDX-License-Identifier: GPL-2.0-or-later
// Lists of networks to block, as files have them and as the datapath gets them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sluice/net.hpp"

namespace sluice {

/// Told how many lines were read, every so often.
using BlockProgress = std::function<void(std::size_t lines)>;

/// One address or network a line; what follows `#` or `;` is a comment. All of it or nothing.
/// @param name of the file, for the error. Errors: usage, with the line's number.
[[nodiscard]] Result<std::vector<Prefix>> parse_block_list(std::string_view text,
                                                           std::string_view name,
                                                           const BlockProgress& progress = {});

/// Sorted, IPv4 first, each address in one prefix only: what another covers is left out.
void normalise_block_list(std::vector<Prefix>& prefixes);

/// Digests a sorted list: two lists have the same digest only if they are the same, as far as 64
/// bits go. Never 0.
[[nodiscard]] std::uint64_t block_list_digest(std::span<const Prefix> prefixes);

/// 5 bytes an IPv4 prefix, 17 an IPv6 one, for the database.
[[nodiscard]] std::string pack_block_list(std::span<const Prefix> prefixes);
/// Errors: failed (nothing that pack_block_list() wrote).
[[nodiscard]] Result<std::vector<Prefix>> unpack_block_list(std::string_view packed);

}  // namespace sluice
