// SPDX-License-Identifier: GPL-2.0-or-later
// How an instance is set: sizes of its tables, times, the door.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace sluice {

/// Bit 12, which of the known users of skb->mark (github.com/fwmark/registry) only Cilium has:
/// Kubernetes has 13 to 15, Calico and others have 16 to 31, and people count from 1.
constexpr std::uint32_t default_door_mark = 0x1000;

/// Capacities are fixed when the maps are made; timeouts may change at any time.
struct Settings {
    std::uint32_t max_flows = 1'000'000;  ///< IPv4 flow entries; a session uses two
    std::uint32_t max_flows6 = 250'000;   ///< IPv6 flow entries
    std::uint32_t max_bindings = 300'000;
    std::uint32_t max_leases = 65'536;  ///< of MAC addresses
    std::uint32_t max_macs = 131'072;   ///< that the switch knows, over all VLANs
    std::chrono::milliseconds udp_timeout{300'000};
    std::chrono::milliseconds tcp_established_timeout{7'440'000};
    std::chrono::milliseconds tcp_transitory_timeout{240'000};
    std::chrono::milliseconds icmp_timeout{60'000};
    std::chrono::milliseconds other_timeout{300'000};
    std::chrono::milliseconds mac_age{300'000};  ///< the switch forgets a MAC that is silent
    bool host_share = true;  ///< an inside host holds no more sessions and NAT ports than are free
    std::uint32_t host_sessions = 0;  ///< that it may hold, of each family; 0 = no fixed limit
    std::uint32_t host_ports = 0;     ///< likewise NAT ports, of each protocol
    std::uint32_t door_mark = default_door_mark;  ///< a bit of skb->mark; 0 = no door
    std::string netns;  ///< as given to --netns: a name or a path; empty = the caller's own
    bool operator==(const Settings&) const = default;
};

}  // namespace sluice
