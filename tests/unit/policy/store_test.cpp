// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/lease/store.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "loader/instance/database.hpp"
#include "loader/policy/store.hpp"
#include "tests/unit/temporary_folder.hpp"

namespace sluice {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class PolicyStore : public testing::Test {
protected:
    void give_lease(const std::string& vm, std::uint16_t nic, const std::string& port,
                    const char* address) const {
        Lease lease;
        lease.mac = {
            {2, 0, 0, 0, static_cast<std::uint8_t>(vm.back()), static_cast<std::uint8_t>(nic)}};
        lease.vm = vm;
        lease.nic = nic;
        lease.port = port;
        lease.addresses = {Address::parse(address).value()};
        LeaseStore leases(database_.connection());
        ASSERT_TRUE(leases.put(lease));
    }
    [[nodiscard]] std::optional<PolicySpec> stored() const { return database_.load()->policy; }

    TemporaryFolder folder_;
    Database database_ = Database::create(folder_.path()).value();
};

TEST_F(PolicyStore, WhatIsPutIsThere) {
    EXPECT_EQ(stored(), std::nullopt);
    const PolicySpec spec{.text = "network-policy: []\n", .name = "p.yaml", .loaded = 123'456};
    ASSERT_TRUE(put_policy(database_.connection(), spec));
    EXPECT_EQ(stored(), spec);
    ASSERT_TRUE(put_policy(database_.connection(), {.text = "groups: {}", .name = "-"}));
    EXPECT_EQ(stored()->name, "-");
    EXPECT_EQ(erase_policy(database_.connection()), true);
    EXPECT_EQ(erase_policy(database_.connection()), false);
    EXPECT_EQ(stored(), std::nullopt);
}

TEST_F(PolicyStore, VmsAreWhatTheirLeasesSayNow) {
    PolicySpec spec{.text = "x", .name = "p.yaml"};
    spec.vms = {{.name = "a", .addresses = {}, .ports = {}},
                {.name = "b", .addresses = {}, .ports = {}}};
    ASSERT_TRUE(put_policy(database_.connection(), spec));
    ASSERT_EQ(stored()->vms.size(), 2u);
    EXPECT_THAT(stored()->vms[0].addresses, IsEmpty());
    give_lease("a", 0, "tap0", "10.0.0.5");
    give_lease("a", 1, "tap1", "2001:db8::5");
    give_lease("c", 0, "tap2", "10.0.0.6");
    const auto vms = stored()->vms;
    EXPECT_THAT(vms[0].ports, ElementsAre("tap0", "tap1"));
    EXPECT_THAT(vms[0].addresses, ElementsAre(Address::parse("10.0.0.5").value(),
                                              Address::parse("2001:db8::5").value()));
    EXPECT_THAT(vms[1].ports, IsEmpty());
    EXPECT_EQ(vm_has_lease(database_.connection(), "c"), true);
    EXPECT_EQ(vm_has_lease(database_.connection(), "b"), false);
}

}  // namespace
}  // namespace sluice
