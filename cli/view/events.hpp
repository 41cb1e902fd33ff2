// What `sluice events` answers.
#pragma once

#include "cli/render/output.hpp"
#include "loader/event_log.hpp"

namespace sluice::cli {

/// @param endless of --follow
[[nodiscard]] Stream event_stream(bool endless);
[[nodiscard]] Json event_json(const Event& event);

}  // namespace sluice::cli
