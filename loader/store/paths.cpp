#include "loader/store/paths.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "loader/instance/database.hpp"

namespace sluice {
namespace {

std::filesystem::path state_root() {
    const char* elsewhere = std::getenv("SLUICE_STATE_DIR");
    return elsewhere != nullptr && *elsewhere != '\0' ? elsewhere : "/var/lib/sluice";
}

bool may_be_in_instance_name(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-';
}

}  // namespace

Result<std::string> parse_instance_name(std::string_view text) {
    if (text.empty() || text.size() > 32 || text.starts_with('-') ||
        !std::ranges::all_of(text, may_be_in_instance_name))
        return fail(ErrorCode::usage, fmt::format("`{}` is not an instance name", text),
                    "a name is 1 to 32 letters, digits, `_` and `-`, and does not start with `-`");
    return std::string(text);
}

std::filesystem::path state_folder(std::string_view instance) { return state_root() / instance; }

std::vector<std::string> stored_instances() {
    std::vector<std::string> names;
    std::error_code ignored;  // no folder, no instances
    for (const auto& entry : std::filesystem::directory_iterator(state_root(), ignored))
        if (Database::exists(entry.path())) names.push_back(entry.path().filename());
    std::ranges::sort(names);
    return names;
}

Result<> remove_state(std::string_view instance) {
    std::error_code error;
    std::filesystem::remove_all(state_folder(instance), error);
    if (error) return fail_errno(error.value(), "removing " + state_folder(instance).string());
    return {};
}

}  // namespace sluice
