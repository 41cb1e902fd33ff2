// SPDX-License-Identifier: GPL-2.0-or-later
// The policy in state.db. Works inside the connection's transaction; not thread-safe.
#pragma once

#include <optional>
#include <string_view>

#include "loader/store/sqlite.hpp"
#include "sluice/model/policy.hpp"

namespace sluice {

/// Loads it with what the leases say now of the VMs that it names. None: nothing is loaded.
[[nodiscard]] Result<std::optional<PolicySpec>> load_policy(const Connection& connection);

/// Puts it in place of the one that is there. Of its VMs only the names are kept.
[[nodiscard]] Result<> put_policy(const Connection& connection, const PolicySpec& spec);
/// @return whether there was one
[[nodiscard]] Result<bool> erase_policy(const Connection& connection);

/// Reads a VM's addresses and ports from its held leases; a VM without leases has neither.
[[nodiscard]] Result<PolicyVm> load_policy_vm(const Connection& connection, std::string_view name);
[[nodiscard]] Result<bool> vm_has_lease(const Connection& connection, std::string_view name);

}  // namespace sluice
