// SPDX-License-Identifier: GPL-2.0-or-later
// How a pool chooses which of its addresses to give. Pure but for the random source; thread-safe.
#pragma once

#include <cstdint>
#include <string_view>

#include "loader/model/mac_pool.hpp"

namespace sluice {

/// Single addresses that are tried, each by one look-up, before all are searched in sequence from
/// the first of them on. One for strategies that are a sequence.
[[nodiscard]] int candidate_count(MacStrategy strategy);

/// The address to try as number `attempt`, from 0 on; inside the pool's range.
/// - random: getrandom(2), every address as likely as any other
/// - sequential: behind the last one given
/// - uuid: uuid_hash() modulo the size of the range
/// - time: milliseconds of CLOCK_REALTIME modulo the size of the range
[[nodiscard]] Result<std::uint64_t> candidate(const MacPool& pool, std::string_view uuid,
                                              std::uint16_t nic, int attempt);

/// The same on every host and for ever: FNV-1a (64 bits) of the text `UUID/NIC/FIRST-LAST/ATTEMPT`
/// (UUID in lower case, FIRST and LAST the ends of the pool's range), its bits then mixed by the
/// finalizer of MurmurHash3, for FNV's upper bits hardly depend on the last letters.
[[nodiscard]] std::uint64_t uuid_hash(std::string_view uuid, std::uint16_t nic,
                                      const MacRange& range, int attempt);

}  // namespace sluice
