// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/store/paths.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

#include "tests/unit/expect_error.hpp"
#include "tests/unit/temporary_folder.hpp"

namespace sluice {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

/// SLUICE_STATE_DIR is a folder inside a temporary one.
class StateFolder : public testing::Test {
protected:
    StateFolder() { setenv("SLUICE_STATE_DIR", root_.c_str(), 1); }
    ~StateFolder() override { unsetenv("SLUICE_STATE_DIR"); }
    StateFolder(const StateFolder&) = delete;
    StateFolder& operator=(const StateFolder&) = delete;

    static void make(const std::filesystem::path& folder) {
        std::filesystem::create_directories(folder);
        std::ofstream(database_file(folder)).close();
    }

    TemporaryFolder temporary_;
    std::filesystem::path root_ = temporary_.path() / "instances";
};

TEST(InstanceName, IsFitForAPath) {
    for (const char* name : {"default", "a", "A-1_b", "12345678901234567890123456789012"})
        EXPECT_TRUE(check_instance_name(name)) << name;
    for (const char* name : {"", "-a", "..", "a/b", "a b", "a.b", "\xc3\xa4", "a:b",
                             "123456789012345678901234567890123"})
        expect_error(check_instance_name(name), ErrorCode::usage, "is not an instance name");
}

TEST_F(StateFolder, FollowsTheEnvironment) {
    EXPECT_EQ(state_folder("blue"), root_ / "blue");
    unsetenv("SLUICE_STATE_DIR");
    EXPECT_EQ(state_folder("blue"), "/var/lib/sluice/blue");
}

TEST_F(StateFolder, IsListedIfItHasADatabase) {
    EXPECT_THAT(stored_instances(), IsEmpty());
    std::filesystem::create_directories(root_ / "empty");
    for (const char* name : {"b", "a"}) make(root_ / name);
    EXPECT_THAT(stored_instances(), ElementsAre("a", "b"));
    ASSERT_TRUE(remove_state("a"));
    ASSERT_TRUE(remove_state("a")) << "twice is no error";
    EXPECT_THAT(stored_instances(), ElementsAre("b"));
}

TEST_F(StateFolder, IsNowhereElse) {
    make(root_ / "blue");
    make(temporary_.path() / "victim");
    for (const char* name : {"../victim", "", ".", "blue/../../victim"}) {
        expect_error(state_folder(name), ErrorCode::usage, "is not an instance name");
        expect_error(remove_state(name), ErrorCode::usage, "is not an instance name");
    }
    EXPECT_TRUE(has_database(temporary_.path() / "victim"));
    EXPECT_TRUE(has_database(root_ / "blue"));
}

}  // namespace
}  // namespace sluice
