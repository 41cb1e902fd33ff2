#include "loader/instance/change.hpp"

#include "loader/block/apply.hpp"
#include "loader/features.hpp"
#include "loader/instance/announce.hpp"
#include "loader/lease/apply.hpp"
#include "loader/lease/dnsmasq.hpp"
#include "loader/store/found.hpp"
#include "loader/store/paths.hpp"

namespace sluice {

Result<> reconcile_all(const Datapath& datapath, const Database& database,
                       const FoundInterfaces& found, Journal& journal) {
    SL_TRY(desired, database.load());
    LeaseStore leases(database.connection());
    SL_CHECK(reconcile_leases(datapath, leases, desired.ports, journal));
    SL_CHECK(reconcile_blocks(datapath, desired, block_reader(database), journal));
    SL_CHECK(reconcile_thoroughly(datapath, desired, found, journal));
    SL_TRY(hosts_changed, write_hosts_file(leases, journal));
    return hosts_changed ? tell_dnsmasq(leases, journal) : Result<>{};
}

Result<> mend(const Datapath& datapath, const Database& database, const FoundInterfaces& found,
              WriterLock& lock) {
    Journal journal(Effect::apply);
    SL_CHECK(reconcile_all(datapath, database, found, journal));
    return lock.mark_idle();
}

Result<Outcome> change(const Target& target, const Edit& edit) {
    SL_CHECK(require_privileges());
    const auto folder = state_folder(target.instance);
    if (!has_database(folder)) return no_such_instance(target.instance);

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
        SL_CHECK(reconcile_blocks(datapath, after, block_reader(database), journal));
        SL_CHECK(reconcile(datapath, after, found, journal));
        SL_CHECK(transaction.rollback());
        return journal.outcome();
    }

    SL_CHECK(lock.mark_busy());
    auto done = reconcile_blocks(datapath, after, block_reader(database), journal);
    if (done) done = reconcile(datapath, after, found, journal);
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
