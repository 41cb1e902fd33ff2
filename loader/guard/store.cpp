// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/guard/store.hpp"

#include <fmt/format.h>

#include <map>
#include <string>

#include "loader/model/guard_switches.hpp"
#include "loader/store/stored.hpp"

namespace sluice {
namespace {

std::string switch_columns() {
    std::string columns;
    for (const auto& it : guard_switches) columns += fmt::format(", {}", it.name);
    return columns;
}

using ById = std::map<std::int64_t, GuardSpec*>;  ///< by the row's id

/// @param sql gives the guard's id and a value
/// @param add Result<>(GuardSpec&, const Statement& row): takes the value in column 1
template <class Add>
Result<> load_list(const Connection& connection, std::string_view sql, const ById& guards,
                   Add&& add) {
    SL_TRY(row, connection.prepare(sql));
    return row.each_row([&] { return add(*guards.at(row.integer(0)), row); });
}

Result<> load_lists(const Connection& connection, const ById& guards) {
    SL_CHECK(load_list(connection, "SELECT guard, mac FROM guard_mac ORDER BY rowid", guards,
                       [](GuardSpec& guard, const Statement& row) -> Result<> {
                           SL_TRY(mac, stored(MacAddress::parse(row.text(1))));
                           guard.macs.push_back(mac);
                           return {};
                       }));
    SL_CHECK(load_list(connection, "SELECT guard, prefix FROM guard_prefix ORDER BY rowid", guards,
                       [](GuardSpec& guard, const Statement& row) -> Result<> {
                           SL_TRY(prefix, stored(Prefix::parse(row.text(1))));
                           guard.addresses.push_back(prefix);
                           return {};
                       }));
    return load_list(connection, "SELECT guard, ethertype FROM guard_ethertype ORDER BY rowid",
                     guards, [](GuardSpec& guard, const Statement& row) -> Result<> {
                         guard.ethertypes.push_back(row.integer<std::uint16_t>(1));
                         return {};
                     });
}

Result<> insert_lists(const Connection& connection, std::int64_t id, const GuardSpec& guard) {
    for (const auto& mac : guard.macs)
        SL_CHECK(connection.run("INSERT INTO guard_mac VALUES (?, ?)", id, mac.text()));
    for (const auto& prefix : guard.addresses)
        SL_CHECK(connection.run("INSERT INTO guard_prefix VALUES (?, ?)", id, prefix.text()));
    for (const auto ethertype : guard.ethertypes)
        SL_CHECK(connection.run("INSERT INTO guard_ethertype VALUES (?, ?)", id, ethertype));
    return {};
}

}  // namespace

Result<std::vector<GuardSpec>> load_guards(const Connection& connection) {
    std::vector<GuardSpec> guards;
    std::vector<std::int64_t> ids;
    SL_TRY(row, connection.prepare(fmt::format("SELECT id, port, learn, dhcp_rate{} FROM guard"
                                               " ORDER BY port",
                                               switch_columns())));
    SL_CHECK(row.each_row([&]() -> Result<> {
        ids.push_back(row.integer(0));
        auto& guard = guards.emplace_back();
        guard.port = row.text(1);
        guard.learn = row.integer<std::uint16_t>(2);
        guard.dhcp_rate = row.integer<std::uint16_t>(3);
        for (int i = 0; const auto& it : guard_switches)
            guard.*it.asked = row.integer<bool>(4 + i++);
        return {};
    }));
    ById by_id;
    for (std::size_t i = 0; i < guards.size(); ++i) by_id[ids[i]] = &guards[i];
    SL_CHECK(load_lists(connection, by_id));
    return guards;
}

Result<> put_guard(const Connection& connection, const GuardSpec& guard) {
    SL_TRY(transaction, Transaction::nested(connection));
    SL_CHECK(erase_guard(connection, guard.port));
    std::string values;
    for (std::size_t i = 0; i < guard_switches.size(); ++i) values += ", ?";
    SL_TRY(row, connection.prepare(
                    fmt::format("INSERT INTO guard (port, learn, dhcp_rate{}) VALUES (?, ?, ?{})"
                                " RETURNING id",
                                switch_columns(), values)));
    row.bind(guard.port).bind(guard.learn).bind(guard.dhcp_rate);
    for (const auto& it : guard_switches) row.bind(guard.*it.asked);
    std::int64_t id = 0;
    SL_CHECK(row.each_row([&]() -> Result<> {
        id = row.integer(0);
        return {};
    }));
    SL_CHECK(insert_lists(connection, id, guard));
    return transaction.commit();
}

Result<bool> erase_guard(const Connection& connection, std::string_view port) {
    SL_TRY(rows, connection.run("DELETE FROM guard WHERE port = ?", port));
    return rows != 0;
}

}  // namespace sluice
