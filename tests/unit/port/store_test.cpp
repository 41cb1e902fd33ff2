// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/port/store.hpp"

#include <gtest/gtest.h>

#include "tests/unit/database_fixture.hpp"
#include "tests/unit/expect_error.hpp"

namespace sluice {
namespace {

class PortStore : public DatabaseTest {};

TEST_F(PortStore, KeepsAPortAsItWas) {
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

TEST_F(PortStore, GivesTheLowestFreePortId) {
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

TEST_F(PortStore, HasRoomFor1023Ports) {
    const Database database = create();
    auto transaction = database.begin();
    for (int i = 1; i <= 1023; ++i)
        ASSERT_EQ(add_port(database.connection(), port("p" + std::to_string(i)))->id, i);
    expect_error(add_port(database.connection(), port("more")), ErrorCode::refused, "1023");
    ASSERT_TRUE(transaction->commit());
    EXPECT_EQ(stored().ports.size(), 1023u);
}

TEST_F(PortStore, RefusesAPortTwiceAndChangesNothing) {
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

TEST_F(PortStore, ReplacesAPort) {
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

TEST_F(PortStore, RemovesAPortWithItsVlans) {
    const Database database = create();
    PortSpec trunk = port("tap0");
    trunk.vlans = {{1, 2}};
    ASSERT_TRUE(add_port(database.connection(), trunk));
    ASSERT_TRUE(erase_port(database.connection(), "tap0"));
    expect_error(erase_port(database.connection(), "tap0"), ErrorCode::not_found, "tap0");
    ASSERT_EQ(add_port(database.connection(), port("tap1"))->id, 1);
    EXPECT_TRUE(stored().ports[0].vlans.empty()) << "the id's old VLANs came back";
}

}  // namespace
}  // namespace sluice
