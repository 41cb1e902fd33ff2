// SPDX-License-Identifier: GPL-2.0-or-later
// The block list as the datapath looks it up: sluice/abi/block.h.
#pragma once

#include <span>
#include <vector>

#include "sluice/abi/block.h"
#include "sluice/net.hpp"

namespace sluice {

struct BlockImage {
    std::vector<sl_block_part> parts;  ///< SL_BLOCK_PARTS
    std::vector<sl_block_line> lines;

    [[nodiscard]] sl_block_tables& tables();
};

/// @param prefixes as normalise_block_list() leaves them
/// Errors: refused (IPv6 networks of /17 to /31 that have more than 4 million /32s between them).
[[nodiscard]] Result<BlockImage> build_block_image(std::span<const Prefix> prefixes);

/// An IPv6 address as two numbers.
[[nodiscard]] sl_block_addr6 block_addr6(const Address& address);

}  // namespace sluice
