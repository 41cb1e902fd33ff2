#include "loader/store/schema.hpp"

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

// MACs as the command line writes them (aa:bb:cc:dd:ee:ff), so that their order is that of the
// numbers; times in seconds of CLOCK_REALTIME.
constexpr auto leases_and_guards = R"sql(
CREATE TABLE guard (
    port INTEGER PRIMARY KEY REFERENCES port ON DELETE CASCADE
) STRICT;
)sql";

}  // namespace

const std::array<const char*, 2> schema{ports_and_nat, leases_and_guards};

}  // namespace sluice
