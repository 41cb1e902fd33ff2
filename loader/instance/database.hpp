// SPDX-License-Identifier: GPL-2.0-or-later
// The desired state of an instance: INSTANCE/state.db.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "loader/store/sqlite.hpp"
#include "sluice/model/state.hpp"

namespace sluice {

/// Not thread-safe: one Database a thread. Several processes may read at any time, and a
/// reader never waits for the writer (WAL). A change outside begin()..commit() is committed
/// at once. The database keeps identities unique and gives numbers; whether a rule makes
/// sense (addresses, overlaps, interfaces) is its caller's to check.
class Database {
public:
    /// Makes folder and database if need be, and brings an older schema up to date.
    [[nodiscard]] static Result<Database> create(const std::filesystem::path& state_folder);

    /// Errors: not_found (no such instance), failed (corrupt), refused (a newer schema).
    [[nodiscard]] static Result<Database> open(const std::filesystem::path& state_folder);

    /// Like open(), for commands that change nothing.
    [[nodiscard]] static Result<Database> open_read_only(const std::filesystem::path& state_folder);

    [[nodiscard]] Result<Transaction> begin() const;

    /// One consistent state. Ports in the order of their names, rules of their numbers.
    [[nodiscard]] Result<DesiredState> load() const;

    [[nodiscard]] Result<> set_up(bool up) const;
    [[nodiscard]] Result<> set_settings(const Settings& settings) const;

    /// For the stores of features, which share its transactions.
    [[nodiscard]] const Connection& connection() const { return connection_; }

private:
    explicit Database(Connection connection) : connection_(std::move(connection)) {}
    Connection connection_;
};

}  // namespace sluice
