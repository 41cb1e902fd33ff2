// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/kernel/policy_map.hpp"

#include <bpf/bpf.h>

#include <cerrno>

#include "loader/base/fd.hpp"
#include "loader/kernel/map_slot.hpp"

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
    return put_in_slot({.outer = map, .name = "sl_policy_image"}, image);
}

Result<std::uint64_t> policy_image_memory(const PolicyMap& map) {
    return memory_in_slot(map.fd(), the_slot);
}

Result<> remove_policy_image(const PolicyMap& map) {
    SL_CHECK(map.erase(the_slot));
    return {};
}

}  // namespace sluice
