// SPDX-License-Identifier: GPL-2.0-or-later
// The switch as it should be in the kernel, from the desired state and the host; touches nothing.
#pragma once

#include <cstdint>
#include <map>

#include "loader/base/by_bytes.hpp"
#include "loader/instance/host.hpp"
#include "loader/kernel/fdb_table.hpp"
#include "sluice/abi/switch.h"
#include "sluice/model/state.hpp"

namespace sluice {

struct SwitchPlan {
    std::map<std::uint16_t, sl_switch_port> ports;     ///< by id
    std::map<std::uint16_t, sl_vlan> vlans;            ///< with a gateway or a VNI; by VLAN id
    std::map<std::uint16_t, sl_vlan_members> members;  ///< by VLAN id
    std::map<sl_vlan_map_key, __u32, ByBytes> maps;
    std::map<__u64, std::uint16_t> fdb;  ///< static entries: key -> port id
};

/// Ports whose interfaces are absent are not in it.
[[nodiscard]] SwitchPlan plan_switch(const DesiredState& desired, const Host& host);

}  // namespace sluice
