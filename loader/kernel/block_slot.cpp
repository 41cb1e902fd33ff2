#include "loader/kernel/block_slot.hpp"

#include <bpf/bpf.h>
#include <sys/mman.h>

#include <cerrno>
#include <cstring>

namespace sluice {
namespace {

constexpr __u32 only_slot = 0;

/// As bpf/maps/maps.h describes what is in the slot.
Fd make_image(std::size_t lines) {
    bpf_map_create_opts options{};
    options.sz = sizeof(options);
    options.map_flags = BPF_F_INNER_MAP | BPF_F_MMAPABLE;
    return Fd(bpf_map_create(BPF_MAP_TYPE_ARRAY, "sl_block_image", sizeof(__u32),
                             sizeof(sl_block_line), static_cast<__u32>(lines), &options));
}

}  // namespace

Result<BlockSlot> BlockSlot::open(const std::filesystem::path& pin) {
    SL_TRY(slot, UntypedMap::open(pin, sizeof(__u32), sizeof(__u32)));
    return BlockSlot(std::move(slot));
}

Result<> BlockSlot::put(std::span<const sl_block_line> image) const {
    const Fd map = make_image(image.size());
    if (!map) return fail_errno(errno, "making the image of the block list");
    void* memory = mmap(nullptr, image.size_bytes(), PROT_WRITE, MAP_SHARED, map.get(), 0);
    if (memory == MAP_FAILED) return fail_errno(errno, "mapping the image of the block list");
    std::memcpy(memory, image.data(), image.size_bytes());
    munmap(memory, image.size_bytes());
    const int fd = map.get();
    return slot_.update(&only_slot, &fd, UpdateMode::any);
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
