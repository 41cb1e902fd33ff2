// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/kernel/lock.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <string>

#include "tests/unit/temporary_folder.hpp"

namespace sluice {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;

class LockTest : public testing::Test {
protected:
    [[nodiscard]] std::filesystem::path folder() const { return temporary_.path() / "blue"; }
    [[nodiscard]] Result<WriterLock> acquire() const {
        return WriterLock::acquire(folder(), milliseconds(50));
    }
    /// What a writer does that is killed in the middle, or after its work.
    void write_and_die(bool in_the_middle) const {
        const pid_t child = fork();
        ASSERT_GE(child, 0);
        if (child == 0) {
            auto lock = acquire();
            if (lock && !lock->mark_busy()) _exit(1);
            if (!in_the_middle && !lock->mark_idle()) _exit(1);
            kill(getpid(), SIGKILL);
        }
        int status = 0;
        ASSERT_EQ(waitpid(child, &status, 0), child);
        ASSERT_TRUE(WIFSIGNALED(status));
    }

    TemporaryFolder temporary_;
};

TEST_F(LockTest, LetsOneWriterIn) {
    EXPECT_FALSE(*WriterLock::left_interrupted(folder())) << "nobody was ever there";
    auto first = acquire();
    ASSERT_TRUE(first) << first.error().message;
    EXPECT_FALSE(first->interrupted());
    const auto second = acquire();
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, ErrorCode::refused);
    EXPECT_THAT(second.error().message, HasSubstr("process " + std::to_string(getpid()) + ")"));
    EXPECT_THAT(second.error().message, HasSubstr("blue"));
    first = fail(ErrorCode::failed, "let go");
    EXPECT_TRUE(acquire());
}

TEST_F(LockTest, WaitsForTheOtherWriter) {
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
        const auto lock = acquire();
        usleep(300'000);
        _exit(lock ? 0 : 1);
    }
    while (!std::filesystem::exists(folder() / "lock")) usleep(1'000);
    usleep(50'000);
    EXPECT_TRUE(WriterLock::acquire(folder(), std::chrono::seconds(5)));
    int status = 0;
    waitpid(child, &status, 0);
    EXPECT_EQ(status, 0);
}

TEST_F(LockTest, TellsTheNextWriterOfAnInterruption) {
    write_and_die(true);
    EXPECT_TRUE(*WriterLock::left_interrupted(folder()));
    {
        auto lock = acquire();
        EXPECT_TRUE(lock->interrupted());
        EXPECT_FALSE(*WriterLock::left_interrupted(folder())) << "somebody is at work on it";
    }
    {
        auto lock = acquire();
        EXPECT_TRUE(lock->interrupted()) << "nobody has mended it yet";
        ASSERT_TRUE(lock->mark_busy());
        ASSERT_TRUE(lock->mark_idle());
        EXPECT_FALSE(lock->interrupted());
    }
    EXPECT_FALSE(acquire()->interrupted());
    EXPECT_FALSE(*WriterLock::left_interrupted(folder()));
}

TEST_F(LockTest, IsFreeAfterADeathOutsideAChange) {
    write_and_die(false);
    EXPECT_FALSE(*WriterLock::left_interrupted(folder()));
    EXPECT_FALSE(acquire()->interrupted());
}

TEST_F(LockTest, IsNotFooledByARemovedFolder) {
    const auto purging = acquire();
    ASSERT_TRUE(purging);
    std::filesystem::remove_all(folder());
    const auto next = acquire();
    ASSERT_TRUE(next);
    EXPECT_TRUE(std::filesystem::exists(folder() / "lock"));
}

}  // namespace
}  // namespace sluice
