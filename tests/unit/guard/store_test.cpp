// SPDX-License-Identifier: GPL-2.0-or-later
// Guards in the database: as they were asked for, and gone with their port.
#include "loader/guard/store.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "loader/instance/database.hpp"
#include "loader/model/guard_switches.hpp"
#include "loader/port/store.hpp"
#include "loader/store/schema.hpp"
#include "tests/unit/temporary_folder.hpp"

namespace sluice {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class GuardStoreTest : public testing::Test {
protected:
    void SetUp() override {
        for (const auto* name : {"tap0", "tap1"}) {
            PortSpec port;
            port.name = name;
            ASSERT_TRUE(add_port(database_.connection(), port));
        }
    }
    [[nodiscard]] Result<> put(const GuardSpec& guard) const {
        return put_guard(database_.connection(), guard);
    }
    [[nodiscard]] std::vector<GuardSpec> loaded() const { return database_.load()->guards; }

    TemporaryFolder temporary_;
    Database database_ = std::move(*Database::create(temporary_.path() / "blue"));
};

GuardSpec guard(const std::string& port) {
    GuardSpec spec;
    spec.port = port;
    return spec;
}

TEST_F(GuardStoreTest, KeepsEverySwitchOnItsOwn) {
    for (const auto& it : guard_switches) {
        auto spec = guard("tap0");
        spec.*it.asked = !(spec.*it.asked);
        ASSERT_TRUE(put(spec));
        EXPECT_THAT(loaded(), ElementsAre(spec)) << it.name;
    }
}

TEST_F(GuardStoreTest, KeepsNumbersAndListsInTheirOrder) {
    auto spec = guard("tap1");
    spec.learn = 1024;
    spec.dhcp_rate = 65535;
    spec.macs = {*MacAddress::parse("02:00:00:00:00:02"), *MacAddress::parse("02:00:00:00:00:01")};
    spec.addresses = {*Prefix::parse("fe80::/64"), *Prefix::parse("10.0.0.2")};
    spec.ethertypes = {0x88cc, 0x0800};
    ASSERT_TRUE(put(guard("tap0")));
    ASSERT_TRUE(put(spec));
    EXPECT_THAT(loaded(), ElementsAre(guard("tap0"), spec));
    spec.macs.clear();
    spec.addresses = {*Prefix::parse("10.0.0.3")};
    spec.ethertypes.clear();
    ASSERT_TRUE(put(spec));
    EXPECT_THAT(loaded(), ElementsAre(guard("tap0"), spec)) << "what was there is replaced";
}

TEST_F(GuardStoreTest, GoesWithItsPort) {
    auto spec = guard("tap0");
    spec.macs = {*MacAddress::parse("02:00:00:00:00:02")};
    ASSERT_TRUE(put(spec));
    ASSERT_TRUE(erase_port(database_.connection(), "tap0"));
    EXPECT_THAT(loaded(), IsEmpty());
    PortSpec port;
    port.name = "tap2";
    ASSERT_EQ(add_port(database_.connection(), port)->id, 1);
    EXPECT_THAT(loaded(), IsEmpty()) << "the id's old guard came back";
}

TEST_F(GuardStoreTest, IsRemovedByItsPortsName) {
    ASSERT_TRUE(put(guard("tap0")));
    EXPECT_EQ(erase_guard(database_.connection(), "tap1"), false);
    EXPECT_EQ(erase_guard(database_.connection(), "tap0"), true);
    EXPECT_THAT(loaded(), IsEmpty());
}

// As a lease it may be there first: the VM's port is guarded from its first packet on.
TEST_F(GuardStoreTest, WaitsForItsPortAndGoesWithIt) {
    ASSERT_TRUE(put(guard("tap9")));
    EXPECT_THAT(loaded(), ElementsAre(guard("tap9")));
    PortSpec port;
    port.name = "tap9";
    ASSERT_TRUE(add_port(database_.connection(), port));
    EXPECT_THAT(loaded(), ElementsAre(guard("tap9")));
    ASSERT_TRUE(database_.connection().run("DELETE FROM port WHERE name = 'tap9'"));
    EXPECT_THAT(loaded(), IsEmpty());
}

// Before version 11 a guard went by its port's number.
TEST(GuardSchema, OldGuardsAreTakenOver) {
    const TemporaryFolder temporary;
    const auto file = temporary.path() / "state.db";
    auto expected = guard("tap1");
    expected.learn = 7;
    expected.macs = {*MacAddress::parse("02:00:00:00:00:02")};
    expected.addresses = {*Prefix::parse("10.0.0.2")};
    expected.ethertypes = {0x88cc};
    {
        const auto old = Connection::open(file, Connection::Mode::create, schema.first(10));
        ASSERT_TRUE(old);
        ASSERT_TRUE(old->execute(R"sql(
            INSERT INTO port (id, name, role, hook, vlan, native_vlan) VALUES
                (5, 'tap0', 'access', 'auto', 0, 0), (7, 'tap1', 'access', 'auto', 0, 0);
            INSERT INTO guard (port, mac, ip, arp, nd, ra, dhcp_server, dhcp_client, ethertype,
                tags, fragments, snoop, mac_change, unknown_unicast, audit, learn, dhcp_rate)
                VALUES (7, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 7, 10);
            INSERT INTO guard_mac VALUES (7, '02:00:00:00:00:02');
            INSERT INTO guard_prefix VALUES (7, '10.0.0.2/32');
            INSERT INTO guard_ethertype VALUES (7, 35020);
        )sql"));
    }
    const auto now = Connection::open(file, Connection::Mode::open, schema);
    ASSERT_TRUE(now) << now.error().message;
    auto guards = load_guards(*now);
    ASSERT_TRUE(guards) << guards.error().message;
    ASSERT_EQ(guards->size(), 1u);
    EXPECT_EQ(guards->front(), expected);
}

}  // namespace
}  // namespace sluice
