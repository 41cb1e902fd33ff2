// SPDX-License-Identifier: GPL-2.0-or-later
// Network interfaces and their addresses, of the current network namespace, by rtnetlink.
// Every call opens a socket of its own, so all functions are thread-safe. Nothing here
// reads /sys/class/net: a sysfs shows the namespace it was mounted in, not ours.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sluice/net.hpp"

namespace sluice {

enum class XdpMode : std::uint8_t { none, native, generic, offloaded, multiple };

struct Link {
    std::string name;
    std::uint32_t ifindex = 0;
    MacAddress mac;            ///< zero for a device without an Ethernet address
    bool ethernet = false;     ///< ARPHRD_ETHER: the only kind sluice can attach to
    std::uint32_t mtu = 0;     ///< bytes, without the Ethernet header
    std::string kind;          ///< rtnetlink's kind: tun, veth, bridge, ...; empty for a real NIC
    std::string driver;        ///< ethtool's driver name; empty when it has none
    bool physical = false;     ///< has a parent bus device (PCI, virtio, ...)
    std::uint32_t master = 0;  ///< ifindex of the bridge or bond it is enslaved to; 0 = none
    std::string master_name;
    bool up = false;           ///< set up by the administrator
    bool promiscuous = false;  ///< by the administrator: takes frames for every MAC
    bool carrier = false;      ///< and able to send; a tap has it while somebody has it open
    XdpMode xdp_mode = XdpMode::none;
    std::uint32_t xdp_program = 0;  ///< program id; 0 = none
    std::uint32_t peer = 0;         ///< veth: ifindex of the other end, if it is in this namespace
    std::string alias;              ///< free text (`ip link set IF alias TEXT`)
    /// net.ipv4.conf: the larger of `all` and its own rp_filter, which is what counts. Filled in by
    /// Host::read() alone.
    int reverse_path_filter = 0;
};

/// Errors: not_found; usage for an empty name or one longer than 15 bytes.
[[nodiscard]] Result<Link> find_link(std::string_view name);
[[nodiscard]] Result<Link> find_link(std::uint32_t ifindex);
[[nodiscard]] Result<std::vector<Link>> list_links();

struct InterfaceAddress {
    std::uint32_t ifindex = 0;
    Address address;
    int prefix_length = 0;  ///< in the address's own family
    bool global = false;    ///< scope universe: not link-local, not host
    bool usable = false;    ///< not tentative and not a failed duplicate
};

/// Lists addresses in the kernel's order, IPv4 first. @param ifindex 0 = of all interfaces
[[nodiscard]] Result<std::vector<InterfaceAddress>> list_addresses(std::uint32_t ifindex = 0);

/// The first global, usable address of the interface, none if it has none.
/// @param family AF_INET or AF_INET6
[[nodiscard]] Result<std::optional<Address>> first_global_address(std::uint32_t ifindex,
                                                                  int family);

/// The ifindex of the interface that has this address; none: it is not the host's own.
[[nodiscard]] Result<std::optional<std::uint32_t>> address_owner(const Address& address);

/// Whether the kernel says that a frame redirected to it by XDP is sent (netdev-genl's
/// NDO_XMIT feature, Linux 6.3). Kernels that cannot say: false.
[[nodiscard]] Result<bool> takes_xdp_redirects(std::uint32_t ifindex);

}  // namespace sluice
