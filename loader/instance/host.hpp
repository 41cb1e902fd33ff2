// SPDX-License-Identifier: GPL-2.0-or-later
// The host as sluice finds it: its interfaces and addresses, read once per command, so that
// all that is decided from them is decided from one picture and can be tested without a kernel.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string_view>
#include <vector>

#include "loader/kernel/link.hpp"
#include "loader/kernel/routing_policy.hpp"
#include "sluice/model/port.hpp"

namespace sluice {

class Datapath;

struct Host {
    std::vector<Link> links;
    std::vector<InterfaceAddress> addresses;
    RoutingPolicy routing{};
    std::set<std::uint32_t> left_out{};  ///< indexes of ports' interfaces that can't be ports now
    std::set<std::uint32_t> attached{};  ///< indexes of interfaces that ports of ours run on
    /// Ports whose interfaces have been renamed since they were attached: their indexes. As long as
    /// such an interface lives it is the port, whatever else has the port's name by now.
    std::map<std::string, std::uint32_t, std::less<>> renamed{};

    /// Reads the current network namespace.
    /// @param datapath that of the ports; null: there is none, and no interface is known again
    [[nodiscard]] static Result<Host> read(const Datapath* datapath,
                                           const std::vector<PortSpec>& ports);

    /// The interface of the port of this name, or of this name. Null if there is none.
    [[nodiscard]] const Link* link(std::string_view name) const;
    [[nodiscard]] const Link* link(std::uint32_t ifindex) const;

    /// The interface that our programs run on for this port: of an internal port the switch's end.
    /// Null if it is not there, or left out.
    [[nodiscard]] const Link* link(const PortSpec& port) const;

    /// Errors: usage (no legal name), not_found (with the nearest name there is as the hint).
    [[nodiscard]] Result<const Link*> require_link(std::string_view name) const;

    /// Where the interface's IP addresses are: the bridge or bond it is enslaved to, or itself.
    [[nodiscard]] const Link& l3(const Link& link) const;

    /// The interface's first global address, null if it has none.
    [[nodiscard]] const Address* first_global(std::uint32_t ifindex, int family) const;

    /// What the host says of itself to those behind the interface: its first global address, or,
    /// where it has none, that of another interface (RFC 1812 section 4.3.2.4), or its link-local
    /// one (RFC 4443 section 2.2 d). Null if there is none at all.
    [[nodiscard]] const Address* router_address(std::uint32_t ifindex, int family) const;

    /// The host's network that the address is in, the most specific; null: it is routed further.
    [[nodiscard]] const InterfaceAddress* network_of(const Address& address) const;

    /// The interface that has this address; 0: it is not the host's own.
    [[nodiscard]] std::uint32_t owner(const Address& address) const;

private:
    [[nodiscard]] Result<> know_again(const Datapath& datapath, const std::vector<PortSpec>& ports);
    template <class Holds>
    [[nodiscard]] const Address* first(int family, Holds holds) const;
};

/// Whether the port belongs to the switch: it has VLANs and is enslaved to nothing.
[[nodiscard]] bool is_switched(const PortSpec& port, const Link& link);

}  // namespace sluice
