// SPDX-License-Identifier: GPL-2.0-or-later
// The shortcut past a Linux bridge: what the bridge was seen to send is sent the same way without
// it for a tenth of a second, and nothing else is. spare0 plays the bridge.
#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <thread>

#include "sluice/abi/switch.h"
#include "tests/packet/claims.hpp"
#include "tests/packet/scenario.hpp"

namespace sluice::test {
namespace {

class Shortcut : public testing::Test {
protected:
    void SetUp() override {
        shared_gate().reset();
        shared_gate().map<sl_shortcut_key, sl_shortcut>("sl_shortcuts").clear();
        for (const Link& link : {lan0, lan1, wan0}) enslave(link, spare0, SL_PORT_SHORTCUT);
    }
    void TearDown() override { shared_gate().reset(); }

    static void enslave(const Link& link, const Link& bridge, std::uint16_t flags) {
        sl_port port = port_entry(link);
        port.l3_ifindex = ifindex(bridge);
        port.role = SL_ROLE_ACCESS;
        port.flags = flags;
        shared_gate().set_port(link, port);
    }
    static Packet a_to_b() { return packet(vm_a.mac, vm_b.mac); }
    static Packet b_to_a() { return packet(vm_b.mac, vm_a.mac); }
    static Packet packet(const Mac& from, const Mac& to, std::size_t length = 30) {
        return Eth{.dst = to, .src = from} / Ip4{.src = vm_a.v4, .dst = vm_b.v4} / udp /
               payload(length);
    }
    static Verdict enters(const Link& by, const Packet& in) {
        const auto got = shared_gate().run(Hook::tc, by, serialise(in));
        if (!got) {
            ADD_FAILURE() << got.error().message;
            return Verdict::drop;
        }
        EXPECT_EQ(got->packet, serialise(in));
        return got->verdict;
    }
    static void bridge_sends(const Link& in, const Link& out, const Packet& sent) {
        const auto got = shared_gate().run(Hook::egress, out, serialise(sent), {.came_by = &in});
        ASSERT_TRUE(got);
        EXPECT_EQ(got->verdict, Verdict::pass);
    }
    /// vm_a behind lan0 and vm_b behind lan1 talk through the bridge.
    static void talk() {
        bridge_sends(lan0, lan1, a_to_b());
        bridge_sends(lan1, lan0, b_to_a());
        bridge_sends(lan0, lan1, a_to_b());
    }
};

TEST_F(Shortcut, TheBridgeIsFirst) {
    EXPECT_EQ(enters(lan0, a_to_b()), Verdict::pass);
    bridge_sends(lan0, lan1, a_to_b());
    EXPECT_EQ(enters(lan0, a_to_b()), Verdict::pass) << "it may have been flooded";
    bridge_sends(lan1, lan0, b_to_a());
    EXPECT_EQ(enters(lan1, b_to_a()), Verdict::forward);
    bridge_sends(lan0, lan1, a_to_b());
    EXPECT_EQ(enters(lan0, a_to_b()), Verdict::forward);
}

// What is sent past the bridge does not keep the shortcut: the bridge is to say so again.
TEST_F(Shortcut, LastsATenthOfASecond) {
    talk();
    EXPECT_EQ(enters(lan0, a_to_b()), Verdict::forward);
    std::this_thread::sleep_for(std::chrono::milliseconds(60));
    EXPECT_EQ(enters(lan0, a_to_b()), Verdict::forward);
    std::this_thread::sleep_for(std::chrono::milliseconds(60));
    EXPECT_EQ(enters(lan0, a_to_b()), Verdict::pass);
    bridge_sends(lan0, lan1, a_to_b());
    EXPECT_EQ(enters(lan0, a_to_b()), Verdict::forward);
}

TEST_F(Shortcut, OnlyOfTheLike) {
    talk();
    EXPECT_EQ(enters(lan0, packet(vm_a.mac, stranger_mac)), Verdict::pass);
    EXPECT_EQ(enters(lan0, packet(stranger_mac, vm_b.mac)), Verdict::pass);
    EXPECT_EQ(enters(wan0, a_to_b()), Verdict::pass) << "the MAC has moved, or is forged";
    EXPECT_EQ(enters(lan0, packet(vm_a.mac, everybody)), Verdict::pass);
    const Packet body = a_to_b();
    const Packet in_a_vlan = Eth{.dst = vm_b.mac, .src = vm_a.mac} / Vlan{.vid = 5} /
                             Ip4{.src = vm_a.v4, .dst = vm_b.v4} / udp / payload(30);
    EXPECT_EQ(enters(lan0, in_a_vlan), Verdict::pass);
    EXPECT_EQ(enters(lan0, body), Verdict::forward);
}

TEST_F(Shortcut, NothingIsLearnedFromGroupsAndTags) {
    const Packet in_a_vlan = Eth{.dst = vm_b.mac, .src = vm_a.mac} / Vlan{.vid = 5} /
                             Ip4{.src = vm_a.v4, .dst = vm_b.v4} / udp / payload(30);
    const Packet back = Eth{.dst = vm_a.mac, .src = vm_b.mac} / Vlan{.vid = 5} /
                        Ip4{.src = vm_b.v4, .dst = vm_a.v4} / udp / payload(30);
    for (int i = 0; i < 2; ++i) {
        bridge_sends(lan0, lan1, in_a_vlan);
        bridge_sends(lan1, lan0, back);
        bridge_sends(lan0, lan1, packet(vm_a.mac, everybody));
        bridge_sends(lan0, wan0, packet(vm_a.mac, everybody));
    }
    EXPECT_EQ(enters(lan0, in_a_vlan), Verdict::pass);
    EXPECT_EQ(enters(lan0, packet(vm_a.mac, everybody)), Verdict::pass);
    EXPECT_EQ(enters(lan0, a_to_b()), Verdict::pass);
}

TEST_F(Shortcut, NotLongerThanTheWayOut) {
    talk();
    sl_port port = port_entry(lan1);
    port.l3_ifindex = ifindex(spare0);
    port.flags = SL_PORT_SHORTCUT;
    port.mtu = 1500;
    shared_gate().set_port(lan1, port);
    EXPECT_EQ(enters(lan0, packet(vm_a.mac, vm_b.mac, 1500 - 28)), Verdict::forward);
    EXPECT_EQ(enters(lan0, packet(vm_a.mac, vm_b.mac, 1501 - 28)), Verdict::pass);
}

TEST_F(Shortcut, BetweenPortsOfOneBridgeThatAllowIt) {
    talk();
    enslave(lan1, thin0, SL_PORT_SHORTCUT);
    EXPECT_EQ(enters(lan0, a_to_b()), Verdict::pass) << "lan1 went to another bridge";
    enslave(lan1, spare0, 0);
    EXPECT_EQ(enters(lan0, a_to_b()), Verdict::pass) << "lan1 does not allow it";
    enslave(lan1, spare0, SL_PORT_SHORTCUT);
    EXPECT_EQ(enters(lan0, a_to_b()), Verdict::forward);
    enslave(lan0, spare0, 0);
    EXPECT_EQ(enters(lan0, a_to_b()), Verdict::pass) << "nor lan0";
}

TEST_F(Shortcut, GuardIsBeforeIt) {
    talk();
    sl_port port = port_entry(lan0);
    port.l3_ifindex = ifindex(spare0);
    port.flags = SL_PORT_SHORTCUT;
    port.guard = shared_gate().make_guard(lan0.id, {.checks = SL_GUARD_MAC, .macs = {vm_b.mac}});
    shared_gate().set_port(lan0, port);
    EXPECT_EQ(enters(lan0, a_to_b()), Verdict::drop);
}

}  // namespace
}  // namespace sluice::test
