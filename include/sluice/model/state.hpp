// SPDX-License-Identifier: GPL-2.0-or-later
// What an instance should be: the desired state kept in the database and read by the loader.
#pragma once

#include <optional>
#include <vector>

#include "sluice/model/block.hpp"
#include "sluice/model/detect.hpp"
#include "sluice/model/guard.hpp"
#include "sluice/model/lease.hpp"
#include "sluice/model/nat.hpp"
#include "sluice/model/policy.hpp"
#include "sluice/model/port.hpp"
#include "sluice/model/qos.hpp"
#include "sluice/model/settings.hpp"
#include "sluice/model/switch.hpp"

namespace sluice {

struct DesiredState {
    bool up = false;
    Settings settings;
    std::vector<PortSpec> ports;
    std::vector<MasqueradeSpec> masquerades;
    std::vector<ForwardSpec> forwards;
    std::vector<GuardSpec> guards;
    std::vector<PortLease> port_leases;        ///< of leases that name a port
    bool sight = false;                        ///< there are MAC pools or leases to watch for
    std::vector<SwitchPortSpec> switch_ports;  ///< of ports for which something was set
    std::vector<FdbSpec> fdb;
    std::vector<VlanSpec> vlans;            ///< for which something was set
    std::vector<QosPortSpec> qos_ports;     ///< for which something was set
    std::vector<QosClassSpec> qos_classes;  ///< by id; class 0 only if something was set for it
    std::vector<VmPort> vm_ports;           ///< VMs of leases that name a port
    std::vector<DetectorSpec> detectors;    ///< for which something was set
    std::vector<BlockSetSpec> block_sets;   ///< by name
    std::vector<BlockEntrySpec> block_entries;
    std::optional<PolicySpec> policy;  ///< none: nothing is loaded
};

}  // namespace sluice
