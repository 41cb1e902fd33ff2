// SPDX-License-Identifier: GPL-2.0-or-later
// Giving and binding addresses, on a database without a kernel.
#include "loader/lease/give.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "tests/unit/expect_error.hpp"
#include "tests/unit/temporary_folder.hpp"

namespace sluice {
namespace {

using testing::ElementsAre;

const std::string uuid = "123e4567-e89b-12d3-a456-426614174000";
const std::string other_uuid = "00000000-e89b-12d3-a456-426614174000";

class Giving : public testing::Test {
protected:
    void add_pool(const char* range, MacStrategy strategy = MacStrategy::sequential,
                  std::uint16_t domain = 0, std::vector<const char*> addresses = {}) {
        MacPool pool;
        pool.name = change_.pools.empty() ? "default" : fmt::format("pool{}", change_.pools.size());
        pool.range = *MacRange::parse_prefix(range);
        pool.next = pool.range.first;
        pool.strategy = strategy;
        pool.domain = domain;
        for (const auto* text : addresses) pool.address_pools.push_back(*AddressRange::parse(text));
        ASSERT_TRUE(store_.add_pool(pool));
        change_.pools = *store_.pools();
    }
    static LeaseRequest of(const std::string& vm, std::uint16_t nic = 0,
                           const std::string& its_uuid = "") {
        return {.vm = vm, .uuid = its_uuid, .nic = nic, .port = {}, .addresses = {}};
    }
    Result<Lease> give(const LeaseRequest& request, const std::string& pool = "") {
        return sluice::give(change_, request, pool);
    }
    std::string mac_of(const std::string& vm, std::uint16_t nic = 0) {
        const auto lease = give(of(vm, nic));
        EXPECT_TRUE(lease) << lease.error().message;
        return lease ? lease->mac.text() : "";
    }
    Result<Lease> bind(const char* mac, const LeaseRequest& request, std::uint16_t domain = 0) {
        return sluice::bind(change_, request, domain, *MacAddress::parse(mac), false);
    }
    void release(const std::string& vm) {
        auto leases = *store_.of_vm(vm, true);
        ASSERT_FALSE(leases.empty());
        for (auto& lease : leases) {
            lease.released = change_.clock.wall;
            ASSERT_TRUE(change_.put(lease, false));
        }
    }
    void wait(int seconds) { change_.clock.wall += seconds; }

