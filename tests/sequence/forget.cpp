#include "tests/sequence/forget.hpp"

#include <bpf/bpf.h>
#include <sys/mman.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <vector>

#include "loader/kernel/fd.hpp"

namespace sluice::test::sequence {
namespace {

constexpr std::array traffic_maps{
    "sl_flows4",       "sl_flows6",   "sl_births4",   "sl_flow_groups4",
    "sl_flow_groups6", "sl_tickets4", "sl_tickets6",  "sl_bindings",
    "sl_pool_stats",   "sl_live",     "sl_fragments",
};

void zero_mapped(int fd, const bpf_map_info& info) {
    const std::size_t value = (info.value_size + 7) / 8 * 8, size = value * info.max_entries;
    void* memory = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (memory == MAP_FAILED) return;
    std::memset(memory, 0, size);
    munmap(memory, size);
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
}

}  // namespace sluice::test::sequence
