// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/block/image.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <iterator>
#include <optional>

namespace sluice {
namespace {

/// A leaf takes as much memory as 16 hosts, and buckets are half full.
constexpr std::size_t hosts_instead_of_leaf = 8;
constexpr std::uint64_t most_tops = 4'000'000;  // of 16 bytes each, in a table that is half empty

void set_bits(__u64* words, std::uint32_t first, std::uint32_t count) {
    for (auto bit = first; bit < first + count; ++bit) words[bit / 64] |= 1ull << bit % 64;
}

/// Puts each key where its probes find it. None: a line and those behind it are full.
/// @param put bool(sl_block_line&, const Key&): false if the line is full
template <class Key, class Hash, class Put>
std::optional<std::vector<sl_block_line>> place(const std::vector<Key>& keys, std::size_t lines,
                                                Hash hash, Put put) {
    std::vector<sl_block_line> table(lines);
    for (const auto& key : keys) {
        const auto at = hash(key);
        std::uint32_t i = 0;
        while (i < SL_BLOCK_PROBES && !put(table[(at + i) & (lines - 1)], key)) ++i;
        if (i == SL_BLOCK_PROBES) return std::nullopt;
    }
    return table;
}

bool put_key(sl_block_line& line, const sl_block_addr6& key) {
    auto bucket = std::bit_cast<sl_block_bucket>(line);
    if (bucket.used == SL_BLOCK_KEYS) return false;
    bucket.keys[bucket.used++] = key;
    line = std::bit_cast<sl_block_line>(bucket);
    return true;
}

bool put_index(sl_block_line& line, const sl_block_index& entry) {
    auto entries = std::bit_cast<std::array<sl_block_index, 4>>(line);
    for (auto& it : entries) {
        if ((it.lengths[0] | it.lengths[1] | it.lengths[2]) != 0) continue;
        it = entry;
        line = std::bit_cast<sl_block_line>(entries);
        return true;
    }
    return false;
}

std::uint32_t number_of(const Prefix& prefix) { return ntohl(prefix.address.v4_raw()); }

/// False: the bucket is full.
bool put_host(std::span<sl_block_part> parts, std::uint32_t address) {
    const auto host = sl_block_host(address);
    auto* buckets = reinterpret_cast<sl_block_hosts*>(&parts[SL_BLOCK_HOSTS4]);
    auto& tags = buckets[host >> SL_BLOCK_TAG_BITS].tags;
    auto* free = std::ranges::find(tags, 0);
    if (free == std::end(tags)) return false;
    *free = static_cast<__u16>((host & ((1u << SL_BLOCK_TAG_BITS) - 1)) + 1);
    return true;
}

class ImageBuilder {
public:
    ImageBuilder() { image_.parts.resize(SL_BLOCK_PARTS); }

    Result<> add_all(std::span<const Prefix> prefixes) {
        const auto v6 =
            std::ranges::find_if_not(prefixes, [](const Prefix& it) { return it.address.is_v4(); });
        const auto first6 = static_cast<std::size_t>(v6 - prefixes.begin());
        add_all4(prefixes.first(first6));
        for (const auto& prefix : prefixes.subspan(first6))
            SL_CHECK(add6(block_addr6(prefix.address), prefix.length));
        add_tables();
        return {};
    }
    BlockImage take() { return std::move(image_); }

private:
    void add_all4(std::span<const Prefix> prefixes) {
        for (auto rest = prefixes; !rest.empty();) {
            const auto slash24 = number_of(rest[0]) >> 8;
            const auto end = std::ranges::find_if_not(rest, [&](const Prefix& it) {
                return it.length > 24 && number_of(it) >> 8 == slash24;
            });
            const auto count = static_cast<std::size_t>(end - rest.begin());
            if (count == 0)
                add4(number_of(rest[0]), rest[0].length);
            else
                add_slash24(rest.first(count));
            rest = rest.subspan(std::max<std::size_t>(count, 1));
        }
        add_leaves(prefixes);
    }

    /// A /24 or more.
    void add4(std::uint32_t address, int length) {
        if (length <= 16) return share(tables().shares4, address >> 16, length, SL_BLOCK_ALL);
        share(tables().shares4, address >> 16, 16, SL_BLOCK_SOME);
        const auto first = address >> 8;
        for (auto slash24 = first; slash24 < first + (1u << (24 - length)); ++slash24)
            set_bits(node(slash24).words, slash24 % 256, 1);
    }

    /// All that is listed of a /24, which is not all of it.
    void add_slash24(std::span<const Prefix> prefixes) {
        const auto first = number_of(prefixes[0]);
        const auto is_host = [&](const Prefix& it) {
            return it.length == 32 && put_host(image_.parts, number_of(it));
        };
        if (prefixes.size() <= hosts_instead_of_leaf && std::ranges::all_of(prefixes, is_host))
            return share(tables().shares4, first >> 16, 16, SL_BLOCK_HOSTS);
        share(tables().shares4, first >> 16, 16, SL_BLOCK_SOME);
        set_bits(node(first >> 8).words + 4, first >> 8 & 255, 1);
    }

