// SPDX-License-Identifier: GPL-2.0-or-later
// The place of the block list's image: maps in maps, so that one update replaces all of it.
#pragma once

#include <filesystem>
#include <span>

#include "loader/kernel/map.hpp"
#include "sluice/abi/block.h"

namespace sluice {

class BlockSlot {
public:
    /// @param pin of sl_block; that of sl_block_lines is beside it
    [[nodiscard]] static Result<BlockSlot> open(const std::filesystem::path& pin);

    /// Makes maps of it and puts them in the place of those before; no frame is judged by those
    /// any more when this returns. Sets the slot in its tables.
    [[nodiscard]] Result<> put(std::span<sl_block_part> parts,
                               std::span<const sl_block_line> lines) const;
    /// Nothing there is no error.
    [[nodiscard]] Result<> clear() const;
    /// Bytes of kernel memory of the image; 0 = there is none.
    [[nodiscard]] Result<std::uint64_t> memory() const;

private:
    BlockSlot(UntypedMap image, UntypedMap lines)
        : image_(std::move(image)), lines_(std::move(lines)) {}

    [[nodiscard]] Result<__u32> free_slot() const;

    UntypedMap image_, lines_;
};

}  // namespace sluice
