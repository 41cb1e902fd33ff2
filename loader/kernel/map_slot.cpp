// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/kernel/map_slot.hpp"

#include <bpf/bpf.h>
#include <fmt/format.h>
#include <sys/mman.h>

#include <cerrno>
#include <cstring>

#include "loader/base/fd.hpp"

namespace sluice {
namespace {

Fd make_inner_map(const MapSlot& slot, std::size_t entries, std::size_t entry_size) {
    bpf_map_create_opts options{};
    options.sz = sizeof(options);
    options.map_flags = slot.flags | BPF_F_MMAPABLE;
    return Fd(bpf_map_create(BPF_MAP_TYPE_ARRAY, slot.name, sizeof(__u32),
                             static_cast<__u32>(entry_size), static_cast<__u32>(entries),
                             &options));
}

}  // namespace

Result<> put_in_slot(const MapSlot& slot, std::span<const std::byte> image,
                     std::size_t entry_size) {
    const Fd map = make_inner_map(slot, image.size() / entry_size, entry_size);
    if (!map) return fail_errno(errno, fmt::format("making map {}", slot.name));
    void* memory = ::mmap(nullptr, image.size(), PROT_WRITE, MAP_SHARED, map.get(), 0);
    if (memory == MAP_FAILED) return fail_errno(errno, fmt::format("mapping map {}", slot.name));
    std::memcpy(memory, image.data(), image.size());
    ::munmap(memory, image.size());
    const int fd = map.get();
    if (bpf_map_update_elem(slot.outer, &slot.number, &fd, BPF_ANY) == 0) return {};
    return fail_errno(errno, fmt::format("putting map {} in force", slot.name));
}

Result<std::uint64_t> memory_in_slot(int outer, __u32 number) {
    __u32 id = 0;  // as which user space sees the map
    if (bpf_map_lookup_elem(outer, &number, &id) != 0) {
        if (errno == ENOENT) return 0;
        return fail_errno(errno, "reading a map of maps");
    }
    const Fd map(bpf_map_get_fd_by_id(id));
    if (!map && errno == ENOENT) return 0;  // replaced meanwhile
    bpf_map_info info{};
    __u32 size = sizeof(info);
    if (!map || bpf_obj_get_info_by_fd(map.get(), &info, &size) != 0)
        return fail_errno(errno, "reading an image's size");
    return std::uint64_t{info.max_entries} * info.value_size;
}

}  // namespace sluice
