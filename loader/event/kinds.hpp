// SPDX-License-Identifier: GPL-2.0-or-later
// Events: read from the ring that the datapath writes, without ever keeping it waiting.
#pragma once

#include <string_view>
#include <vector>

#include "loader/kernel/ring_reader.hpp"
#include "sluice/abi/event.h"
#include "sluice/error.hpp"

namespace sluice {

struct EventKind {
    sl_event_kind kind;
    std::string_view name, severity, meaning;
};
/// Every kind there is, in the order of the enum.
[[nodiscard]] const std::vector<EventKind>& event_kinds();
/// Errors: usage, with the kinds as the hint.
[[nodiscard]] Result<sl_event_kind> parse_event_kind(std::string_view text);

using EventReader = RingReader<sl_event>;

}  // namespace sluice
