// SPDX-License-Identifier: GPL-2.0-or-later
// The block list: desired state -> sl_block, sl_block_until, sl_block_state.
#pragma once

#include <memory>

#include "loader/instance/feature.hpp"
#include "loader/kernel/datapath.hpp"

namespace sluice {

/// What has no expiry is replaced as a whole; planning does not read it. Entries that the datapath
/// has made are left alone. Refuses more networks with an expiry than there is room for.
[[nodiscard]] std::unique_ptr<Feature> block_feature();

/// Ends what the datapath has blocked by itself. @return whether it had
[[nodiscard]] Result<bool> unblock_found(const Maps& maps, const sl_block_key& key);

[[nodiscard]] sl_block_key block_key(const Prefix& prefix);
[[nodiscard]] Prefix block_prefix(const sl_block_key& key);

/// Times of the database and of the kernel, taken together.
struct BlockClock {
    std::uint64_t real;       ///< CLOCK_REALTIME, ms
    std::uint64_t monotonic;  ///< CLOCK_MONOTONIC, ns

    [[nodiscard]] static BlockClock now();
    [[nodiscard]] std::uint64_t until(std::uint64_t expires) const;  ///< as the kernel has it
    [[nodiscard]] bool is_over(std::uint64_t expires) const;         ///< 0 never is
};

}  // namespace sluice
