// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/base/private_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

namespace sluice {
namespace {

constexpr mode_t of_others = S_IRWXG | S_IRWXO;

/// Shuts a folder that others may enter, then the files that they may have looked at.
Result<> shut(const Fd& folder, const std::filesystem::path& path) {
    if (fchmod(folder.get(), S_IRWXU) != 0) return fail_errno(errno, "shutting " + path.string());
    std::error_code ignored;  // what can't be listed can't be entered any more either
    for (const auto& entry : std::filesystem::directory_iterator(path, ignored)) {
        if (entry.symlink_status(ignored).type() != std::filesystem::file_type::regular) continue;
        if (chmod(entry.path().c_str(), S_IRUSR | S_IWUSR) != 0)
            return fail_errno(errno, "shutting " + entry.path().string());
    }
    return {};
}

}  // namespace

Result<> make_private_folder(const std::filesystem::path& folder) {
    std::error_code error;
    std::filesystem::create_directories(folder.parent_path(), error);
    if (error) return fail_errno(error.value(), "making " + folder.parent_path().string());
    if (mkdir(folder.c_str(), S_IRWXU) != 0 && errno != EEXIST)
        return fail_errno(errno, "making " + folder.string());
    const Fd opened(open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!opened && (errno == ELOOP || errno == ENOTDIR))
        return fail(ErrorCode::refused, folder.string() + " is not a folder, or is a link",
                    "move it away: sluice makes one that only its owner may enter");
    struct stat status{};
    if (!opened || fstat(opened.get(), &status) != 0) return fail_errno(errno, folder.string());
    if (status.st_uid != geteuid() && status.st_uid != 0)
        return fail(ErrorCode::refused,
                    fmt::format("{} belongs to user {}", folder.string(), status.st_uid),
                    "who owns it could change what sluice does: remove it, or give it to root");
    return (status.st_mode & of_others) != 0 ? shut(opened, folder) : Result<>{};
}

Result<Fd> open_private_file(const std::filesystem::path& file) {
    Fd opened(open(file.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, S_IRUSR | S_IWUSR));
    if (!opened) return fail_errno(errno, file.string());
    return opened;
}

}  // namespace sluice
