// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/instance/database.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <fstream>
#include <functional>
#include <thread>

#include "loader/base/fd.hpp"
#include "loader/nat/store.hpp"
#include "loader/port/store.hpp"
#include "loader/store/found.hpp"
#include "loader/store/paths.hpp"
#include "tests/unit/database_fixture.hpp"
#include "tests/unit/expect_error.hpp"

namespace sluice {
namespace {

using testing::HasSubstr;

TEST_F(DatabaseTest, IsThereOnceItIsMade) {
    EXPECT_FALSE(has_database(folder()));
    expect_error(Database::open(folder()), ErrorCode::not_found, "blue");
    expect_error(Database::open_read_only(folder()), ErrorCode::not_found, "blue");
    EXPECT_FALSE(std::filesystem::exists(folder())) << "open() made something";
    ASSERT_TRUE(Database::create(folder()));
    EXPECT_TRUE(has_database(folder()));
    ASSERT_TRUE(Database::create(folder())) << "a second time";
}

TEST_F(DatabaseTest, StartsDownWithDefaults) {
    const auto state = create().load();
    ASSERT_TRUE(state);
    EXPECT_FALSE(state->up);
    EXPECT_EQ(state->settings, Settings{});
    EXPECT_TRUE(state->ports.empty());
}

TEST_F(DatabaseTest, KeepsSettingsAndUp) {
    const Database database = create();
    Settings settings;
    settings.max_flows = 1;
    settings.max_flows6 = 2;
    settings.max_bindings = 4'000'000'000;
    settings.max_leases = 8;
    settings.udp_timeout = std::chrono::milliseconds(3);
    settings.tcp_established_timeout = std::chrono::milliseconds(4);
    settings.tcp_transitory_timeout = std::chrono::milliseconds(5);
    settings.door_mark = 1u << 31;
    settings.icmp_timeout = std::chrono::milliseconds(6);
    settings.other_timeout = std::chrono::milliseconds(7);
    settings.netns = "/run/netns/it's \"blue\"";
    ASSERT_TRUE(database.set_settings(settings));
    EXPECT_FALSE(stored().up);
    ASSERT_TRUE(database.set_up(true));
    EXPECT_EQ(stored().settings, settings);
    EXPECT_TRUE(stored().up);
    settings.max_flows = 9;
    ASSERT_TRUE(database.set_settings(settings));
    EXPECT_TRUE(stored().up) << "settings changed it";
    ASSERT_TRUE(database.set_up(false));
    EXPECT_FALSE(stored().up);
    EXPECT_EQ(stored().settings, settings);
}

TEST_F(DatabaseTest, UpAloneKeepsDefaultSettings) {
    ASSERT_TRUE(create().set_up(true));
    EXPECT_TRUE(stored().up);
    EXPECT_EQ(stored().settings, Settings{});
}

TEST_F(DatabaseTest, RollsBackWhatIsNotCommitted) {
    const Database database = create();
    {
        auto transaction = database.begin();
        ASSERT_TRUE(transaction);
        ASSERT_TRUE(add_port(database.connection(), port("tap0")));
        EXPECT_EQ(database.load()->ports.size(), 1u) << "the writer sees its own change";
        EXPECT_TRUE(stored().ports.empty()) << "a reader saw an uncommitted change";
    }
    EXPECT_TRUE(database.load()->ports.empty());
    auto transaction = database.begin();
    ASSERT_TRUE(add_port(database.connection(), port("tap0")));
    ASSERT_TRUE(transaction->rollback());
    EXPECT_TRUE(database.load()->ports.empty());
}

TEST_F(DatabaseTest, ARefusalInsideATransactionLeavesTheRest) {
    const Database database = create();
    auto transaction = database.begin();
    ASSERT_TRUE(add_port(database.connection(), port("tap0")));
    EXPECT_FALSE(add_port(database.connection(), port("tap0")));
    ASSERT_TRUE(add_port(database.connection(), port("tap1")));
    ASSERT_TRUE(transaction->commit());
    EXPECT_EQ(stored().ports.size(), 2u);
}

TEST_F(DatabaseTest, SurvivesAMoveWhileATransactionIsOpen) {
    Database first = create();
    auto transaction = first.begin();
    ASSERT_TRUE(add_port(first.connection(), port("tap0")));
    const Database second = std::move(first);
    ASSERT_TRUE(transaction->commit());
    EXPECT_EQ(second.load()->ports.size(), 1u);
}

TEST_F(DatabaseTest, ReadersDoNotWaitForTheWriter) {
    const Database writer = create();
    const auto transaction = writer.begin();
    ASSERT_TRUE(writer.set_up(true));
    const auto before = std::chrono::steady_clock::now();
    const auto reader = Database::open_read_only(folder());
    ASSERT_TRUE(reader);
    EXPECT_FALSE(reader->load()->up);
    EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::seconds(2));
}

TEST_F(DatabaseTest, TheWriterDoesNotWaitForReaders) {
    const Database writer = create();
    ASSERT_TRUE(writer.set_up(false));
    sqlite3* reader = nullptr;
    ASSERT_EQ(sqlite3_open((folder() / "state.db").c_str(), &reader), SQLITE_OK);
    EXPECT_EQ(sqlite3_exec(reader, "BEGIN; SELECT * FROM instance", nullptr, nullptr, nullptr),
              SQLITE_OK);
    const auto written = writer.set_up(true);
    EXPECT_TRUE(written) << written.error().message;
    sqlite3_close(reader);
}

TEST_F(DatabaseTest, ReadOnlyChangesNothing) {
    static_cast<void>(create());
    const auto reader = Database::open_read_only(folder());
    expect_error(reader->set_up(true), ErrorCode::permission, "state.db");
}

/// Overwrites the first page of a table: nothing that opening alone would read.
void damage(const std::filesystem::path& file, const std::string& table) {
    sqlite3* handle = nullptr;
    ASSERT_EQ(sqlite3_open(file.c_str(), &handle), SQLITE_OK);
    sqlite3_stmt* statement = nullptr;
    const std::string sql = "SELECT rootpage FROM sqlite_schema WHERE name = '" + table + "'";
    ASSERT_EQ(sqlite3_prepare_v2(handle, sql.c_str(), -1, &statement, nullptr), SQLITE_OK);
    ASSERT_EQ(sqlite3_step(statement), SQLITE_ROW);
    const std::streamoff page = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    sqlite3_close(handle);
    std::fstream stream(file, std::ios::in | std::ios::out | std::ios::binary);
    stream.seekp((page - 1) * 4096);
    stream << std::string(4096, '\xa5');
}

TEST_F(DatabaseTest, NamesACorruptFileAndTheMend) {
    static_cast<void>(create());
    const auto file = folder() / "state.db";
    damage(file, "forward");
    using Open = Result<Database> (*)(const std::filesystem::path&);
    for (const Open open : {&Database::open, &Database::open_read_only, &Database::create}) {
        const auto opened = open(folder());
        expect_error(opened, ErrorCode::failed, file.string() + " is damaged");
        EXPECT_THAT(opened.error().hint, HasSubstr("backup"));
    }
}

TEST_F(DatabaseTest, RefusesAFileThatIsNoDatabase) {
    std::filesystem::create_directories(folder());
    std::ofstream(folder() / "state.db") << std::string(5000, 'x');
    expect_error(Database::open(folder()), ErrorCode::failed, "is damaged");
}

TEST_F(DatabaseTest, RefusesANewerSchema) {
    static_cast<void>(create());
    sqlite3* handle = nullptr;
    ASSERT_EQ(sqlite3_open((folder() / "state.db").c_str(), &handle), SQLITE_OK);
    EXPECT_EQ(sqlite3_exec(handle, "PRAGMA user_version = 99", nullptr, nullptr, nullptr),
              SQLITE_OK);
    sqlite3_close(handle);
    expect_error(Database::open(folder()), ErrorCode::refused, "newer");
    expect_error(Database::open_read_only(folder()), ErrorCode::refused, "newer");
}

TEST_F(DatabaseTest, NamesAValueItCannotRead) {
    const Database database = create();
    ASSERT_TRUE(add_port(database.connection(), port("tap0")));
    sqlite3* handle = nullptr;
    ASSERT_EQ(sqlite3_open((folder() / "state.db").c_str(), &handle), SQLITE_OK);
    EXPECT_EQ(sqlite3_exec(handle, "UPDATE port SET role = 'king'", nullptr, nullptr, nullptr),
              SQLITE_OK);
    sqlite3_close(handle);
    expect_error(database.load(), ErrorCode::failed, "king");
}

TEST_F(DatabaseTest, WhatIsNotSluicesIsNotTakenForOneWithoutRules) {
    std::filesystem::create_directories(folder());
    const auto file = folder() / "state.db";
    const auto expect_damaged = [&] {
        for (const auto& database : {Database::open(folder()), Database::open_read_only(folder()),
                                     Database::create(folder())})
            expect_error(database, ErrorCode::failed, "is damaged");
    };
    std::ofstream(file).close();
    expect_damaged();
    std::filesystem::remove(file);
    sqlite3* handle = nullptr;
    ASSERT_EQ(sqlite3_open(file.c_str(), &handle), SQLITE_OK);
    sqlite3_exec(handle, "CREATE TABLE songs (name TEXT)", nullptr, nullptr, nullptr);
    sqlite3_close(handle);
    expect_damaged();
}

TEST_F(DatabaseTest, IsMadeAnewWhereTheMakingWasInterrupted) {
    std::filesystem::create_directories(folder());
    std::ofstream(folder() / "state.db.new") << "half of it";
    std::ofstream(folder() / "state.db.new-journal") << "and what it was";
    const auto database = Database::create(folder());
    ASSERT_TRUE(database) << database.error().message;
    EXPECT_TRUE(add_port(database->connection(), port("tap0")));
    EXPECT_FALSE(std::filesystem::exists(folder() / "state.db.new"));
}

TEST_F(DatabaseTest, IsNobodyElsesBusiness) {
    const auto database = Database::create(folder());
    ASSERT_TRUE(database);
    ASSERT_TRUE(add_port(database->connection(), port("tap0")));
    const auto mode = [](const std::filesystem::path& path) {
        return std::filesystem::status(path).permissions();
    };
    using std::filesystem::perms;
    EXPECT_EQ(mode(folder()), perms::owner_all);
    for (const auto& file : std::filesystem::directory_iterator(folder()))
        EXPECT_EQ(mode(file), perms::owner_read | perms::owner_write) << file;
}

/// Runs `work` in a process that is killed `delay` after it called what it is given, or by itself.
void run_and_kill(const std::function<void(const std::function<void()>& begun)>& work,
                  std::chrono::microseconds delay) {
    std::array<int, 2> ends{};
    ASSERT_EQ(pipe(ends.data()), 0);
    const Fd heard(ends[0]);
    Fd said(ends[1]);
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
        work([&] { said = Fd(); });
        kill(getpid(), SIGKILL);
    }
    said = Fd();
    char nothing = 0;
    ASSERT_EQ(read(heard.get(), &nothing, 1), 0);
    std::this_thread::sleep_for(delay);
    kill(child, SIGKILL);
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
}

