// SPDX-License-Identifier: GPL-2.0-or-later
// QoS in state.db. Works inside the connection's transaction; not thread-safe.
#pragma once

#include <string_view>
#include <vector>

#include "loader/store/sqlite.hpp"
#include "sluice/model/lease.hpp"
#include "sluice/model/qos.hpp"

namespace sluice {

/// Loads them by the names of their ports.
[[nodiscard]] Result<std::vector<QosPortSpec>> load_qos_ports(const Connection& connection);
/// Makes or replaces the settings of a port. Errors: not_found (no such port).
[[nodiscard]] Result<> put_qos_port(const Connection& connection, const QosPortSpec& spec);
/// @return whether there was something set
[[nodiscard]] Result<bool> erase_qos_port(const Connection& connection, std::string_view port);

/// Loads classes by id.
[[nodiscard]] Result<std::vector<QosClassSpec>> load_qos_classes(const Connection& connection);
/// Gives the lowest free id, 1 to 15. Errors: refused (one of that name is there, or 15).
[[nodiscard]] Result<QosClassSpec> add_qos_class(const Connection& connection, QosClassSpec spec);
/// Makes or replaces the class of that name; `default`, and it alone, has id 0.
/// Errors: refused (its id is another class's).
[[nodiscard]] Result<> put_qos_class(const Connection& connection, const QosClassSpec& spec);
/// @return whether there was one
[[nodiscard]] Result<bool> erase_qos_class(const Connection& connection, std::string_view name);

/// Reads the pairs of held leases, each once, by VM and port; a VM that moves is at both its ports.
[[nodiscard]] Result<std::vector<VmPort>> load_vm_ports(const Connection& connection);

}  // namespace sluice
