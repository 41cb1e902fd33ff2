// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/instance/database.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <vector>

#include "loader/base/private_file.hpp"
#include "loader/instance/feature.hpp"
#include "loader/store/paths.hpp"
#include "loader/store/schema.hpp"

namespace sluice {
namespace {

Result<> load_instance(const Connection& connection, DesiredState& state) {
    SL_TRY(row, connection.prepare(
                    "SELECT up, netns, max_flows, max_flows6, max_bindings, udp_timeout,"
                    " tcp_established_timeout, tcp_transitory_timeout, icmp_timeout, other_timeout,"
                    " max_leases, max_macs, mac_age, host_share, host_sessions, host_ports,"
                    " door_mark FROM instance"));
    return row.each_row([&]() -> Result<> {
        const auto duration = [&](int column) {
            return std::chrono::milliseconds(row.integer(column));
        };
        state.up = row.integer<bool>(0);
        state.settings = {
            .max_flows = row.integer<std::uint32_t>(2),
            .max_flows6 = row.integer<std::uint32_t>(3),
            .max_bindings = row.integer<std::uint32_t>(4),
            .max_leases = row.integer<std::uint32_t>(10),
            .max_macs = row.integer<std::uint32_t>(11),
            .udp_timeout = duration(5),
            .tcp_established_timeout = duration(6),
            .tcp_transitory_timeout = duration(7),
            .icmp_timeout = duration(8),
            .other_timeout = duration(9),
            .mac_age = duration(12),
            .host_share = row.integer<bool>(13),
            .host_sessions = row.integer<std::uint32_t>(14),
            .host_ports = row.integer<std::uint32_t>(15),
            .door_mark = row.integer<std::uint32_t>(16),
            .netns = row.text(1),
        };
        return {};
    });
}

/// The row of `instance`, which later updates change in part.
Result<> ensure_instance_row(const Connection& connection) {
    SL_CHECK(
        connection.run("INSERT INTO instance (id, up, netns, max_flows, max_flows6, max_bindings,"
                       " udp_timeout, tcp_established_timeout, tcp_transitory_timeout,"
                       " icmp_timeout, other_timeout) VALUES (0, 0, '', 0, 0, 0, 0, 0, 0, 0, 0)"
                       " ON CONFLICT DO NOTHING"));
    return {};
}

Error no_instance(const std::filesystem::path& state_folder) {
    return {ErrorCode::not_found,
            fmt::format("there is no instance `{}`", state_folder.filename().string()),
            "`sluice up` makes one"};
}

}  // namespace

Result<Database> Database::create(const std::filesystem::path& state_folder) {
    SL_CHECK(make_private_folder(state_folder));
    SL_TRY(connection,
           Connection::open(database_file(state_folder), Connection::Mode::create, schema));
    return Database(std::move(connection));
}

Result<Database> Database::open(const std::filesystem::path& state_folder) {
    if (!has_database(state_folder)) return std::unexpected(no_instance(state_folder));
    SL_TRY(connection,
           Connection::open(database_file(state_folder), Connection::Mode::open, schema));
    return Database(std::move(connection));
}

Result<Database> Database::open_read_only(const std::filesystem::path& state_folder) {
    if (!has_database(state_folder)) return std::unexpected(no_instance(state_folder));
    SL_TRY(connection,
           Connection::open(database_file(state_folder), Connection::Mode::read_only, schema));
    return Database(std::move(connection));
}

Result<Transaction> Database::begin() const { return Transaction::begin(connection_); }

Result<DesiredState> Database::load() const {
    SL_TRY(transaction, Transaction::nested(connection_));
    DesiredState state;
    SL_CHECK(load_instance(connection_, state));
    for (const auto& feature : features()) SL_CHECK(feature->load(connection_, state));
    SL_CHECK(transaction.commit());
    return state;
}

Result<> Database::set_up(bool up) const {
    SL_TRY(transaction, Transaction::nested(connection_));
    SL_TRY(state, load());
    SL_CHECK(set_settings(state.settings));  // makes the row if there is none
    SL_CHECK(connection_.run("UPDATE instance SET up = ?", up));
    return transaction.commit();
}

Result<> Database::set_settings(const Settings& settings) const {
    SL_TRY(transaction, Transaction::nested(connection_));
    SL_CHECK(ensure_instance_row(connection_));
    SL_CHECK(connection_.run(
        "UPDATE instance SET netns = ?, max_flows = ?, max_flows6 = ?, max_bindings = ?,"
        " udp_timeout = ?, tcp_established_timeout = ?, tcp_transitory_timeout = ?,"
        " icmp_timeout = ?, other_timeout = ?, max_leases = ?, max_macs = ?, mac_age = ?,"
        " host_share = ?, host_sessions = ?, host_ports = ?, door_mark = ?",
        settings.netns, settings.max_flows, settings.max_flows6, settings.max_bindings,
        settings.udp_timeout.count(), settings.tcp_established_timeout.count(),
        settings.tcp_transitory_timeout.count(), settings.icmp_timeout.count(),
        settings.other_timeout.count(), settings.max_leases, settings.max_macs,
        settings.mac_age.count(), settings.host_share, settings.host_sessions, settings.host_ports,
        settings.door_mark));
    return transaction.commit();
}

}  // namespace sluice
