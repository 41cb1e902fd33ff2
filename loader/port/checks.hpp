// SPDX-License-Identifier: GPL-2.0-or-later
// What is refused, or warned of, when a port is added or changed.
#pragma once

#include <vector>

#include "loader/instance/host.hpp"
#include "loader/instance/journal.hpp"
#include "sluice/model/state.hpp"

namespace sluice {

/// What can be said about a port by itself: options that its role has no use for are a
/// misunderstanding. Errors: usage.
[[nodiscard]] Result<> check_port_options(const PortSpec& port);

/// Against the host and the other ports. @param link its interface; null: it is still to be made
/// Errors: refused, unsupported.
[[nodiscard]] Result<> check_port_place(const PortSpec& port, const Link* link,
                                        const DesiredState& state, const Host& host);

/// Says once, at the first port that routes, that the host's own rules do not see what passes.
void warn_of_firewall(const PortSpec& port, const Link& link, const DesiredState& state,
                      const Host& host, Journal& journal);

/// Ports of one VLAN whose MTUs differ: frames between them are dropped, not cut up.
void warn_of_mtus(const PortSpec& port, const Link& link, const DesiredState& state,
                  const Host& host, Journal& journal);

}  // namespace sluice
