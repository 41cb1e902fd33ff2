// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/instance/reconcile.hpp"

#include <ranges>

#include "loader/instance/feature.hpp"
#include "loader/instance/interface.hpp"

namespace sluice {
namespace {

/// When it ends, whichever way, and something that decides sessions was changed meanwhile, a new
/// generation of the rules is in force: sessions that were decided by what stood before are decided
/// anew. What a killed writer changed, and did not come to say so, counts as well.
class RulesChange {
public:
    explicit RulesChange(const Round& round) : round_(round), changed_(round.thorough) {}
    RulesChange(const RulesChange&) = delete;
    RulesChange& operator=(const RulesChange&) = delete;
    ~RulesChange() {
        if (changed_ && !round_.journal.planning()) round_.datapath.maps().rules.take_generation();
    }

    /// Runs a step of the feature.
    Result<> watch(Feature& feature, Result<> (Feature::*step)(Round&), Round& round) {
        const auto before = round.journal.outcome().actions.size();
        auto done = (feature.*step)(round);
        if (feature.decides_sessions() && round.journal.outcome().actions.size() != before)
            changed_ = true;
        return done;
    }

private:
    const Round& round_;
    bool changed_;
};

Result<> run(const Datapath& datapath, const Database& database, const DesiredState& desired,
             const FoundInterfaces& found, Journal& journal, bool thorough) {
    const auto all = features();
    SL_TRY(host, Host::read(&datapath, desired.ports));
    if (!journal.planning()) SL_CHECK(follow_names(datapath.pins(), found, host));
    Round round{.features = all,
                .datapath = datapath,
                .desired = desired,
                .rows = database.connection(),
                .host = std::move(host),
                .found = found,
                .journal = journal,
                .thorough = thorough,
                .ports = {}};
    RulesChange rules(round);
    for (const auto& feature : all) SL_CHECK(rules.watch(*feature, &Feature::prepare, round));
    for (const auto& feature : all | std::views::reverse)
        SL_CHECK(rules.watch(*feature, &Feature::clean, round));
    return {};
}

}  // namespace

Result<> reconcile(const Datapath& datapath, const Database& database, const DesiredState& desired,
                   const FoundInterfaces& found, Journal& journal) {
    return run(datapath, database, desired, found, journal, false);
}

Result<> reconcile_thoroughly(const Datapath& datapath, const Database& database,
                              const FoundInterfaces& found, Journal& journal) {
    SL_TRY(desired, database.load());
    return run(datapath, database, desired, found, journal, true);
}

}  // namespace sluice
