// The block list as the datapath looks it up: sluice/abi/block.h.
#pragma once

#include <span>
#include <vector>

#include "sluice/abi/block.h"
#include "sluice/net.hpp"

namespace sluice {

/// @param prefixes as normalise_block_list() leaves them
/// Errors: refused (IPv6 networks of /17 to /31 that have more than 4 million /32s between them).
[[nodiscard]] Result<std::vector<sl_block_line>> build_block_image(
    std::span<const Prefix> prefixes);

/// An IPv6 address as two numbers.
[[nodiscard]] sl_block_addr6 block_addr6(const Address& address);

}  // namespace sluice
