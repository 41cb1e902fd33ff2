// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/store/paths.hpp"

#include <algorithm>
#include <cstdlib>

#include "loader/base/name.hpp"

namespace sluice {
namespace {

std::filesystem::path state_root() {
    const char* elsewhere = std::getenv("SLUICE_STATE_DIR");
    return elsewhere != nullptr && *elsewhere != '\0' ? elsewhere : "/var/lib/sluice";
}

}  // namespace

Result<> check_instance_name(std::string_view name) {
    return check_name(name, {"an instance name", 32, "_-"});
}

Result<std::filesystem::path> state_folder(std::string_view instance) {
    SL_CHECK(check_instance_name(instance));
    return state_root() / instance;
}

std::filesystem::path database_file(const std::filesystem::path& state_folder) {
    return state_folder / "state.db";
}

bool has_database(const std::filesystem::path& state_folder) {
    std::error_code ignored;  // what can't be looked at will fail with its reason when opened
    return std::filesystem::exists(database_file(state_folder), ignored);
}

std::vector<std::string> stored_instances() {
    std::vector<std::string> names;
    std::error_code ignored;  // no folder, no instances
    for (const auto& entry : std::filesystem::directory_iterator(state_root(), ignored))
        if (has_database(entry.path())) names.push_back(entry.path().filename());
    std::ranges::sort(names);
    return names;
}

Result<> remove_state(std::string_view instance) {
    SL_TRY(folder, state_folder(instance));
    std::error_code error;
    std::filesystem::remove_all(folder, error);
    if (error) return fail_errno(error.value(), "removing " + folder.string());
    return {};
}

}  // namespace sluice
