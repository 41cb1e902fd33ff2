// The switch: plan -> sl_switch_ports, sl_vlans, sl_vlan_members, sl_vlan_maps, static sl_fdb.
#pragma once

#include "loader/instance/journal.hpp"
#include "loader/kernel/datapath.hpp"
#include "loader/switch/plan.hpp"

namespace sluice {

/// Before ports are attached: what they are to find.
[[nodiscard]] Result<> prepare_switch(const Datapath& datapath, const SwitchPlan& plan,
                                      Journal& journal);

/// Once they are: what no port needs any more.
[[nodiscard]] Result<> clean_switch(const Datapath& datapath, const SwitchPlan& plan,
                                    Journal& journal);

}  // namespace sluice
