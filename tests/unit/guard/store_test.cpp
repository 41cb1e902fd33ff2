// SPDX-License-Identifier: GPL-2.0-or-later
// Guards in the database: as they were asked for, and gone with their port.
#include "loader/guard/store.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "loader/instance/database.hpp"
#include "loader/model/guard_switches.hpp"
#include "loader/port/store.hpp"
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

TEST_F(GuardStoreTest, RefusesAGuardOfNoPort) {
    const auto done = put(guard("tap9"));
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().code, ErrorCode::not_found);
    EXPECT_THAT(loaded(), IsEmpty());
}

}  // namespace
}  // namespace sluice
