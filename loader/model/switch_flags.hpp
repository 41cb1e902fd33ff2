// SPDX-License-Identifier: GPL-2.0-or-later
// The switches of a switched port: one list for the database, the kernel's bits and the views.
#pragma once

#include <array>
#include <string_view>

#include "sluice/model/switch.hpp"

namespace sluice {

struct SwitchFlag {
    std::string_view name;  ///< in JSON, in the database and on the command line
    bool SwitchPortSpec::* asked;
    sl_switch_flag flag;
};

inline constexpr std::array<SwitchFlag, 6> switch_flags{{
    {"learn", &SwitchPortSpec::learn, SL_SWITCH_LEARN},
    {"flood", &SwitchPortSpec::flood, SL_SWITCH_FLOOD},
    {"multicast", &SwitchPortSpec::multicast, SL_SWITCH_MULTICAST},
    {"broadcast", &SwitchPortSpec::broadcast, SL_SWITCH_BROADCAST},
    {"locked", &SwitchPortSpec::locked, SL_SWITCH_LOCKED},
    {"isolated", &SwitchPortSpec::isolated, SL_SWITCH_ISOLATED},
}};

/// Names of enum sl_storm_kind, in its order: in JSON and on the command line.
inline constexpr std::array<std::string_view, SL_STORM_MAX> storm_kinds{"broadcast", "multicast",
                                                                        "unknown"};

}  // namespace sluice