    TemporaryFolder folder_;
    Database database_ = std::move(*Database::create(folder_.path()));
    LeaseStore store_{database_.connection()};
    DesiredState before_;
    Journal journal_{Effect::apply};
    LeaseChange change_{.database = database_,
                        .store = store_,
                        .before = before_,
                        .datapath = nullptr,
                        .pools = {},
                        .clock = {1'000'000, 0},
                        .journal = journal_,
                        .touched = {}};
};

TEST_F(Giving, WithoutAPoolThereIsNone) {
    expect_error(give(of("web1")), ErrorCode::not_found, "no MAC pool");
}

TEST_F(Giving, AskedAgainTheSame) {
    add_pool("02:1a:2b", MacStrategy::random);
    const auto mac = mac_of("web1");
    EXPECT_EQ(mac_of("web1"), mac);
    EXPECT_NE(mac_of("web1", 1), mac);
    EXPECT_NE(mac_of("web2"), mac);
    EXPECT_EQ(store_.of_vm("web1", true)->size(), 2u);
}

TEST_F(Giving, SequentialSkipsWhatIsTakenAndWraps) {
    add_pool("02:00:00:00:00:10-13");
    ASSERT_TRUE(bind("02:00:00:00:00:11", of("fixed")));
    EXPECT_EQ(mac_of("a"), "02:00:00:00:00:10");
    EXPECT_EQ(mac_of("b"), "02:00:00:00:00:12");
    EXPECT_EQ(mac_of("c"), "02:00:00:00:00:13");
    release("a");
    wait(300);
    EXPECT_EQ(mac_of("d"), "02:00:00:00:00:10") << "round, when all others are taken";
}

TEST_F(Giving, WhatIsReservedIsSkipped) {
    add_pool("52:54:00:12:34:55-57");
    EXPECT_EQ(mac_of("a"), "52:54:00:12:34:55");
    EXPECT_EQ(mac_of("b"), "52:54:00:12:34:57");
    expect_error(give(of("c")), ErrorCode::refused, "no free address: all 2");
}

TEST_F(Giving, EveryStrategyFindsTheLastFreeAddress) {
    int vlan = 1;
    for (const auto strategy :
         {MacStrategy::random, MacStrategy::sequential, MacStrategy::uuid, MacStrategy::time}) {
        add_pool("02:00:00:00:07", strategy, static_cast<std::uint16_t>(vlan++));
        const auto name = change_.pools.back().name;
        std::set<MacAddress> given;
        for (int i = 0; i < 256; ++i) {
            const auto lease = give(of(fmt::format("{}-{}", name, i), 0,
                                       fmt::format("{:08x}-e89b-12d3-a456-{:012x}", i, vlan)),
                                    name);
            ASSERT_TRUE(lease) << lease.error().message;
            given.insert(lease->mac);
        }
        EXPECT_EQ(given.size(), 256u) << mac_strategy_text(strategy);
        expect_error(give(of("late", 0, uuid), name), ErrorCode::refused, "no free address");
    }
}

TEST_F(Giving, ByUuidTheHashDecides) {
    add_pool("02:1a:2b", MacStrategy::uuid);
    expect_error(give(of("web1")), ErrorCode::usage, "by UUID");
    const auto lease = give(of("web1", 0, uuid));
    ASSERT_TRUE(lease);
    // A host that has given others before gives the same.
    ASSERT_TRUE(store_.erase(*lease));
    ASSERT_TRUE(give(of("web2", 0, other_uuid)));
    EXPECT_EQ(give(of("web1", 0, uuid))->mac, lease->mac);
}

TEST_F(Giving, ByUuidTheNextIsProbedOnCollision) {
    add_pool("02:1a:2b", MacStrategy::uuid);
    const auto first = give(of("web1", 0, uuid))->mac;
    ASSERT_TRUE(store_.erase(*store_.find(0, first).value()));
    ASSERT_TRUE(sluice::bind(change_, of("squatter"), 0, first, false));
    const auto second = give(of("web1", 0, uuid));
    ASSERT_TRUE(second);
    EXPECT_NE(second->mac, first);
}

TEST_F(Giving, AVmThatComesBackGetsItsOwn) {
    add_pool("02:1a:2b", MacStrategy::random, 0, {"10.0.0.0/24"});
    const auto before = *give(of("web1"));
    release("web1");
    EXPECT_TRUE(store_.of_vm("web1", true)->empty());
    const auto within = *give(of("web1"));
    EXPECT_EQ(within.mac, before.mac);
    EXPECT_EQ(within.addresses, before.addresses);
    release("web1");
    wait(10'000);
    EXPECT_EQ(give(of("web1"))->mac, before.mac) << "after the cooldown, too: nobody else got it";
}

TEST_F(Giving, ARenamedVmKeepsItsOwnByUuid) {
    add_pool("02:1a:2b", MacStrategy::random);
    const auto before = *give(of("old", 0, uuid));
    const auto renamed = *give(of("new", 0, uuid));
    EXPECT_EQ(renamed.mac, before.mac);
    EXPECT_EQ(renamed.vm, "new");
    EXPECT_TRUE(store_.of_vm("old", true)->empty());
}

TEST_F(Giving, AnotherVmOfTheSameNameIsRefused) {
    add_pool("02:1a:2b", MacStrategy::random);
    const auto before = *give(of("web1", 0, uuid));
    expect_error(give(of("web1", 0, other_uuid)), ErrorCode::refused, "another VM of this name");
    release("web1");
    EXPECT_NE(give(of("web1", 0, other_uuid))->mac, before.mac);
}

TEST_F(Giving, NobodyElseWithinTheCooldown) {
    add_pool("02:00:00:00:00:10-11");
    const auto mac = mac_of("a");
    mac_of("b");
    release("a");
    expect_error(give(of("c")), ErrorCode::refused, "no free address");
    wait(299);
    expect_error(give(of("c")), ErrorCode::refused, "no free address");
    wait(1);
    EXPECT_EQ(mac_of("c"), mac);
    expect_error(give(of("a")), ErrorCode::refused, "no free address");
}

TEST_F(Giving, AddressesThatNobodyHadComeFirst) {
    add_pool("02:00:00:00:00:10-11");
    const auto mac = mac_of("a");
    release("a");
    wait(300);
    EXPECT_NE(mac_of("b"), mac);
    EXPECT_EQ(mac_of("a"), mac) << "so it is still there for its last VM";
}

TEST_F(Giving, TheNamedPoolOrTheDefault) {
    add_pool("02:1a");
    add_pool("02:1b");
    EXPECT_THAT(mac_of("a"), testing::StartsWith("02:1a")) << "default, of several";
    EXPECT_THAT(give(of("b"), "pool1")->mac.text(), testing::StartsWith("02:1b"));
    EXPECT_THAT(mac_of("b"), testing::StartsWith("02:1b")) << "asked again without a pool";
    expect_error(give(of("a"), "pool1"), ErrorCode::refused, "NIC 0 of a has 02:1a");
    expect_error(give(of("a"), "none"), ErrorCode::not_found, "no MAC pool none");
}

TEST_F(Giving, AddressesOfBothFamilies) {
    add_pool("02:00:00:00:00", MacStrategy::sequential, 0, {"10.0.0.0/30", "2001:db8::/64"});
    const auto text = [](const Lease& lease) {
        std::vector<std::string> texts;
        for (const auto& address : lease.addresses) texts.push_back(address.text());
        return texts;
    };
    EXPECT_THAT(text(*give(of("a"))), ElementsAre("10.0.0.1", "2001:db8::1"));
    EXPECT_THAT(text(*give(of("b"))), ElementsAre("10.0.0.2", "2001:db8::2"));
    expect_error(give(of("c")), ErrorCode::refused, "no free IPv4 address");
    auto own = of("c");
    own.addresses = {*Address::parse("192.0.2.7")};
    EXPECT_THAT(text(*give(own)), ElementsAre("192.0.2.7", "2001:db8::4"));
    EXPECT_THAT(text(*give(of("c"))), ElementsAre("192.0.2.7", "2001:db8::4")) << "kept";
    own.vm = "d";
    expect_error(give(own), ErrorCode::refused, "192.0.2.7 belongs to 02:00:00:00:00:03");
    release("a");
    expect_error(give(of("d")), ErrorCode::refused, "no free IPv4");
    wait(300);
    EXPECT_THAT(text(*give(of("d"))), testing::Contains("10.0.0.1"));
}

TEST_F(Giving, BindTakesWhatIsClear) {
    add_pool("02:1a:2b");
    const auto lease = bind("02:1a:2b:00:00:07", of("web1"));
    ASSERT_TRUE(lease) << lease.error().message;
    EXPECT_TRUE(bind("02:1a:2b:00:00:07", of("web1"))) << "a second time";
    EXPECT_EQ(mac_of("web1"), "02:1a:2b:00:00:07");
    expect_error(bind("02:1a:2b:00:00:07", of("web2")), ErrorCode::refused, "is held");
    expect_error(bind("02:1a:2b:00:00:08", of("web1")), ErrorCode::refused, "NIC 0 of web1 has");
    expect_error(bind("02:1a:2b:00:00:07", of("web1", 1)), ErrorCode::refused, "is held");
    EXPECT_TRUE(bind("02:1a:2b:00:00:07", of("web2"), 10)) << "another L2 domain";
    expect_error(bind("03:1a:2b:00:00:07", of("web3")), ErrorCode::usage, "not an address");
    expect_error(bind("00:00:00:00:00:00", of("web3")), ErrorCode::usage, "not an address");
    release("web1");
    expect_error(bind("02:1a:2b:00:00:07", of("web3")), ErrorCode::refused, "cooldown");
    wait(300);
    EXPECT_TRUE(bind("02:1a:2b:00:00:07", of("web3")));
}

TEST_F(Giving, APortOfAnotherVlanIsRefused) {
    before_.ports.push_back({.name = "tap0", .vlan = 10, .vlans = {}, .id = 1});
    add_pool("02:1a");
    add_pool("02:1b", MacStrategy::sequential, 10);
    auto request = of("web1");
    request.port = "tap0";
    expect_error(give(request), ErrorCode::refused, "port tap0 is in VLAN 10");
    EXPECT_TRUE(give(request, "pool1"));
    EXPECT_TRUE(change_.guards_changed);
    const auto bound = *load_port_leases(database_.connection());
    ASSERT_EQ(bound.size(), 1u);
    EXPECT_EQ(bound[0].port, "tap0");
    EXPECT_EQ(bound[0].domain, 10);
    EXPECT_EQ(bound[0].vm, "web1");
    EXPECT_FALSE(bound[0].standby);
}

TEST_F(Giving, APortThatWaitsIsTheGuardsToo) {
    Lease lease = *bind("02:00:00:00:00:07", of("web1"));
    lease.port = "tap0";
    lease.standby = "tap1";
    ASSERT_TRUE(change_.put(lease, false));
    const auto bound = *load_port_leases(database_.connection());
    ASSERT_EQ(bound.size(), 2u);
    EXPECT_EQ(bound[0].port, "tap0");
    EXPECT_EQ(bound[1].port, "tap1");
    EXPECT_TRUE(bound[1].standby);
}

TEST_F(Giving, RequestsAreCheckedFirst) {
    expect_error(check_request(of("a b")), ErrorCode::usage, "not a VM name");
    expect_error(check_request(of("")), ErrorCode::usage, "not a VM name");
    expect_error(check_request(of("a", 64)), ErrorCode::usage, "NICs are 0 to 63");
    auto request = of("a");
    request.addresses = {*Address::parse("10.0.0.1"), *Address::parse("10.0.0.2")};
    expect_error(check_request(request), ErrorCode::usage, "twice");
    for (const auto* text :
         {"0.0.0.0", "127.0.0.1", "224.0.0.1", "255.255.255.255", "::", "::1", "ff02::1"}) {
        request.addresses = {*Address::parse(text)};
        expect_error(check_request(request), ErrorCode::usage, "not an address that a host");
    }
    request.addresses = {*Address::parse("fe80::1"), *Address::parse("10.0.0.1")};
    EXPECT_TRUE(check_request(request));
}

TEST_F(Giving, PoolsAreKeptAsTheyWere) {
    add_pool("02:1a", MacStrategy::uuid, 7, {"10.0.0.0/24", "2001:db8::/64"});
    auto pool = change_.pools.front();
    EXPECT_EQ(pool.strategy, MacStrategy::uuid);
    EXPECT_EQ(pool.domain, 7);
    EXPECT_EQ(pool.address_pools.size(), 2u);
    ASSERT_TRUE(store_.remove_pool(pool));
    EXPECT_TRUE(store_.pools()->empty());
    EXPECT_FALSE(*any_leases_or_pools(database_.connection()));
}

TEST_F(Giving, NoAddressIsInTheTablesTwice) {
    auto lease = *bind("02:00:00:00:00:07", of("web1"));
    lease.id = 0;
    lease.vm = "web2";
    EXPECT_FALSE(store_.put(lease)) << "the same MAC";
    lease.mac = *MacAddress::parse("02:00:00:00:00:08");
    lease.vm = "web1";
    EXPECT_FALSE(store_.put(lease)) << "the same NIC";
    lease.vm = "web2";
    lease.addresses = {*Address::parse("10.0.0.1")};
    EXPECT_TRUE(store_.put(lease));
    lease.id = 0;
    lease.vm = "web3";
    lease.mac = *MacAddress::parse("02:00:00:00:00:09");
    EXPECT_FALSE(store_.put(lease)) << "the same IP address";
}

}  // namespace
}  // namespace sluice
