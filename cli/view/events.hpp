// What `sluice events` answers.
#pragma once

#include "cli/render/output.hpp"
#include "loader/event_log.hpp"

namespace sluice::cli {

/// RFC 3339 with milliseconds, UTC.
[[nodiscard]] std::string wall_time_text(WallTime time);

/// @param endless of --follow
[[nodiscard]] Stream event_stream(bool endless);
[[nodiscard]] Json event_json(const Event& event);

}  // namespace sluice::cli
