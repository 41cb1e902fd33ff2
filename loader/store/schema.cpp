// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/store/schema.hpp"

#include <array>

namespace sluice {
namespace {

// One row in `instance` once the instance has been up; timeouts in milliseconds, addresses,
// roles and hooks as the command line writes them.
constexpr auto ports_and_nat = R"sql(
CREATE TABLE instance (
    id INTEGER PRIMARY KEY CHECK (id = 0),
    up INTEGER NOT NULL,
    netns TEXT NOT NULL,
    max_flows INTEGER NOT NULL,
    max_flows6 INTEGER NOT NULL,
    max_bindings INTEGER NOT NULL,
    udp_timeout INTEGER NOT NULL,
    tcp_established_timeout INTEGER NOT NULL,
    tcp_transitory_timeout INTEGER NOT NULL,
    icmp_timeout INTEGER NOT NULL,
    other_timeout INTEGER NOT NULL
) STRICT;
CREATE TABLE port (
    id INTEGER PRIMARY KEY CHECK (id BETWEEN 1 AND 1023),
    name TEXT NOT NULL UNIQUE,
    role TEXT NOT NULL,
    hook TEXT NOT NULL,
    vlan INTEGER NOT NULL,
    native_vlan INTEGER NOT NULL
) STRICT;
CREATE TABLE port_vlan (
    port INTEGER NOT NULL REFERENCES port ON DELETE CASCADE,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL
) STRICT;
CREATE TABLE masquerade (
    id INTEGER PRIMARY KEY,
    source TEXT NOT NULL,
    uplink TEXT NOT NULL,
    first_port INTEGER NOT NULL,
    last_port INTEGER NOT NULL,
    pool INTEGER NOT NULL CHECK (pool BETWEEN 0 AND 255),
    UNIQUE (source, uplink)
) STRICT;
CREATE TABLE masquerade_address (
    masquerade INTEGER NOT NULL REFERENCES masquerade ON DELETE CASCADE,
    address TEXT NOT NULL
) STRICT;
CREATE TABLE forward (
    id INTEGER PRIMARY KEY,
    protocol INTEGER NOT NULL,
    external TEXT NOT NULL,
    internal TEXT NOT NULL,
    UNIQUE (protocol, external)
) STRICT;
CREATE INDEX port_vlan_port ON port_vlan (port);
CREATE INDEX masquerade_address_masquerade ON masquerade_address (masquerade);
)sql";

// Addresses as the command line writes them, but MACs of leases and pools as numbers, the first
// byte the highest; times in seconds of CLOCK_REALTIME, ttl and cooldown in milliseconds. A
// released lease stays until another VM needs its address.
constexpr auto leases_and_guards = R"sql(
ALTER TABLE instance ADD COLUMN max_leases INTEGER NOT NULL DEFAULT 65536;
CREATE TABLE mac_pool (
    name TEXT PRIMARY KEY,
    domain INTEGER NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    strategy TEXT NOT NULL,
    ttl INTEGER NOT NULL,
    cooldown INTEGER NOT NULL,
    quarantine INTEGER NOT NULL,
    next INTEGER NOT NULL
) STRICT;
CREATE TABLE mac_pool_range (
    pool TEXT NOT NULL REFERENCES mac_pool ON DELETE CASCADE,
    first TEXT NOT NULL,
    last TEXT NOT NULL
) STRICT;
CREATE TABLE lease (
    id INTEGER PRIMARY KEY,
    domain INTEGER NOT NULL,
    mac INTEGER NOT NULL,
    vm TEXT NOT NULL,
    uuid TEXT NOT NULL,
    nic INTEGER NOT NULL,
    port TEXT NOT NULL,
    standby TEXT NOT NULL,
    moving_to TEXT NOT NULL,
    pinned INTEGER NOT NULL,
    given INTEGER NOT NULL,
    released INTEGER NOT NULL,
    UNIQUE (domain, mac)
) STRICT;
CREATE TABLE lease_address (
    lease INTEGER NOT NULL REFERENCES lease ON DELETE CASCADE,
    domain INTEGER NOT NULL,
    address TEXT NOT NULL,
    UNIQUE (domain, address)
) STRICT;
CREATE TABLE dhcp (
    id INTEGER PRIMARY KEY CHECK (id = 0),
    hosts_file TEXT NOT NULL,
    pid_file TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX lease_nic ON lease (vm, nic) WHERE released = 0;
CREATE INDEX lease_released ON lease (vm, nic) WHERE released <> 0;
CREATE INDEX lease_uuid ON lease (uuid) WHERE uuid <> '';
CREATE INDEX lease_port ON lease (domain, mac) WHERE port <> '' OR standby <> '';
CREATE INDEX lease_address_lease ON lease_address (lease);
CREATE TABLE guard (
    port INTEGER PRIMARY KEY REFERENCES port ON DELETE CASCADE,
    mac INTEGER NOT NULL,
    ip INTEGER NOT NULL,
    arp INTEGER NOT NULL,
    nd INTEGER NOT NULL,
    ra INTEGER NOT NULL,
    dhcp_server INTEGER NOT NULL,
    dhcp_client INTEGER NOT NULL,
    ethertype INTEGER NOT NULL,
    tags INTEGER NOT NULL,
    fragments INTEGER NOT NULL,
    snoop INTEGER NOT NULL,
    mac_change INTEGER NOT NULL,
    unknown_unicast INTEGER NOT NULL,
    audit INTEGER NOT NULL,
    learn INTEGER NOT NULL,
    dhcp_rate INTEGER NOT NULL
) STRICT;
CREATE TABLE guard_mac (
    port INTEGER NOT NULL REFERENCES guard ON DELETE CASCADE,
    mac TEXT NOT NULL
) STRICT;
CREATE TABLE guard_prefix (
    port INTEGER NOT NULL REFERENCES guard ON DELETE CASCADE,
    prefix TEXT NOT NULL
) STRICT;
CREATE TABLE guard_ethertype (
    port INTEGER NOT NULL REFERENCES guard ON DELETE CASCADE,
    ethertype INTEGER NOT NULL
) STRICT;
CREATE INDEX guard_mac_port ON guard_mac (port);
CREATE INDEX guard_prefix_port ON guard_prefix (port);
CREATE INDEX guard_ethertype_port ON guard_ethertype (port);
)sql";

// The words of the command line; MACs of the table as text, too: there are few of these.
constexpr auto switching = R"sql(
ALTER TABLE instance ADD COLUMN max_macs INTEGER NOT NULL DEFAULT 131072;
ALTER TABLE instance ADD COLUMN mac_age INTEGER NOT NULL DEFAULT 300000;
ALTER TABLE port ADD COLUMN qinq INTEGER NOT NULL DEFAULT 0;
ALTER TABLE port ADD COLUMN translations TEXT NOT NULL DEFAULT 'none';
ALTER TABLE port ADD COLUMN priorities TEXT NOT NULL DEFAULT 'keep';
ALTER TABLE port ADD COLUMN shortcut INTEGER NOT NULL DEFAULT 0;
ALTER TABLE port ADD COLUMN host_mac TEXT NOT NULL DEFAULT '00:00:00:00:00:00';
CREATE TABLE port_address (
    port INTEGER NOT NULL REFERENCES port ON DELETE CASCADE,
    address TEXT NOT NULL
) STRICT;
CREATE INDEX port_address_port ON port_address (port);
CREATE TABLE switch_port (
    port INTEGER PRIMARY KEY REFERENCES port ON DELETE CASCADE,
    learn INTEGER NOT NULL,
    flood INTEGER NOT NULL,
    multicast INTEGER NOT NULL,
    broadcast INTEGER NOT NULL,
    locked INTEGER NOT NULL,
    isolated INTEGER NOT NULL,
    community INTEGER NOT NULL,
    mac_limit INTEGER NOT NULL,
    bpdu TEXT NOT NULL,
    loop TEXT NOT NULL,
    storm_broadcast INTEGER NOT NULL,
    storm_multicast INTEGER NOT NULL,
    storm_unknown INTEGER NOT NULL
) STRICT;
CREATE TABLE fdb (
    port INTEGER NOT NULL REFERENCES port ON DELETE CASCADE,
    vlan INTEGER NOT NULL,
    mac TEXT NOT NULL,
    UNIQUE (vlan, mac)
) STRICT;
CREATE INDEX fdb_port ON fdb (port);
CREATE TABLE vlan (
    id INTEGER PRIMARY KEY CHECK (id BETWEEN 1 AND 4094),
    vni INTEGER NOT NULL
) STRICT;
)sql";

