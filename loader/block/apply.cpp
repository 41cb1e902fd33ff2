// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/block/apply.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <map>

#include "loader/base/by_bytes.hpp"
#include "loader/base/clock.hpp"
#include "loader/block/image.hpp"
#include "loader/block/list.hpp"
#include "loader/block/store.hpp"

namespace sluice {
namespace {

using Expiring = std::map<sl_block_key, __u64, ByBytes>;  // until, CLOCK_MONOTONIC in ns

/// The two clocks drift apart by less between two commands, or it does not matter.
constexpr __u64 same_time_ns = 1'000'000'000;

sl_block_state& state_of(const Maps& maps) { return maps.block_state.entries()[0]; }

std::vector<Prefix> lasting_entries(const DesiredState& desired) {
    std::vector<Prefix> prefixes;
    for (const auto& entry : desired.block_entries)
        if (entry.expires == 0) prefixes.push_back(entry.prefix);
    return prefixes;
}

/// Digests all that has no expiry; 0: there is nothing. Each set stands for itself, whatever its
/// name is.
std::uint64_t wanted_digest(const DesiredState& desired) {
    std::vector<std::uint64_t> digests;
    for (const auto& set : desired.block_sets)
        if (set.expires == 0 && set.count != 0) digests.push_back(set.digest);
    if (const auto entries = lasting_entries(desired); !entries.empty())
        digests.push_back(block_list_digest(entries));
    std::ranges::sort(digests);
    std::uint64_t sum = 0;
    for (const auto digest : digests) sum = sum * 0x9e3779b97f4a7c15 + digest;
    return digests.empty() ? 0 : std::max<std::uint64_t>(sum, 1);
}

std::uint64_t count_lasting(const DesiredState& desired) {
    std::uint64_t count = lasting_entries(desired).size();
    for (const auto& set : desired.block_sets) count += set.expires == 0 ? set.count : 0;
    return count;
}

Result<BlockImage> make_image(const DesiredState& desired, const Connection& rows) {
    auto prefixes = lasting_entries(desired);
    for (const auto& set : desired.block_sets) {
        if (set.expires != 0) continue;
        SL_TRY(more, read_block_set(rows, set.name));
        prefixes.insert(prefixes.end(), more.begin(), more.end());
    }
    normalise_block_list(prefixes);
    return build_block_image(prefixes);
}

/// The digest last: a process killed on the way leaves one that fits nothing.
Result<> put_image(const Maps& maps, const DesiredState& desired, const Connection& rows,
                   std::uint64_t digest) {
    SL_TRY(image, make_image(desired, rows));
    auto& state = state_of(maps);
    std::atomic_ref(state.digest).store(0);
    SL_CHECK(maps.block.put(image.parts, image.lines));
    std::atomic_ref(state.listed).store(1);
    std::atomic_ref(state.digest).store(digest);
    return {};
}

Result<> clear_image(const Maps& maps) {
    auto& state = state_of(maps);
    std::atomic_ref(state.listed).store(0);
    SL_CHECK(maps.block.clear());
    std::atomic_ref(state.digest).store(0);
    return {};
}

Result<Expiring> wanted_expiring(const DesiredState& desired, const Connection& rows) {
    const auto clock = BlockClock::now();
    Expiring wanted;
    const auto want = [&](const Prefix& prefix, std::uint64_t expires) {
        auto& until = wanted[block_key(prefix)];
        until = std::max<__u64>(until, clock.until(expires));
    };
    for (const auto& entry : desired.block_entries)
        if (entry.expires != 0 && !clock.is_over(entry.expires)) want(entry.prefix, entry.expires);
    for (const auto& set : desired.block_sets) {
        if (set.expires == 0 || clock.is_over(set.expires)) continue;
        SL_TRY(prefixes, read_block_set(rows, set.name));
        for (const auto& prefix : prefixes) want(prefix, set.expires);
    }
    if (wanted.size() <= SL_BLOCK_UNTIL_MAX) return wanted;
    return fail(ErrorCode::refused,
                fmt::format("{} networks with an expiry, and at most {} are possible",
                            wanted.size(), SL_BLOCK_UNTIL_MAX),
                "leave out --expire: without it a set may have millions");
}

/// Lengths that are looked for, beside addresses alone: bits of words.
std::array<__u64, 2> lengths_of(const Expiring& expiring) {
    std::array<__u64, 2> lengths{};
    for (const auto& [key, until] : expiring)
        if (key.length < 128) lengths[key.length / 64] |= 1ull << key.length % 64;
    return lengths;
}

/// Counted before it is there, so that the datapath looks for it from the first moment.
Result<> put_until(const Maps& maps, const sl_block_key& key, __u64 until) {
    const sl_block_until entry{until, 1, 0};
    std::atomic_ref count(state_of(maps).until);
    ++count;
    auto made = maps.block_until.update(key, entry, UpdateMode::create);
    if (made) return made;
    --count;
    return maps.block_until.update(key, entry, UpdateMode::existing);
}

Result<> put_expiring(const Maps& maps, const Expiring& missing) {
    const auto lengths = lengths_of(missing);
    for (std::size_t i = 0; i < lengths.size(); ++i)
        std::atomic_ref(state_of(maps).lengths[i]) |= lengths[i];
    for (const auto& [key, until] : missing) SL_CHECK(put_until(maps, key, until));
    return {};
}

Result<> erase_until(const Maps& maps, const sl_block_key& key) {
    SL_TRY(erased, maps.block_until.erase(key));
    if (erased) --std::atomic_ref(state_of(maps).until);
    return {};
}

std::string networks(std::size_t count) {
    return count == 1 ? "1 network" : fmt::format("{} networks", count);
}

Result<> reconcile_expiring(const Maps& maps, const DesiredState& desired, const Connection& rows,
                            Journal& journal) {
    SL_TRY(wanted, wanted_expiring(desired, rows));
    auto missing = wanted;
    std::vector<sl_block_key> stale;  // but for what the sweeper will find
    const auto now = BlockClock::now().monotonic;
    SL_CHECK(maps.block_until.for_each([&](const sl_block_key& key, const sl_block_until& entry) {
        const auto found = wanted.find(key);
        if (found == wanted.end()) {
            if (entry.given != 0 && entry.until > now) stale.push_back(key);
        } else if (entry.given != 0 && entry.until + same_time_ns > found->second &&
                   found->second + same_time_ns > entry.until) {
            missing.erase(key);
        }
        return true;
    }));
    if (!missing.empty())
        SL_CHECK(journal.step(fmt::format("block {} for a time", networks(missing.size())),
                              [&] { return put_expiring(maps, missing); }));
    if (!stale.empty())
        SL_CHECK(journal.step(fmt::format("unblock {}", networks(stale.size())), [&]() -> Result<> {
            for (const auto& key : stale) SL_CHECK(erase_until(maps, key));
            return {};
        }));
    if (journal.planning()) return {};
    const auto lengths = lengths_of(wanted);
    for (std::size_t i = 0; i < lengths.size(); ++i)
        std::atomic_ref(state_of(maps).lengths[i]).store(lengths[i]);
    return {};
}

Result<> reconcile_image(const Maps& maps, const DesiredState& desired, const Connection& rows,
                         Journal& journal) {
    const auto& state = state_of(maps);
    const auto digest = wanted_digest(desired);
    if (state.digest == digest && state.listed == (digest != 0 ? 1 : 0)) return {};
    if (digest == 0) return journal.step("empty the block list", [&] { return clear_image(maps); });
    return journal.step(fmt::format("block {}", networks(count_lasting(desired))),
                        [&] { return put_image(maps, desired, rows, digest); });
}

class BlockFeature : public Feature {
public:
    Result<> load(const Connection& rows, DesiredState& state) const override {
        SL_TRY(sets, load_block_sets(rows));
        state.block_sets = std::move(sets);
        SL_TRY(entries, load_block_entries(rows));
        state.block_entries = std::move(entries);
        return {};
    }

