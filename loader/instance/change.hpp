// SPDX-License-Identifier: GPL-2.0-or-later
// How every command changes an instance: all of it, or nothing.
#pragma once

#include <functional>
#include <vector>

#include "loader/instance/database.hpp"
#include "loader/instance/host.hpp"
#include "loader/instance/target.hpp"
#include "loader/kernel/lock.hpp"
#include "loader/store/found.hpp"

namespace sluice {

/// What an edit has to work with.
struct Change {
    const Database& database;  ///< in a transaction
    const DesiredState& before;
    const Host& host;
    const Datapath& datapath;  ///< to look at; changing it is reconcile()'s
    Journal& journal;
};

/// What a command wants: checks itself against the state before, then changes rows.
using Edit = std::function<Result<>(const Change&)>;

/// Under the writer's lock: changes the rows in a transaction, brings the kernel to the new
/// desired state, commits. On failure rows and kernel go back to the state before; a process
/// killed on the way leaves `busy` in the lock, and the next writer mends the kernel first.
/// With Effect::plan the same is gone through, with nothing changed.
[[nodiscard]] Result<Outcome> change(const Target& target, const Edit& edit);

/// Puts everything right after a writer was killed, or failed; only then is the lock idle again.
/// @return what could not be put right; the rest is
[[nodiscard]] Result<std::vector<Failure>> mend(const Datapath& datapath, const Database& database,
                                                const FoundInterfaces& found, WriterLock& lock);

}  // namespace sluice
