#include "loader/features.hpp"

#include <utility>

#include "loader/base/by_bytes.hpp"
#include "loader/detect/commands.hpp"
#include "loader/guard/apply.hpp"
#include "loader/lease/apply.hpp"
#include "loader/nat/apply.hpp"
#include "loader/policy/apply.hpp"
#include "loader/port/apply.hpp"
#include "loader/port/door.hpp"
#include "loader/port/internal.hpp"
#include "loader/qos/apply.hpp"
#include "loader/switch/apply.hpp"

namespace sluice {
namespace {

Result<> reconcile_settings(const Datapath& datapath, const Settings& settings, Journal& journal) {
    auto wanted = settings_in_ticks(settings);
    SL_TRY(now, datapath.maps().settings.lookup(0));
    if (now) wanted.flow_seed = now->flow_seed;
    if (now && same_bytes(*now, wanted)) return {};
    return journal.step("set timeouts", [&] { return datapath.set_timeouts(settings); });
}

/// When it ends, whichever way, and something was changed meanwhile, a new generation of the rules
/// is in force: sessions that were decided by what stood before are decided anew.
class RulesChange {
public:
    RulesChange(const RulesMap& rules, const Journal& journal)
        : rules_(rules), journal_(journal), before_(journal.outcome().actions.size()) {}
    RulesChange(const RulesChange&) = delete;
    RulesChange& operator=(const RulesChange&) = delete;
    ~RulesChange() {
        if (!journal_.planning() && journal_.outcome().actions.size() != before_)
            rules_.take_generation();
    }

private:
    const RulesMap& rules_;
    const Journal& journal_;
    std::size_t before_;
};

}  // namespace

/// Closed first, open last: the door shuts to ports that come, go or are made anew before anything
/// of them changes, and opens when all of it stands. NAT, guards, VLANs, rates and the policy
/// before ports: a port that forwards must know what is to be translated, who may enter, where it
/// is, how fast it may be, and what is allowed.
Result<> reconcile(const Datapath& datapath, const DesiredState& desired,
                   const FoundInterfaces& found, Journal& journal) {
    SL_TRY(host, Host::read());
    DoorKeeper door(datapath.instance(), desired.settings.door_mark);
    SL_CHECK(door.close(desired, host, found, journal));
    SL_TRY(made, reconcile_internal_ports(datapath.instance(), desired.ports, host, journal));
    if (made && !journal.planning()) {
        SL_TRY(now, Host::read());
        host = std::move(now);
    }
    SL_CHECK(reconcile_settings(datapath, desired.settings, journal));
    SL_CHECK(reconcile_detectors(datapath, desired, journal));
    const RulesChange rules(datapath.maps().rules, journal);
    SL_CHECK(reconcile_nat(datapath, desired, host, journal));
    SL_CHECK(reconcile_bound_leases(datapath, desired, journal));
    SL_TRY(guards, prepare_guards(datapath, desired, host, journal));
    const auto switching = plan_switch(desired, host);
    SL_CHECK(prepare_switch(datapath, switching, journal));
    SL_TRY(qos, plan_qos_here(desired, host));
    SL_CHECK(prepare_qos(datapath, qos, journal));
    SL_CHECK(reconcile_policy(datapath, desired, journal));
    SL_CHECK(reconcile_ports(datapath, desired, host, found,
                             {guards, qos, desired.settings.door_mark != 0}, journal));
    SL_CHECK(clean_qos(datapath, qos, desired, host, journal));
    SL_CHECK(clean_switch(datapath, switching, journal));
    SL_CHECK(clean_guards(datapath, guards, journal));
    return door.open(desired, host, found, journal);
}

Result<> reconcile_thoroughly(const Datapath& datapath, const DesiredState& desired,
                              const FoundInterfaces& found, Journal& journal) {
    SL_CHECK(reconcile(datapath, desired, found, journal));
    // The killed one may have changed rules and not come to say so.
    if (!journal.planning()) datapath.maps().rules.take_generation();
    SL_TRY(host, Host::read());
    return release_stray_ports(datapath, desired, host);
}

}  // namespace sluice
