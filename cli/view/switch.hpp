// SPDX-License-Identifier: GPL-2.0-or-later
// What `sluice switch` answers.
#pragma once

#include <vector>

#include "cli/render/document.hpp"
#include "cli/render/output.hpp"
#include "loader/switch/commands.hpp"

namespace sluice::cli {

[[nodiscard]] Document switch_ports_view(const std::vector<SwitchPortStatus>& ports);
[[nodiscard]] Document switch_port_view(const SwitchPortStatus& port);

[[nodiscard]] Stream known_mac_stream();
[[nodiscard]] Json known_mac_json(const KnownMac& mac);
/// @param text for people, `12 MACs forgotten`
[[nodiscard]] Document flushed_macs_view(std::size_t count, const std::string& text);

[[nodiscard]] Document vlans_view(const std::vector<VlanStatus>& vlans);
[[nodiscard]] Document vlan_view(const VlanStatus& vlan);

}  // namespace sluice::cli
