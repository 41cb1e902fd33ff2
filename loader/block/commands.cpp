// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/block/commands.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "loader/base/name.hpp"
#include "loader/base/nearest.hpp"
#include "loader/base/text_file.hpp"
#include "loader/block/apply.hpp"
#include "loader/block/store.hpp"
#include "loader/instance/change.hpp"
#include "loader/model/detectors.hpp"
#include "sluice/units.hpp"

namespace sluice {
namespace {

using namespace std::chrono_literals;

/// When it expires, in milliseconds of CLOCK_REALTIME; 0 = never.
std::uint64_t expiry(std::optional<std::chrono::milliseconds> expire) {
    if (!expire) return 0;
    return BlockClock::now().real + static_cast<std::uint64_t>(expire->count());
}

Result<> refuse_everything(const std::vector<Prefix>& prefixes) {
    const auto all = std::ranges::find(prefixes, 0, &Prefix::length);
    if (all == prefixes.end()) return {};
    return fail(ErrorCode::refused, all->text() + " would drop all that enters",
                "`sluice port del IF` takes a port out of service");
}

/// @param prefixes as normalise_block_list() leaves them
const Prefix* network_of(const std::vector<Prefix>& prefixes, const Address& address) {
    const auto behind = std::ranges::upper_bound(
        prefixes, std::pair(!address.is_v4(), address), {},
        [](const Prefix& it) { return std::pair(!it.address.is_v4(), it.address); });
    if (behind == prefixes.begin()) return nullptr;
    const Prefix& before = *std::prev(behind);
    return before.contains(address) ? &before : nullptr;
}

void warn_of_own(const Change& it, std::vector<Prefix> prefixes) {
    normalise_block_list(prefixes);
    for (const auto& own : it.host.addresses) {
        const auto* prefix = own.global ? network_of(prefixes, own.address) : nullptr;
        const auto* link = it.host.link(own.ifindex);
        if (prefix == nullptr || link == nullptr) continue;
        it.journal.warn(
            fmt::format("{} is blocked, and {} has the address {}: nothing that is "
                        "sent to it enters by a port",
                        prefix->text(), link->name, own.address.text()));
    }
}

Result<> remove_block(const Change& it, const Prefix& prefix) {
    SL_TRY(erased, erase_block_entry(it.database.connection(), prefix));
    if (erased) return {};
    const auto key = block_key(prefix);
    SL_TRY(found, it.datapath.maps().block_until.lookup(key));
    if (found && found->given == 0)
        return it.journal.step("unblock " + prefix.text(), [&]() -> Result<> {
            SL_CHECK(unblock_found(it.datapath.maps(), key));
            return {};
        });
    return fail(ErrorCode::not_found, prefix.text() + " was not added by itself",
                "`sluice block list` shows what was; a set changes as a whole: "
                "`sluice block load FILE --name SET`");
}

Result<> unblock_all_found(const Change& it) {
    const auto& maps = it.datapath.maps();
    std::vector<sl_block_key> keys;
    SL_CHECK(maps.block_until.for_each([&](const sl_block_key& key, const sl_block_until& entry) {
        if (entry.given == 0) keys.push_back(key);
        return true;
    }));
    if (keys.empty()) return {};
    return it.journal.step(fmt::format("unblock {} found by the datapath", keys.size()),
                           [&]() -> Result<> {
                               for (const auto& key : keys) SL_CHECK(unblock_found(maps, key));
                               return {};
                           });
}

std::unexpected<Error> no_such_block_set(const std::vector<BlockSetSpec>& sets,
                                         const std::string& name) {
    std::vector<std::string_view> names{manual_block_set};
    for (const auto& set : sets) names.emplace_back(set.name);
    const auto nearest = nearest_name(names, name);
    return fail(ErrorCode::not_found, fmt::format("there is no set {}", name),
                nearest
                    ? fmt::format("did you mean {}? `sluice block list` shows the sets", *nearest)
                    : "`sluice block list` shows the sets");
}

Result<> clear_set(const Change& it, const std::string& name) {
    const auto& connection = it.database.connection();
    if (name == manual_block_set) return erase_block_entries(connection);
    if (name == found_block_set) return unblock_all_found(it);
    SL_TRY(erased, erase_block_set(connection, name));
    if (erased) return {};
    return no_such_block_set(it.before.block_sets, name);
}

Result<> clear_all(const Change& it) {
    for (const auto& set : it.before.block_sets)
        SL_CHECK(erase_block_set(it.database.connection(), set.name));
    SL_CHECK(erase_block_entries(it.database.connection()));
    return unblock_all_found(it);
}

/// Every change forgets what has expired.
Result<Outcome> change_blocks(const Target& target, const Edit& edit) {
    return change(target, [&](const Change& it) -> Result<> {
        SL_CHECK(edit(it));
        return erase_expired_blocks(it.database.connection(), BlockClock::now().real);
    });
}

Result<> add_found(BlockStatus& status, const Maps& maps, const BlockClock& clock) {
    SL_CHECK(maps.block_until.for_each([&](const sl_block_key& key, const sl_block_until& entry) {
        if (entry.given == 0 && entry.until > clock.monotonic)
            status.entries.push_back({block_prefix(key), detector_name(entry.by),
                                      clock.real + (entry.until - clock.monotonic) / 1'000'000});
        return true;
    }));
    std::ranges::sort(status.entries, {}, &BlockEntryStatus::prefix);
    SL_TRY(memory, maps.block.memory());
    status.memory = memory;
    return {};
}

/// The name of a set that a file fills.
Result<> check_file_set(std::string_view name) {
    SL_CHECK(check_name(name, {"a name for a set", 32, "-_."}));
    if (name == manual_block_set || name == found_block_set)
        return fail(ErrorCode::usage, fmt::format("the set {} is not loaded from files", name),
                    "give the file's set another name");
    return {};
}

Result<> check_expire(const std::optional<std::chrono::milliseconds>& expire) {
    return expire ? check_duration("--expire", *expire, 1s, 366 * 24h) : Result<>{};
}

}  // namespace

Result<Outcome> add_blocks(const Target& target, const std::vector<Prefix>& prefixes,
                           std::optional<std::chrono::milliseconds> expire) {
    SL_CHECK(check_expire(expire));
    SL_CHECK(refuse_everything(prefixes));
    return change_blocks(target, [&](const Change& it) -> Result<> {
        for (const auto& prefix : prefixes)
            SL_CHECK(put_block_entry(it.database.connection(), {prefix, expiry(expire)}));
        warn_of_own(it, prefixes);
        return {};
    });
}

Result<Outcome> remove_blocks(const Target& target, const std::vector<Prefix>& prefixes) {
    return change_blocks(target, [&](const Change& it) -> Result<> {
        for (const auto& prefix : prefixes) SL_CHECK(remove_block(it, prefix));
        return {};
    });
}

Result<BlockLoaded> load_blocks(const Target& target, const BlockFile& from) {
    SL_CHECK(check_file_set(from.set));
    SL_CHECK(check_expire(from.expire));
    SL_TRY(text, read_text(from.file, "give the path of a list of networks"));
    SL_TRY(prefixes, parse_block_list(text, from.file, from.progress));
    if (prefixes.empty())
        return fail(ErrorCode::refused, from.file + " lists nothing",
                    fmt::format("was it fetched whole? `sluice block clear --set {}` empties the "
                                "set",
                                from.set));
    SL_CHECK(refuse_everything(prefixes));
    BlockLoaded loaded;
    loaded.covered = prefixes.size();
    normalise_block_list(prefixes);
    loaded.count = prefixes.size();
    loaded.covered -= loaded.count;
    SL_TRY(outcome, change_blocks(target, [&](const Change& it) -> Result<> {
               warn_of_own(it, prefixes);
               return put_block_set(it.database.connection(),
                                    {.name = from.set,
                                     .source = from.file,
                                     .loaded = BlockClock::now().real / 1000,
                                     .expires = expiry(from.expire)},
                                    prefixes);
           }));
    loaded.outcome = std::move(outcome);
    return loaded;
}

Result<Outcome> clear_blocks(const Target& target, const std::optional<std::string>& set) {
    return change_blocks(
        target, [&](const Change& it) { return set ? clear_set(it, *set) : clear_all(it); });
}

Result<BlockStatus> list_blocks(const Target& target) {
    SL_TRY(instance, open_instance(target));
    const auto clock = BlockClock::now();
    BlockStatus status;
    for (const auto& set : instance.desired.block_sets)
        if (!clock.is_over(set.expires)) status.sets.push_back(set);
    for (const auto& entry : instance.desired.block_entries)
        if (!clock.is_over(entry.expires))
            status.entries.push_back({entry.prefix, {}, entry.expires});
    if (instance.datapath) SL_CHECK(add_found(status, instance.datapath->maps(), clock));
    return status;
}

Result<std::vector<Prefix>> read_blocks(const Target& target, const std::string& set) {
    if (set == manual_block_set || set == found_block_set) {
        SL_TRY(status, list_blocks(target));
        std::vector<Prefix> prefixes;
        for (const auto& entry : status.entries)
            if (entry.by.empty() == (set == manual_block_set)) prefixes.push_back(entry.prefix);
        return prefixes;
    }
    SL_TRY(instance, open_instance(target));
    const auto& sets = instance.desired.block_sets;
    if (std::ranges::find(sets, set, &BlockSetSpec::name) == sets.end())
        return no_such_block_set(sets, set);
    return read_block_set(instance.database.connection(), set);
}

}  // namespace sluice
