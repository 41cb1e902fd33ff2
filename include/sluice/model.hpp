// What an instance should be: the desired state kept in the database and read by the loader.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sluice/abi/port.h"
#include "sluice/net.hpp"

namespace sluice {

enum class Role : std::uint8_t {
    access = SL_ROLE_ACCESS,
    trunk = SL_ROLE_TRUNK,
    uplink = SL_ROLE_UPLINK,
};
enum class HookPolicy : std::uint8_t { automatic, tc, xdp };

[[nodiscard]] Result<Role> parse_role(std::string_view text);
[[nodiscard]] std::string_view role_text(Role role);
[[nodiscard]] Result<HookPolicy> parse_hook(std::string_view text);  ///< auto, tc, xdp
[[nodiscard]] std::string_view hook_text(HookPolicy hook);

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
    std::string netns;  ///< as given to --netns: a name or a path; empty = the caller's own
    bool operator==(const Settings&) const = default;
};

struct PortSpec {
    std::string name;  ///< interface name, 1..15 bytes
    Role role = Role::access;
    HookPolicy hook = HookPolicy::automatic;
    std::uint16_t vlan = 0;         ///< access: L2 domain, 0 = none
    std::vector<PortRange> vlans;   ///< trunk: allowed VLANs, 1..4094
    std::uint16_t native_vlan = 0;  ///< trunk: 0 = none
    std::uint16_t id = 0;           ///< 1..1023, given by the database
    bool operator==(const PortSpec&) const = default;
};

/// An interface as it was before sluice touched it; kept until it is restored.
struct FoundInterface {
    std::string name;
    std::uint32_t ifindex = 0;
    bool had_clsact = false;
    /// sysctl path below /proc/sys and its value then
    std::vector<std::pair<std::string, std::string>> sysctls;
};

struct MasqueradeSpec {
    Prefix source;
    std::string uplink;              ///< interface name
    std::vector<Address> addresses;  ///< as asked; empty = the uplink's own, followed as it changes
    PortRange ports{1024, 65535};
    std::uint16_t pool = 0;  ///< index into sl_pools, given by the database
    bool operator==(const MasqueradeSpec&) const = default;
};

struct ForwardSpec {
    std::uint8_t protocol = 0;  ///< IPPROTO_TCP or IPPROTO_UDP
    Endpoint external;
    Endpoint internal;  ///< as many ports as external
    bool operator==(const ForwardSpec&) const = default;
};

/// What may enter by a port (and what is delivered to it); the MACs and addresses of the port's
/// leases come on top of those that stand here.
struct GuardSpec {
    std::string port;  ///< interface name
    bool mac = true, ip = true, arp = true, nd = true;
    bool ra_block = true, dhcp_server_block = true, dhcp_client = true;
    bool ethertype = true, tags = true, fragments = true;
    bool snoop = false;            ///< addresses from the real DHCP server's answers
    bool mac_change = false;       ///< one other source MAC at a time
    bool unknown_unicast = false;  ///< deliver unicast frames for other MACs too
    bool audit = false;
    std::uint16_t learn = 0;       ///< other source MACs accepted at a time, 0..1024
    std::uint16_t dhcp_rate = 10;  ///< requests a second, 1..65535
    std::vector<MacAddress> macs;
    std::vector<Prefix> addresses;
    std::vector<std::uint16_t> ethertypes;  ///< host order, at most SL_GUARD_ETHERTYPES
    bool operator==(const GuardSpec&) const = default;
};

/// A lease that belongs to a port: the guard's part of it.
struct PortLease {
    MacAddress mac;
    std::string port;      ///< interface name
    bool standby = false;  ///< may receive, but not send yet
    std::vector<Address> addresses;
    std::uint16_t domain = 0;  ///< L2 domain: VLAN id, 0 = none
    bool operator==(const PortLease&) const = default;
};

struct DesiredState {
    bool up = false;
    Settings settings;
    std::vector<PortSpec> ports;
    std::vector<MasqueradeSpec> masquerades;
    std::vector<ForwardSpec> forwards;
    std::vector<GuardSpec> guards;
    std::vector<PortLease> port_leases;  ///< of leases that name a port
    bool sight = false;                  ///< there are MAC pools or leases to watch for
};

}  // namespace sluice
