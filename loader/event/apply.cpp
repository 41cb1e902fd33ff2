// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/event/apply.hpp"

#include "sluice/abi/reason.h"

namespace sluice {
namespace {

class EventFeature : public Feature {
public:
    Result<> forget_port(const Maps& maps, std::uint16_t id) const override {
        for (__u32 reason = 0; reason < SL_DROP_MAX; ++reason) {
            SL_CHECK(maps.drops.clear(id * SL_DROP_MAX + reason));
            SL_CHECK(maps.audits.clear(id * SL_DROP_MAX + reason));
        }
        for (__u32 subject = 0; subject < SL_EVENT_SUBJECTS; ++subject)
            SL_CHECK(maps.event_limits.update(id * SL_EVENT_SUBJECTS + subject, sl_event_limit{}));
        return {};
    }
};

}  // namespace

std::unique_ptr<Feature> event_feature() { return std::make_unique<EventFeature>(); }

}  // namespace sluice
