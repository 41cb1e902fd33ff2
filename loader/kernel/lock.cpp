// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/kernel/lock.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <sstream>
#include <string>
#include <thread>

#include "loader/base/private_file.hpp"

namespace sluice {
namespace {

constexpr std::string_view busy = "busy";
constexpr std::string_view idle = "idle";
constexpr auto poll_interval = std::chrono::milliseconds(20);

std::string content(const Fd& file) {
    std::array<char, 64> buffer{};
    const ssize_t length = pread(file.get(), buffer.data(), buffer.size(), 0);
    return {buffer.data(), static_cast<std::size_t>(std::max<ssize_t>(length, 0))};
}

/// `down --purge` removes the file under those who wait for it.
bool is_still_at(const Fd& file, const std::filesystem::path& path) {
    struct stat held{};
    struct stat there{};
    return fstat(file.get(), &held) == 0 && stat(path.c_str(), &there) == 0 &&
           held.st_dev == there.st_dev && held.st_ino == there.st_ino;
}

Result<> refuse(const Fd& file, const std::filesystem::path& state_folder) {
    std::istringstream words(content(file));
    std::string word;
    std::string pid = "?";
    words >> word >> pid;
    return fail(ErrorCode::refused,
                fmt::format("another sluice command (process {}) is changing instance `{}`", pid,
                            state_folder.filename().string()),
                "try again when it is done");
}

}  // namespace

Result<WriterLock> WriterLock::acquire(const std::filesystem::path& state_folder,
                                       std::chrono::milliseconds wait) {
    const auto deadline = std::chrono::steady_clock::now() + wait;
    const auto path = state_folder / "lock";
    while (true) {
        SL_CHECK(make_private_folder(state_folder));
        SL_TRY(file, open_private_file(path));
        if (flock(file.get(), LOCK_EX | LOCK_NB) == 0) {
            if (!is_still_at(file, path)) continue;
            WriterLock lock(std::move(file));
            lock.interrupted_ = content(lock.file_).starts_with(busy);
            SL_CHECK(lock.write(lock.interrupted_ ? busy : idle));
            return lock;
        }
        if (errno != EWOULDBLOCK) return fail_errno(errno, "locking " + path.string());
        if (std::chrono::steady_clock::now() >= deadline) SL_CHECK(refuse(file, state_folder));
        std::this_thread::sleep_for(poll_interval);
    }
}

Result<> WriterLock::mark_busy() {
    busy_ = true;
    return write(busy);
}

Result<> WriterLock::mark_idle() {
    interrupted_ = busy_ = false;
    return write(idle);
}

/// One write of constant length: a kill leaves the old line or the new.
Result<> WriterLock::write(std::string_view word) {
    const std::string line = fmt::format("{} {:<10}\n", word, getpid());
    if (pwrite(file_.get(), line.data(), line.size(), 0) != static_cast<ssize_t>(line.size()))
        return fail_errno(errno, "writing the lock file");
    return {};
}

Result<bool> WriterLock::left_interrupted(const std::filesystem::path& state_folder) {
    const auto path = state_folder / "lock";
    const Fd file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file && errno == ENOENT) return false;
    if (!file) return fail_errno(errno, path.string());
    // Shared and for a moment: a writer that meets it polls again.
    if (flock(file.get(), LOCK_SH | LOCK_NB) != 0) return false;
    return content(file).starts_with(busy);
}

}  // namespace sluice
