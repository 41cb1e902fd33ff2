// SPDX-License-Identifier: GPL-2.0-or-later
// What inside hosts may hold of what all share, and who gives way where there is no room.
#include <netinet/in.h>

#include "tests/packet/scenario.hpp"

namespace sluice::test {
namespace {

class Quota : public GateTest {
protected:
    void SetUp() override {
        GateTest::SetUp();
        change([](sl_settings& settings) {
            settings.host_share = 1;
            settings.max_sessions4 = 100;
        });
    }
    template <class Change>
    static void change(Change&& how) {
        auto settings = gate().map<__u32, sl_settings>("sl_settings").get(0).value();
        how(settings);
        gate().map<__u32, sl_settings>("sl_settings").put(0, settings);
    }
    static Packet from_a(std::uint16_t port) {
        return a_to_server4() / Udp{.sport = port, .dport = 53};
    }
    static Packet from_b(std::uint16_t port) {
        return to_gateway(vm_b, lan1) / Ip4{.src = vm_b.v4, .dst = server.v4} /
               Udp{.sport = port, .dport = 53};
    }
    static Packet syn_from(std::uint16_t host, const sl_addr& to) {
        sl_addr source = ip("203.0.113.0");
        source.b[14] = static_cast<__u8>(host >> 8);
        source.b[15] = static_cast<__u8>(host);
        return to_gateway(router, wan0) / Ip4{.src = source, .dst = to} /
               Tcp{.sport = 999, .dport = 80, .flags = SYN};
    }
    static int opened(const Link& by, Packet (*make)(std::uint16_t), int tries,
                      std::uint16_t first = 2000) {
        int count = 0;
        for (int i = 0; i < tries; ++i)
            count += send(Hook::tc, by, serialise(make(static_cast<std::uint16_t>(first + i))))
                         .verdict == Verdict::forward;
        return count;
    }
};

TEST_F(Quota, NobodyHoldsMoreSessionsThanAreFree) {
    EXPECT_EQ(opened(lan0, from_a, 90), 50);
    expect_drop(Hook::tc, lan0, from_a(9), SL_DROP_HOST_QUOTA);
    expect_pass(Hook::xdp, lan0, from_a(9));  // TC refuses it, or makes room
    EXPECT_EQ(opened(lan1, from_b, 90), 25);
    // What a host has opened goes on.
    expect_forward(Hook::tc, lan0, from_a(2000), routed(from_a(2000), wan0, router));
}

TEST_F(Quota, NorPortsOfAPool) {
    gate().masquerade(ip("10.0.0.0"), 16, wan0, {external}, 3000, 3019);
    EXPECT_EQ(opened(lan0, from_a, 20), 10);
    expect_drop(Hook::tc, lan0, from_a(9), SL_DROP_HOST_QUOTA);
    EXPECT_EQ(opened(lan1, from_b, 20), 5);
}

TEST_F(Quota, FixedLimitsStandBesideIt) {
    change([](sl_settings& settings) {
        settings.host_share = 0;
        settings.host_sessions = 3;
    });
    EXPECT_EQ(opened(lan0, from_a, 9), 3);
    change([](sl_settings& settings) { settings.host_sessions = 0; });
    EXPECT_EQ(opened(lan0, from_a, 200), 100);
    expect_drop(Hook::tc, lan0, from_a(9), SL_DROP_FLOWS_FULL);
}

TEST_F(Quota, AccountsAreGivenBack) {
    EXPECT_EQ(opened(lan0, from_a, 10), 10);
    const auto accounts = gate().map<__u32, sl_account>("sl_accounts");
    EXPECT_EQ(accounts.get(lan0.id)->sessions4, 10u);
    masquerade_a();
    expect_forward(Hook::tc, lan0, from_a(2000),
                   with_source(routed(from_a(2000), wan0, router), external, 2000));
    EXPECT_EQ(accounts.get(lan0.id)->sessions4, 10u);  // one ended, one began
    EXPECT_EQ(accounts.get(lan0.id)->ports[SL_L4_UDP], 1u);
}

/// Who floods one server from outside takes from that server, and even there the half-open give
/// way.
TEST_F(Quota, WhatComesFromOutsideIsPaidByWhomItIsFor) {
    for (std::uint16_t i = 0; i < 300; ++i) send(Hook::tc, wan0, serialise(syn_from(i, vm_b.v4)));
    const auto accounts = gate().map<__u32, sl_account>("sl_accounts");
    EXPECT_LE(accounts.get(lan1.id)->sessions4, 50u);
    EXPECT_EQ(opened(lan0, from_a, 20), 20);
    int served = 0;
    for (std::uint16_t i = 0; i < 20; ++i) {
        const auto syn = serialise(syn_from(static_cast<std::uint16_t>(1000 + i), vm_b.v4));
        for (int tries = 0; tries < 3; ++tries)
            if (send(Hook::tc, wan0, syn).verdict == Verdict::forward) {
                ++served;
                break;
            }
    }
    EXPECT_EQ(served, 20);
}

}  // namespace
}  // namespace sluice::test
