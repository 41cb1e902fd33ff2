// The policy: desired state -> the image in force.
#pragma once

#include "loader/instance/journal.hpp"
#include "loader/kernel/datapath.hpp"
#include "sluice/model.hpp"

namespace sluice {

/// Before the ports whose traffic it judges. What is in force stays if nothing that it was made of
/// has changed: text, leases of the VMs that it names, ports.
[[nodiscard]] Result<> reconcile_policy(const Datapath& datapath, const DesiredState& desired,
                                        Journal& journal);

}  // namespace sluice