// Rates in bits (or frames) a second, -1 = unlimited; bursts in bytes, latency in microseconds;
// DSCP 255 = as it is. Matches, shapers and maps as the command line writes them.
constexpr auto qos = R"sql(
CREATE TABLE qos_port (
    port INTEGER PRIMARY KEY REFERENCES port ON DELETE CASCADE,
    ingress_rate INTEGER NOT NULL,
    ingress_burst INTEGER NOT NULL,
    pps INTEGER NOT NULL,
    egress_rate INTEGER NOT NULL,
    egress_burst INTEGER NOT NULL,
    shaper TEXT NOT NULL,
    latency INTEGER NOT NULL,
    classes INTEGER NOT NULL,
    ecn INTEGER NOT NULL,
    dscp INTEGER NOT NULL,
    pcp_of_dscp TEXT NOT NULL,
    dscp_of_pcp TEXT NOT NULL
) STRICT;
CREATE TABLE qos_class (
    id INTEGER PRIMARY KEY CHECK (id BETWEEN 0 AND 15),
    name TEXT NOT NULL UNIQUE,
    priority INTEGER NOT NULL,
    weight INTEGER NOT NULL,
    max_percent INTEGER NOT NULL,
    dscp INTEGER NOT NULL,
    CHECK ((id = 0) = (name = 'default'))
) STRICT;
CREATE TABLE qos_match (
    class INTEGER NOT NULL REFERENCES qos_class ON DELETE CASCADE,
    match TEXT NOT NULL
) STRICT;
CREATE INDEX qos_match_class ON qos_match (class);
)sql";

