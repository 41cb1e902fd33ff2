// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/nat/commands.hpp"

#include <gtest/gtest.h>
#include <netinet/in.h>

#include "tests/unit/instance/sample_host.hpp"
#include "tests/unit/nat/sample.hpp"

namespace sluice {
namespace {

using sample::desired;
using sample::host;
using sample::planned_forward;
using sample::planned_masquerade;

TEST(MasqueradeRules, WhatIsRefused) {
    auto state = desired();
    state.masquerades = {planned_masquerade("10.0.0.0/24", {2000, 5000})};
    const auto code = [&](const MasqueradeSpec& rule) {
        auto checked = check_masquerade(rule);
        if (checked) checked = check_masquerade_fits(rule, state, host());
        return checked ? 0 : static_cast<int>(checked.error().code);
    };
    EXPECT_EQ(code(planned_masquerade("10.1.0.0/24", {2000, 5000})), 0) << "shares the pool";
    EXPECT_EQ(code(planned_masquerade("10.1.0.0/24", {5001, 6000})), 0);
    EXPECT_EQ(code(planned_masquerade("10.1.0.0/24", {4000, 6000})), 4) << "overlaps in part";
    EXPECT_EQ(code(planned_masquerade("10.0.0.0/24", {6000, 7000})), 4) << "there already";
    EXPECT_EQ(code(planned_masquerade("2001:db8::/32")), 5);

    auto other = planned_masquerade("10.1.0.0/24");
    other.uplink = "tap1";
    EXPECT_EQ(code(other), 4) << "not an uplink";
    other.uplink = "br0";
    EXPECT_EQ(code(other), 4) << "not a port";
    other.uplink = "eth1";
    EXPECT_EQ(code(other), 3);

    auto addressed = planned_masquerade("10.1.0.0/24", {4000, 6000});
    addressed.addresses = {*Address::parse("192.0.2.2")};
    EXPECT_EQ(code(addressed), 0) << "another address";
    addressed.addresses.push_back(addressed.addresses[0]);
    EXPECT_EQ(code(addressed), 2) << "twice";
    addressed.addresses = {*Address::parse("224.0.0.1")};
    EXPECT_EQ(code(addressed), 2);
}

TEST(ForwardRules, WhatIsRefused) {
    auto state = desired();
    state.forwards = {planned_forward("192.0.2.1:8000-8100", "10.0.0.5:8000-8100")};
    const auto code = [&](const ForwardSpec& rule) {
        auto checked = check_forward(rule);
        if (checked) checked = check_forward_fits(rule, state);
        if (checked) checked = check_forward_reaches(rule, host());
        return checked ? 0 : static_cast<int>(checked.error().code);
    };
    EXPECT_EQ(code(planned_forward("192.0.2.1:80", "10.0.0.5:80")), 0);
    EXPECT_EQ(code(planned_forward("192.0.2.2:8000", "10.0.0.5:80")), 0) << "another address";
    EXPECT_EQ(code(planned_forward("192.0.2.1:8100-8101", "10.0.0.5:80-81")), 4);
    EXPECT_EQ(code(planned_forward("192.0.2.1:80-81", "10.0.0.5:80")), 2) << "sizes differ";
    EXPECT_EQ(code(planned_forward("[2001:db8::1]:80", "10.0.0.5:80")), 5);
    EXPECT_EQ(code(planned_forward("192.0.2.1:80", "10.1.0.1:80")), 4) << "the host itself";
    EXPECT_EQ(code(planned_forward("192.0.2.1:80", "10.0.0.255:80")), 4) << "a broadcast address";
    EXPECT_EQ(code(planned_forward("192.0.2.1:80", "10.0.0.0:80")), 4) << "the network's own";
    EXPECT_EQ(code(planned_forward("192.0.2.1:80", "10.9.0.255:80")), 0) << "not a network of ours";

    auto udp = planned_forward("192.0.2.1:8000", "10.0.0.5:80");
    udp.protocol = IPPROTO_UDP;
    EXPECT_EQ(code(udp), 0) << "another protocol";
    udp.protocol = IPPROTO_ICMP;
    EXPECT_EQ(code(udp), 2);
}

}  // namespace
}  // namespace sluice
