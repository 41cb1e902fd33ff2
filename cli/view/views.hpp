// SPDX-License-Identifier: GPL-2.0-or-later
// What each command answers: loader values as documents.
#pragma once

#include <string>
#include <vector>

#include "cli/render/document.hpp"
#include "cli/render/output.hpp"
#include "loader/event/log.hpp"
#include "loader/flow/session.hpp"
#include "loader/instance/lifecycle.hpp"
#include "loader/monitor/counters.hpp"
#include "loader/monitor/status.hpp"
#include "loader/nat/commands.hpp"
#include "loader/port/commands.hpp"

namespace sluice::cli {

/// The answer of a command that changes something.
/// @param schema e.g. "sluice.port.add/1"
/// @param done what to say when it was done, `port tap0 added`
[[nodiscard]] Document outcome_view(const std::string& schema, const Target& target,
                                    const Outcome& outcome, const std::string& done);

[[nodiscard]] Document status_view(const InstanceStatus& status);
[[nodiscard]] Document ports_view(const std::vector<PortStatus>& ports);
[[nodiscard]] Document port_view(const PortStatus& port);
[[nodiscard]] Document masquerades_view(const std::vector<MasqueradeStatus>& rules);
[[nodiscard]] Document forwards_view(const std::vector<ForwardSpec>& rules);
[[nodiscard]] Document pools_view(const std::vector<PoolStatus>& pools);
[[nodiscard]] Document stats_view(const std::vector<PortCounters>& ports,
                                  const std::vector<LatencyCounters>& latencies);
/// The share of 1 of the frames that left which were not late; null if none left.
[[nodiscard]] Json kept_json(const sl_counter& sent, const sl_counter& late);
/// @param events drops that the ring still has, oldest first
[[nodiscard]] Document drops_view(const std::vector<DropCounter>& drops,
                                  const std::vector<Event>& events, bool by_port, bool all);
[[nodiscard]] Document session_count_view(const std::string& schema, const SessionCount& count,
                                          const std::string& text);

[[nodiscard]] Stream session_stream();
[[nodiscard]] Json session_json(const Session& session);

[[nodiscard]] Json counter_json(const sl_counter& counter);

/// Null for what is empty.
[[nodiscard]] Json text_or_null(const std::string& text);
[[nodiscard]] Json addresses_json(const std::vector<Address>& addresses);

/// A duration in seconds, to the millisecond.
[[nodiscard]] Json seconds_json(std::chrono::milliseconds duration);

/// RFC 3339, UTC; null when there is no such time.
[[nodiscard]] Json time_json(std::uint64_t seconds);

/// One port, as an element of `status` and `port list`.
[[nodiscard]] Json port_json(const PortStatus& port);
[[nodiscard]] std::vector<Field> port_columns();

}  // namespace sluice::cli