    Result<> prepare(Round& round) override {
        const Maps& maps = round.datapath.maps();
        SL_CHECK(reconcile_image(maps, round.desired, round.rows, round.journal));
        return reconcile_expiring(maps, round.desired, round.rows, round.journal);
    }

    [[nodiscard]] bool decides_sessions() const override { return false; }
};

}  // namespace

std::unique_ptr<Feature> block_feature() { return std::make_unique<BlockFeature>(); }

Result<bool> unblock_found(const Maps& maps, const sl_block_key& key) {
    SL_TRY(entry, maps.block_until.lookup(key));
    if (!entry || entry->given != 0) return false;
    SL_CHECK(erase_until(maps, key));
    return true;
}

sl_block_key block_key(const Prefix& prefix) {
    return {prefix.address.raw(), static_cast<__u32>(prefix.mapped_length())};
}

Prefix block_prefix(const sl_block_key& key) {
    const Address address(key.addr);
    return {address, static_cast<int>(key.length) - (address.is_v4() ? 96 : 0)};
}

BlockClock BlockClock::now() {
    return {static_cast<std::uint64_t>(now_wall_ms()), now_monotonic()};
}

std::uint64_t BlockClock::until(std::uint64_t expires) const {
    return monotonic + (expires - real) * 1'000'000;
}

bool BlockClock::is_over(std::uint64_t expires) const { return expires != 0 && expires <= real; }

}  // namespace sluice