constexpr const char* flows = R"sql(
ALTER TABLE port ADD COLUMN flows TEXT NOT NULL DEFAULT 'all';
)sql";

constexpr const char* detection = R"sql(
CREATE TABLE detector (
    name TEXT PRIMARY KEY,
    threshold INTEGER NOT NULL,
    window INTEGER NOT NULL, -- ms
    action TEXT NOT NULL
) STRICT;
)sql";

// `loaded` in seconds, `expires` in milliseconds of CLOCK_REALTIME, 0 = never. A set's prefixes are
// one value, packed (loader/block/list.hpp): a million rows would take as long as all the rest.
constexpr const char* blocking = R"sql(
CREATE TABLE block_set (
    name TEXT PRIMARY KEY,
    source TEXT NOT NULL,
    loaded INTEGER NOT NULL,
    expires INTEGER NOT NULL,
    count INTEGER NOT NULL,
    digest INTEGER NOT NULL,
    prefixes BLOB NOT NULL
) STRICT;
CREATE TABLE block_entry (
    prefix TEXT PRIMARY KEY,
    expires INTEGER NOT NULL
) STRICT;
)sql";

// The text as it was loaded, at a time in ms of CLOCK_REALTIME, and the VMs that it names.
constexpr const char* policies = R"sql(
CREATE TABLE policy (
    id INTEGER PRIMARY KEY CHECK (id = 0),
    name TEXT NOT NULL,
    text TEXT NOT NULL,
    loaded INTEGER NOT NULL,
    rules TEXT NOT NULL -- their names, a line each
) STRICT;
CREATE TABLE policy_vm (
    vm TEXT PRIMARY KEY
) STRICT;
)sql";

constexpr const char* blocking_detectors = R"sql(
ALTER TABLE detector ADD COLUMN block_for INTEGER NOT NULL DEFAULT 600000; -- ms
)sql";

