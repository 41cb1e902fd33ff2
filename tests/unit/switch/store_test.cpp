// SPDX-License-Identifier: GPL-2.0-or-later
// The switch's settings in the database: as they were asked for, and gone with their port.
#include "loader/port/store.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "loader/instance/database.hpp"
#include "loader/model/switch_flags.hpp"
#include "loader/store/schema.hpp"
#include "loader/switch/store.hpp"
#include "tests/unit/temporary_folder.hpp"

namespace sluice {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr MacAddress station{{2, 0x1a, 0x2b, 0, 0, 7}};

class SwitchStoreTest : public testing::Test {
protected:
    void SetUp() override {
        for (const auto* name : {"tap0", "tap1"}) {
            PortSpec port;
            port.name = name;
            ASSERT_TRUE(add_port(database_.connection(), port));
        }
    }
    [[nodiscard]] const Connection& rows() const { return database_.connection(); }
    [[nodiscard]] DesiredState loaded() const { return database_.load().value(); }

    TemporaryFolder temporary_;
    Database database_ = std::move(*Database::create(temporary_.path() / "blue"));
};

SwitchPortSpec settings(const std::string& port) {
    SwitchPortSpec spec;
    spec.port = port;
    return spec;
}

TEST_F(SwitchStoreTest, KeepsEverySettingOnItsOwn) {
    std::vector<SwitchPortSpec> specs;
    for (const auto& it : switch_flags) {
        specs.push_back(settings("tap0"));
        specs.back().*it.asked = !(specs.back().*it.asked);
    }
    for (std::size_t kind = 0; kind < SL_STORM_MAX; ++kind) {
        specs.push_back(settings("tap0"));
        specs.back().storm[kind] = 1'000'000'000;
    }
    specs.push_back(settings("tap0"));
    specs.back().community = 65535;
    specs.push_back(settings("tap0"));
    specs.back().mac_limit = 4'000'000'000;
    specs.push_back(settings("tap0"));
    specs.back().bpdu = BpduPolicy::shut;
    specs.push_back(settings("tap0"));
    specs.back().loop = LoopAction::report;
    for (const auto& spec : specs) {
        ASSERT_TRUE(put_switch_port(rows(), spec));
        EXPECT_THAT(loaded().switch_ports, ElementsAre(spec));
    }
}

TEST_F(SwitchStoreTest, AMacIsInOnePlaceOfAVlan) {
    ASSERT_TRUE(put_fdb(rows(), {station, 10, "tap0"}));
    ASSERT_TRUE(put_fdb(rows(), {station, 20, "tap0"}));
    ASSERT_TRUE(put_fdb(rows(), {station, 10, "tap1"}));
    EXPECT_THAT(loaded().fdb,
                ElementsAre(FdbSpec{station, 10, "tap1"}, FdbSpec{station, 20, "tap0"}));
    EXPECT_TRUE(erase_fdb(rows(), station, 20).value());
    EXPECT_FALSE(erase_fdb(rows(), station, 20).value());
    EXPECT_THAT(loaded().fdb, ElementsAre(FdbSpec{station, 10, "tap1"}));
}

TEST_F(SwitchStoreTest, GoesWithThePort) {
    ASSERT_TRUE(put_switch_port(rows(), settings("tap1")));
    ASSERT_TRUE(put_fdb(rows(), {station, 10, "tap1"}));
    ASSERT_TRUE(erase_port(database_.connection(), "tap1"));
    EXPECT_THAT(loaded().switch_ports, IsEmpty());
    EXPECT_THAT(loaded().fdb, IsEmpty());
    EXPECT_EQ(put_switch_port(rows(), settings("tap1")).error().code, ErrorCode::not_found);
    EXPECT_EQ(put_fdb(rows(), {station, 10, "tap1"}).error().code, ErrorCode::not_found);
}

TEST_F(SwitchStoreTest, AVlanWithoutSettingsIsNotKept) {
    ASSERT_TRUE(put_vlan(rows(), {4094, 0xffffff}));
    ASSERT_TRUE(put_vlan(rows(), {1, 7}));
    EXPECT_THAT(loaded().vlans, ElementsAre(VlanSpec{1, 7}, VlanSpec{4094, 0xffffff}));
    ASSERT_TRUE(put_vlan(rows(), {4094, 0}));
    EXPECT_THAT(loaded().vlans, ElementsAre(VlanSpec{1, 7}));
}

TEST_F(SwitchStoreTest, KeepsWhatASwitchedPortIs) {
    PortSpec port;
    port.name = "vlan10";
    port.role = Role::internal;
    port.vlan = 10;
    port.addresses = {*HostAddress::parse("10.0.0.1/24"), *HostAddress::parse("fd00::1/64")};
    port.mac = station;
    PortSpec trunk;
    trunk.name = "eth1";
    trunk.role = Role::trunk;
    trunk.vlans = {{10, 10}, {20, 30}};
    trunk.native_vlan = 5;
    trunk.qinq = true;
    trunk.translations = {{500, 10}};
    trunk.priorities = {1, 1, 2, 3, 4, 5, 6, 0};
    trunk.shortcut = true;
    for (auto* spec : {&port, &trunk})
        spec->id = add_port(database_.connection(), *spec).value().id;
    EXPECT_EQ(loaded().ports[0], trunk);
    EXPECT_EQ(loaded().ports[3], port);
    trunk.translations.clear();
    port.addresses.pop_back();
    for (const auto* spec : {&port, &trunk}) ASSERT_TRUE(put_port(database_.connection(), *spec));
    EXPECT_EQ(loaded().ports[0], trunk);
    EXPECT_EQ(loaded().ports[3], port);
}

TEST(SwitchSchema, ADatabaseFromBeforeTheSwitchKeepsWhatItHas) {
    const TemporaryFolder temporary;
    const auto folder = temporary.path() / "blue";
    std::filesystem::create_directories(folder);
    {
        const auto old = Connection::open(folder / "state.db", Connection::Mode::create,
                                          std::span(schema).first(2));
        ASSERT_TRUE(old) << old.error().message;
        ASSERT_TRUE(old->run("INSERT INTO port VALUES (7, 'tap0', 'access', 'tc', 10, 0)"));
    }
    const auto database = Database::open(folder);
    ASSERT_TRUE(database) << database.error().message;
    PortSpec port;
    port.name = "tap0";
    port.hook = HookPolicy::tc;
    port.vlan = 10;
    port.id = 7;
    EXPECT_THAT(database->load().value().ports, ElementsAre(port));
    EXPECT_EQ(database->load().value().settings, Settings{});
}

}  // namespace
}  // namespace sluice
