// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/detect/apply.hpp"

#include <fmt/format.h>

#include "loader/base/by_bytes.hpp"
#include "loader/detect/store.hpp"
#include "loader/model/detectors.hpp"

namespace sluice {
namespace {

class DetectFeature : public Feature {
public:
    Result<> load(const Connection& rows, DesiredState& state) const override {
        SL_TRY(detectors, load_detectors(rows));
        state.detectors = std::move(detectors);
        return {};
    }

    Result<> prepare(Round& round) override {
        const auto& rules = round.datapath.maps().detect_rules;
        for (const auto& spec : all_detectors(round.desired.detectors)) {
            const auto wanted = detect_rule(spec);
            SL_TRY(now, rules.lookup(spec.detector));
            if (now && same_bytes(*now, wanted)) continue;
            SL_CHECK(round.journal.step(
                fmt::format("set detector {}", detector_info(spec.detector).name),
                [&] { return rules.update(spec.detector, wanted); }));
        }
        return {};
    }

    [[nodiscard]] bool decides_sessions() const override { return false; }
};

}  // namespace

std::unique_ptr<Feature> detect_feature() { return std::make_unique<DetectFeature>(); }

}  // namespace sluice
