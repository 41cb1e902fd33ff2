// The place of the block list's image: a map in a map, so that one update replaces all of it.
#pragma once

#include <filesystem>
#include <span>

#include "loader/kernel/map.hpp"
#include "sluice/abi/block.h"

namespace sluice {

class BlockSlot {
public:
    [[nodiscard]] static Result<BlockSlot> open(const std::filesystem::path& pin);

    /// Makes a map of it and puts it in the place of the one before; no frame is judged by that
    /// one any more when this returns.
    [[nodiscard]] Result<> put(std::span<const sl_block_line> image) const;
    /// Nothing there is no error.
    [[nodiscard]] Result<> clear() const;
    /// Bytes of kernel memory of the image; 0 = there is none.
    [[nodiscard]] Result<std::uint64_t> memory() const;

    [[nodiscard]] const MapInfo& info() const { return slot_.info(); }

private:
    explicit BlockSlot(UntypedMap slot) : slot_(std::move(slot)) {}
    UntypedMap slot_;
};

}  // namespace sluice