// The writer adds forwards two by two: whoever kills it, the number stays even.
TEST_F(DatabaseTest, AKillLeavesTheOldStateOrTheNew) {
    static_cast<void>(create());
    const auto add_pairs = [this](const std::function<void()>& begun) {
        const auto database = Database::open(folder());
        for (auto pair = stored().forwards.size() / 2; database && pair < 5'000; ++pair) {
            auto transaction = database->begin();
            const std::string first = std::to_string(2 * pair + 1);
            const std::string second = std::to_string(2 * pair + 2);
            static_cast<void>(add_forward(
                database->connection(), forward(IPPROTO_TCP, "192.0.2.1:" + first, "10.0.0.1:1")));
            static_cast<void>(add_forward(
                database->connection(), forward(IPPROTO_TCP, "192.0.2.1:" + second, "10.0.0.1:2")));
            static_cast<void>(transaction->commit());
            begun();
        }
    };
    std::size_t last = 0;
    for (int round = 0; round < 25; ++round) {
        run_and_kill(add_pairs, std::chrono::microseconds(1'700 * round));
        const auto database = Database::open(folder());
        ASSERT_TRUE(database) << database.error().message;
        const auto state = database->load();
        ASSERT_TRUE(state);
        EXPECT_EQ(state->forwards.size() % 2, 0u) << "half a transaction in round " << round;
        EXPECT_GE(state->forwards.size(), last) << "a committed transaction is gone";
        last = state->forwards.size();
    }
    EXPECT_GT(last, 0u) << "no writer got to write: the test tested nothing";
}

FoundInterface found(const std::string& name, std::uint32_t ifindex, bool had_clsact) {
    return {name, ifindex, had_clsact, {{"net/ipv4/conf/x/forwarding", "0"}, {"b", ""}}};
}

TEST_F(DatabaseTest, FoundInterfacesAreKeptWhileATransactionIsOpen) {
    const Database database = create();
    const auto transaction = database.begin();
    const auto store = FoundInterfaces::open(folder());
    ASSERT_TRUE(store);
    ASSERT_TRUE(store->keep(found("tap0", 7, true)));
    const auto list = FoundInterfaces::open(folder())->list();
    ASSERT_EQ(list->size(), 1u);
    EXPECT_EQ(list->front().name, "tap0");
    EXPECT_EQ(list->front().ifindex, 7u);
    EXPECT_TRUE(list->front().had_clsact);
    EXPECT_EQ(list->front().sysctls, found("", 0, false).sysctls);
}

TEST_F(DatabaseTest, FoundInterfacesKeepWhatWasFoundFirst) {
    const auto store = FoundInterfaces::open(folder());
    ASSERT_TRUE(store->keep(found("tap0", 7, false)));
    FoundInterface later = found("tap0", 7, true);
    later.sysctls = {{"c", "d"}};
    ASSERT_TRUE(store->keep(later));
    ASSERT_EQ(store->list()->size(), 1u);
    EXPECT_FALSE(store->list()->front().had_clsact);
    EXPECT_EQ(store->list()->front().sysctls.size(), 2u);
}

TEST_F(DatabaseTest, FoundInterfacesTellARecreatedOneApart) {
    const auto store = FoundInterfaces::open(folder());
    ASSERT_TRUE(store->keep(found("tap0", 9, false)));
    ASSERT_TRUE(store->keep(found("tap0", 7, false)));
    ASSERT_TRUE(store->keep(found("eth0", 8, false)));
    ASSERT_EQ(store->list()->size(), 3u);
    EXPECT_EQ(store->list()->at(0).name, "eth0");
    EXPECT_EQ(store->list()->at(1).ifindex, 7u);
    ASSERT_TRUE(store->forget("tap0", 7));
    ASSERT_TRUE(store->forget("tap0", 7)) << "twice is no error";
    ASSERT_EQ(store->list()->size(), 2u);
    EXPECT_EQ(store->list()->at(1).ifindex, 9u);
    EXPECT_EQ(store->list()->at(1).sysctls.size(), 2u);
}

}  // namespace
}  // namespace sluice
