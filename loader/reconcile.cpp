#include "loader/reconcile.hpp"

#include "loader/by_bytes.hpp"
#include "loader/reconcile_guards.hpp"
#include "loader/reconcile_leases.hpp"
#include "loader/reconcile_nat.hpp"
#include "loader/reconcile_ports.hpp"

namespace sluice {
namespace {

Result<> reconcile_settings(const Datapath& datapath, const Settings& settings, Journal& journal) {
    const auto wanted = settings_in_ticks(settings);
    SL_TRY(now, datapath.maps().settings.lookup(0));
    if (now && same_bytes(*now, wanted)) return {};
    return journal.step("set timeouts", [&] { return datapath.set_timeouts(settings); });
}

}  // namespace

/// NAT and guards before ports: a port that forwards must know what is to be translated, and who
/// may enter.
Result<> reconcile(const Datapath& datapath, const DesiredState& desired,
                   const FoundInterfaces& found, Journal& journal) {
    SL_TRY(host, Host::read());
    SL_CHECK(reconcile_settings(datapath, desired.settings, journal));
    SL_CHECK(reconcile_nat(datapath, desired, host, journal));
    SL_CHECK(reconcile_bound_leases(datapath, desired, journal));
    SL_TRY(guards, prepare_guards(datapath, desired, host, journal));
    SL_CHECK(reconcile_ports(datapath, desired, host, found, guards, journal));
    return clean_guards(datapath, guards, journal);
}

Result<> reconcile_thoroughly(const Datapath& datapath, const DesiredState& desired,
                              const FoundInterfaces& found, Journal& journal) {
    SL_CHECK(reconcile(datapath, desired, found, journal));
    SL_TRY(host, Host::read());
    return release_stray_ports(datapath, desired, host);
}

}  // namespace sluice
