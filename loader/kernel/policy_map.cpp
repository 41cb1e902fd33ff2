#include "loader/kernel/policy_map.hpp"

#include <bpf/bpf.h>
#include <sys/mman.h>

#include <cerrno>
#include <cstring>

#include "loader/kernel/fd.hpp"

namespace sluice {
namespace {

constexpr __u32 the_slot = 0;

}  // namespace

Result<std::optional<sl_policy_header>> read_policy_header(const PolicyMap& map) {
    // User space sees an inner map by its id.
    SL_TRY(id, map.lookup(the_slot));
    if (!id) return std::nullopt;
    const Fd inner(bpf_map_get_fd_by_id(*id));
    if (!inner && errno == ENOENT) return std::nullopt;  // replaced meanwhile
    if (!inner) return fail_errno(errno, "opening the policy");
    sl_policy_line line;
    if (bpf_map_lookup_elem(inner.get(), &the_slot, &line) != 0)
        return fail_errno(errno, "reading the policy");
    return line.header;
}

Result<> put_policy_image(int map, std::span<const sl_policy_line> image) {
    bpf_map_create_opts options{};
    options.sz = sizeof(options);
    options.map_flags = BPF_F_INNER_MAP | BPF_F_MMAPABLE;
    const Fd inner(bpf_map_create(BPF_MAP_TYPE_ARRAY, "sl_policy_image", sizeof(__u32),
                                  sizeof(sl_policy_line), static_cast<__u32>(image.size()),
                                  &options));
    if (!inner) return fail_errno(errno, "making a map for the policy");
    void* memory =
        ::mmap(nullptr, image.size_bytes(), PROT_READ | PROT_WRITE, MAP_SHARED, inner.get(), 0);
    if (memory == MAP_FAILED) return fail_errno(errno, "mapping the policy");
    std::memcpy(memory, image.data(), image.size_bytes());
    ::munmap(memory, image.size_bytes());
    const int fd = inner.get();
    if (bpf_map_update_elem(map, &the_slot, &fd, BPF_ANY) == 0) return {};
    return fail_errno(errno, "putting the policy in force");
}

Result<> remove_policy_image(const PolicyMap& map) {
    SL_CHECK(map.erase(the_slot));
    return {};
}

}  // namespace sluice
