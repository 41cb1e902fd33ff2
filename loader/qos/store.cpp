// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/qos/store.hpp"

#include <fmt/format.h>

#include <optional>
#include <string>

#include "loader/model/ports.hpp"
#include "loader/qos/match.hpp"
#include "loader/store/stored.hpp"

namespace sluice {
namespace {

constexpr std::string_view default_class_name = "default";

Result<> load_matches(const Connection& connection, QosClassSpec& spec) {
    SL_TRY(row, connection.prepare("SELECT match FROM qos_match WHERE class = ? ORDER BY rowid"));
    row.bind(spec.id);
    return row.each_row([&]() -> Result<> {
        SL_TRY(match, stored(parse_qos_match(row.text(0))));
        spec.matches.push_back(std::move(match));
        return {};
    });
}

/// None if they are all taken.
Result<std::optional<std::uint8_t>> free_class_id(const Connection& connection) {
    SL_TRY(row, connection.prepare("SELECT min(id) FROM"
                                   " (SELECT 1 AS id UNION ALL SELECT id + 1 FROM qos_class)"
                                   " WHERE id < ? AND id NOT IN (SELECT id FROM qos_class)"));
    SL_CHECK(row.bind(SL_QOS_CLASSES_MAX).step());
    if (row.is_null(0)) return std::nullopt;
    return row.integer<std::uint8_t>(0);
}

/// The name of the class; empty = there is none.
Result<std::string> class_that_has(const Connection& connection, std::uint8_t id) {
    SL_TRY(row, connection.prepare("SELECT name FROM qos_class WHERE id = ?"));
    SL_TRY(found, row.bind(id).step());
    return found ? row.text(0) : std::string();
}

Result<bool> class_exists(const Connection& connection, std::string_view name) {
    if (name == default_class_name) return true;
    SL_TRY(row, connection.prepare("SELECT 1 FROM qos_class WHERE name = ?"));
    return row.bind(name).step();
}

/// Columns from the first to the last.
Result<QosPortSpec> read_qos_port(const Statement& row) {
    SL_TRY(shaper, stored(parse_shaper(row.text(6))));
    SL_TRY(pcp_of_dscp, stored(parse_pcp_of_dscp(row.text(11))));
    SL_TRY(dscp_of_pcp, stored(parse_dscp_of_pcp(row.text(12))));
    return QosPortSpec{
        .port = row.text(0),
        .ingress_rate = row.integer<std::uint64_t>(1),
        .ingress_burst = row.integer<std::uint64_t>(2),
        .pps = row.integer<std::uint64_t>(3),
        .egress_rate = row.integer<std::uint64_t>(4),
        .egress_burst = row.integer<std::uint64_t>(5),
        .shaper = shaper,
        .latency = std::chrono::microseconds(row.integer(7)),
        .classes = row.integer<bool>(8),
        .ecn = row.integer<bool>(9),
        .dscp = row.integer<std::uint8_t>(10),
        .pcp_of_dscp = pcp_of_dscp,
        .dscp_of_pcp = dscp_of_pcp,
    };
}

}  // namespace

Result<std::vector<QosPortSpec>> load_qos_ports(const Connection& connection) {
    std::vector<QosPortSpec> ports;
    SL_TRY(row,
           connection.prepare("SELECT port.name, ingress_rate, ingress_burst, pps, egress_rate,"
                              " egress_burst, shaper, latency, classes, ecn, dscp, pcp_of_dscp,"
                              " dscp_of_pcp FROM qos_port JOIN port ON port.id = qos_port.port"
                              " ORDER BY port.name"));
    SL_CHECK(row.each_row([&]() -> Result<> {
        SL_TRY(spec, read_qos_port(row));
        ports.push_back(std::move(spec));
        return {};
    }));
    return ports;
}

Result<> put_qos_port(const Connection& connection, const QosPortSpec& spec) {
    SL_TRY(rows,
           connection.run("INSERT OR REPLACE INTO qos_port SELECT id, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?,"
                          " ?, ? FROM port WHERE name = ?",
                          spec.ingress_rate, spec.ingress_burst, spec.pps, spec.egress_rate,
                          spec.egress_burst, shaper_text(spec.shaper), spec.latency.count(),
                          spec.classes, spec.ecn, spec.dscp, pcp_of_dscp_text(spec.pcp_of_dscp),
                          dscp_of_pcp_text(spec.dscp_of_pcp), spec.port));
    if (rows != 0) return {};
    return not_a_port(spec.port);
}

Result<bool> erase_qos_port(const Connection& connection, std::string_view port) {
    SL_TRY(rows, connection.run("DELETE FROM qos_port WHERE port ="
                                " (SELECT id FROM port WHERE name = ?)",
                                port));
    return rows != 0;
}

Result<std::vector<QosClassSpec>> load_qos_classes(const Connection& connection) {
    std::vector<QosClassSpec> classes;
    SL_TRY(row, connection.prepare("SELECT id, name, priority, weight, max_percent, dscp"
                                   " FROM qos_class ORDER BY id"));
    SL_CHECK(row.each_row([&]() -> Result<> {
        auto& spec = classes.emplace_back(QosClassSpec{
            .name = row.text(1),
            .id = row.integer<std::uint8_t>(0),
            .priority = row.integer<std::uint8_t>(2),
            .weight = row.integer<std::uint16_t>(3),
            .max_percent = row.integer<std::uint8_t>(4),
            .dscp = row.integer<std::uint8_t>(5),
        });
        return load_matches(connection, spec);
    }));
    return classes;
}

Result<QosClassSpec> add_qos_class(const Connection& connection, QosClassSpec spec) {
    SL_TRY(transaction, Transaction::nested(connection));
    SL_TRY(known, class_exists(connection, spec.name));
    if (known)
        return fail(ErrorCode::refused, fmt::format("there is a class {} already", spec.name),
                    fmt::format("`sluice qos class set {}` changes it", spec.name));
    SL_TRY(id, free_class_id(connection));
    if (!id)
        return fail(ErrorCode::refused,
                    fmt::format("there are {} classes already, which is as many as can be",
                                SL_QOS_CLASSES_MAX - 1),
                    "`sluice qos class list` shows them; remove one that is not needed");
    spec.id = *id;
    SL_CHECK(put_qos_class(connection, spec));
    SL_CHECK(transaction.commit());
    return spec;
}

Result<> put_qos_class(const Connection& connection, const QosClassSpec& spec) {
    SL_TRY(transaction, Transaction::nested(connection));
    SL_TRY(owner, class_that_has(connection, spec.id));
    if (!owner.empty() && owner != spec.name)
        return fail(ErrorCode::refused,
                    fmt::format("class id {} of {} is that of {}", spec.id, spec.name, owner));
    // Its matches, if it is there, go with it.
    SL_CHECK(connection.run("DELETE FROM qos_class WHERE name = ?", spec.name));
    SL_CHECK(connection.run("INSERT INTO qos_class VALUES (?, ?, ?, ?, ?, ?)", spec.id, spec.name,
                            spec.priority, spec.weight, spec.max_percent, spec.dscp));
    for (const auto& match : spec.matches)
        SL_CHECK(
            connection.run("INSERT INTO qos_match VALUES (?, ?)", spec.id, qos_match_text(match)));
    return transaction.commit();
}

Result<bool> erase_qos_class(const Connection& connection, std::string_view name) {
    SL_TRY(rows, connection.run("DELETE FROM qos_class WHERE name = ?", name));
    return rows != 0;
}

Result<std::vector<VmPort>> load_vm_ports(const Connection& connection) {
    std::vector<VmPort> ports;
    // Few of a million leases may name a port: that index holds those alone.
    SL_TRY(row, connection.prepare(
                    "WITH placed AS MATERIALIZED (SELECT vm, port, standby"
                    " FROM lease INDEXED BY lease_port"
                    " WHERE (port <> '' OR standby <> '') AND released = 0)"
                    " SELECT vm, port FROM placed WHERE port <> ''"
                    " UNION SELECT vm, standby FROM placed WHERE standby <> '' ORDER BY 1, 2"));
    SL_CHECK(row.each_row([&]() -> Result<> {
        ports.push_back({row.text(0), row.text(1)});
        return {};
    }));
    return ports;
}

}  // namespace sluice
