#include "loader/kernel/map_slot.hpp"

#include <bpf/bpf.h>
#include <fmt/format.h>
#include <sys/mman.h>

#include <cerrno>
#include <cstring>

#include "loader/kernel/fd.hpp"

namespace sluice {
namespace {

/// As bpf/maps/maps.h describes what is in a slot.
Fd make_inner_map(const char* name, std::size_t lines, std::size_t line_size) {
    bpf_map_create_opts options{};
    options.sz = sizeof(options);
    options.map_flags = BPF_F_INNER_MAP | BPF_F_MMAPABLE;
    return Fd(bpf_map_create(BPF_MAP_TYPE_ARRAY, name, sizeof(__u32), static_cast<__u32>(line_size),
                             static_cast<__u32>(lines), &options));
}

}  // namespace

Result<> put_in_slot(int slot, const char* name, std::span<const std::byte> image,
                     std::size_t line_size) {
    const Fd map = make_inner_map(name, image.size() / line_size, line_size);
    if (!map) return fail_errno(errno, fmt::format("making map {}", name));
    void* memory = ::mmap(nullptr, image.size(), PROT_WRITE, MAP_SHARED, map.get(), 0);
    if (memory == MAP_FAILED) return fail_errno(errno, fmt::format("mapping map {}", name));
    std::memcpy(memory, image.data(), image.size());
    ::munmap(memory, image.size());
    const __u32 only = 0;
    const int fd = map.get();
    if (bpf_map_update_elem(slot, &only, &fd, BPF_ANY) == 0) return {};
    return fail_errno(errno, fmt::format("putting map {} in force", name));
}

}  // namespace sluice
