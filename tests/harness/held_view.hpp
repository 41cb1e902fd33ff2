// SPDX-License-Identifier: GPL-2.0-or-later
// What the datapath holds: later fragments that wait for their first one.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>

#include "sluice/abi/flow.h"
#include "tests/harness/map.hpp"

namespace sluice::test {

/// How many there are in sl_held, none of them counted yet: of a port, or of all.
inline std::uint64_t held_fragments(const MapView<__u32, sl_held>& map,
                                    std::optional<std::uint16_t> port_id = std::nullopt) {
    return static_cast<std::uint64_t>(std::ranges::count_if(map.entries(), [&](const auto& it) {
        const sl_held& held = it.second;
        return held.state != SL_HELD_FREE && (!port_id || held.key.in_port == *port_id);
    }));
}

}  // namespace sluice::test
