// SPDX-License-Identifier: GPL-2.0-or-later
// The sessions that are first in some order, found in one walk and little memory.
#pragma once

#include <chrono>
#include <string_view>
#include <vector>

#include "loader/flow/session.hpp"

namespace sluice {

enum class FlowOrder : std::uint8_t { bytes, packets, age, idle, rtt, rate };

/// Errors: usage, with the orders as the hint.
[[nodiscard]] Result<FlowOrder> parse_flow_order(std::string_view text);
[[nodiscard]] std::string_view flow_order_text(FlowOrder order);

struct FlowRow {
    Session session;
    double rate = 0;  ///< bits a second, both directions, over the interval
};

struct FlowTop {
    std::vector<FlowRow> rows;  ///< the first in the order, greatest first
    SessionCount sessions;      ///< that match
    double rate = 0;            ///< of all that match
};

/// Looks twice, so it takes as long as the interval; once if that is 0, and then rates are 0.
/// Memory is 16 bytes a session that matches, and none with interval 0.
/// @param limit rows, at most. The rows hold names of the table.
[[nodiscard]] Result<FlowTop> top_flows(const SessionTable& table, const SessionFilter& filter,
                                        FlowOrder order, std::size_t limit,
                                        std::chrono::milliseconds interval);

}  // namespace sluice
