// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/kernel/map.hpp"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fmt/format.h>
#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <fstream>

namespace sluice {
namespace {

constexpr std::size_t batch_bytes = std::size_t{256} * 1024;
constexpr int kernel_enotsupp = 524;  // ENOTSUPP: the kernel's own, in no user header

bool is_unsupported(int err) {
    return err == kernel_enotsupp || err == EOPNOTSUPP || err == EINVAL;
}

Result<MapInfo> read_info(int fd, const std::string& pin) {
    const auto memory = memory_of_map(fd);
    bpf_map_info raw{};
    __u32 size = sizeof(raw);
    if (!memory || bpf_obj_get_info_by_fd(fd, &raw, &size) != 0)
        return fail(
            ErrorCode::refused, pin + " is not a BPF map",
            "something else was pinned there; `sluice down` and `sluice up` renew the pins");
    return MapInfo{raw.name,       raw.id,          raw.type, raw.key_size,
                   raw.value_size, raw.max_entries, *memory};
}

}  // namespace

/// Only a text of the kernel's tells it.
Result<std::uint64_t> memory_of_map(int fd) {
    std::ifstream fdinfo(fmt::format("/proc/thread-self/fdinfo/{}", fd));
    std::string name;
    while (fdinfo >> name) {
        std::uint64_t bytes = 0;
        if (name == "memlock:" && fdinfo >> bytes) return bytes;
    }
    return fail(ErrorCode::refused, fmt::format("descriptor {} is not a BPF map", fd));
}

Result<std::uint64_t> memory_of_maps(const std::filesystem::path& folder) {
    std::error_code error;
    std::uint64_t sum = 0;
    for (const auto& pin : std::filesystem::directory_iterator(folder, error)) {
        const Fd map(bpf_obj_get(pin.path().c_str()));
        if (!map) return fail_errno(errno, "opening " + pin.path().string());
        SL_TRY(info, read_info(map.get(), pin.path().string()));
        sum += info.memory;
    }
    if (error) return fail_errno(error.value(), "listing " + folder.string());
    return sum;
}

Result<UntypedMap> UntypedMap::open(const std::filesystem::path& pin, std::size_t key_size,
                                    std::size_t value_size) {
    Fd fd(bpf_obj_get(pin.c_str()));
    if (!fd && errno == ENOENT)
        return fail(ErrorCode::not_found, "no map is pinned at " + pin.string());
    if (!fd) return fail_errno(errno, "opening " + pin.string());
    return adopt(std::move(fd), pin.string(), key_size, value_size);
}

Result<UntypedMap> UntypedMap::adopt(Fd fd, const std::string& name, std::size_t key_size,
                                     std::size_t value_size) {
    UntypedMap map;
    map.fd_ = std::move(fd);
    SL_TRY(info, read_info(map.fd(), name));
    if (info.key_size != key_size || info.value_size != value_size)
        return fail(ErrorCode::refused,
                    fmt::format("{} has keys of {} and values of {} bytes; this sluice expects {} "
                                "and {}",
                                name, info.key_size, info.value_size, key_size, value_size),
                    "it was made by another version of sluice: use that one, or `sluice down` and "
                    "`sluice up`");
    map.info_ = std::move(info);
    return map;
}

Result<bool> UntypedMap::lookup(const void* key, void* value) const {
    if (bpf_map_lookup_elem(fd(), key, value) == 0) return true;
    if (errno == ENOENT) return false;
    return fail_errno(errno, "reading map " + info_.name);
}

Result<> UntypedMap::update(const void* key, const void* value, UpdateMode mode) const {
    if (bpf_map_update_elem(fd(), key, value, static_cast<__u64>(mode)) == 0) return {};
    switch (errno) {
        case EEXIST:
            return fail(ErrorCode::refused, "map " + info_.name + " has this key already");
        case ENOENT:
            return fail(ErrorCode::not_found, "map " + info_.name + " has no such key");
        case E2BIG:
        case ENOSPC:
            return fail(ErrorCode::refused,
                        fmt::format("map {} is full ({} entries)", info_.name, info_.max_entries));
        default:
            return fail_errno(errno, "writing map " + info_.name);
    }
}

Result<bool> UntypedMap::erase(const void* key) const {
    if (bpf_map_delete_elem(fd(), key) == 0) return true;
    if (errno == ENOENT) return false;
    return fail_errno(errno, "deleting from map " + info_.name);
}

Result<> UntypedMap::walk(std::size_t value_size, const Visitor& visit) const {
    const std::size_t key_size = info_.key_size;
    auto capacity =
        static_cast<__u32>(std::max<std::size_t>(batch_bytes / (key_size + value_size), 16));
    std::vector<std::byte> keys(capacity * key_size);
    std::vector<std::byte> values(capacity * value_size);
    // Where the kernel was: the key, or a bucket's number of 4 bytes.
    std::vector<std::byte> position(std::max(key_size, sizeof(__u32)));
    bool first = true;
    while (true) {
        __u32 count = capacity;
        const int failed =
            bpf_map_lookup_batch(fd(), first ? nullptr : position.data(), position.data(),
                                 keys.data(), values.data(), &count, nullptr);
        const int err = failed != 0 ? errno : 0;
        if (err == ENOSPC) {  // one bucket holds more than a batch
            capacity *= 2;
            keys.resize(capacity * key_size);
            values.resize(capacity * value_size);
            continue;
        }
        if (first && is_unsupported(err)) return walk_keys(value_size, visit);
        if (err != 0 && err != ENOENT) return fail_errno(err, "walking map " + info_.name);
        for (__u32 i = 0; i < count; ++i)
            if (!visit(&keys[i * key_size], &values[i * value_size])) return {};
        if (err == ENOENT) return {};  // that was the last batch
        first = false;
    }
}

Result<> UntypedMap::walk_keys(std::size_t value_size, const Visitor& visit) const {
    std::vector<std::byte> key(info_.key_size);
    std::vector<std::byte> next(info_.key_size);
    std::vector<std::byte> value(value_size);
    int failed = bpf_map_get_next_key(fd(), nullptr, next.data());
    while (failed == 0) {
        key.swap(next);
        // The next key first: visit() may erase this one, and an unknown key starts over.
        failed = bpf_map_get_next_key(fd(), key.data(), next.data());
        const int err = failed != 0 ? errno : 0;
        SL_TRY(found, lookup(key.data(), value.data()));
        if (found && !visit(key.data(), value.data())) return {};
        errno = err;
    }
    if (errno == ENOENT) return {};
    return fail_errno(errno, "walking map " + info_.name);
}

Result<Memory> Memory::map(const UntypedMap& map, std::size_t bytes) {
    void* address = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, map.fd(), 0);
    if (address == MAP_FAILED) return fail_errno(errno, "mapping " + map.info().name);
    return Memory(address, bytes);
}

Memory::~Memory() {
    if (address_ != nullptr) munmap(address_, bytes_);
}

void sum_words(std::span<const std::uint64_t> per_cpu, std::span<std::uint64_t> sum) {
    std::ranges::fill(sum, 0);
    for (std::size_t i = 0; i < per_cpu.size(); ++i) sum[i % sum.size()] += per_cpu[i];
}

std::size_t possible_cpus() {
    static const int count = libbpf_num_possible_cpus();
    return static_cast<std::size_t>(std::max(count, 1));
}

}  // namespace sluice
