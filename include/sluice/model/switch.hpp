// SPDX-License-Identifier: GPL-2.0-or-later
// The switch: how it treats ports, MACs that stay, VLANs.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "sluice/abi/switch.h"
#include "sluice/net.hpp"

namespace sluice {

constexpr std::uint32_t last_vni = 0xffffff;  ///< VXLAN: RFC 7348 section 5

enum class BpduPolicy : std::uint8_t { drop, forward, shut };
enum class LoopAction : std::uint8_t { report, block, shut };

[[nodiscard]] Result<BpduPolicy> parse_bpdu(std::string_view text);
[[nodiscard]] std::string_view bpdu_text(BpduPolicy policy);
[[nodiscard]] Result<LoopAction> parse_loop(std::string_view text);
[[nodiscard]] std::string_view loop_text(LoopAction action);

/// How the switch treats a port. What is not set for a port is as it stands here.
struct SwitchPortSpec {
    std::string port;             ///< interface name
    bool learn = true;            ///< source MACs
    bool flood = true;            ///< unknown unicast is sent to it
    bool multicast = true;        ///< multicast is
    bool broadcast = true;        ///< broadcast is
    bool locked = false;          ///< frames from MACs that the table has not there are dropped
    bool isolated = false;        ///< talks to promiscuous ports alone (RFC 5517)
    std::uint16_t community = 0;  ///< and one to its own community; 0 = none
    std::uint32_t mac_limit = 0;  ///< learned MACs; 0 = no limit
    BpduPolicy bpdu = BpduPolicy::drop;
    LoopAction loop = LoopAction::block;
    /// Frames a second that it may have flooded, by enum sl_storm_kind; 0 = no limit.
    std::array<std::uint32_t, SL_STORM_MAX> storm{};
    bool operator==(const SwitchPortSpec&) const = default;
};

/// A MAC that stays where it is.
struct FdbSpec {
    MacAddress mac;
    std::uint16_t vlan = 0;  ///< 1..4094
    std::string port;        ///< interface name
    bool operator==(const FdbSpec&) const = default;
};

struct VlanSpec {
    std::uint16_t vlan = 0;  ///< 1..4094
    std::uint32_t vni = 0;   ///< VXLAN network, 24 bits; 0 = none
    bool operator==(const VlanSpec&) const = default;
};

}  // namespace sluice
