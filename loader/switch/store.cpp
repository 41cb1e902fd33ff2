// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/switch/store.hpp"

#include <fmt/format.h>

#include <string>

#include "loader/model/ports.hpp"
#include "loader/model/switch_flags.hpp"
#include "loader/store/stored.hpp"

namespace sluice {
namespace {

constexpr std::string_view port_id = "(SELECT id FROM port WHERE name = ?)";

std::string flag_columns() {
    std::string columns;
    for (const auto& it : switch_flags) columns += fmt::format(", {}", it.name);
    return columns;
}

std::string storm_columns() {
    std::string columns;
    for (const auto& kind : storm_kinds) columns += fmt::format(", storm_{}", kind);
    return columns;
}

Result<> check_port(const Connection& connection, std::string_view name) {
    SL_TRY(row, connection.prepare("SELECT 1 FROM port WHERE name = ?"));
    SL_TRY(known, row.bind(name).step());
    if (known) return {};
    return not_a_port(name);
}

}  // namespace

Result<std::vector<SwitchPortSpec>> load_switch_ports(const Connection& connection) {
    std::vector<SwitchPortSpec> ports;
    SL_TRY(row, connection.prepare(
                    fmt::format("SELECT port.name, community, mac_limit, bpdu, loop{}{}"
                                " FROM switch_port JOIN port ON port.id = switch_port.port"
                                " ORDER BY port.name",
                                flag_columns(), storm_columns())));
    SL_CHECK(row.each_row([&]() -> Result<> {
        auto& spec = ports.emplace_back();
        spec.port = row.text(0);
        spec.community = row.integer<std::uint16_t>(1);
        spec.mac_limit = row.integer<std::uint32_t>(2);
        SL_TRY(bpdu, stored(parse_bpdu(row.text(3))));
        spec.bpdu = bpdu;
        SL_TRY(loop, stored(parse_loop(row.text(4))));
        spec.loop = loop;
        int column = 5;
        for (const auto& it : switch_flags) spec.*it.asked = row.integer<bool>(column++);
        for (auto& rate : spec.storm) rate = row.integer<std::uint32_t>(column++);
        return {};
    }));
    return ports;
}

Result<> put_switch_port(const Connection& connection, const SwitchPortSpec& spec) {
    SL_CHECK(check_port(connection, spec.port));
    std::string values;
    for (std::size_t i = 0; i < switch_flags.size() + spec.storm.size(); ++i) values += ", ?";
    SL_TRY(row, connection.prepare(fmt::format("INSERT OR REPLACE INTO switch_port"
                                               " (port, community, mac_limit, bpdu, loop{}{})"
                                               " VALUES ({}, ?, ?, ?, ?{})",
                                               flag_columns(), storm_columns(), port_id, values)));
    row.bind(spec.port)
        .bind(spec.community)
        .bind(spec.mac_limit)
        .bind(bpdu_text(spec.bpdu))
        .bind(loop_text(spec.loop));
    for (const auto& it : switch_flags) row.bind(spec.*it.asked);
    for (const auto rate : spec.storm) row.bind(rate);
    SL_CHECK(row.run());
    return {};
}

Result<std::vector<FdbSpec>> load_fdb(const Connection& connection) {
    std::vector<FdbSpec> entries;
    SL_TRY(row, connection.prepare("SELECT fdb.mac, fdb.vlan, port.name FROM fdb"
                                   " JOIN port ON port.id = fdb.port ORDER BY fdb.vlan, fdb.mac"));
    SL_CHECK(row.each_row([&]() -> Result<> {
        SL_TRY(mac, stored(MacAddress::parse(row.text(0))));
        entries.push_back({mac, row.integer<std::uint16_t>(1), row.text(2)});
        return {};
    }));
    return entries;
}

Result<> put_fdb(const Connection& connection, const FdbSpec& entry) {
    SL_CHECK(check_port(connection, entry.port));
    SL_CHECK(connection.run(fmt::format("INSERT OR REPLACE INTO fdb VALUES ({}, ?, ?)", port_id),
                            entry.port, entry.vlan, entry.mac.text()));
    return {};
}

Result<bool> erase_fdb(const Connection& connection, const MacAddress& mac, std::uint16_t vlan) {
    SL_TRY(rows, connection.run("DELETE FROM fdb WHERE vlan = ? AND mac = ?", vlan, mac.text()));
    return rows != 0;
}

Result<std::vector<VlanSpec>> load_vlans(const Connection& connection) {
    std::vector<VlanSpec> vlans;
    SL_TRY(row, connection.prepare("SELECT id, vni FROM vlan ORDER BY id"));
    SL_CHECK(row.each_row([&]() -> Result<> {
        vlans.push_back({row.integer<std::uint16_t>(0), row.integer<std::uint32_t>(1)});
        return {};
    }));
    return vlans;
}

Result<> put_vlan(const Connection& connection, const VlanSpec& vlan) {
    if (vlan.vni == 0)
        SL_CHECK(connection.run("DELETE FROM vlan WHERE id = ?", vlan.vlan));
    else
        SL_CHECK(connection.run("INSERT OR REPLACE INTO vlan VALUES (?, ?)", vlan.vlan, vlan.vni));
    return {};
}

}  // namespace sluice
