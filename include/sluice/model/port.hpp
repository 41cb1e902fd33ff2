// SPDX-License-Identifier: GPL-2.0-or-later
// Ports: interfaces that the programs run on.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sluice/abi/port.h"
#include "sluice/abi/switch.h"
#include "sluice/net.hpp"

namespace sluice {

enum class Role : std::uint8_t {
    access = SL_ROLE_ACCESS,
    trunk = SL_ROLE_TRUNK,
    uplink = SL_ROLE_UPLINK,
    internal = SL_ROLE_INTERNAL,  ///< the host's own, in a VLAN: its gateway
};
enum class HookPolicy : std::uint8_t { automatic, tc, xdp };

[[nodiscard]] Result<Role> parse_role(std::string_view text);
[[nodiscard]] std::string_view role_text(Role role);
[[nodiscard]] Result<HookPolicy> parse_hook(std::string_view text);  ///< auto, tc, xdp
[[nodiscard]] std::string_view hook_text(HookPolicy hook);

constexpr std::uint16_t last_vlan = SL_VLAN_MAX;  ///< IEEE 802.1Q: 0 and 4095 are no VLANs

/// A VLAN that has another id on the wire of a trunk; both 1..4094.
struct VlanTranslation {
    std::uint16_t wire = 0, vlan = 0;
    bool operator==(const VlanTranslation&) const = default;
};

/// 802.1Q priority (PCP) that a frame gets, by the one it came with; an untagged frame has 0.
using PriorityMap = std::array<std::uint8_t, 8>;
constexpr PriorityMap kept_priorities{0, 1, 2, 3, 4, 5, 6, 7};

/// `keep`, one priority for all (`5`), or changes (`0:1,5:7`; the others are kept). 0..7 each.
[[nodiscard]] Result<PriorityMap> parse_priorities(std::string_view text);
[[nodiscard]] std::string priorities_text(const PriorityMap& priorities);  ///< as it is parsed

/// `WIRE:VLAN,...` or `none`. No id twice on a side.
[[nodiscard]] Result<std::vector<VlanTranslation>> parse_translations(std::string_view text);
[[nodiscard]] std::string translations_text(const std::vector<VlanTranslation>& translations);

/// Routed: what sluice routes or translates. All: what is switched, and the host's, as well.
enum class FlowScope : std::uint8_t { all, routed };

[[nodiscard]] Result<FlowScope> parse_flow_scope(std::string_view text);
[[nodiscard]] std::string_view flow_scope_text(FlowScope scope);

/// May a source come in by a port? Strict: its way back is that port. Loose: it has a way back.
/// Automatic: strict, and on uplinks what the host's rp_filter says (RFC 3704).
enum class SourceCheck : std::uint8_t { automatic, strict, loose };

[[nodiscard]] Result<SourceCheck> parse_source_check(std::string_view text);
[[nodiscard]] std::string_view source_check_text(SourceCheck check);

/// `10.0.0.0/8,192.168.0.0/16` or `none`: IPv4 networks.
[[nodiscard]] Result<std::vector<Prefix>> parse_routable(std::string_view text);
[[nodiscard]] std::string routable_text(const std::vector<Prefix>& networks);

struct PortSpec {
    std::string name;  ///< interface name, 1..15 bytes; internal: of the host's end
    Role role = Role::access;
    HookPolicy hook = HookPolicy::automatic;
    std::uint16_t vlan = 0;         ///< access, internal: 1..4094; access: 0 = none
    std::vector<PortRange> vlans;   ///< trunk, uplink: allowed VLANs, 1..4094
    std::uint16_t native_vlan = 0;  ///< trunk, uplink: of untagged frames; 0 = none
    bool qinq = false;              ///< access: a tunnel; trunk, uplink: tags are 802.1ad
    std::vector<VlanTranslation> translations = {};  ///< trunk, uplink
    PriorityMap priorities = kept_priorities;
    bool shortcut = false;             ///< of a bridge: known unicast may go past it
    FlowScope flows = FlowScope::all;  ///< what has entries in the flow table
    SourceCheck source_check = SourceCheck::automatic;
    std::vector<Prefix> routable = {};  ///< uplink: masqueraded networks that pass as they are
    std::vector<HostAddress> addresses = {};  ///< internal: of the host's end
    MacAddress mac = {};                      ///< internal: of the host's end
    std::uint16_t id = 0;                     ///< 1..1023, given by the database
    bool operator==(const PortSpec&) const = default;
};

/// An interface as it was before sluice touched it; kept until it is restored.
struct FoundInterface {
    std::string name;
    std::uint32_t ifindex = 0;
    bool had_clsact = false;
    /// sysctl path below /proc/sys and its value then
    std::vector<std::pair<std::string, std::string>> sysctls;
    bool promiscuous = false;
    bool takes_tags_out = false;  ///< rx-vlan-offload
};

}  // namespace sluice
