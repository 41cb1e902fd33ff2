#include "loader/block_image.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <optional>

namespace sluice {
namespace {

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

class ImageBuilder {
public:
    ImageBuilder() : lines_(SL_BLOCK_LEAVES4) {}

    Result<> add_all(std::span<const Prefix> prefixes) {
        for (const auto& prefix : prefixes)
            if (prefix.address.is_v4())
                add4(ntohl(prefix.address.v4_raw()), prefix.length);
            else
                SL_CHECK(add6(block_addr6(prefix.address), prefix.length));
        add_leaves(prefixes);
        add_tables();
        return {};
    }
    std::vector<sl_block_line> take() { return std::move(lines_); }

private:
    void add4(std::uint32_t address, int length) {
        const auto slash16 = address >> 16;
        if (length <= 16) return set_all(SL_BLOCK_ROOTS4, slash16, 1u << (16 - length));
        set_some(SL_BLOCK_ROOTS4, slash16);
        const auto slash24 = address >> 8;
        if (length <= 24)
            set_all(SL_BLOCK_NODES4, slash24, 1u << (24 - length));
        else
            set_some(SL_BLOCK_NODES4, slash24);
    }

    Result<> add6(const sl_block_addr6& address, int length) {
        const auto slash16 = static_cast<std::uint32_t>(address.high >> 48);
        if (length <= 16) {
            set_all(SL_BLOCK_ROOTS6, slash16, 1u << (16 - length));
            return {};
        }
        set_some(SL_BLOCK_ROOTS6, slash16);
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

    /// Nodes follow each other as the networks do that they tell of.
    void set_all(std::uint32_t nodes, std::uint32_t first, std::uint32_t count) {
        for (auto part = first; part < first + count; ++part)
            set_bits(lines_[nodes + part / 256].words, part % 256, 1);
    }
    void set_some(std::uint32_t nodes, std::uint32_t part) {
        set_bits(lines_[nodes + part / 256].words + 4, part % 256, 1);
    }

    std::uint32_t leaf_of(std::uint32_t address) const {
        const auto& node = lines_[SL_BLOCK_NODES4 + (address >> 16)];
        const auto part = address >> 8 & 255;
        auto leaf = bases_[address >> 16];
        for (std::uint32_t word = 0; word < part / 64; ++word)
            leaf += std::popcount(node.words[4 + word]);
        return leaf + std::popcount(node.words[4 + part / 64] & ((1ull << part % 64) - 1));
    }

    void add_leaves(std::span<const Prefix> prefixes) {
        std::uint32_t leaves = 0;
        bases_.resize(65'536);
        for (std::uint32_t slash16 = 0; slash16 < bases_.size(); ++slash16) {
            bases_[slash16] = leaves;
            for (std::uint32_t word = 4; word < 8; ++word)
                leaves += std::popcount(lines_[SL_BLOCK_NODES4 + slash16].words[word]);
        }
        std::memcpy(&lines_[SL_BLOCK_BASES4], bases_.data(), bases_.size() * sizeof bases_[0]);
        lines_.resize(SL_BLOCK_LEAVES4 + (leaves + 1) / 2);
        for (const auto& prefix : prefixes) {
            if (!prefix.address.is_v4() || prefix.length <= 24) continue;
            const auto address = ntohl(prefix.address.v4_raw());
            const auto leaf = leaf_of(address);
            set_bits(lines_[SL_BLOCK_LEAVES4 + leaf / 2].words + leaf % 2 * 4, address & 255,
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
        const sl_block_region found{static_cast<__u32>(lines_.size()),
                                    static_cast<__u32>(lines - 1)};
        std::memcpy(&lines_[SL_BLOCK_REGIONS + region / 8].words[region % 8], &found, sizeof found);
        lines_.insert(lines_.end(), table->begin(), table->end());
    }

    std::vector<sl_block_line> lines_;
    std::vector<std::uint32_t> bases_;
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

Result<std::vector<sl_block_line>> build_block_image(std::span<const Prefix> prefixes) {
    ImageBuilder builder;
    SL_CHECK(builder.add_all(prefixes));
    return builder.take();
}

}  // namespace sluice
