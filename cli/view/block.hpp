// SPDX-License-Identifier: GPL-2.0-or-later
// What `block` answers.
#pragma once

#include "cli/render/document.hpp"
#include "cli/render/output.hpp"
#include "loader/block/commands.hpp"

namespace sluice::cli {

[[nodiscard]] Document block_loaded_view(const Target& target, const std::string& set,
                                         const BlockLoaded& loaded);
/// @param now CLOCK_REALTIME, milliseconds
[[nodiscard]] Document blocks_view(const BlockStatus& status, std::uint64_t now);
[[nodiscard]] Stream block_stream();
[[nodiscard]] Json block_json(const Prefix& prefix);

}  // namespace sluice::cli
