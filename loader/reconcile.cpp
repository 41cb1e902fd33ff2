#include "loader/reconcile.hpp"

#include <cstring>

#include "loader/reconcile_nat.hpp"
#include "loader/reconcile_ports.hpp"

namespace sluice {
namespace {

Result<> reconcile_settings(const Datapath& datapath, const Settings& settings, Journal& journal) {
    const auto wanted = settings_in_ticks(settings);
    SL_TRY(now, datapath.maps().settings.lookup(0));
    if (now && std::memcmp(&*now, &wanted, sizeof wanted) == 0) return {};
    return journal.step("set timeouts", [&] { return datapath.set_timeouts(settings); });
}

}  // namespace

/// NAT before ports: a port that forwards must know what is to be translated.
Result<> reconcile(const Datapath& datapath, const DesiredState& desired,
                   const FoundInterfaces& found, Journal& journal) {
    SL_TRY(host, Host::read());
    SL_CHECK(reconcile_settings(datapath, desired.settings, journal));
    SL_CHECK(reconcile_nat(datapath, desired, host, journal));
    return reconcile_ports(datapath, desired, host, found, journal);
}

Result<> reconcile_thoroughly(const Datapath& datapath, const DesiredState& desired,
                              const FoundInterfaces& found, Journal& journal) {
    SL_CHECK(reconcile(datapath, desired, found, journal));
    SL_TRY(host, Host::read());
    return release_stray_ports(datapath, desired, host);
}

}  // namespace sluice
