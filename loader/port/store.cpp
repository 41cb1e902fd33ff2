// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/port/store.hpp"

#include <fmt/format.h>

#include "loader/model/ports.hpp"
#include "loader/store/stored.hpp"

namespace sluice {
namespace {

Result<> load_port_lists(const Connection& connection, PortSpec& port) {
    SL_TRY(vlans,
           connection.prepare("SELECT first, last FROM port_vlan WHERE port = ? ORDER BY rowid"));
    vlans.bind(port.id);
    SL_CHECK(vlans.each_row([&]() -> Result<> {
        port.vlans.push_back(stored_range(vlans, 0));
        return {};
    }));
    SL_TRY(addresses,
           connection.prepare("SELECT address FROM port_address WHERE port = ? ORDER BY rowid"));
    addresses.bind(port.id);
    return addresses.each_row([&]() -> Result<> {
        SL_TRY(address, stored(HostAddress::parse(addresses.text(0))));
        port.addresses.push_back(address);
        return {};
    });
}

/// Writes all but name and id of a port that is there.
Result<> write_port(const Connection& connection, const PortSpec& port) {
    SL_CHECK(connection.run(
        "UPDATE port SET role = ?, hook = ?, vlan = ?, native_vlan = ?, qinq = ?,"
        " translations = ?, priorities = ?, shortcut = ?, host_mac = ?, flows = ?,"
        " source_check = ?, routable = ? WHERE id = ?",
        role_text(port.role), hook_text(port.hook), port.vlan, port.native_vlan, port.qinq,
        translations_text(port.translations), priorities_text(port.priorities), port.shortcut,
        port.mac.text(), flow_scope_text(port.flows), source_check_text(port.source_check),
        routable_text(port.routable), port.id));
    SL_CHECK(connection.run("DELETE FROM port_vlan WHERE port = ?", port.id));
    for (const PortRange& range : port.vlans)
        SL_CHECK(connection.run("INSERT INTO port_vlan VALUES (?, ?, ?)", port.id, range.first,
                                range.last));
    SL_CHECK(connection.run("DELETE FROM port_address WHERE port = ?", port.id));
    for (const HostAddress& address : port.addresses)
        SL_CHECK(connection.run("INSERT INTO port_address VALUES (?, ?)", port.id, address.text()));
    return {};
}

}  // namespace

Result<std::vector<PortSpec>> load_ports(const Connection& connection) {
    std::vector<PortSpec> ports;
    SL_TRY(row,
           connection.prepare("SELECT id, name, role, hook, vlan, native_vlan, qinq,"
                              " translations, priorities, shortcut, host_mac, flows, source_check,"
                              " routable"
                              " FROM port ORDER BY name"));
    SL_CHECK(row.each_row([&]() -> Result<> {
        SL_TRY(role, stored(parse_role(row.text(2))));
        SL_TRY(hook, stored(parse_hook(row.text(3))));
        SL_TRY(translations, stored(parse_translations(row.text(7))));
        SL_TRY(priorities, stored(parse_priorities(row.text(8))));
        SL_TRY(mac, stored(MacAddress::parse(row.text(10))));
        SL_TRY(flows, stored(parse_flow_scope(row.text(11))));
        SL_TRY(source_check, stored(parse_source_check(row.text(12))));
        SL_TRY(routable, stored(parse_routable(row.text(13))));
        PortSpec& port = ports.emplace_back(PortSpec{
            .name = row.text(1),
            .role = role,
            .hook = hook,
            .vlan = row.integer<std::uint16_t>(4),
            .vlans = {},
            .native_vlan = row.integer<std::uint16_t>(5),
            .qinq = row.integer<bool>(6),
            .translations = std::move(translations),
            .priorities = priorities,
            .shortcut = row.integer<bool>(9),
            .flows = flows,
            .source_check = source_check,
            .routable = std::move(routable),
            .addresses = {},
            .mac = mac,
            .id = row.integer<std::uint16_t>(0),
        });
        return load_port_lists(connection, port);
    }));
    return ports;
}

Result<PortSpec> add_port(const Connection& connection, PortSpec port) {
    SL_TRY(transaction, Transaction::nested(connection));
    SL_TRY(id, free_number(connection,
                           "SELECT min(id) FROM"
                           " (SELECT 1 AS id UNION ALL SELECT id + 1 FROM port)"
                           " WHERE id < 1024 AND id NOT IN (SELECT id FROM port)",
                           "all 1023 ports of the instance are in use"));
    port.id = id;
    SL_TRY(rows, connection.run("INSERT INTO port (id, name, role, hook, vlan, native_vlan)"
                                " VALUES (?, ?, '', '', 0, 0) ON CONFLICT (name) DO NOTHING",
                                port.id, port.name));
    if (rows == 0)
        return fail(
            ErrorCode::refused, fmt::format("{} is a port of this instance already", port.name),
            fmt::format("`sluice port show {0}`; `sluice port del {0}` removes it", port.name));
    SL_CHECK(write_port(connection, port));
    SL_CHECK(transaction.commit());
    return port;
}

Result<> put_port(const Connection& connection, const PortSpec& port) {
    SL_TRY(transaction, Transaction::nested(connection));
    SL_TRY(row, connection.prepare("SELECT 1 FROM port WHERE name = ? AND id = ?"));
    SL_TRY(known, row.bind(port.name).bind(port.id).step());
    if (!known) return not_a_port(port.name);
    SL_CHECK(write_port(connection, port));
    return transaction.commit();
}

Result<> erase_port(const Connection& connection, std::string_view name) {
    SL_TRY(rows, connection.run("DELETE FROM port WHERE name = ?", name));
    if (rows == 0) return not_a_port(name);
    return {};
}

}  // namespace sluice
