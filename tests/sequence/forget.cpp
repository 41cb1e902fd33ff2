// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/sequence/forget.hpp"

#include <bpf/bpf.h>
#include <sys/mman.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <vector>

#include "loader/base/fd.hpp"
#include "loader/kernel/map.hpp"
#include "sluice/abi/account.h"

namespace sluice::test::sequence {
namespace {

constexpr std::array traffic_maps{
    "sl_flows4",   "sl_flows6", "sl_births4",   "sl_flow_groups4", "sl_flow_groups6",
    "sl_bindings", "sl_live",   "sl_fragments", "sl_held",         "sl_sources",
};

void zero_mapped(int fd, const bpf_map_info& info) {
    const std::size_t value = (info.value_size + 7) / 8 * 8, size = value * info.max_entries;
    void* memory = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (memory == MAP_FAILED) return;
    std::memset(memory, 0, size);
    munmap(memory, size);
}

/// Of each entry all but what the loader has written there.
template <class Value, class Keep>
void zero_counts(const Pins& pins, const char* name, Keep&& keep) {
    const Fd fd(bpf_obj_get(pins.map(name).c_str()));
    if (!fd) return;
    __u32 next = 0;
    for (const __u32* key = nullptr; bpf_map_get_next_key(fd.get(), key, &next) == 0; key = &next) {
        Value value{};
        if (bpf_map_lookup_elem(fd.get(), &next, &value) != 0) continue;
        Value kept{};
        keep(kept, value);
        if (std::memcmp(&kept, &value, sizeof(Value)) != 0)
            bpf_map_update_elem(fd.get(), &next, &kept, 0);
    }
}

void zero_array(int fd, const bpf_map_info& info) {
    std::vector<__u32> keys(info.max_entries);
    for (__u32 i = 0; i < info.max_entries; ++i) keys[i] = i;
    const std::vector<char> values(std::size_t{info.value_size} * info.max_entries);
    __u32 count = info.max_entries;
    LIBBPF_OPTS(bpf_map_batch_opts, options);
    bpf_map_update_batch(fd, keys.data(), values.data(), &count, &options);
}

void empty_hash(int fd, const bpf_map_info& info) {
    std::vector<char> key(info.key_size);
    while (bpf_map_get_next_key(fd, nullptr, key.data()) == 0 &&
           bpf_map_delete_elem(fd, key.data()) == 0)
        continue;
}

void drain(int fd, const bpf_map_info& info) {
    std::vector<char> value(info.value_size);
    while (bpf_map_lookup_and_delete_elem(fd, nullptr, value.data()) == 0) continue;
}

void clear(int fd) {
    bpf_map_info info{};
    __u32 size = sizeof info;
    if (bpf_obj_get_info_by_fd(fd, &info, &size) != 0) std::abort();
    switch (info.type) {
        case BPF_MAP_TYPE_ARRAY:
            return info.map_flags & BPF_F_MMAPABLE ? zero_mapped(fd, info) : zero_array(fd, info);
        case BPF_MAP_TYPE_QUEUE:
            return drain(fd, info);
        case BPF_MAP_TYPE_HASH:
        case BPF_MAP_TYPE_LRU_HASH:
            return empty_hash(fd, info);
        default:
            std::cerr << info.name << " can't be cleared\n";
            std::abort();
    }
}

}  // namespace

void forget_traffic(const Pins& pins) {
    for (const char* name : traffic_maps) {
        const Fd fd(bpf_obj_get(pins.map(name).c_str()));
        if (fd) clear(fd.get());
    }
    zero_counts<sl_pool_stats>(pins, "sl_pool_stats",
                               [](auto& kept, const auto& before) { kept.size = before.size; });
    const auto accounts = MappedArray<sl_account>::open(pins.map("sl_accounts"));
    if (accounts)
        for (auto& account : accounts->entries()) account = {account.ifindex, 0, 0, {}};
}

}  // namespace sluice::test::sequence
