#include "loader/kernel/block_slot.hpp"

#include <bpf/bpf.h>

#include <cerrno>

#include "loader/kernel/map_slot.hpp"

namespace sluice {
namespace {

constexpr __u32 only_slot = 0;

}  // namespace

Result<BlockSlot> BlockSlot::open(const std::filesystem::path& pin) {
    SL_TRY(slot, UntypedMap::open(pin, sizeof(__u32), sizeof(__u32)));
    return BlockSlot(std::move(slot));
}

Result<> BlockSlot::put(std::span<const sl_block_line> image) const {
    return put_in_slot(slot_.fd(), "sl_block_image", image);
}

Result<> BlockSlot::clear() const {
    SL_CHECK(slot_.erase(&only_slot));
    return {};
}

Result<std::uint64_t> BlockSlot::memory() const {
    __u32 id = 0;
    SL_TRY(found, slot_.lookup(&only_slot, &id));
    if (!found) return 0;
    const Fd map(bpf_map_get_fd_by_id(id));
    bpf_map_info info{};
    __u32 size = sizeof(info);
    if (!map || bpf_obj_get_info_by_fd(map.get(), &info, &size) != 0)
        return fail_errno(errno, "reading the image of the block list");
    return std::uint64_t{info.max_entries} * info.value_size;
}

}  // namespace sluice
