// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/base/private_file.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

#include "tests/unit/expect_error.hpp"
#include "tests/unit/temporary_folder.hpp"

namespace sluice {
namespace {

using std::filesystem::perms;

perms mode_of(const std::filesystem::path& path) {
    return std::filesystem::status(path).permissions();
}

TEST(PrivateFolder, IsEnteredByItsOwnerAlone) {
    const TemporaryFolder root;
    const auto folder = root.path() / "a" / "b";
    ASSERT_TRUE(make_private_folder(folder));
    EXPECT_EQ(mode_of(folder), perms::owner_all);
    EXPECT_TRUE(make_private_folder(folder)) << "twice is no error";
}

TEST(PrivateFolder, OfAnOlderSluiceIsShutWithItsFiles) {
    const TemporaryFolder root;
    const auto folder = root.path() / "default", file = folder / "state.db";
    const auto elsewhere = root.path() / "elsewhere";
    std::filesystem::create_directory(folder);
    for (const auto& it : {file, elsewhere}) {
        std::ofstream(it).close();
        std::filesystem::permissions(it, perms(0644));
    }
    std::filesystem::create_symlink(elsewhere, folder / "link");
    std::filesystem::permissions(folder, perms(0755));
    ASSERT_TRUE(make_private_folder(folder));
    EXPECT_EQ(mode_of(folder), perms::owner_all);
    EXPECT_EQ(mode_of(file), perms(0600));
    EXPECT_EQ(mode_of(elsewhere), perms(0644)) << "what a link leads to stays as it is";
}

TEST(PrivateFolder, IsNoLinkAndNoFile) {
    const TemporaryFolder root;
    std::filesystem::create_directory(root.path() / "real");
    std::filesystem::create_symlink(root.path() / "real", root.path() / "link");
    std::ofstream(root.path() / "file").close();
    for (const char* name : {"link", "file"})
        expect_error(make_private_folder(root.path() / name), ErrorCode::refused, "not a folder");
}

TEST(PrivateFolder, IsNobodyElses) {
    if (geteuid() != 0) GTEST_SKIP() << "only root can give a folder away";
    const TemporaryFolder root;
    const auto folder = root.path() / "theirs";
    std::filesystem::create_directory(folder);
    ASSERT_EQ(chown(folder.c_str(), 65534, 65534), 0);
    expect_error(make_private_folder(folder), ErrorCode::refused, "belongs to user 65534");
}

TEST(PrivateFile, IsNotReachedByALink) {
    const TemporaryFolder root;
    const auto file = root.path() / "lock";
    ASSERT_TRUE(open_private_file(file));
    EXPECT_EQ(mode_of(file), perms(0600));
    std::filesystem::create_symlink(file, root.path() / "link");
    EXPECT_FALSE(open_private_file(root.path() / "link"));
}

}  // namespace
}  // namespace sluice
