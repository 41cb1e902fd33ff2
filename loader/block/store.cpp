// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/block/store.hpp"

#include <algorithm>

#include "loader/block/list.hpp"
#include "loader/store/stored.hpp"

namespace sluice {

Result<std::vector<BlockSetSpec>> load_block_sets(const Connection& connection) {
    std::vector<BlockSetSpec> sets;
    SL_TRY(row, connection.prepare("SELECT name, source, loaded, expires, count, digest"
                                   " FROM block_set ORDER BY name"));
    SL_CHECK(row.each_row([&]() -> Result<> {
        sets.push_back({
            .name = row.text(0),
            .source = row.text(1),
            .loaded = row.integer<std::uint64_t>(2),
            .expires = row.integer<std::uint64_t>(3),
            .count = row.integer<std::uint64_t>(4),
            .digest = row.integer<std::uint64_t>(5),
        });
        return {};
    }));
    return sets;
}

Result<std::vector<Prefix>> read_block_set(const Connection& connection, std::string_view name) {
    SL_TRY(row, connection.prepare("SELECT prefixes FROM block_set WHERE name = ?"));
    SL_TRY(found, row.bind(name).step());
    if (!found) return std::vector<Prefix>{};
    return unpack_block_list(row.blob(0));
}

Result<> put_block_set(const Connection& connection, const BlockSetSpec& spec,
                       std::span<const Prefix> prefixes) {
    const auto packed = pack_block_list(prefixes);
    SL_CHECK(connection.run("INSERT OR REPLACE INTO block_set VALUES (?, ?, ?, ?, ?, ?, ?)",
                            spec.name, spec.source, spec.loaded, spec.expires, prefixes.size(),
                            block_list_digest(prefixes), Blob{packed}));
    return {};
}

Result<bool> erase_block_set(const Connection& connection, std::string_view name) {
    SL_TRY(rows, connection.run("DELETE FROM block_set WHERE name = ?", name));
    return rows != 0;
}

Result<std::vector<BlockEntrySpec>> load_block_entries(const Connection& connection) {
    std::vector<BlockEntrySpec> entries;
    SL_TRY(row, connection.prepare("SELECT prefix, expires FROM block_entry"));
    SL_CHECK(row.each_row([&]() -> Result<> {
        SL_TRY(prefix, stored(Prefix::parse(row.text(0))));
        entries.push_back({prefix, row.integer<std::uint64_t>(1)});
        return {};
    }));
    std::ranges::sort(entries, {}, &BlockEntrySpec::prefix);
    return entries;
}

Result<> put_block_entry(const Connection& connection, const BlockEntrySpec& entry) {
    SL_CHECK(connection.run("INSERT OR REPLACE INTO block_entry VALUES (?, ?)", entry.prefix.text(),
                            entry.expires));
    return {};
}

Result<bool> erase_block_entry(const Connection& connection, const Prefix& prefix) {
    SL_TRY(rows, connection.run("DELETE FROM block_entry WHERE prefix = ?", prefix.text()));
    return rows != 0;
}

Result<> erase_block_entries(const Connection& connection) {
    return connection.execute("DELETE FROM block_entry");
}

Result<> erase_expired_blocks(const Connection& connection, std::uint64_t now) {
    for (const auto* sql : {"DELETE FROM block_set WHERE expires BETWEEN 1 AND ?",
                            "DELETE FROM block_entry WHERE expires BETWEEN 1 AND ?"})
        SL_CHECK(connection.run(sql, now));
    return {};
}

}  // namespace sluice
