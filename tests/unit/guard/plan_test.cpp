// SPDX-License-Identifier: GPL-2.0-or-later
// What guards and leases become in the kernel, decided without one.
#include "loader/guard/plan.hpp"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "loader/guard/apply.hpp"
#include "loader/model/guard_switches.hpp"

namespace sluice {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

MacAddress mac(int last) {
    return {
        {0x52, 0x54, 0, 0, static_cast<std::uint8_t>(last >> 8), static_cast<std::uint8_t>(last)}};
}
Address address(const char* text) { return *Address::parse(text); }
Prefix prefix(const char* text) { return *Prefix::parse(text); }

PortLease lease(int last, const char* port, bool standby = false) {
    PortLease made;
    made.mac = mac(last);
    made.port = port;
    made.standby = standby;
    return made;
}

DesiredState guarded_state() {
    DesiredState state;
    for (const std::uint16_t id : {3, 7}) {
        PortSpec port;
        port.name = "tap" + std::to_string(id);
        port.id = id;
        state.ports.push_back(port);
    }
    GuardSpec guard;
    guard.port = "tap7";
    state.guards.push_back(guard);
    return state;
}

PlannedGuard planned(const DesiredState& state) { return plan_guards(state)->at(7); }

TEST(GuardSwitches, AreEachTheirOwnBit) {
    const auto usual = guard_checks(GuardSpec{});
    for (const auto& it : guard_switches) {
        GuardSpec guard;
        guard.*it.asked = !(guard.*it.asked);
        EXPECT_EQ(guard_checks(guard) ^ usual, static_cast<__u32>(it.check)) << it.name;
        EXPECT_EQ(is_on(it, guard_checks(guard)), guard.*it.asked) << it.name;
    }
}

TEST(GuardSwitches, ANewGuardChecksEverything) {
    EXPECT_EQ(
        guard_checks(GuardSpec{}),
        static_cast<__u32>(SL_GUARD_MAC | SL_GUARD_IP | SL_GUARD_ARP | SL_GUARD_ND | SL_GUARD_RA |
                           SL_GUARD_DHCP_SERVER | SL_GUARD_DHCP_CLIENT | SL_GUARD_ETHERTYPE |
                           SL_GUARD_TAG | SL_GUARD_FRAGMENT | SL_GUARD_DELIVERY));
}

TEST(PlanGuards, OnlyPortsWithAGuardHaveOne) {
    const auto plans = plan_guards(guarded_state());
    ASSERT_EQ(plans->size(), 1u);
    EXPECT_EQ(plans->at(7).port, "tap7");
    EXPECT_EQ(plans->at(7).entry.port, 7);
    EXPECT_EQ(plans->at(7).entry.dhcp_rate, 10);
}

TEST(PlanGuards, MacsAreTheGuardsAndThoseOfThePortsLeases) {
    auto state = guarded_state();
    state.guards[0].macs = {mac(1), mac(2)};
    state.port_leases = {lease(2, "tap7"), lease(3, "tap7"), lease(4, "tap3")};
    EXPECT_THAT(
        guard_macs(planned(state).entry),
        ElementsAre(GuardMac{mac(1), false}, GuardMac{mac(2), false}, GuardMac{mac(3), false}));
}

TEST(PlanGuards, StandbyWinsOverAMacThatIsListed) {
    auto state = guarded_state();
    state.guards[0].macs = {mac(1)};
    state.port_leases = {lease(1, "tap7", true)};
    EXPECT_THAT(guard_macs(planned(state).entry), ElementsAre(GuardMac{mac(1), true}));
}

TEST(PlanGuards, SingleAddressesAreInTheTableNetworksBeside) {
    auto state = guarded_state();
    state.guards[0].addresses = {prefix("10.0.0.9"), prefix("fe80::/64"), prefix("10.1.0.0/24")};
    state.port_leases = {lease(1, "tap7"), lease(2, "tap3")};
    state.port_leases[0].addresses = {address("10.0.0.5"), address("2001:db8::5")};
    state.port_leases[1].addresses = {address("10.0.0.6")};
    const auto plan = planned(state);
    EXPECT_THAT(guard_addresses(plan.entry),
                testing::UnorderedElementsAre(address("10.0.0.9"), address("10.0.0.5"),
                                              address("2001:db8::5")));
    EXPECT_THAT(plan.prefixes,
                testing::UnorderedElementsAre(prefix("fe80::/64"), prefix("10.1.0.0/24")));
    EXPECT_NE(plan.entry.checks & SL_GUARD_PREFIXES, 0u);
    EXPECT_EQ(planned(guarded_state()).entry.checks & SL_GUARD_PREFIXES, 0u)
        << "none, none looked up";
}

TEST(PlanGuards, PrefixesCountTheGuardsBitsAndTheMappedAddresss) {
    auto state = guarded_state();
    state.guards[0].addresses = {prefix("10.1.0.0/24")};
    const auto entries = planned(state).prefix_entries(15);
    ASSERT_EQ(entries.size(), 1u);
    const auto& [key, value] = *entries.begin();
    EXPECT_EQ(key.prefixlen, 32u + 96 + 24);
    EXPECT_EQ(key.guard, 15u);
    EXPECT_EQ(Address(key.addr), address("10.1.0.0"));
    EXPECT_EQ(value, 1u);
}

/// All of IPv6 is not all of IPv4, which is mapped into it.
TEST(PlanGuards, NetworksAroundTheMappedAddressesLeaveThemOut) {
    const auto hole = [](std::vector<Prefix> networks) {
        auto state = guarded_state();
        state.guards[0].addresses = std::move(networks);
        const auto entries = planned(state).prefix_entries(14);
        const auto found = std::ranges::find_if(entries, [](const auto& entry) {
            return entry.first.prefixlen == 32 + 96 && Address(entry.first.addr).is_v4();
        });
        return found == entries.end() ? -1 : static_cast<int>(found->second);
    };
    EXPECT_EQ(hole({prefix("::/0")}), 0);
    EXPECT_EQ(hole({prefix("::/64")}), 0);
    EXPECT_EQ(hole({prefix("::8000:0:0/81")}), 0);
    EXPECT_EQ(hole({prefix("::/81")}), -1) << "does not have them inside";
    EXPECT_EQ(hole({prefix("fe80::/10")}), -1);
    EXPECT_EQ(hole({prefix("::/0"), prefix("0.0.0.0/0")}), 1) << "asked for by name";
}

TEST(PlanGuards, EthertypesAreInNetworkOrder) {
    auto state = guarded_state();
    state.guards[0].ethertypes = {0x88cc, 0x8847};
    const auto entry = planned(state).entry;
    EXPECT_EQ(entry.ethertypes[0], htons(0x88cc));
    EXPECT_EQ(entry.ethertypes[1], htons(0x8847));
    EXPECT_EQ(entry.ethertypes[2], 0);
}

TEST(PlanGuards, MoreMacsThanAGuardHoldsAreRefusedByTheirPortsName) {
    auto state = guarded_state();
    for (int i = 0; i < 65; ++i) state.port_leases.push_back(lease(i + 1, "tap7"));
    const auto plans = plan_guards(state);
    ASSERT_FALSE(plans);
    EXPECT_EQ(plans.error().code, ErrorCode::refused);
    EXPECT_THAT(plans.error().message, HasSubstr("tap7"));
    state.port_leases.pop_back();
    EXPECT_TRUE(plan_guards(state));
}

TEST(PortGuards, SetWhatThePortEntrySaysOfThem) {
    const auto completed = [](const PortGuards& guards, std::uint16_t id) {
        PortFields port;
        guards.complete(id, port);
        return port;
    };
    PortGuards guards;
    guards.choose(7, 15, SL_GUARD_MAC | SL_GUARD_DELIVERY);
    guards.choose(8, 16, SL_GUARD_MAC | SL_GUARD_SNOOP);
    guards.choose(9, 18, SL_GUARD_MAC);
    EXPECT_EQ(completed(guards, 7).guard, 15);
    EXPECT_EQ(completed(guards, 7).flags, SL_PORT_GUARD_EGRESS);
    EXPECT_EQ(completed(guards, 8).flags, SL_PORT_GUARD_EGRESS);
    EXPECT_EQ(completed(guards, 9).flags, 0);
    EXPECT_EQ(completed(guards, 3).guard, 0);
    EXPECT_EQ(completed(guards, 3).flags, 0);
    EXPECT_TRUE(guards.uses(15));
    EXPECT_FALSE(guards.uses(14)) << "the other of its turns";
}

}  // namespace
}  // namespace sluice
