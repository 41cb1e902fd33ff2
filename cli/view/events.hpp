// SPDX-License-Identifier: GPL-2.0-or-later
// What `sluice events` answers.
#pragma once

#include "cli/render/output.hpp"
#include "loader/event/log.hpp"

namespace sluice::cli {

/// RFC 3339 with milliseconds, UTC.
[[nodiscard]] std::string wall_time_text(WallTime time);

/// @param endless of --follow
[[nodiscard]] Stream event_stream(bool endless);
[[nodiscard]] Json event_json(const Event& event);
/// On one line for logs: key=value, ASCII without control characters, quoted as in JSON if need be.
[[nodiscard]] std::string event_line(const Event& event);

/// Shows what `events --syslog` has written, once all of it is.
[[nodiscard]] Document syslog_view(const std::string& socket, std::uint64_t written,
                                   std::uint64_t lost);

}  // namespace sluice::cli
