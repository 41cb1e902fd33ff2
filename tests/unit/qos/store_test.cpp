// SPDX-License-Identifier: GPL-2.0-or-later
// QoS in the database: as it was asked for, and gone with its port.
#include "loader/lease/store.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "loader/instance/database.hpp"
#include "loader/port/store.hpp"
#include "loader/qos/match.hpp"
#include "loader/qos/store.hpp"
#include "loader/store/schema.hpp"
#include "tests/unit/expect_error.hpp"
#include "tests/unit/temporary_folder.hpp"

namespace sluice {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class QosStoreTest : public testing::Test {
protected:
    void SetUp() override {
        for (const auto* name : {"tap1", "tap0"}) {
            PortSpec port;
            port.name = name;
            ASSERT_TRUE(add_port(database_.connection(), port));
        }
    }
    [[nodiscard]] const Connection& rows() const { return database_.connection(); }
    [[nodiscard]] DesiredState loaded() const { return database_.load().value(); }
    /// @return the id it was given
    [[nodiscard]] int add(const std::string& name) const {
        QosClassSpec spec;
        spec.name = name;
        const auto added = add_qos_class(rows(), spec);
        return added ? added->id : -1;
    }
    void hold(int nic, const std::string& vm, const std::string& port,
              const std::string& standby = {}, std::int64_t released = 0) const {
        Lease lease;
        lease.mac = {{2, 0, 0, 0, 0, static_cast<std::uint8_t>(nic)}};
        lease.vm = vm;
        lease.nic = static_cast<std::uint16_t>(nic);
        lease.port = port;
        lease.standby = standby;
        lease.given = 1;
        lease.released = released;
        const auto put = LeaseStore(rows()).put(lease);
        ASSERT_TRUE(put) << put.error().message;
    }

