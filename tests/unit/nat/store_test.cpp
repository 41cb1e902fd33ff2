// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/nat/store.hpp"

#include <gtest/gtest.h>
#include <netinet/in.h>

#include "tests/unit/database_fixture.hpp"
#include "tests/unit/expect_error.hpp"

namespace sluice {
namespace {

class NatStore : public DatabaseTest {};

TEST_F(NatStore, KeepsAMasqueradeAsItWas) {
    MasqueradeSpec rule = masquerade("10.0.0.0/8", "eth0");
    rule.addresses = {*Address::parse("192.0.2.9"), *Address::parse("192.0.2.1")};
    rule.ports = {2000, 5000};
    const auto added = add_masquerade(create().connection(), rule);
    ASSERT_TRUE(added);
    EXPECT_EQ(*added, rule);
    ASSERT_EQ(stored().masquerades.size(), 1u);
    EXPECT_EQ(stored().masquerades[0], rule);
}

TEST_F(NatStore, SharesAPoolBetweenRulesThatAgree) {
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

TEST_F(NatStore, HasRoomFor256Pools) {
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

TEST_F(NatStore, RefusesASourceTwiceOnAnUplink) {
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

TEST_F(NatStore, RemovesAMasqueradeByItsName) {
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

TEST_F(NatStore, KeepsForwardsInTheirOrder) {
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

}  // namespace
}  // namespace sluice
