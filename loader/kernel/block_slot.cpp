// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/kernel/block_slot.hpp"

#include <bpf/bpf.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>

#include "loader/base/fd.hpp"
#include "loader/kernel/map_slot.hpp"

namespace sluice {
namespace {

constexpr __u32 only_slot = 0;
constexpr std::array<__u32, 2> line_slots{0, 1};

/// The map that is in a slot; no Fd: none is.
Result<Fd> map_in(const UntypedMap& slots, __u32 slot) {
    __u32 id = 0;
    SL_TRY(found, slots.lookup(&slot, &id));
    if (!found) return Fd();
    Fd map(bpf_map_get_fd_by_id(id));
    if (!map) return fail_errno(errno, "opening the image of the block list");
    return map;
}

}  // namespace

Result<BlockSlot> BlockSlot::open(const std::filesystem::path& pin) {
    auto beside = pin;
    beside += "_lines";
    SL_TRY(image, UntypedMap::open(pin, sizeof(__u32), sizeof(__u32)));
    SL_TRY(lines, UntypedMap::open(beside, sizeof(__u32), sizeof(__u32)));
    return BlockSlot(std::move(image), std::move(lines));
}

/// The slot of lines that the image does not name. Since its update returned no frame sees more of
/// the image before it, whose slot this was.
Result<__u32> BlockSlot::free_slot() const {
    SL_TRY(map, map_in(image_, only_slot));
    if (!map) return line_slots[0];
    const __u32 tables = SL_BLOCK_TABLES;
    const auto part = std::make_unique<sl_block_part>();
    if (bpf_map_lookup_elem(map.get(), &tables, part.get()) != 0)
        return fail_errno(errno, "reading the image of the block list");
    return reinterpret_cast<const sl_block_tables&>(*part).slot == line_slots[0] ? line_slots[1]
                                                                                 : line_slots[0];
}

Result<> BlockSlot::put(std::span<sl_block_part> parts,
                        std::span<const sl_block_line> lines) const {
    SL_TRY(slot, free_slot());
    if (lines.empty()) {
        SL_CHECK(lines_.erase(&slot));
    } else {
        SL_CHECK(
            put_in_slot({.outer = lines_.fd(), .number = slot, .name = "sl_block_line"}, lines));
    }
    reinterpret_cast<sl_block_tables&>(parts[SL_BLOCK_TABLES]).slot = slot;
    SL_CHECK(put_in_slot({.outer = image_.fd(), .name = "sl_block_image", .flags = 0},
                         std::span<const sl_block_part>(parts)));
    SL_CHECK(lines_.erase(&line_slots[1 - slot]));
    return {};
}

Result<> BlockSlot::clear() const {
    SL_CHECK(image_.erase(&only_slot));
    for (const auto& slot : line_slots) SL_CHECK(lines_.erase(&slot));
    return {};
}

Result<std::uint64_t> BlockSlot::memory() const {
    SL_TRY(bytes, memory_in_slot(image_.fd(), only_slot));
    for (const auto slot : line_slots) {
        SL_TRY(more, memory_in_slot(lines_.fd(), slot));
        bytes += more;
    }
    return bytes;
}

}  // namespace sluice
