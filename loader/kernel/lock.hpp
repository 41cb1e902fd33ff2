// SPDX-License-Identifier: GPL-2.0-or-later
// One writer at a time, and a note for the next if a writer was interrupted.
#pragma once

#include <chrono>
#include <filesystem>
#include <string_view>

#include "loader/base/fd.hpp"
#include "sluice/error.hpp"

namespace sluice {

/// Holds flock() on INSTANCE/lock. The file says `idle PID` or `busy PID`, PID being the
/// last holder: `busy` in a free lock means that its holder died in the middle of a
/// change, and the kernel may be neither the old state nor the new.
class WriterLock {
public:
    /// Makes the folder and file if need be.
    /// @param wait how long to wait for another writer, then ErrorCode::refused, naming its PID
    [[nodiscard]] static Result<WriterLock> acquire(
        const std::filesystem::path& state_folder,
        std::chrono::milliseconds wait = std::chrono::seconds(5));

    /// The writer before left `busy`: reconcile the kernel to the database, then mark_idle().
    /// Until then every later holder sees the same.
    [[nodiscard]] bool interrupted() const { return interrupted_; }

    [[nodiscard]] Result<> mark_busy();
    [[nodiscard]] bool is_busy() const { return busy_; }  ///< whether it says so by this writer
    [[nodiscard]] Result<> mark_idle();                   ///< also forgets interrupted()

    /// Whether a writer was interrupted, for readers: `busy` and nobody holds the lock.
    [[nodiscard]] static Result<bool> left_interrupted(const std::filesystem::path& state_folder);

private:
    explicit WriterLock(Fd file) : file_(std::move(file)) {}
    [[nodiscard]] Result<> write(std::string_view word);

    Fd file_;
    bool interrupted_ = false;
    bool busy_ = false;
};

}  // namespace sluice
