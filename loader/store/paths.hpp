// SPDX-License-Identifier: GPL-2.0-or-later
// Where an instance keeps what must survive a reboot: /var/lib/sluice/INSTANCE/.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "sluice/error.hpp"

namespace sluice {

/// /var/lib/sluice/INSTANCE, or below SLUICE_STATE_DIR where that is set.
[[nodiscard]] std::filesystem::path state_folder(std::string_view instance);

/// The database of the desired state, and whether there is one (up or down).
[[nodiscard]] std::filesystem::path database_file(const std::filesystem::path& state_folder);
[[nodiscard]] bool has_database(const std::filesystem::path& state_folder);

/// Instances that have a database, sorted.
[[nodiscard]] std::vector<std::string> stored_instances();

/// Removes databases, lock and folder; nothing there is no error.
[[nodiscard]] Result<> remove_state(std::string_view instance);

}  // namespace sluice
