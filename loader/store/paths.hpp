// SPDX-License-Identifier: GPL-2.0-or-later
// Where an instance keeps what must survive a reboot: /var/lib/sluice/INSTANCE/.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "sluice/error.hpp"

namespace sluice {

/// 1 to 32 letters, digits, `_` and `-`, the first no `-`. Errors: usage.
[[nodiscard]] Result<> check_instance_name(std::string_view name);

/// /var/lib/sluice/INSTANCE, or below SLUICE_STATE_DIR where that is set. Whoever works on an
/// instance comes by here, so a name that leads elsewhere (`../x`) gets nowhere. Errors: usage.
[[nodiscard]] Result<std::filesystem::path> state_folder(std::string_view instance);

/// The database of the desired state, and whether there is one (up or down).
[[nodiscard]] std::filesystem::path database_file(const std::filesystem::path& state_folder);
[[nodiscard]] bool has_database(const std::filesystem::path& state_folder);

/// Instances that have a database, sorted.
[[nodiscard]] std::vector<std::string> stored_instances();

/// Removes databases, lock and folder; nothing there is no error. Errors: usage (the name).
[[nodiscard]] Result<> remove_state(std::string_view instance);

}  // namespace sluice
