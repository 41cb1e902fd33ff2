// SPDX-License-Identifier: GPL-2.0-or-later
// nftables, spoken to by libnftables: commands as `nft` reads them, answers as JSON.
#pragma once

#include <string>
#include <vector>

#include "sluice/error.hpp"

namespace sluice {

/// What nft prints for these commands, which take effect all at once or not at all.
/// @param errors what it says if they fail
[[nodiscard]] Result<std::string> run_nft(const std::string& commands, std::string& errors);

/// Chains of others in this network namespace that may stop what the host forwards: those at the
/// hook that have rules, or drop by default. `inet fw forward (policy drop)`, one each; empty where
/// nftables can't be asked. Rules of iptables-legacy do not show.
[[nodiscard]] std::vector<std::string> forward_chains();

}  // namespace sluice
