// SPDX-License-Identifier: GPL-2.0-or-later
// By what the host forwards beside its routes, as far as bpf_fib_lookup() can't be asked about it:
// IPsec policies (`ip xfrm policy`, RFC 4301 section 4.4.1) and rules by firewall marks (`ip rule
// add fwmark`; a packet has its mark from rules of netfilter, which come after the datapath).
#pragma once

#include <vector>

#include "sluice/net.hpp"

namespace sluice {

struct RoutingPolicy {
    /// Destinations of policies that encrypt or block what leaves; all addresses of a family
    /// where a policy says none. IPv4 ones have prefix lengths of IPv4.
    std::vector<Prefix> protected_destinations;
    bool marks4 = false, marks6 = false;  ///< there are rules by mark

    /// Whether the family's packets are to be left to the kernel where that can be.
    /// @param family AF_INET or AF_INET6
    [[nodiscard]] bool hides(int family) const;
};

/// Reads the current network namespace. A kernel without IPsec has no policies.
[[nodiscard]] Result<RoutingPolicy> read_routing_policy();

}  // namespace sluice
