// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/lease/store.hpp"

#include <fmt/format.h>

#include "loader/store/stored.hpp"

namespace sluice {
namespace {

#define LEASE_COLUMNS \
    "id, domain, mac, vm, uuid, nic, port, standby, moving_to, pinned, given, released"

MacAddress stored_mac(const Statement& row, int column) {
    return mac_from_number(row.integer<std::uint64_t>(column));
}

/// Columns: domain, mac, port, standby, id, vm.
void add_port_leases(const Statement& row, const std::vector<Address>& addresses,
                     std::vector<PortLease>& leases) {
    for (const int column : {2, 3})
        if (const auto port = row.text(column); !port.empty())
            leases.push_back({.mac = stored_mac(row, 1),
                              .port = port,
                              .standby = column == 3,
                              .addresses = addresses,
                              .domain = row.integer<std::uint16_t>(0),
                              .vm = row.text(5)});
}

Result<std::vector<Address>> addresses_of(Statement& rows, std::int64_t lease) {
    rows.reset();
    rows.bind(lease);
    std::vector<Address> addresses;
    SL_CHECK(rows.each_row([&]() -> Result<> {
        SL_TRY(address, stored(Address::parse(rows.text(0))));
        addresses.push_back(address);
        return {};
    }));
    return addresses;
}

constexpr auto select_addresses =
    "SELECT address FROM lease_address WHERE lease = ? ORDER BY rowid";

}  // namespace

Result<std::vector<PortLease>> load_port_leases(const Connection& connection) {
    SL_TRY(rows, connection.prepare("SELECT domain, mac, port, standby, id, vm FROM lease"
                                    " WHERE port <> '' OR standby <> '' ORDER BY domain, mac"));
    SL_TRY(addresses_row, connection.prepare(select_addresses));
    std::vector<PortLease> leases;
    SL_CHECK(rows.each_row([&]() -> Result<> {
        SL_TRY(addresses, addresses_of(addresses_row, rows.integer(4)));
        add_port_leases(rows, addresses, leases);
        return {};
    }));
    return leases;
}

Result<bool> any_leases_or_pools(const Connection& connection) {
    SL_TRY(row, connection.prepare("SELECT EXISTS (SELECT 1 FROM mac_pool)"
                                   " OR EXISTS (SELECT 1 FROM lease)"));
    SL_CHECK(row.step());
    return row.integer<bool>(0);
}

Result<Statement*> LeaseStore::prepared(const char* sql) {
    auto found = statements_.find(sql);
    if (found == statements_.end()) {
        SL_TRY(statement, connection_->prepare(sql));
        found = statements_.emplace(sql, std::move(statement)).first;
    }
    found->second.reset();
    return &found->second;
}

Result<std::vector<MacPool>> LeaseStore::pools() {
    SL_TRY(row, prepared("SELECT name, domain, first, last, strategy, ttl, cooldown, quarantine,"
                         " next FROM mac_pool ORDER BY name"));
    SL_TRY(ranges,
           prepared("SELECT first, last FROM mac_pool_range WHERE pool = ? ORDER BY rowid"));
    std::vector<MacPool> pools;
    SL_CHECK(row->each_row([&]() -> Result<> {
        SL_TRY(strategy, stored(parse_mac_strategy(row->text(4))));
        MacPool& pool = pools.emplace_back(MacPool{
            .name = row->text(0),
            .range = {row->integer<std::uint64_t>(2), row->integer<std::uint64_t>(3)},
            .domain = row->integer<std::uint16_t>(1),
            .strategy = strategy,
            .ttl = std::chrono::milliseconds(row->integer(5)),
            .cooldown = std::chrono::milliseconds(row->integer(6)),
            .quarantine = row->integer<bool>(7),
            .address_pools = {},
            .next = row->integer<std::uint64_t>(8),
        });
        ranges->reset();
        ranges->bind(pool.name);
        return ranges->each_row([&]() -> Result<> {
            SL_TRY(first, stored(Address::parse(ranges->text(0))));
            SL_TRY(last, stored(Address::parse(ranges->text(1))));
            pool.address_pools.push_back({first, last});
            return {};
        });
    }));
    return pools;
}

Result<> LeaseStore::add_pool(const MacPool& pool) {
    SL_CHECK(connection_->run(
        "INSERT INTO mac_pool VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", pool.name, pool.domain,
        static_cast<std::int64_t>(pool.range.first), static_cast<std::int64_t>(pool.range.last),
        mac_strategy_text(pool.strategy), pool.ttl.count(), pool.cooldown.count(), pool.quarantine,
        static_cast<std::int64_t>(pool.next)));
    for (const auto& range : pool.address_pools)
        SL_CHECK(connection_->run("INSERT INTO mac_pool_range VALUES (?, ?, ?)", pool.name,
                                  range.first.text(), range.last.text()));
    return {};
}

Result<> LeaseStore::remove_pool(const MacPool& pool) {
    SL_CHECK(connection_->run(
        "DELETE FROM lease WHERE domain = ? AND mac BETWEEN ? AND ? AND released <> 0", pool.domain,
        static_cast<std::int64_t>(pool.range.first), static_cast<std::int64_t>(pool.range.last)));
    SL_CHECK(connection_->run("DELETE FROM mac_pool WHERE name = ?", pool.name));
    return {};
}

Result<> LeaseStore::set_next(const MacPool& pool, std::uint64_t next) {
    SL_TRY(row, prepared("UPDATE mac_pool SET next = ? WHERE name = ?"));
    row->bind(static_cast<std::int64_t>(next)).bind(pool.name);
    SL_CHECK(row->run());
    return {};
}

Result<Lease> LeaseStore::read(const Statement& row) {
    Lease lease{
        .id = row.integer(0),
        .mac = stored_mac(row, 2),
        .domain = row.integer<std::uint16_t>(1),
        .vm = row.text(3),
        .uuid = row.text(4),
        .nic = row.integer<std::uint16_t>(5),
        .port = row.text(6),
        .standby = row.text(7),
        .moving_to = row.text(8),
        .pinned = row.integer<bool>(9),
        .given = row.integer(10),
        .released = row.integer(11),
        .addresses = {},
    };
    SL_TRY(rows, prepared(select_addresses));
    SL_TRY(addresses, addresses_of(*rows, lease.id));
    lease.addresses = std::move(addresses);
    return lease;
}

Result<> LeaseStore::walk(Statement& rows, const Visitor& visit) {
    while (true) {
        SL_TRY(more, rows.step());
        if (!more) return {};
        SL_TRY(lease, read(rows));
        SL_TRY(on, visit(lease));
        if (!on) {
            rows.reset();
            return {};
        }
    }
}

Result<std::vector<Lease>> LeaseStore::collect(Statement& rows) {
    std::vector<Lease> leases;
    SL_CHECK(walk(rows, [&](const Lease& lease) -> Result<bool> {
        leases.push_back(lease);
        return true;
    }));
    return leases;
}

Result<std::optional<Lease>> LeaseStore::find(std::uint16_t domain, const MacAddress& mac) {
    SL_TRY(rows, prepared("SELECT " LEASE_COLUMNS " FROM lease WHERE domain = ? AND mac = ?"));
    rows->bind(domain).bind(static_cast<std::int64_t>(mac_number(mac)));
    SL_TRY(leases, collect(*rows));
    return leases.empty() ? std::nullopt : std::optional(leases.front());
}

Result<std::vector<Lease>> LeaseStore::with_mac(const MacAddress& mac) {
    SL_TRY(rows, prepared("SELECT " LEASE_COLUMNS " FROM lease WHERE mac = ? ORDER BY domain"));
    rows->bind(static_cast<std::int64_t>(mac_number(mac)));
    return collect(*rows);
}

Result<std::vector<Lease>> LeaseStore::of_vm(std::string_view vm, bool held) {
    SL_TRY(rows,
           prepared(held ? "SELECT " LEASE_COLUMNS
                           " FROM lease WHERE vm = ? AND released = 0 ORDER BY nic"
                         : "SELECT " LEASE_COLUMNS " FROM lease WHERE vm = ? AND released <> 0"
                           " ORDER BY nic, released DESC"));
    rows->bind(vm);
    return collect(*rows);
}

Result<std::vector<Lease>> LeaseStore::of_uuid(std::string_view uuid, bool held) {
    SL_TRY(rows, prepared("SELECT " LEASE_COLUMNS
                          " FROM lease WHERE uuid = ? AND uuid <> '' AND (released = 0) = ?"
                          " ORDER BY nic, released DESC"));
    rows->bind(uuid).bind(held ? 1 : 0);
    return collect(*rows);
}

Result<std::optional<Lease>> LeaseStore::with_address(std::uint16_t domain,
                                                      const Address& address) {
    SL_TRY(rows, prepared("SELECT " LEASE_COLUMNS
                          " FROM lease WHERE id = (SELECT lease FROM lease_address"
                          " WHERE domain = ? AND address = ?)"));
    rows->bind(domain).bind(address.text());
    SL_TRY(leases, collect(*rows));
    return leases.empty() ? std::nullopt : std::optional(leases.front());
}

/// Reserved addresses count as taken.
Result<std::optional<std::uint64_t>> LeaseStore::gap_between(std::uint16_t domain,
                                                             std::uint64_t first,
                                                             std::uint64_t last) {
    SL_TRY(rows, prepared("SELECT mac FROM lease WHERE domain = ? AND mac BETWEEN ? AND ?"
                          " ORDER BY mac"));
    rows->bind(domain).bind(static_cast<std::int64_t>(first)).bind(static_cast<std::int64_t>(last));
    auto candidate = first;
    SL_TRY(some, rows->step());
    for (bool more = some; candidate <= last;) {
        if (const auto* skipped = reserved_at(candidate)) {
            candidate = skipped->last + 1;
        } else if (more && rows->integer<std::uint64_t>(0) <= candidate) {
            if (rows->integer<std::uint64_t>(0) == candidate) ++candidate;
            SL_TRY(next, rows->step());
            more = next;
        } else {
            rows->reset();
            return candidate;
        }
    }
    rows->reset();
    return std::nullopt;
}

Result<std::optional<std::uint64_t>> LeaseStore::first_gap(std::uint16_t domain,
                                                           const MacRange& range,
                                                           std::uint64_t from) {
    SL_TRY(gap, gap_between(domain, from, range.last));
    if (gap || from == range.first) return gap;
    return gap_between(domain, range.first, from - 1);
}

Result<> LeaseStore::each(const Visitor& visit) {
    SL_TRY(rows, prepared("SELECT " LEASE_COLUMNS " FROM lease ORDER BY domain, mac"));
    return walk(*rows, visit);
}

Result<> LeaseStore::each_in(std::uint16_t domain, const MacRange& range, const Visitor& visit) {
    SL_TRY(rows, prepared("SELECT " LEASE_COLUMNS
                          " FROM lease WHERE domain = ? AND mac BETWEEN ? AND ? ORDER BY mac"));
    rows->bind(domain)
        .bind(static_cast<std::int64_t>(range.first))
        .bind(static_cast<std::int64_t>(range.last));
    return walk(*rows, visit);
}

Result<> LeaseStore::each_with_addresses(const Visitor& visit) {
    SL_TRY(rows, prepared("SELECT " LEASE_COLUMNS " FROM lease WHERE released = 0"
                          " AND id IN (SELECT lease FROM lease_address) ORDER BY domain, mac"));
    return walk(*rows, visit);
}

Result<std::uint64_t> LeaseStore::count(std::uint16_t domain, const MacRange& range, bool held) {
    SL_TRY(row, prepared("SELECT count(*) FROM lease WHERE domain = ? AND mac BETWEEN ? AND ?"
                         " AND (released = 0) = ?"));
    row->bind(domain)
        .bind(static_cast<std::int64_t>(range.first))
        .bind(static_cast<std::int64_t>(range.last))
        .bind(held ? 1 : 0);
    std::uint64_t leases = 0;
    SL_CHECK(row->each_row([&]() -> Result<> {
        leases = row->integer<std::uint64_t>(0);
        return {};
    }));
    return leases;
}

Result<> LeaseStore::put(Lease& lease) {
    SL_TRY(row, prepared("INSERT INTO lease (" LEASE_COLUMNS
                         ") VALUES (nullif(?, 0), ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
                         " ON CONFLICT (id) DO UPDATE SET domain = excluded.domain,"
                         " mac = excluded.mac, vm = excluded.vm, uuid = excluded.uuid,"
                         " nic = excluded.nic, port = excluded.port, standby = excluded.standby,"
                         " moving_to = excluded.moving_to, pinned = excluded.pinned,"
                         " given = excluded.given, released = excluded.released RETURNING id"));
    row->bind(lease.id)
        .bind(lease.domain)
        .bind(static_cast<std::int64_t>(mac_number(lease.mac)))
        .bind(lease.vm)
        .bind(lease.uuid)
        .bind(lease.nic)
        .bind(lease.port)
        .bind(lease.standby)
        .bind(lease.moving_to)
        .bind(lease.pinned)
        .bind(lease.given)
        .bind(lease.released);
    const bool is_new = lease.id == 0;
    SL_CHECK(row->each_row([&]() -> Result<> {
        lease.id = row->integer(0);
        return {};
    }));
    if (!is_new) {
        SL_TRY(old, prepared("DELETE FROM lease_address WHERE lease = ?"));
        old->bind(lease.id);
        SL_CHECK(old->run());
    }
    return put_addresses(lease);
}

Result<> LeaseStore::put_addresses(const Lease& lease) {
    for (const auto& address : lease.addresses) {
        SL_TRY(row, prepared("INSERT INTO lease_address VALUES (?, ?, ?)"));
        row->bind(lease.id).bind(lease.domain).bind(address.text());
        SL_CHECK(row->run());
    }
    return {};
}

Result<> LeaseStore::erase(const Lease& lease) {
    SL_TRY(row, prepared("DELETE FROM lease WHERE id = ?"));
    row->bind(lease.id);
    SL_CHECK(row->run());
    return {};
}

Result<std::optional<DhcpSettings>> LeaseStore::dhcp() {
    SL_TRY(row, prepared("SELECT hosts_file, pid_file FROM dhcp"));
    std::optional<DhcpSettings> settings;
    SL_CHECK(row->each_row([&]() -> Result<> {
        settings = DhcpSettings{row->text(0), row->text(1)};
        return {};
    }));
    return settings;
}

Result<> LeaseStore::set_dhcp(const std::optional<DhcpSettings>& settings) {
    SL_CHECK(connection_->run("DELETE FROM dhcp"));
    if (settings)
        SL_CHECK(connection_->run("INSERT INTO dhcp VALUES (0, ?, ?)", settings->hosts_file,
                                  settings->pid_file));
    return {};
}

}  // namespace sluice
