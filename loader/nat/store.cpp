// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/nat/store.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "loader/store/stored.hpp"

namespace sluice {
namespace {

bool same_pool(const MasqueradeSpec& a, const MasqueradeSpec& b) {
    return a.uplink == b.uplink && a.ports == b.ports &&
           std::ranges::is_permutation(a.addresses, b.addresses);
}

Result<std::uint16_t> pool_for(const Connection& connection, const MasqueradeSpec& rule) {
    SL_TRY(rules, load_masquerades(connection));
    for (const MasqueradeSpec& other : rules)
        if (same_pool(rule, other)) return other.pool;
    return free_number(connection,
                       "SELECT min(pool) FROM"
                       " (SELECT 0 AS pool UNION ALL SELECT pool + 1 FROM masquerade)"
                       " WHERE pool < 256 AND pool NOT IN (SELECT pool FROM masquerade)",
                       "all 256 NAT pools of the instance are in use");
}

}  // namespace

Result<std::vector<MasqueradeSpec>> load_masquerades(const Connection& connection) {
    std::vector<MasqueradeSpec> rules;
    SL_TRY(row, connection.prepare("SELECT id, source, uplink, first_port, last_port, pool"
                                   " FROM masquerade ORDER BY id"));
    SL_CHECK(row.each_row([&]() -> Result<> {
        SL_TRY(source, stored(Prefix::parse(row.text(1))));
        MasqueradeSpec& rule = rules.emplace_back(MasqueradeSpec{
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
    }));
    return rules;
}

Result<std::vector<ForwardSpec>> load_forwards(const Connection& connection) {
    std::vector<ForwardSpec> rules;
    SL_TRY(row, connection.prepare("SELECT protocol, external, internal FROM forward ORDER BY id"));
    SL_CHECK(row.each_row([&]() -> Result<> {
        SL_TRY(external, stored(Endpoint::parse(row.text(1))));
        SL_TRY(internal, stored(Endpoint::parse(row.text(2))));
        rules.push_back({row.integer<std::uint8_t>(0), external, internal});
        return {};
    }));
    return rules;
}

Result<MasqueradeSpec> add_masquerade(const Connection& connection, MasqueradeSpec rule) {
    SL_TRY(transaction, Transaction::nested(connection));
    SL_TRY(pool, pool_for(connection, rule));
    rule.pool = pool;
    SL_TRY(rows, connection.run("INSERT INTO masquerade (source, uplink, first_port, last_port,"
                                " pool) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                                rule.source.text(), rule.uplink, rule.ports.first, rule.ports.last,
                                rule.pool));
    if (rows == 0)
        return fail(ErrorCode::refused,
                    fmt::format("{} is masqueraded on {} already", rule.source.text(), rule.uplink),
                    "`sluice nat masquerade list`; remove the old rule first");
    for (const Address& address : rule.addresses)
        SL_CHECK(
            connection.run("INSERT INTO masquerade_address SELECT id, ? FROM masquerade"
                           " WHERE source = ? AND uplink = ?",
                           address.text(), rule.source.text(), rule.uplink));
    SL_CHECK(transaction.commit());
    return rule;
}

Result<> erase_masquerade(const Connection& connection, const Prefix& source,
                          std::string_view uplink) {
    SL_TRY(rows, connection.run("DELETE FROM masquerade WHERE source = ? AND uplink = ?",
                                source.text(), uplink));
    if (rows == 0)
        return fail(ErrorCode::not_found,
                    fmt::format("{} is not masqueraded on {}", source.text(), uplink),
                    "`sluice nat masquerade list` shows the rules");
    return {};
}

Result<> add_forward(const Connection& connection, const ForwardSpec& rule) {
    SL_TRY(rows, connection.run("INSERT INTO forward (protocol, external, internal)"
                                " VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
                                rule.protocol, rule.external.text(), rule.internal.text()));
    if (rows == 0)
        return fail(ErrorCode::refused,
                    fmt::format("{} {} is forwarded already", protocol_text(rule.protocol),
                                rule.external.text()),
                    "`sluice nat forward list`; remove the old rule first");
    return {};
}

Result<> erase_forward(const Connection& connection, std::uint8_t protocol,
                       const Endpoint& external) {
    SL_TRY(rows, connection.run("DELETE FROM forward WHERE protocol = ? AND external = ?", protocol,
                                external.text()));
    if (rows == 0)
        return fail(ErrorCode::not_found,
                    fmt::format("{} {} is not forwarded", protocol_text(protocol), external.text()),
                    "`sluice nat forward list` shows the rules");
    return {};
}

}  // namespace sluice
