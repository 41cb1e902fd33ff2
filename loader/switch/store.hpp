// SPDX-License-Identifier: GPL-2.0-or-later
// The switch's settings in state.db. Works inside the connection's transaction; not thread-safe.
#pragma once

#include <string_view>
#include <vector>

#include "loader/store/sqlite.hpp"
#include "sluice/model/switch.hpp"

namespace sluice {

/// Loads them by the names of their ports.
[[nodiscard]] Result<std::vector<SwitchPortSpec>> load_switch_ports(const Connection& connection);
/// Makes or replaces the settings of a port. Errors: not_found (no such port).
[[nodiscard]] Result<> put_switch_port(const Connection& connection, const SwitchPortSpec& spec);

/// By VLAN and MAC.
[[nodiscard]] Result<std::vector<FdbSpec>> load_fdb(const Connection& connection);
/// Makes or moves an entry. Errors: not_found (no such port).
[[nodiscard]] Result<> put_fdb(const Connection& connection, const FdbSpec& entry);
/// @return whether there was one
[[nodiscard]] Result<bool> erase_fdb(const Connection& connection, const MacAddress& mac,
                                     std::uint16_t vlan);

/// Loads VLANs by their ids.
[[nodiscard]] Result<std::vector<VlanSpec>> load_vlans(const Connection& connection);
/// Makes or replaces what is set for a VLAN; a VLAN for which nothing is set is not kept.
[[nodiscard]] Result<> put_vlan(const Connection& connection, const VlanSpec& vlan);

}  // namespace sluice
