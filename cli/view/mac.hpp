// SPDX-License-Identifier: GPL-2.0-or-later
// What `sluice mac` answers.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/render/document.hpp"
#include "cli/render/output.hpp"
#include "loader/lease/import.hpp"

namespace sluice::cli {

[[nodiscard]] Json lease_json(const Lease& lease);
[[nodiscard]] Json lease_status_json(const LeaseStatus& status);
[[nodiscard]] Stream lease_stream();

/// Shows what one command did for one VM. In text the first line is the MAC alone, addresses
/// follow, a line each: `read -r mac < <(sluice mac alloc web1)`.
[[nodiscard]] Document given_view(const std::string& schema, const Target& target,
                                  const LeaseOutcome& outcome);
/// Shows what a command changed of the leases of a VM.
[[nodiscard]] Document leases_changed_view(const std::string& schema, const Target& target,
                                           const LeaseOutcome& outcome, const std::string& done);
[[nodiscard]] Document leases_view(const std::vector<LeaseStatus>& leases);

[[nodiscard]] Document mac_pools_view(const std::vector<MacPoolStatus>& pools);
[[nodiscard]] Document mac_pool_view(const MacPoolStatus& pool);

[[nodiscard]] Document import_view(const Target& target, const ImportOutcome& outcome);
/// `mac export` in a text format: in JSON modes the text is a member of the document.
[[nodiscard]] Document export_view(const std::string& format, std::string text);
/// `mac export --format json`: the same JSON in all modes.
[[nodiscard]] Document export_json_view(const std::vector<Lease>& leases);

[[nodiscard]] Document dhcp_view(const std::optional<DhcpSettings>& settings);

}  // namespace sluice::cli
