// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/store/found.hpp"

#include <array>

#include "loader/base/private_file.hpp"

namespace sluice {
namespace {

constexpr std::array<const char*, 3> found_schema{R"sql(
CREATE TABLE interface (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    ifindex INTEGER NOT NULL,
    had_clsact INTEGER NOT NULL,
    UNIQUE (name, ifindex)
) STRICT;
CREATE TABLE sysctl (
    interface INTEGER NOT NULL REFERENCES interface ON DELETE CASCADE,
    path TEXT NOT NULL,
    value TEXT NOT NULL
) STRICT;
)sql",
                                                  R"sql(
CREATE INDEX sysctl_interface ON sysctl (interface);
)sql",
                                                  R"sql(
ALTER TABLE interface ADD COLUMN promiscuous INTEGER NOT NULL DEFAULT 0;
ALTER TABLE interface ADD COLUMN takes_tags_out INTEGER NOT NULL DEFAULT 0;
)sql"};

}  // namespace

Result<FoundInterfaces> FoundInterfaces::open(const std::filesystem::path& state_folder) {
    SL_CHECK(make_private_folder(state_folder));
    SL_TRY(connection,
           Connection::open(state_folder / "found.db", Connection::Mode::create, found_schema));
    return FoundInterfaces(std::move(connection));
}

Result<> FoundInterfaces::keep(const FoundInterface& interface) const {
    SL_TRY(transaction, Transaction::begin(connection_));
    SL_TRY(rows, connection_.run("INSERT INTO interface (name, ifindex, had_clsact, promiscuous,"
                                 " takes_tags_out) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                                 interface.name, interface.ifindex, interface.had_clsact,
                                 interface.promiscuous, interface.takes_tags_out));
    if (rows == 0) return {};
    for (const auto& [path, value] : interface.sysctls)
        SL_CHECK(
            connection_.run("INSERT INTO sysctl SELECT id, ?, ? FROM interface"
                            " WHERE name = ? AND ifindex = ?",
                            path, value, interface.name, interface.ifindex));
    return transaction.commit();
}

Result<bool> FoundInterfaces::has(std::string_view name, std::uint32_t ifindex) const {
    SL_TRY(row, connection_.prepare("SELECT 1 FROM interface WHERE name = ? AND ifindex = ?"));
    return row.bind(name).bind(ifindex).step();
}

Result<std::optional<std::string>> FoundInterfaces::sysctl(std::string_view name,
                                                           std::uint32_t ifindex,
                                                           std::string_view path) const {
    SL_TRY(row, connection_.prepare("SELECT value FROM sysctl JOIN interface"
                                    " ON sysctl.interface = interface.id"
                                    " WHERE name = ? AND ifindex = ? AND path = ?"));
    SL_TRY(there, row.bind(name).bind(ifindex).bind(path).step());
    if (!there) return std::nullopt;
    return row.text(0);
}

Result<std::vector<FoundInterface>> FoundInterfaces::list() const {
    SL_TRY(transaction, Transaction::nested(connection_));
    SL_TRY(rows, connection_.prepare("SELECT id, name, ifindex, had_clsact, promiscuous,"
                                     " takes_tags_out FROM interface ORDER BY name, ifindex"));
    SL_TRY(sysctls, connection_.prepare("SELECT path, value FROM sysctl WHERE interface = ?"
                                        " ORDER BY rowid"));
    std::vector<FoundInterface> interfaces;
    SL_CHECK(rows.each_row([&]() -> Result<> {
        FoundInterface& interface =
            interfaces.emplace_back(FoundInterface{rows.text(1),
                                                   rows.integer<std::uint32_t>(2),
                                                   rows.integer<bool>(3),
                                                   {},
                                                   rows.integer<bool>(4),
                                                   rows.integer<bool>(5)});
        sysctls.reset();
        sysctls.bind(rows.integer(0));
        return sysctls.each_row([&]() -> Result<> {
            interface.sysctls.emplace_back(sysctls.text(0), sysctls.text(1));
            return {};
        });
    }));
    SL_CHECK(transaction.commit());
    return interfaces;
}

Result<> FoundInterfaces::rename(const FoundInterface& interface, std::string_view name) const {
    SL_TRY(transaction, Transaction::begin(connection_));
    SL_CHECK(
        connection_.run("UPDATE sysctl SET path = replace(path, '/' || ? || '/', '/' || ? || '/')"
                        " WHERE interface = (SELECT id FROM interface"
                        " WHERE name = ? AND ifindex = ?)",
                        interface.name, name, interface.name, interface.ifindex));
    SL_CHECK(
        connection_.run("UPDATE OR REPLACE interface SET name = ? WHERE name = ? AND ifindex = ?",
                        name, interface.name, interface.ifindex));
    return transaction.commit();
}

Result<> FoundInterfaces::forget(std::string_view name, std::uint32_t ifindex) const {
    SL_CHECK(
        connection_.run("DELETE FROM interface WHERE name = ? AND ifindex = ?", name, ifindex));
    return {};
}

}  // namespace sluice
