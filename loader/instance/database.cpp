#include "loader/instance/database.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <vector>

#include "loader/block/store.hpp"
#include "loader/detect/store.hpp"
#include "loader/guard/store.hpp"
#include "loader/lease/store.hpp"
#include "loader/policy/store.hpp"
#include "loader/qos/store.hpp"
#include "loader/store/paths.hpp"
#include "loader/store/schema.hpp"
#include "loader/store/stored.hpp"
#include "loader/switch/store.hpp"

namespace sluice {
namespace {

PortRange stored_range(const Statement& row, int first_column) {
    return {row.integer<std::uint16_t>(first_column), row.integer<std::uint16_t>(first_column + 1)};
}

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

Result<> load_ports(const Connection& connection, DesiredState& state) {
    SL_TRY(row,
           connection.prepare("SELECT id, name, role, hook, vlan, native_vlan, qinq,"
                              " translations, priorities, shortcut, host_mac, flows, source_check,"
                              " routable"
                              " FROM port ORDER BY name"));
    return row.each_row([&]() -> Result<> {
        SL_TRY(role, stored(parse_role(row.text(2))));
        SL_TRY(hook, stored(parse_hook(row.text(3))));
        SL_TRY(translations, stored(parse_translations(row.text(7))));
        SL_TRY(priorities, stored(parse_priorities(row.text(8))));
        SL_TRY(mac, stored(MacAddress::parse(row.text(10))));
        SL_TRY(flows, stored(parse_flow_scope(row.text(11))));
        SL_TRY(source_check, stored(parse_source_check(row.text(12))));
        SL_TRY(routable, stored(parse_routable(row.text(13))));
        PortSpec& port = state.ports.emplace_back(PortSpec{
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
    });
}

Result<> load_masquerades(const Connection& connection, DesiredState& state) {
    SL_TRY(row, connection.prepare("SELECT id, source, uplink, first_port, last_port, pool"
                                   " FROM masquerade ORDER BY id"));
    return row.each_row([&]() -> Result<> {
        SL_TRY(source, stored(Prefix::parse(row.text(1))));
        MasqueradeSpec& rule = state.masquerades.emplace_back(MasqueradeSpec{
            .source = source,
            .uplink = row.text(2),
            .addresses = {},
            .ports = stored_range(row, 3),
            .pool = row.integer<std::uint16_t>(5),
        });
        SL_TRY(addresses, connection.prepare("SELECT address FROM masquerade_address"
                                             " WHERE masquerade = ? ORDER BY rowid"));
        addresses.bind(row.integer(0));
        return addresses.each_row([&]() -> Result<> {
            SL_TRY(address, stored(Address::parse(addresses.text(0))));
            rule.addresses.push_back(address);
            return {};
        });
    });
}

Result<> load_forwards(const Connection& connection, DesiredState& state) {
    SL_TRY(row, connection.prepare("SELECT protocol, external, internal FROM forward ORDER BY id"));
    return row.each_row([&]() -> Result<> {
        SL_TRY(external, stored(Endpoint::parse(row.text(1))));
        SL_TRY(internal, stored(Endpoint::parse(row.text(2))));
        state.forwards.push_back({row.integer<std::uint8_t>(0), external, internal});
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

/// Of a port that is there: all but name and id.
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

/// @param sql gives one number, or null for none
/// @return the number, or the error
Result<std::uint16_t> free_number(const Connection& connection, std::string_view sql,
                                  std::string_view what_is_full) {
    SL_TRY(row, connection.prepare(sql));
    SL_CHECK(row.step());
    if (row.is_null(0)) return fail(ErrorCode::refused, std::string(what_is_full));
    return row.integer<std::uint16_t>(0);
}

bool same_pool(const MasqueradeSpec& a, const MasqueradeSpec& b) {
    return a.uplink == b.uplink && a.ports == b.ports &&
           std::ranges::is_permutation(a.addresses, b.addresses);
}

Result<std::uint16_t> pool_for(const Connection& connection, const MasqueradeSpec& rule) {
    DesiredState state;
    SL_CHECK(load_masquerades(connection, state));
    for (const MasqueradeSpec& other : state.masquerades)
        if (same_pool(rule, other)) return other.pool;
    return free_number(connection,
                       "SELECT min(pool) FROM"
                       " (SELECT 0 AS pool UNION ALL SELECT pool + 1 FROM masquerade)"
                       " WHERE pool < 256 AND pool NOT IN (SELECT pool FROM masquerade)",
                       "all 256 NAT pools of the instance are in use");
}

Error no_instance(const std::filesystem::path& state_folder) {
    return {ErrorCode::not_found,
            fmt::format("there is no instance `{}`", state_folder.filename().string()),
            "`sluice up` makes one"};
}

}  // namespace

Result<Database> Database::create(const std::filesystem::path& state_folder) {
    std::error_code error;
    std::filesystem::create_directories(state_folder, error);
    if (error) return fail_errno(error.value(), "making " + state_folder.string());
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
    SL_CHECK(load_ports(connection_, state));
    SL_CHECK(load_masquerades(connection_, state));
    SL_CHECK(load_forwards(connection_, state));
    SL_TRY(guards, load_guards(connection_));
    state.guards = std::move(guards);
    SL_TRY(port_leases, load_port_leases(connection_));
    state.port_leases = std::move(port_leases);
    SL_TRY(sight, any_leases_or_pools(connection_));
    state.sight = sight;
    SL_TRY(switch_ports, load_switch_ports(connection_));
    state.switch_ports = std::move(switch_ports);
    SL_TRY(fdb, load_fdb(connection_));
    state.fdb = std::move(fdb);
    SL_TRY(vlans, load_vlans(connection_));
    state.vlans = std::move(vlans);
    SL_TRY(qos_ports, load_qos_ports(connection_));
    state.qos_ports = std::move(qos_ports);
    SL_TRY(qos_classes, load_qos_classes(connection_));
    state.qos_classes = std::move(qos_classes);
    SL_TRY(detectors, load_detectors(connection_));
    state.detectors = std::move(detectors);
    SL_TRY(vm_ports, load_vm_ports(connection_));
    state.vm_ports = std::move(vm_ports);
    SL_TRY(block_sets, load_block_sets(connection_));
    state.block_sets = std::move(block_sets);
    SL_TRY(block_entries, load_block_entries(connection_));
    state.block_entries = std::move(block_entries);
    SL_TRY(policy, load_policy(connection_));
    state.policy = std::move(policy);
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

Result<PortSpec> Database::add_port(PortSpec port) const {
    SL_TRY(transaction, Transaction::nested(connection_));
    SL_TRY(id, free_number(connection_,
                           "SELECT min(id) FROM"
                           " (SELECT 1 AS id UNION ALL SELECT id + 1 FROM port)"
                           " WHERE id < 1024 AND id NOT IN (SELECT id FROM port)",
                           "all 1023 ports of the instance are in use"));
    port.id = id;
    SL_TRY(rows, connection_.run("INSERT INTO port (id, name, role, hook, vlan, native_vlan)"
                                 " VALUES (?, ?, '', '', 0, 0) ON CONFLICT (name) DO NOTHING",
                                 port.id, port.name));
    if (rows == 0)
        return fail(
            ErrorCode::refused, fmt::format("{} is a port of this instance already", port.name),
            fmt::format("`sluice port show {0}`; `sluice port del {0}` removes it", port.name));
    SL_CHECK(write_port(connection_, port));
    SL_CHECK(transaction.commit());
    return port;
}

Result<> Database::set_port(const PortSpec& port) const {
    SL_TRY(transaction, Transaction::nested(connection_));
    SL_TRY(row, connection_.prepare("SELECT 1 FROM port WHERE name = ? AND id = ?"));
    SL_TRY(known, row.bind(port.name).bind(port.id).step());
    if (!known) return fail(ErrorCode::not_found, port.name + " is no port of this instance");
    SL_CHECK(write_port(connection_, port));
    return transaction.commit();
}

Result<> Database::remove_port(std::string_view name) const {
    SL_TRY(rows, connection_.run("DELETE FROM port WHERE name = ?", name));
    if (rows == 0)
        return fail(ErrorCode::not_found, fmt::format("{} is no port of this instance", name),
                    "`sluice port list` shows its ports");
    return {};
}

Result<MasqueradeSpec> Database::add_masquerade(MasqueradeSpec rule) const {
    SL_TRY(transaction, Transaction::nested(connection_));
    SL_TRY(pool, pool_for(connection_, rule));
    rule.pool = pool;
    SL_TRY(rows, connection_.run("INSERT INTO masquerade (source, uplink, first_port, last_port,"
                                 " pool) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                                 rule.source.text(), rule.uplink, rule.ports.first, rule.ports.last,
                                 rule.pool));
    if (rows == 0)
        return fail(ErrorCode::refused,
                    fmt::format("{} is masqueraded on {} already", rule.source.text(), rule.uplink),
                    "`sluice nat masquerade list`; remove the old rule first");
    for (const Address& address : rule.addresses)
        SL_CHECK(
            connection_.run("INSERT INTO masquerade_address SELECT id, ? FROM masquerade"
                            " WHERE source = ? AND uplink = ?",
                            address.text(), rule.source.text(), rule.uplink));
    SL_CHECK(transaction.commit());
    return rule;
}

Result<> Database::remove_masquerade(const Prefix& source, std::string_view uplink) const {
    SL_TRY(rows, connection_.run("DELETE FROM masquerade WHERE source = ? AND uplink = ?",
                                 source.text(), uplink));
    if (rows == 0)
        return fail(ErrorCode::not_found,
                    fmt::format("{} is not masqueraded on {}", source.text(), uplink),
                    "`sluice nat masquerade list` shows the rules");
    return {};
}

Result<> Database::add_forward(const ForwardSpec& rule) const {
    SL_TRY(rows, connection_.run("INSERT INTO forward (protocol, external, internal)"
                                 " VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
                                 rule.protocol, rule.external.text(), rule.internal.text()));
    if (rows == 0)
        return fail(ErrorCode::refused,
                    fmt::format("{} {} is forwarded already", protocol_text(rule.protocol),
                                rule.external.text()),
                    "`sluice nat forward list`; remove the old rule first");
    return {};
}

Result<> Database::remove_forward(std::uint8_t protocol, const Endpoint& external) const {
    SL_TRY(rows, connection_.run("DELETE FROM forward WHERE protocol = ? AND external = ?",
                                 protocol, external.text()));
    if (rows == 0)
        return fail(ErrorCode::not_found,
                    fmt::format("{} {} is not forwarded", protocol_text(protocol), external.text()),
                    "`sluice nat forward list` shows the rules");
    return {};
}

}  // namespace sluice
