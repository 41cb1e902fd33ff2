// SPDX-License-Identifier: GPL-2.0-or-later
// Flows as they are listed.
#pragma once

#include "cli/render/output.hpp"
#include "cli/view/views.hpp"
#include "loader/flow/log.hpp"
#include "loader/flow/top.hpp"

namespace sluice::cli {

/// Rows are those of session_json().
[[nodiscard]] Stream flow_stream();
[[nodiscard]] Document flow_top_view(const FlowTop& top);

/// Flows that begin and end, without end.
[[nodiscard]] Stream flow_watch_stream();
[[nodiscard]] Json flow_record_json(const FlowRecord& record);

}  // namespace sluice::cli
