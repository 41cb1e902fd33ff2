// The one slot of an array of maps, whose images (arrays of lines) are made whole and swapped
// whole.
#pragma once

#include <cstddef>
#include <span>

#include "sluice/error.hpp"

namespace sluice {

[[nodiscard]] Result<> put_in_slot(int slot, const char* name, std::span<const std::byte> image,
                                   std::size_t line_size);

/// Makes a map of the image and puts it in the place of the one before. When it returns no program
/// reads that one any more.
/// @param slot fd of the outer map
/// @param name of the inner map, up to 15 letters
template <class Line>
[[nodiscard]] Result<> put_in_slot(int slot, const char* name, std::span<const Line> image) {
    return put_in_slot(slot, name, std::as_bytes(image), sizeof(Line));
}

}  // namespace sluice
