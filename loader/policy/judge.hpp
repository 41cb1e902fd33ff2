// SPDX-License-Identifier: GPL-2.0-or-later
// What a policy says of a packet, rule by rule: slow, and able to tell why. The datapath gets to
// the same by the image.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "loader/policy/resolve.hpp"

namespace sluice {

/// What is asked about, as the datapath sees it: the packet that opens a session.
struct PolicyPacket {
    Address source, destination;
    std::uint16_t source_port = 0, destination_port = 0;
    std::uint16_t vlan = 0;  ///< 0 = none
    /// Ids; 0 = the host.
    std::uint16_t in_port = SL_POLICY_PORT_UNKNOWN, out_port = SL_POLICY_PORT_UNKNOWN;
    std::uint8_t protocol = 0, icmp_type = 0;
    MacAddress source_mac = {};
};

/// All properties of the packet that the rule has something against, by their keys in the file;
/// last `expires`. Empty: the rule fits.
/// @param now CLOCK_REALTIME, ms
[[nodiscard]] std::vector<std::string_view> misfits(const ResolvedRule& rule,
                                                    const PolicyPacket& packet, std::int64_t now);

struct PolicyVerdict {
    PolicyAction action = PolicyAction::allow;
    std::size_t rule = 0;                   ///< 1-based number; 0: none fits
    const ResolvedRule* decided = nullptr;  ///< the rule, or the default; none: nothing decides
    std::optional<PolicyDirection> direction = {};  ///< of the default that decided
};
[[nodiscard]] PolicyVerdict judge(const ResolvedPolicy& policy, const PolicyPacket& packet,
                                  std::int64_t now);

}  // namespace sluice
