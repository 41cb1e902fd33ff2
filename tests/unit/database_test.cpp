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

#include "expect_error.hpp"
#include "loader/kernel/fd.hpp"
#include "loader/nat/store.hpp"
#include "loader/port/store.hpp"
#include "loader/store/found.hpp"
#include "loader/store/paths.hpp"
#include "temporary_folder.hpp"

namespace sluice {
namespace {

using testing::HasSubstr;

class DatabaseTest : public testing::Test {
protected:
    [[nodiscard]] std::filesystem::path folder() const { return temporary_.path() / "blue"; }
    [[nodiscard]] Database create() const { return std::move(*Database::create(folder())); }
    [[nodiscard]] DesiredState stored() const {
        const auto database = Database::open_read_only(folder());
        return database ? database->load().value_or(DesiredState{}) : DesiredState{};
    }

    TemporaryFolder temporary_;
};

PortSpec port(const std::string& name) {
    PortSpec spec;
    spec.name = name;
    return spec;
}

MasqueradeSpec masquerade(const std::string& source, const std::string& uplink) {
    MasqueradeSpec rule;
    rule.source = *Prefix::parse(source);
    rule.uplink = uplink;
    return rule;
}

ForwardSpec forward(std::uint8_t protocol, const std::string& external,
                    const std::string& internal) {
    return {protocol, *Endpoint::parse(external), *Endpoint::parse(internal)};
}

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

TEST_F(DatabaseTest, KeepsAPortAsItWas) {
    PortSpec trunk = port("tap.7");
    trunk.role = Role::trunk;
    trunk.hook = HookPolicy::xdp;
    trunk.vlans = {{20, 30}, {10, 10}, {4094, 4094}};
    trunk.native_vlan = 4094;
    const auto added = add_port(create().connection(), trunk);
    ASSERT_TRUE(added);
    trunk.id = 1;
    EXPECT_EQ(*added, trunk);
    ASSERT_EQ(stored().ports.size(), 1u);
    EXPECT_EQ(stored().ports[0], trunk);
}

TEST_F(DatabaseTest, GivesTheLowestFreePortId) {
    const Database database = create();
    for (const char* name : {"c", "a", "b"})
        ASSERT_TRUE(add_port(database.connection(), port(name)));
    ASSERT_TRUE(erase_port(database.connection(), "a"));
    EXPECT_EQ(add_port(database.connection(), port("d"))->id, 2);
    EXPECT_EQ(add_port(database.connection(), port("e"))->id, 4);
    ASSERT_TRUE(erase_port(database.connection(), "c"));
    EXPECT_EQ(add_port(database.connection(), port("f"))->id, 1);
    std::vector<std::string> names;
    for (const PortSpec& found : stored().ports) names.push_back(found.name);
    EXPECT_EQ(names, (std::vector<std::string>{"b", "d", "e", "f"}));
}

TEST_F(DatabaseTest, HasRoomFor1023Ports) {
    const Database database = create();
    auto transaction = database.begin();
    for (int i = 1; i <= 1023; ++i)
        ASSERT_EQ(add_port(database.connection(), port("p" + std::to_string(i)))->id, i);
    expect_error(add_port(database.connection(), port("more")), ErrorCode::refused, "1023");
    ASSERT_TRUE(transaction->commit());
    EXPECT_EQ(stored().ports.size(), 1023u);
}

TEST_F(DatabaseTest, RefusesAPortTwiceAndChangesNothing) {
    const Database database = create();
    ASSERT_TRUE(add_port(database.connection(), port("tap0")));
    PortSpec again = port("tap0");
    again.role = Role::uplink;
    again.vlans = {{1, 2}};
    expect_error(add_port(database.connection(), again), ErrorCode::refused, "tap0");
    ASSERT_EQ(stored().ports.size(), 1u);
    EXPECT_EQ(stored().ports[0].role, Role::access);
    EXPECT_TRUE(stored().ports[0].vlans.empty());
}

TEST_F(DatabaseTest, ReplacesAPort) {
    const Database database = create();
    PortSpec spec = port("tap0");
    spec.vlans = {{1, 2}};
    spec = *add_port(database.connection(), spec);
    ASSERT_TRUE(add_port(database.connection(), port("tap1")));
    spec.role = Role::trunk;
    spec.hook = HookPolicy::tc;
    spec.vlan = 7;
    spec.vlans = {{5, 6}};
    ASSERT_TRUE(put_port(database.connection(), spec));
    ASSERT_EQ(stored().ports.size(), 2u);
    EXPECT_EQ(stored().ports[0], spec);
    EXPECT_EQ(stored().ports[1].role, Role::access);
    spec.name = "tap9";
    expect_error(put_port(database.connection(), spec), ErrorCode::not_found, "tap9");
}

TEST_F(DatabaseTest, RemovesAPortWithItsVlans) {
    const Database database = create();
    PortSpec trunk = port("tap0");
    trunk.vlans = {{1, 2}};
    ASSERT_TRUE(add_port(database.connection(), trunk));
    ASSERT_TRUE(erase_port(database.connection(), "tap0"));
    expect_error(erase_port(database.connection(), "tap0"), ErrorCode::not_found, "tap0");
    ASSERT_EQ(add_port(database.connection(), port("tap1"))->id, 1);
    EXPECT_TRUE(stored().ports[0].vlans.empty()) << "the id's old VLANs came back";
}

TEST_F(DatabaseTest, KeepsAMasqueradeAsItWas) {
    MasqueradeSpec rule = masquerade("10.0.0.0/8", "eth0");
    rule.addresses = {*Address::parse("192.0.2.9"), *Address::parse("192.0.2.1")};
    rule.ports = {2000, 5000};
    const auto added = add_masquerade(create().connection(), rule);
    ASSERT_TRUE(added);
    EXPECT_EQ(*added, rule);
    ASSERT_EQ(stored().masquerades.size(), 1u);
    EXPECT_EQ(stored().masquerades[0], rule);
}

TEST_F(DatabaseTest, SharesAPoolBetweenRulesThatAgree) {
    const Database database = create();
    MasqueradeSpec first = masquerade("10.1.0.0/16", "eth0");
    first.addresses = {*Address::parse("192.0.2.1"), *Address::parse("192.0.2.2")};
    MasqueradeSpec same = masquerade("10.2.0.0/16", "eth0");
    same.addresses = {*Address::parse("192.0.2.2"), *Address::parse("192.0.2.1")};
    MasqueradeSpec other_range = same;
    other_range.source = *Prefix::parse("10.3.0.0/16");
    other_range.ports = {2000, 5000};
    MasqueradeSpec other_uplink = masquerade("10.2.0.0/16", "eth1");
    other_uplink.addresses = same.addresses;
    MasqueradeSpec other_addresses = masquerade("10.4.0.0/16", "eth0");
    other_addresses.addresses = {*Address::parse("192.0.2.1")};
    EXPECT_EQ(add_masquerade(database.connection(), first)->pool, 0);
    EXPECT_EQ(add_masquerade(database.connection(), same)->pool, 0);
    EXPECT_EQ(add_masquerade(database.connection(), other_range)->pool, 1);
    EXPECT_EQ(add_masquerade(database.connection(), other_uplink)->pool, 2);
    EXPECT_EQ(add_masquerade(database.connection(), other_addresses)->pool, 3);
    ASSERT_TRUE(erase_masquerade(database.connection(), other_range.source, "eth0"));
    EXPECT_EQ(add_masquerade(database.connection(), masquerade("10.5.0.0/16", "eth0"))->pool, 1);
    EXPECT_EQ(add_masquerade(database.connection(), masquerade("10.6.0.0/16", "eth0"))->pool, 1);
}

TEST_F(DatabaseTest, HasRoomFor256Pools) {
    const Database database = create();
    auto transaction = database.begin();
    for (int i = 0; i < 256; ++i) {
        const auto added = add_masquerade(database.connection(),
                                          masquerade("10.0.0.0/8", "u" + std::to_string(i)));
        ASSERT_TRUE(added);
        ASSERT_EQ(added->pool, i);
    }
    expect_error(add_masquerade(database.connection(), masquerade("10.0.0.0/8", "more")),
                 ErrorCode::refused, "256");
    EXPECT_EQ(add_masquerade(database.connection(), masquerade("10.9.0.0/16", "u255"))->pool, 255);
}

TEST_F(DatabaseTest, RefusesASourceTwiceOnAnUplink) {
    const Database database = create();
    ASSERT_TRUE(add_masquerade(database.connection(), masquerade("10.0.0.0/8", "eth0")));
    MasqueradeSpec again = masquerade("10.0.0.0/8", "eth0");
    again.ports = {5, 6};
    again.addresses = {*Address::parse("192.0.2.1")};
    expect_error(add_masquerade(database.connection(), again), ErrorCode::refused, "10.0.0.0/8");
    ASSERT_EQ(stored().masquerades.size(), 1u);
    EXPECT_TRUE(stored().masquerades[0].addresses.empty());
    ASSERT_TRUE(add_masquerade(database.connection(), masquerade("10.0.0.0/8", "eth1")));
    ASSERT_TRUE(add_masquerade(database.connection(), masquerade("10.0.0.0/9", "eth0")));
}

TEST_F(DatabaseTest, RemovesAMasqueradeByItsName) {
    const Database database = create();
    ASSERT_TRUE(add_masquerade(database.connection(), masquerade("10.0.0.0/8", "eth0")));
    const Prefix source = *Prefix::parse("10.0.0.0/8");
    expect_error(erase_masquerade(database.connection(), source, "eth1"), ErrorCode::not_found,
                 "eth1");
    expect_error(erase_masquerade(database.connection(), *Prefix::parse("10.0.0.0/9"), "eth0"),
                 ErrorCode::not_found, "10.0.0.0/9");
    ASSERT_TRUE(erase_masquerade(database.connection(), source, "eth0"));
    EXPECT_TRUE(stored().masquerades.empty());
}

TEST_F(DatabaseTest, KeepsForwardsInTheirOrder) {
    const Database database = create();
    const ForwardSpec web = forward(IPPROTO_TCP, "192.0.2.1:80", "10.0.0.1:8080");
    const ForwardSpec dns = forward(IPPROTO_UDP, "192.0.2.1:80", "10.0.0.1:53");
    const ForwardSpec range = forward(IPPROTO_TCP, "[2001:db8::1]:80-90", "[2001:db8::2]:180-190");
    for (const ForwardSpec& rule : {web, dns, range})
        ASSERT_TRUE(add_forward(database.connection(), rule));
    EXPECT_EQ(stored().forwards, (std::vector{web, dns, range}));
    expect_error(
        add_forward(database.connection(), forward(IPPROTO_TCP, "192.0.2.1:80", "10.0.0.2:1")),
        ErrorCode::refused, "192.0.2.1:80");
    expect_error(
        erase_forward(database.connection(), IPPROTO_TCP, *Endpoint::parse("192.0.2.1:81")),
        ErrorCode::not_found, "192.0.2.1:81");
    ASSERT_TRUE(erase_forward(database.connection(), IPPROTO_TCP, web.external));
    EXPECT_EQ(stored().forwards, (std::vector{dns, range}));
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

TEST_F(DatabaseTest, MakesWhatAnInterruptedCreateLeft) {
    std::filesystem::create_directories(folder());
    std::ofstream(folder() / "state.db").close();
    const auto database = Database::open(folder());
    ASSERT_TRUE(database);
    EXPECT_FALSE(database->load()->up);
    EXPECT_TRUE(add_port(database->connection(), port("tap0")));
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