constexpr const char* gate = R"sql(
ALTER TABLE port ADD COLUMN source_check TEXT NOT NULL DEFAULT 'auto';
ALTER TABLE port ADD COLUMN routable TEXT NOT NULL DEFAULT 'none';
ALTER TABLE instance ADD COLUMN host_share INTEGER NOT NULL DEFAULT 1;
ALTER TABLE instance ADD COLUMN host_sessions INTEGER NOT NULL DEFAULT 0;
ALTER TABLE instance ADD COLUMN host_ports INTEGER NOT NULL DEFAULT 0;
ALTER TABLE instance ADD COLUMN door_mark INTEGER NOT NULL DEFAULT 4096;
)sql";

// A guard goes by its port's name, as a lease does: it may be there before the port, and goes with
// it.
constexpr const char* guards_by_name = R"sql(
CREATE TABLE new_guard (
    id INTEGER PRIMARY KEY,
    port TEXT NOT NULL UNIQUE,
    mac INTEGER NOT NULL,
    ip INTEGER NOT NULL,
    arp INTEGER NOT NULL,
    nd INTEGER NOT NULL,
    ra INTEGER NOT NULL,
    dhcp_server INTEGER NOT NULL,
    dhcp_client INTEGER NOT NULL,
    ethertype INTEGER NOT NULL,
    tags INTEGER NOT NULL,
    fragments INTEGER NOT NULL,
    snoop INTEGER NOT NULL,
    mac_change INTEGER NOT NULL,
    unknown_unicast INTEGER NOT NULL,
    audit INTEGER NOT NULL,
    learn INTEGER NOT NULL,
    dhcp_rate INTEGER NOT NULL
) STRICT;
INSERT INTO new_guard SELECT guard.port, port.name, mac, ip, arp, nd, ra, dhcp_server, dhcp_client,
    ethertype, tags, fragments, snoop, mac_change, unknown_unicast, audit, learn, dhcp_rate
    FROM guard JOIN port ON port.id = guard.port;
CREATE TABLE new_guard_mac (
    guard INTEGER NOT NULL REFERENCES new_guard ON DELETE CASCADE,
    mac TEXT NOT NULL
) STRICT;
CREATE TABLE new_guard_prefix (
    guard INTEGER NOT NULL REFERENCES new_guard ON DELETE CASCADE,
    prefix TEXT NOT NULL
) STRICT;
CREATE TABLE new_guard_ethertype (
    guard INTEGER NOT NULL REFERENCES new_guard ON DELETE CASCADE,
    ethertype INTEGER NOT NULL
) STRICT;
INSERT INTO new_guard_mac SELECT * FROM guard_mac ORDER BY rowid;
INSERT INTO new_guard_prefix SELECT * FROM guard_prefix ORDER BY rowid;
INSERT INTO new_guard_ethertype SELECT * FROM guard_ethertype ORDER BY rowid;
DROP TABLE guard_mac;
DROP TABLE guard_prefix;
DROP TABLE guard_ethertype;
DROP TABLE guard;
ALTER TABLE new_guard RENAME TO guard;
ALTER TABLE new_guard_mac RENAME TO guard_mac;
ALTER TABLE new_guard_prefix RENAME TO guard_prefix;
ALTER TABLE new_guard_ethertype RENAME TO guard_ethertype;
CREATE INDEX guard_mac_guard ON guard_mac (guard);
CREATE INDEX guard_prefix_guard ON guard_prefix (guard);
CREATE INDEX guard_ethertype_guard ON guard_ethertype (guard);
CREATE TRIGGER guard_goes_with_port AFTER DELETE ON port BEGIN
    DELETE FROM guard WHERE port = OLD.name;
END;
)sql";

constexpr std::array migrations{
    ports_and_nat, leases_and_guards, switching,          qos,  flows,         detection,
    blocking,      policies,          blocking_detectors, gate, guards_by_name};

}  // namespace

const std::span<const char* const> schema = migrations;

}  // namespace sluice
