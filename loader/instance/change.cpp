// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/instance/change.hpp"

#include "loader/instance/announce.hpp"
#include "loader/instance/reconcile.hpp"
#include "loader/store/found.hpp"
#include "loader/store/paths.hpp"

namespace sluice {

Result<> mend(const Datapath& datapath, const Database& database, const FoundInterfaces& found,
              WriterLock& lock) {
    Journal journal(Effect::apply);
    SL_CHECK(reconcile_thoroughly(datapath, database, found, journal));
    return lock.mark_idle();
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

    SL_TRY(host, Host::read());
    SL_TRY(transaction, database.begin());
    SL_CHECK(edit({database, before, host, datapath, journal}));
    SL_TRY(after, database.load());
    if (journal.planning()) {
        SL_CHECK(reconcile(datapath, database, after, found, journal));
        SL_CHECK(transaction.rollback());
        return journal.outcome();
    }

    SL_CHECK(lock.mark_busy());
    auto done = reconcile(datapath, database, after, found, journal);
    if (done) done = transaction.commit();
    if (!done) {
        SL_CHECK(transaction.rollback());
        SL_CHECK(mend(datapath, database, found, lock));
        return std::unexpected(done.error());
    }
    SL_CHECK(lock.mark_idle());
    announce(datapath, journal.outcome().actions, after.ports);
    return journal.outcome();
}

}  // namespace sluice