    TemporaryFolder temporary_;
    Database database_ = std::move(*Database::create(temporary_.path() / "blue"));
};

QosPortSpec rates_of(const std::string& port) {
    QosPortSpec spec;
    spec.port = port;
    return spec;
}

QosClassSpec voice() {
    QosClassSpec spec;
    spec.name = "voice";
    spec.id = 3;
    return spec;
}

TEST_F(QosStoreTest, KeepsEverySettingOfAPortOnItsOwn) {
    std::vector<QosPortSpec> specs(14, rates_of("tap0"));
    std::size_t at = 1;  // the first is as it comes: unlimited
    specs[at++].ingress_rate = 0;
    specs[at++].ingress_rate = 100'000'000'000;
    specs[at++].ingress_burst = INT64_MAX;
    specs[at++].pps = 1;
    specs[at++].egress_rate = 64'000;
    specs[at++].egress_burst = 1;
    specs[at++].shaper = Shaper::fq;
    specs[at++].latency = std::chrono::microseconds(10'000'000);
    specs[at++].classes = false;
    specs[at++].ecn = false;
    specs[at++].dscp = 0;
    specs[at++].pcp_of_dscp = parse_pcp_of_dscp("46:6,0:1").value();
    specs[at++].dscp_of_pcp = parse_dscp_of_pcp("on").value();
    ASSERT_EQ(at, specs.size());
    for (const auto& spec : specs) {
        ASSERT_TRUE(put_qos_port(rows(), spec));
        EXPECT_THAT(loaded().qos_ports, ElementsAre(spec));
    }
}

TEST_F(QosStoreTest, PortsAreInTheOrderOfTheirNames) {
    ASSERT_TRUE(put_qos_port(rows(), rates_of("tap1")));
    ASSERT_TRUE(put_qos_port(rows(), rates_of("tap0")));
    EXPECT_THAT(loaded().qos_ports, ElementsAre(rates_of("tap0"), rates_of("tap1")));
}

TEST_F(QosStoreTest, GoesWithThePort) {
    ASSERT_TRUE(put_qos_port(rows(), rates_of("tap0")));
    ASSERT_TRUE(put_qos_port(rows(), rates_of("tap1")));
    EXPECT_TRUE(erase_qos_port(rows(), "tap0").value());
    EXPECT_FALSE(erase_qos_port(rows(), "tap0").value());
    EXPECT_FALSE(erase_qos_port(rows(), "tap9").value());
    EXPECT_THAT(loaded().qos_ports, ElementsAre(rates_of("tap1")));
    ASSERT_TRUE(erase_port(database_.connection(), "tap1"));
    EXPECT_THAT(loaded().qos_ports, IsEmpty());
    expect_error(put_qos_port(rows(), rates_of("tap1")), ErrorCode::not_found,
                 "tap1 is not a port of this instance");
}

TEST_F(QosStoreTest, KeepsEverySettingOfAClassOnItsOwn) {
    std::vector<QosClassSpec> specs(7, voice());
    specs[1].priority = 0;
    specs[2].weight = 1000;
    specs[3].max_percent = 100;
    specs[4].dscp = 46;
    for (const auto* text : {"port=80", "app=voip vm=web1", "dscp=ef"})
        specs[5].matches.push_back(parse_qos_match(text).value());
    specs[6].matches = {specs[5].matches[2], specs[5].matches[0]};
    for (const auto& spec : specs) {
        ASSERT_TRUE(put_qos_class(rows(), spec));
        EXPECT_THAT(loaded().qos_classes, ElementsAre(spec));
    }
}

TEST_F(QosStoreTest, ClassesHaveTheLowestFreeId) {
    for (int id = 1; id <= 15; ++id) EXPECT_EQ(add(fmt::format("class{}", id)), id);
    QosClassSpec spec;
    spec.name = "more";
    expect_error(add_qos_class(rows(), spec), ErrorCode::refused, "15 classes already");
    EXPECT_TRUE(erase_qos_class(rows(), "class7").value());
    EXPECT_TRUE(erase_qos_class(rows(), "class1").value());
    EXPECT_FALSE(erase_qos_class(rows(), "class1").value());
    EXPECT_EQ(add("first"), 1);
    EXPECT_EQ(add("second"), 7);
    EXPECT_EQ(loaded().qos_classes[0].name, "first");
    EXPECT_EQ(loaded().qos_classes[6].name, "second");
}

TEST_F(QosStoreTest, AClassIsAddedOnce) {
    auto spec = voice();
    spec.matches = {parse_qos_match("app=voip").value()};
    EXPECT_EQ(add_qos_class(rows(), spec).value().id, 1);
    expect_error(add_qos_class(rows(), voice()), ErrorCode::refused, "class voice already");
    ASSERT_EQ(loaded().qos_classes.size(), 1u);
    EXPECT_EQ(loaded().qos_classes[0].matches, spec.matches);
    QosClassSpec rest;
    rest.name = "default";
    expect_error(add_qos_class(rows(), rest), ErrorCode::refused, "class default already");
}

TEST_F(QosStoreTest, AnIdIsOfOneClass) {
    ASSERT_TRUE(put_qos_class(rows(), voice()));
    auto other = voice();
    other.name = "video";
    expect_error(put_qos_class(rows(), other), ErrorCode::refused,
                 "class id 3 of video is that of voice");
    auto moved = voice();
    moved.id = 4;
    ASSERT_TRUE(put_qos_class(rows(), moved));
    EXPECT_THAT(loaded().qos_classes, ElementsAre(moved));
}

TEST_F(QosStoreTest, TheDefaultClassAloneHasIdZero) {
    QosClassSpec rest;
    rest.name = "default";
    rest.weight = 5;
    ASSERT_TRUE(put_qos_class(rows(), rest));
    ASSERT_EQ(add("voice"), 1);
    EXPECT_EQ(loaded().qos_classes[0], rest);
    rest.id = 2;
    EXPECT_FALSE(put_qos_class(rows(), rest));
    auto zero = voice();
    zero.name = "zero";
    zero.id = 0;
    EXPECT_FALSE(put_qos_class(rows(), zero));
    EXPECT_EQ(loaded().qos_classes.size(), 2u) << "what failed left nothing";
    EXPECT_EQ(loaded().qos_classes[0].weight, 5);
    EXPECT_TRUE(erase_qos_class(rows(), "default").value());
    EXPECT_EQ(loaded().qos_classes.size(), 1u);
}

TEST_F(QosStoreTest, MatchesGoWithTheirClass) {
    auto spec = voice();
    spec.matches = {parse_qos_match("app=voip").value()};
    ASSERT_TRUE(put_qos_class(rows(), spec));
    ASSERT_TRUE(erase_qos_class(rows(), "voice"));
    auto row = rows().prepare("SELECT count(*) FROM qos_match");
    ASSERT_TRUE(row->step());
    EXPECT_EQ(row->integer(0), 0);
}

TEST_F(QosStoreTest, VmsAreAtThePortsOfTheirHeldLeases) {
    hold(0, "web2", "tap1");
    hold(1, "web1", "tap1");
    hold(2, "web1", "tap0");
    hold(3, "web1", "tap0");          // a second NIC there
    hold(4, "roams", "");             // seen anywhere
    hold(5, "gone", "tap0", "", 99);  // released
    hold(6, "moves", "tap0", "tap1");
    hold(7, "comes", "", "tap1");
    hold(8, "went", "", "tap1", 99);
    EXPECT_THAT(loaded().vm_ports, ElementsAre(VmPort{"comes", "tap1"}, VmPort{"moves", "tap0"},
                                               VmPort{"moves", "tap1"}, VmPort{"web1", "tap0"},
                                               VmPort{"web1", "tap1"}, VmPort{"web2", "tap1"}));
}

TEST_F(QosStoreTest, WhatCannotBeReadIsTheDatabasesFault) {
    ASSERT_TRUE(put_qos_class(rows(), voice()));
    ASSERT_TRUE(rows().run("INSERT INTO qos_match VALUES (3, 'colour=red')"));
    expect_error(database_.load(), ErrorCode::failed, "the database holds what it should not");
    ASSERT_TRUE(rows().run("DELETE FROM qos_match"));
    ASSERT_TRUE(put_qos_port(rows(), rates_of("tap0")));
    for (const auto* column : {"shaper", "pcp_of_dscp", "dscp_of_pcp"}) {
        ASSERT_TRUE(put_qos_port(rows(), rates_of("tap0")));
        ASSERT_TRUE(rows().run(fmt::format("UPDATE qos_port SET {} = 'x'", column)));
        expect_error(database_.load(), ErrorCode::failed, "the database holds what it should not");
    }
}

TEST(QosSchema, ADatabaseFromBeforeQosKeepsWhatItHas) {
    const TemporaryFolder temporary;
    const auto folder = temporary.path() / "blue";
    std::filesystem::create_directories(folder);
    {
        const auto old =
            Connection::open(folder / "state.db", Connection::Mode::create, schema.first(3));
        ASSERT_TRUE(old) << old.error().message;
        ASSERT_TRUE(
            old->run("INSERT INTO port (id, name, role, hook, vlan, native_vlan)"
                     " VALUES (7, 'tap0', 'access', 'tc', 10, 0)"));
        ASSERT_TRUE(old->run("INSERT INTO vlan VALUES (10, 77)"));
    }
    const auto database = Database::open(folder);
    ASSERT_TRUE(database) << database.error().message;
    const auto state = database->load().value();
    EXPECT_THAT(state.vlans, ElementsAre(VlanSpec{10, 77}));
    EXPECT_EQ(state.ports.at(0).id, 7);
    EXPECT_THAT(state.qos_ports, IsEmpty());
    EXPECT_TRUE(put_qos_port(database->connection(), rates_of("tap0")));
}

}  // namespace
}  // namespace sluice
