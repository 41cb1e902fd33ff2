// SPDX-License-Identifier: GPL-2.0-or-later
// Leases: a MAC given to a VM's NIC. Their states follow from times, so that nobody has to run for
// them to change. Everything here is pure and thread-safe.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "loader/model/mac_pool.hpp"
#include "sluice/abi/lease.h"

namespace sluice {

/// A lease as the database keeps it.
struct Lease {
    std::int64_t id = 0;  ///< of its row; 0 = none yet
    MacAddress mac;
    std::uint16_t domain = 0;  ///< L2 domain: VLAN id, 0 = none
    std::string vm;
    std::string uuid;       ///< lower case; empty = unknown
    std::uint16_t nic = 0;  ///< 0 on
    std::string port;       ///< interface name; empty = it may be seen anywhere
    std::string standby;    ///< interface name of the port that waits for `mac activate`
    std::string moving_to;  ///< the host; empty = it stays
    bool pinned = false;
    std::int64_t given = 0;     ///< CLOCK_REALTIME, seconds
    std::int64_t released = 0;  ///< likewise; 0 = it is held
    std::vector<Address> addresses;
    bool operator==(const Lease&) const = default;

    [[nodiscard]] bool held() const { return released == 0; }
    [[nodiscard]] bool migrating() const { return !standby.empty() || !moving_to.empty(); }
};

enum class LeaseState : std::uint8_t {
    reserved,    ///< given, and silent
    active,      ///< seen on the wire within its TTL
    migrating,   ///< between two hosts or ports
    quarantine,  ///< released or expired; kept for its last VM until the cooldown is over
    free,        ///< anybody may have it; its last VM gets it again as long as nobody else has
};
[[nodiscard]] std::string_view lease_state_text(LeaseState state);

/// How messages name it: `02:1a:2b:00:00:01 (NIC 0 of web1)`.
[[nodiscard]] std::string lease_text(const Lease& lease);

/// The clocks that leases are judged by.
struct LeaseClock {
    std::int64_t wall = 0;    ///< CLOCK_REALTIME, seconds
    std::uint32_t epoch = 0;  ///< the datapath's: epoch seconds of CLOCK_MONOTONIC

    [[nodiscard]] static LeaseClock now();
};

/// For how long at least nobody has sent by it, since the loader entered it.
[[nodiscard]] std::chrono::milliseconds silence(const sl_lease& seen, const LeaseClock& clock);

/// @param pool that the address belongs to; null: it never expires
/// @param seen what the datapath says; none (the instance is down): it does not expire
[[nodiscard]] LeaseState state_of(const Lease& lease, const MacPool* pool,
                                  const std::optional<sl_lease>& seen, const LeaseClock& clock);

/// 8-4-4-4-12 hex digits (RFC 9562 section 4), in lower case.
[[nodiscard]] Result<std::string> parse_uuid(std::string_view text);

[[nodiscard]] sl_lease_key lease_key(std::uint16_t domain, const MacAddress& mac);

}  // namespace sluice