    Result<> add6(const sl_block_addr6& address, int length) {
        const auto slash16 = static_cast<std::uint32_t>(address.high >> 48);
        share(tables().shares6, slash16, length, length <= 16 ? SL_BLOCK_ALL : SL_BLOCK_SOME);
        if (length <= 16) return {};
        const auto top = static_cast<std::uint32_t>(address.high >> 32);
        if (length >= 32) {
            index(top, length == 127 ? 128 : length);
            add_keys(address, length);
            return {};
        }
        tops_ += 1ull << (32 - length);
        if (tops_ > most_tops)
            return fail(ErrorCode::refused,
                        fmt::format("IPv6 networks of /17 to /31 that have more than {} /32s "
                                    "between them",
                                    most_tops),
                        "list a /16 if all of it is meant");
        for (std::uint32_t i = 0; i < 1u << (32 - length); ++i) index(top + i, 32);
        return {};
    }

    void add_keys(const sl_block_addr6& address, int length) {
        if (length == 32) return;
        if (length != 127) return keys_[length].push_back(address);
        keys_[128].push_back(address);
        keys_[128].push_back({address.high, address.low | 1});
    }

    /// In the order of addresses.
    void index(std::uint32_t top, int length) {
        if (index_.empty() || index_.back().top != top) index_.push_back({top, {}});
        const int bit = length == 128 ? 95 : length - 32;
        index_.back().lengths[bit / 32] |= 1u << bit % 32;
    }

    sl_block_tables& tables() { return image_.tables(); }

    sl_block_line& node(std::uint32_t slash24) {
        return image_.parts[SL_BLOCK_NODES4 + (slash24 >> 21)].lines[slash24 >> 8 & 0x1fff];
    }

    /// For the /16s of a network.
    static void share(__u64* shares, std::uint32_t slash16, int length, sl_block_share share) {
        for (auto n = slash16; n < slash16 + (1u << std::max(16 - length, 0)); ++n)
            shares[n / 32] |= static_cast<__u64>(share) << n % 32 * 2;
    }

    bool has_leaf(std::uint32_t slash24) {
        return (node(slash24).words[4 + slash24 % 256 / 64] >> slash24 % 64 & 1) != 0;
    }
    std::uint32_t leaf_of(std::uint32_t slash24) {
        const auto part = slash24 % 256;
        const auto* words = node(slash24).words + 4;
        auto leaf = tables().bases4[slash24 >> 8];
        for (std::uint32_t word = 0; word < part / 64; ++word) leaf += std::popcount(words[word]);
        return leaf + std::popcount(words[part / 64] & ((1ull << part % 64) - 1));
    }

    void add_leaves(std::span<const Prefix> prefixes) {
        std::uint32_t leaves = 0;
        for (std::uint32_t slash16 = 0; slash16 < 65'536; ++slash16) {
            tables().bases4[slash16] = leaves;
            for (std::uint32_t word = 4; word < 8; ++word)
                leaves += std::popcount(node(slash16 << 8).words[word]);
        }
        image_.lines.resize((leaves + 1) / 2);
        for (const auto& prefix : prefixes) {
            const auto address = number_of(prefix);
            if (prefix.length <= 24 || !has_leaf(address >> 8)) continue;
            const auto leaf = leaf_of(address >> 8);
            set_bits(image_.lines[leaf / 2].words + std::size_t{leaf % 2} * 4, address & 255,
                     1u << (32 - prefix.length));
        }
    }

    void add_tables() {
        const auto by_top = [](const sl_block_index& it) { return sl_block_hash(it.top, 0); };
        const auto by_key = [](const sl_block_addr6& it) { return sl_block_hash(it.high, it.low); };
        add_table(SL_BLOCK_INDEX, index_, by_top, put_index);
        for (std::uint32_t length = 33; length < SL_BLOCK_LENGTHS; ++length)
            add_table(length, keys_[length], by_key, put_key);
    }

    template <class Key, class Hash, class Put>
    void add_table(std::uint32_t region, const std::vector<Key>& keys, Hash hash, Put put) {
        if (keys.empty()) return;
        std::size_t lines = std::bit_ceil((keys.size() + 1) / 2);
        auto table = place(keys, lines, hash, put);
        while (!table) table = place(keys, lines *= 2, hash, put);
        tables().regions[region] = {static_cast<__u32>(image_.lines.size()),
                                    static_cast<__u32>(lines)};
        image_.lines.insert(image_.lines.end(), table->begin(), table->end());
    }

    BlockImage image_;
    std::vector<sl_block_index> index_;
    std::array<std::vector<sl_block_addr6>, SL_BLOCK_LENGTHS> keys_;
    std::uint64_t tops_ = 0;
};

}  // namespace

sl_block_addr6 block_addr6(const Address& address) {
    const auto raw = address.raw();
    sl_block_addr6 numbers{};
    for (int i = 0; i < 8; ++i) {
        numbers.high = numbers.high << 8 | raw.b[i];
        numbers.low = numbers.low << 8 | raw.b[8 + i];
    }
    return numbers;
}

sl_block_tables& BlockImage::tables() {
    return reinterpret_cast<sl_block_tables&>(parts[SL_BLOCK_TABLES]);
}

Result<BlockImage> build_block_image(std::span<const Prefix> prefixes) {
    ImageBuilder builder;
    SL_CHECK(builder.add_all(prefixes));
    return builder.take();
}

}  // namespace sluice
