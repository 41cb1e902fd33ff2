// SPDX-License-Identifier: GPL-2.0-or-later
// The slots of an array of maps, whose images (arrays of entries) are made whole and swapped whole.
#pragma once

#include <linux/bpf.h>

#include <cstddef>
#include <cstdint>
#include <span>

#include "sluice/error.hpp"

namespace sluice {

/// A slot, and what bpf/maps/maps.h says of the maps in it.
struct MapSlot {
    int outer = -1;                 ///< fd of the array of maps
    __u32 number = 0;               ///< of the slot
    const char* name = "";          ///< of the map in it, up to 15 letters
    __u32 flags = BPF_F_INNER_MAP;  ///< besides BPF_F_MMAPABLE: without, all images are of one size
};

[[nodiscard]] Result<> put_in_slot(const MapSlot& slot, std::span<const std::byte> image,
                                   std::size_t entry_size);

/// Makes a map of the image and puts it in the place of the one before. When it returns no program
/// reads that one any more.
template <class Entry>
[[nodiscard]] Result<> put_in_slot(const MapSlot& slot, std::span<const Entry> image) {
    return put_in_slot(slot, std::as_bytes(image), sizeof(Entry));
}

/// Bytes of the image in a slot; 0: none is there.
[[nodiscard]] Result<std::uint64_t> memory_in_slot(int outer, __u32 number);

}  // namespace sluice
