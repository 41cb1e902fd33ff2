// Makes the kernel what the desired state says. Idempotent: what is right already is left
// alone, so an empty plan means that the kernel is as it should be.
#pragma once

#include "loader/instance/journal.hpp"
#include "loader/kernel/datapath.hpp"
#include "loader/store/found.hpp"
#include "sluice/model.hpp"

namespace sluice {

/// Interfaces that are absent are warnings, not errors: the rest is done.
[[nodiscard]] Result<> reconcile(const Datapath& datapath, const DesiredState& desired,
                                 const FoundInterfaces& found, Journal& journal);

/// The same after a writer was killed: what no diff shows is put right too.
[[nodiscard]] Result<> reconcile_thoroughly(const Datapath& datapath, const DesiredState& desired,
                                            const FoundInterfaces& found, Journal& journal);

}  // namespace sluice
