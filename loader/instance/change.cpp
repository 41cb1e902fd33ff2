// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/instance/change.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "loader/instance/announce.hpp"
#include "loader/instance/reconcile.hpp"
#include "loader/store/found.hpp"
#include "loader/store/paths.hpp"

namespace sluice {
namespace {

/// All that a change works with, open and in place.
struct ChangeGround {
    const Database& database;
    const DesiredState& before;
    const Datapath& datapath;
    const FoundInterfaces& found;
    WriterLock& lock;
};

/// Runs the edit and brings the kernel after it. On failure the rows are as before.
Result<> attempt(const ChangeGround& it, const Edit& edit, Journal& journal) {
    SL_TRY(host, Host::read(&it.datapath, it.before.ports));
    SL_TRY(transaction, it.database.begin());
    SL_CHECK(edit({it.database, it.before, host, it.datapath, journal}));
    SL_TRY(after, it.database.load());
    if (!journal.planning()) SL_CHECK(it.lock.mark_busy());
    SL_CHECK(reconcile(it.datapath, it.database, after, it.found, journal));
    return journal.planning() ? transaction.rollback() : transaction.commit();
}

bool all_known(const std::vector<Failure>& failures, const std::vector<Failure>& before) {
    return std::ranges::all_of(failures, [&](const Failure& failure) {
        return std::ranges::find(before, failure.part, &Failure::part) != before.end();
    });
}

/// What could not be done before does not stop what has nothing to do with it.
Result<Outcome> attempt_in_parts(const ChangeGround& it, const Edit& edit, const Error& error,
                                 const std::vector<Failure>& broken) {
    Journal journal(Effect::apply, Manner::in_parts);
    const auto done = attempt(it, edit, journal);
    auto outcome = journal.outcome();
    if (!done || !all_known(outcome.failures, broken)) {
        SL_CHECK(mend(it.datapath, it.database, it.found, it.lock));
        return std::unexpected(done ? error : done.error());
    }
    for (const auto& [part, failure] : std::exchange(outcome.failures, {}))
        outcome.warnings.push_back(
            fmt::format("{}, as before: {}; {}", part, failure.message, failure.hint));
    return outcome;
}

}  // namespace

Result<std::vector<Failure>> mend(const Datapath& datapath, const Database& database,
                                  const FoundInterfaces& found, WriterLock& lock) {
    Journal journal(Effect::apply, Manner::in_parts);
    SL_CHECK(reconcile_thoroughly(datapath, database, found, journal));
    SL_CHECK(lock.mark_idle());
    return journal.outcome().failures;
}

Result<Outcome> change(const Target& target, const Edit& edit) {
    SL_TRY(folder, require_instance(target));

    SL_TRY(lock, WriterLock::acquire(folder));
    SL_TRY(database, Database::open(folder));
    SL_TRY(before, database.load());
    SL_CHECK(enter_home(target, before.settings));
    SL_TRY(datapath, open_running(target, before));
    SL_TRY(found, FoundInterfaces::open(folder));
    Journal journal(target.effect);
    if (lock.interrupted() && !journal.planning()) SL_CHECK(mend(datapath, database, found, lock));

    const ChangeGround ground{database, before, datapath, found, lock};
    const auto done = attempt(ground, edit, journal);
    auto outcome = journal.outcome();
    if (!done) {
        if (!lock.is_busy()) return std::unexpected(done.error());
        SL_TRY(broken, mend(datapath, database, found, lock));
        if (broken.empty()) return std::unexpected(done.error());
        SL_TRY(again, attempt_in_parts(ground, edit, done.error(), broken));
        outcome = std::move(again);
    }
    if (target.effect == Effect::plan) return outcome;
    SL_CHECK(lock.mark_idle());
    SL_TRY(after, database.load());
    announce(datapath, outcome.actions, after.ports);
    return outcome;
}

}  // namespace sluice
