// SPDX-License-Identifier: GPL-2.0-or-later
// Ports: the interfaces an instance is attached to.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "loader/instance/target.hpp"
#include "loader/kernel/door.hpp"
#include "loader/kernel/tc.hpp"
#include "loader/kernel/xdp.hpp"

namespace sluice {

/// What `port set` changes; the rest stays.
struct PortChange {
    std::optional<Role> role;
    std::optional<HookPolicy> hook;
    std::optional<std::uint16_t> vlan;
    std::optional<std::vector<PortRange>> vlans;
    std::optional<std::uint16_t> native_vlan;
    std::optional<bool> qinq;
    std::optional<std::vector<VlanTranslation>> translations;
    std::optional<PriorityMap> priorities;
    std::optional<bool> shortcut;
    std::optional<FlowScope> flows;
    std::optional<SourceCheck> source_check;
    std::optional<std::vector<Prefix>> routable;
    std::optional<std::vector<HostAddress>> addresses;

    void apply_to(PortSpec& port) const;
};

enum class GuardState : std::uint8_t {
    on,
    audit,  ///< it counts and reports, and drops nothing
};

/// A port as it is: what was asked, and what the kernel says.
struct PortStatus {
    PortSpec spec;
    std::optional<Link> link;  ///< none: the interface is gone
    std::optional<TcAttachment> ingress, egress;
    std::optional<XdpAttachment> xdp;
    bool switched = false;            ///< belongs to the switch
    bool xdp_without_tcp = false;     ///< XDP leaves TCP to TC
    bool strict_sources = false;      ///< IPv4: the way back is to be the port itself
    bool xdp_target = false;          ///< XDP of other ports may redirect here
    std::optional<GuardState> guard;  ///< none: the kernel has none on it
    bool closed = false;              ///< the door is shut to it
    std::string note;                 ///< what its user should know; may be empty
};

/// `10,20-30`: VLAN ids 1..4094.
[[nodiscard]] Result<std::vector<PortRange>> parse_vlans(std::string_view text);
[[nodiscard]] std::string vlans_text(const std::vector<PortRange>& vlans);

/// @param port id 0
[[nodiscard]] Result<Outcome> add_port(const Target& target, const PortSpec& port);
[[nodiscard]] Result<Outcome> set_port(const Target& target, const std::string& name,
                                       const PortChange& change);
[[nodiscard]] Result<Outcome> remove_port(const Target& target, const std::string& name);

/// None: the instance is down, does without one, or somebody has removed it.
[[nodiscard]] Result<std::optional<Door>> door_of(const Opened& instance);

[[nodiscard]] Result<std::vector<PortStatus>> list_ports(const Target& target);
[[nodiscard]] Result<PortStatus> show_port(const Target& target, const std::string& name);

/// For `status`, which has opened the instance already.
[[nodiscard]] Result<std::vector<PortStatus>> port_statuses(const Opened& instance);

}  // namespace sluice
