// Internal ports: the host's interfaces in VLANs, which sluice makes and takes away.
#pragma once

#include <string>
#include <vector>

#include "loader/instance/host.hpp"
#include "loader/instance/journal.hpp"
#include "sluice/model.hpp"

namespace sluice {

/// Makes the pairs that are wanted and not there, removes the instance's that are not, and gives
/// the host's ends the addresses of their ports. Without --address an interface's addresses are
/// its administrator's.
/// @return whether links or addresses changed: the picture of the host is an old one then
[[nodiscard]] Result<bool> reconcile_internal_ports(const std::string& instance,
                                                    const std::vector<PortSpec>& ports,
                                                    const Host& host, Journal& journal);

/// Removes the instance's pairs but those of ports in `kept`, and what a killed process left.
[[nodiscard]] Result<> remove_internal_ports(const std::string& instance,
                                             const std::vector<PortSpec>& kept, const Host& host,
                                             Journal& journal);

}  // namespace sluice
