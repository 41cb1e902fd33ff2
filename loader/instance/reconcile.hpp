// SPDX-License-Identifier: GPL-2.0-or-later
// Makes the kernel what the desired state says. Idempotent: what is right already is left alone,
// so an empty plan means that the kernel is as it should be.
#pragma once

#include "loader/instance/database.hpp"
#include "loader/instance/journal.hpp"
#include "loader/kernel/datapath.hpp"
#include "loader/store/found.hpp"

namespace sluice {

/// Interfaces that are absent are warnings, not errors: the rest is done.
[[nodiscard]] Result<> reconcile(const Datapath& datapath, const Database& database,
                                 const DesiredState& desired, const FoundInterfaces& found,
                                 Journal& journal);

/// Does the same for all that the database says, after a writer was killed or in new maps: what no
/// diff shows is put right too.
[[nodiscard]] Result<> reconcile_thoroughly(const Datapath& datapath, const Database& database,
                                            const FoundInterfaces& found, Journal& journal);

}  // namespace sluice
