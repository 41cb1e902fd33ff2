// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/instance/lifecycle.hpp"

#include <fmt/format.h>

#include <ranges>

#include "loader/instance/announce.hpp"
#include "loader/instance/change.hpp"
#include "loader/instance/database.hpp"
#include "loader/instance/feature.hpp"
#include "loader/instance/host.hpp"
#include "loader/instance/interface.hpp"
#include "loader/instance/reconcile.hpp"
#include "loader/instance/settings.hpp"
#include "loader/kernel/lock.hpp"
#include "loader/store/found.hpp"
#include "loader/store/paths.hpp"

namespace sluice {
namespace {

Settings merged(Settings settings, const UpOptions& options, const Target& target) {
    const auto set = [](auto& value, const auto& given) {
        if (given) value = *given;
    };
    set(settings.max_flows, options.max_flows);
    set(settings.max_flows6, options.max_flows6);
    set(settings.max_bindings, options.max_bindings);
    set(settings.max_leases, options.max_leases);
    set(settings.max_macs, options.max_macs);
    set(settings.udp_timeout, options.udp_timeout);
    set(settings.tcp_established_timeout, options.tcp_established_timeout);
    set(settings.tcp_transitory_timeout, options.tcp_transitory_timeout);
    set(settings.icmp_timeout, options.icmp_timeout);
    set(settings.other_timeout, options.other_timeout);
    set(settings.mac_age, options.mac_age);
    set(settings.host_share, options.host_share);
    set(settings.host_sessions, options.host_sessions);
    set(settings.host_ports, options.host_ports);
    set(settings.door_mark, options.door_mark);
    if (!target.netns.empty()) settings.netns = netns_path(target.netns);
    return settings;
}

/// The host, and its interfaces as maps that are still there know them.
Result<Host> host_with(const std::string& instance, const DesiredState& desired) {
    const auto datapath = Datapath::open(instance);
    return Host::read(datapath ? &*datapath : nullptr, desired.ports);
}

/// Takes everything of the instance out of the kernel. The door is to be shut before.
/// @param for_good false: but what has to stay until the instance is made anew
Result<> remove_from_kernel(const std::string& instance, const DesiredState& desired,
                            const FoundInterfaces& found, Journal& journal, bool for_good = true) {
    const Pins pins(instance);
    SL_TRY(host, host_with(instance, desired));
    if (!journal.planning()) SL_CHECK(follow_names(pins, found, host));
    SL_TRY(touched, found.list());
    for (const auto& interface : touched)
        SL_CHECK(journal.take(
            "interface " + interface.name,
            journal.step(fmt::format("restore {} as it was found", interface.name),
                         [&] { return release_interface(pins, found, interface, host); })));
    if (Datapath::exists(instance))
        SL_CHECK(
            journal.step("remove maps and programs", [&] { return Datapath::remove(instance); }));
    const Removal removal{instance, desired, host, journal, for_good};
    const auto all = features();
    for (const auto& feature : all | std::views::reverse) SL_CHECK(feature->remove(removal));
    return {};
}

Result<> forget_interfaces(const FoundInterfaces& found) {
    SL_TRY(touched, found.list());
    for (const auto& interface : touched) SL_CHECK(found.forget(interface.name, interface.ifindex));
    return {};
}

Result<> shut(const std::string& instance, const DesiredState& desired, Journal& journal) {
    SL_TRY(host, host_with(instance, desired));
    for (const auto& feature : features())
        SL_CHECK(feature->shut({instance, desired, host, journal}));
    return {};
}

/// Makes maps and programs anew and attaches all ports and rules. On failure nothing is left.
Result<> put_into_kernel(const std::string& instance, const Database& database,
                         const DesiredState& desired, const FoundInterfaces& found,
                         Journal& journal) {
    SL_CHECK(shut(instance, desired, journal));
    SL_CHECK(remove_from_kernel(instance, desired, found, journal, false));
    if (journal.planning()) {
        SL_CHECK(journal.step("make maps and programs", [] { return Result<>{}; }));
        for (const auto& port : desired.ports)
            SL_CHECK(journal.step("attach port " + port.name, [] { return Result<>{}; }));
        return journal.step("open the door of the ports", [] { return Result<>{}; });
    }
    auto done = journal.step("make maps and programs", [&]() -> Result<> {
        SL_TRY(datapath, Datapath::create(instance, desired.settings));
        SL_CHECK(reconcile_thoroughly(datapath, database, found, journal));
        announce(datapath, std::vector{fmt::format("instance {} is up", instance)}, {});
        return {};
    });
    if (!done) {
        Journal undo(Effect::apply, Manner::in_parts);
        SL_CHECK(remove_from_kernel(instance, desired, found, undo));
    }
    return done;
}

/// An instance's files, opened for writing; the lock is held as long as it lives.
struct Writable {
    WriterLock lock;
    Database database;
    FoundInterfaces found;
    DesiredState before;

