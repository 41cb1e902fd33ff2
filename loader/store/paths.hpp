// Where an instance keeps what must survive a reboot: /var/lib/sluice/INSTANCE/.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "sluice/error.hpp"

namespace sluice {

/// A name is 1..32 of `A-Z a-z 0-9 _ -`, the first no `-`: it becomes part of paths.
[[nodiscard]] Result<std::string> parse_instance_name(std::string_view text);

/// /var/lib/sluice/INSTANCE, or below SLUICE_STATE_DIR where that is set.
[[nodiscard]] std::filesystem::path state_folder(std::string_view instance);

/// Instances that have a database, sorted.
[[nodiscard]] std::vector<std::string> stored_instances();

/// Removes databases, lock and folder; nothing there is no error.
[[nodiscard]] Result<> remove_state(std::string_view instance);

}  // namespace sluice
