// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/instance/settings.hpp"

#include "loader/base/by_bytes.hpp"

namespace sluice {
namespace {

class SettingsFeature : public Feature {
public:
    Result<> prepare(Round& round) override {
        const auto& [datapath, settings] = std::tie(round.datapath, round.desired.settings);
        auto wanted = settings_in_ticks(settings);
        SL_TRY(now, datapath.maps().settings.lookup(0));
        if (now) wanted.flow_seed = now->flow_seed;
        if (now && same_bytes(*now, wanted)) return {};
        return round.journal.step("set timeouts", [&] { return datapath.set_timeouts(settings); });
    }

    [[nodiscard]] bool decides_sessions() const override { return false; }
};

}  // namespace

std::unique_ptr<Feature> settings_feature() { return std::make_unique<SettingsFeature>(); }

}  // namespace sluice