    static Result<Writable> open(const std::filesystem::path& folder) {
        SL_TRY(lock, WriterLock::acquire(folder));
        SL_TRY(database, Database::create(folder));
        SL_TRY(found, FoundInterfaces::open(folder));
        SL_TRY(before, database.load());
        return Writable{std::move(lock), std::move(database), std::move(found), std::move(before)};
    }
};

Result<> raise(const Target& target, Writable& instance, const Settings& settings,
               Journal& journal) {
    SL_TRY(transaction, instance.database.begin());
    SL_CHECK(instance.database.set_settings(settings));
    SL_CHECK(instance.database.set_up(true));
    SL_TRY(after, instance.database.load());
    if (journal.planning()) {
        SL_CHECK(
            put_into_kernel(target.instance, instance.database, after, instance.found, journal));
        return transaction.rollback();
    }
    SL_CHECK(instance.lock.mark_busy());
    SL_CHECK(put_into_kernel(target.instance, instance.database, after, instance.found, journal));
    SL_CHECK(transaction.commit());
    return instance.lock.mark_idle();
}

/// @param home whether this is the instance's network namespace: elsewhere it has no door
Result<> leave_kernel(const std::string& name, Writable& instance, bool home, Journal& journal) {
    SL_TRY(touched, instance.found.list());
    const bool runs = Datapath::exists(name) || !touched.empty();
    if (home && runs) SL_CHECK(shut(name, instance.before, journal));
    return remove_from_kernel(name, instance.before, instance.found, journal, home);
}

/// Whether maps and programs are there, of this version, in the namespace we are in.
Result<bool> runs_here(const std::string& instance) {
    if (!Datapath::exists(instance)) return false;
    SL_TRY(datapath, Datapath::open(instance));
    SL_TRY(here, current_netns());
    return datapath.netns() == here;
}

}  // namespace

Result<Outcome> bring_up(const Target& target, const UpOptions& options) {
    SL_TRY(folder, state_folder(target.instance));
    SL_CHECK(check_settings(merged({}, options, target)));
    SL_CHECK(require_privileges());
    SL_CHECK(ensure_bpffs());
    const bool is_new = !has_database(folder);
    SL_TRY(instance, Writable::open(folder));
    const auto settings = merged(instance.before.settings, options, target);
    if (instance.before.up && settings.netns != instance.before.settings.netns &&
        Datapath::exists(target.instance))
        return fail(ErrorCode::refused,
                    fmt::format("instance {} is up in another network namespace", target.instance),
                    "take it down there first: `sluice down`; or give this one a name of its own "
                    "with --instance");
    Journal journal(target.effect, Manner::in_parts);
    auto done = enter_home(target, settings);
    if (done && instance.before.up) {
        SL_TRY(running, runs_here(target.instance));
        if (running)
            return fail(ErrorCode::refused, fmt::format("instance {} is up", target.instance),
                        "`sluice status` shows it; take it down with `sluice down` before another "
                        "`up`, or give this one a name of its own with --instance");
        journal.warn(fmt::format("instance {} was up before (a reboot?): all it had is restored",
                                 target.instance));
    }
    if (done) done = raise(target, instance, settings, journal);
    if (is_new && (!done || journal.planning())) SL_CHECK(remove_state(target.instance));
    if (!done) return std::unexpected(done.error());
    return journal.outcome();
}

Result<Outcome> take_down(const Target& target, bool purge) {
    SL_TRY(folder, require_instance(target));
    SL_TRY(instance, Writable::open(folder));
    Journal journal(target.effect, Manner::in_parts);
    const auto entered = enter_home(target, instance.before.settings);
    if (!entered && entered.error().code != ErrorCode::not_found)
        return std::unexpected(entered.error());

    if (!journal.planning()) {
        SL_CHECK(instance.lock.mark_busy());
        // Its interfaces went with their namespace; ours of the same names are others.
        if (!entered) SL_CHECK(forget_interfaces(instance.found));
    }
    SL_CHECK(leave_kernel(target.instance, instance, entered.has_value(), journal));
    if (purge)
        SL_CHECK(
            journal.step("forget ports and rules", [&] { return remove_state(target.instance); }));
    if (journal.planning() || purge) return journal.outcome();
    SL_CHECK(instance.database.set_up(false));
    SL_CHECK(instance.lock.mark_idle());
    return journal.outcome();
}

Result<Outcome> restore(const Target& target) {
    SL_TRY(folder, require_instance(target));
    SL_CHECK(ensure_bpffs());
    SL_TRY(instance, Writable::open(folder));
    Journal journal(target.effect, Manner::in_parts);
    if (!instance.before.up) {  // as it was asked to be: no error for whoever starts it at boot
        journal.warn(
            fmt::format("instance {} is down: `sluice up` brings it up with the ports and "
                        "rules it had",
                        target.instance));
        return journal.outcome();
    }
    SL_CHECK(enter_home(target, instance.before.settings));
    const bool upgrade =
        Datapath::exists(target.instance) && !Datapath::is_of_this_version(target.instance);
    if (upgrade)
        journal.warn(
            fmt::format("instance {} was brought up by another version of sluice: its sessions end",
                        target.instance));
    SL_TRY(running, upgrade ? Result<bool>(false) : runs_here(target.instance));
    if (!running) {
        SL_CHECK(raise(target, instance, instance.before.settings, journal));
        return journal.outcome();
    }
    SL_TRY(datapath, Datapath::open(target.instance));
    if (journal.planning()) {
        SL_CHECK(reconcile(datapath, instance.database, instance.before, instance.found, journal));
        return journal.outcome();
    }
    SL_CHECK(instance.lock.mark_busy());
    SL_CHECK(reconcile_thoroughly(datapath, instance.database, instance.found, journal));
    SL_CHECK(instance.lock.mark_idle());
    announce(datapath, journal.outcome().actions, instance.before.ports);
    return journal.outcome();
}

}  // namespace sluice
