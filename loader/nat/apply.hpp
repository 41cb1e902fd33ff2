// NAT: desired state -> sl_masquerades, sl_pools and what hangs on them, sl_forwards.
#pragma once

#include "loader/instance/host.hpp"
#include "loader/instance/journal.hpp"
#include "loader/kernel/datapath.hpp"
#include "sluice/model.hpp"

namespace sluice {

[[nodiscard]] Result<> reconcile_nat(const Datapath& datapath, const DesiredState& desired,
                                     const Host& host, Journal& journal);

/// Gives back ports that are taken by nobody: left by a killed process, or kept for a socket
/// that the host has closed since.
[[nodiscard]] Result<> release_stray_ports(const Datapath& datapath, const DesiredState& desired,
                                           const Host& host);

}  // namespace sluice
