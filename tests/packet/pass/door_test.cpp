// SPDX-License-Identifier: GPL-2.0-or-later
// What is left to the kernel: the mark that the door asks for, and networks that are no port's.
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/packet/switch/scenario.hpp"

namespace sluice::test {
namespace {

constexpr std::uint32_t door_mark = 0x1000, others = 0x8000'0a21;

class Door : public GateTest {
protected:
    void SetUp() override {
        GateTest::SetUp();
        before_ = *gate().map<__u32, sl_settings>("sl_settings").get(0);
        auto settings = before_;
        settings.door_mark = door_mark;
        gate().set_settings(settings);
    }
    void TearDown() override {
        gate().set_settings(before_);
        GateTest::TearDown();
    }
    static std::uint32_t mark_of(const Link& by, const Packet& in, Verdict expected) {
        const auto out = send(Hook::tc, by, serialise(in), {.mark = others});
        EXPECT_EQ(verdict_text(out.verdict), verdict_text(expected));
        return out.mark;
    }
    static Packet to_host4() {
        return to(lan0.mac) / Ip4{.src = vm_a.v4, .dst = ip("10.0.0.1")} / udp / payload(9);
    }

private:
    sl_settings before_{};
};

TEST_F(Door, WhatPassesBearsTheMarkAndKeepsThatOfOthers) {
    EXPECT_EQ(mark_of(lan0, to_host4(), Verdict::pass), others | door_mark);
    EXPECT_EQ(mark_of(lan0, to(lan0.mac, 0x0806) / payload(46), Verdict::pass), others | door_mark);
    EXPECT_EQ(mark_of(lan0, to(lan0.mac, 0x88b5) / payload(46), Verdict::pass), others | door_mark);
}

TEST_F(Door, WhatIsSentOnHasNoUseForIt) {
    EXPECT_EQ(mark_of(lan0, a_to_server4() / udp / payload(9), Verdict::forward), others);
}

TEST_F(Door, WhatEntersByNoPortBearsNone) {
    const Packet in = to_gateway(spare_host, spare0) / Ip4{.src = spare_host.v4, .dst = server.v4} /
                      udp / payload(9);
    const auto out = send(Hook::tc, spare0, serialise(in), {.mark = others});
    EXPECT_EQ(out.verdict, Verdict::pass);
    EXPECT_EQ(out.mark, others);
    gate().reset();  // it is counted nowhere
}

TEST_F(Door, NoneIsSetWhereThereIsNoDoor) {
    auto settings = *gate().map<__u32, sl_settings>("sl_settings").get(0);
    settings.door_mark = 0;
    gate().set_settings(settings);
    EXPECT_EQ(mark_of(lan0, to_host4(), Verdict::pass), others);
}

class NarrowPort : public GateTest {
protected:
    static void narrow(const Link& link, std::uint16_t flags) {
        auto entry = port_entry(link);
        entry.flags |= flags;
        gate().set_port(link, entry);
    }
    static Packet v4(const sl_addr& to_address, const Mac& mac = lan0.mac) {
        return to(mac) / Ip4{.src = vm_a.v4, .dst = to_address} / udp / payload(9);
    }
    static Packet v6(const sl_addr& to_address) {
        return to(lan0.mac) / Ip6{.src = vm_a.v6, .dst = to_address} / udp / payload(9);
    }
};

TEST_F(NarrowPort, ReachesNoNetworkThatIsNoPorts) {
    narrow(lan0, SL_PORT_NARROW4 | SL_PORT_NARROW6);
    expect_drop(Hook::tc, lan0, v4(spare_host.v4), SL_DROP_OUTSIDE);
    expect_drop(Hook::tc, lan0, v6(spare_host.v6), SL_DROP_OUTSIDE);
    // A neighbour that is not resolved is there all the same.
    expect_drop(Hook::tc, lan0, v4(ip("10.0.9.77")), SL_DROP_OUTSIDE);
}

TEST_F(NarrowPort, XdpLeavesThatToTc) {
    narrow(lan0, SL_PORT_NARROW4 | SL_PORT_NARROW6);
    expect_pass(Hook::xdp, lan0, v4(spare_host.v4));
    expect_pass(Hook::xdp, lan0, v6(spare_host.v6));
}

TEST_F(NarrowPort, EachFamilyIsAsTheHostHadIt) {
    narrow(lan0, SL_PORT_NARROW4);
    expect_drop(Hook::tc, lan0, v4(spare_host.v4), SL_DROP_OUTSIDE);
    expect_pass(Hook::tc, lan0, v6(spare_host.v6));
    narrow(lan0, SL_PORT_NARROW6);
    expect_pass(Hook::tc, lan0, v4(spare_host.v4));
    expect_drop(Hook::tc, lan0, v6(spare_host.v6), SL_DROP_OUTSIDE);
}

TEST_F(NarrowPort, ReachesPortsAndTheHostsOwnAddresses) {
    narrow(lan0, SL_PORT_NARROW4 | SL_PORT_NARROW6);
    for (const char* own : {"10.0.0.1", "192.0.2.1", "10.0.9.1", "255.255.255.255", "224.0.0.251"})
        expect_pass(Hook::tc, lan0, v4(ip(own)));
    for (const char* own : {"fd00:a::1", "fd00:9::1", "fe80::1"})
        expect_pass(Hook::tc, lan0, v6(ip(own)));
    expect_forward(Hook::tc, lan0, v4(server.v4), routed(v4(server.v4), wan0, router));
    // What is not for the router the kernel does not forward either.
    expect_pass(Hook::tc, lan0, v4(spare_host.v4, {2, 9, 9, 9, 9, 9}));
}

/// A tap that is enslaved to a bridge has its addresses there.
TEST_F(NarrowPort, OfABridgeItsSegmentSaysSo) {
    auto entry = port_entry(lan0);
    entry.l3_ifindex = ifindex(lan1);
    gate().set_port(lan0, entry);
    narrow(lan1, SL_PORT_NARROW4);
    expect_drop(Hook::tc, lan0, v4(spare_host.v4), SL_DROP_OUTSIDE);
}

class NarrowGateway : public SwitchWays {
protected:
    void SetUp() override {
        SwitchTest::SetUp();
        host_ = rig().set_gateway(gateway_10);
        rig().set(0, access(10));
    }
    /// The host's interface in VLAN 10.
    static void narrow(std::uint16_t flags) {
        auto slots = gate().map<__u32, sl_port>("sl_ports");
        for (auto [slot, entry] : slots.entries()) {
            if (entry.role != SL_ROLE_SEGMENT || entry.domain != 10) continue;
            entry.flags |= flags;
            slots.put(slot, entry);
        }
    }
    static Packet packet(const sl_addr& address) {
        return Eth{.dst = gateway_10.mac, .src = gateway_10.vm_mac} /
               Ip4{.src = ip(gateway_10.vm_v4), .dst = address} / udp / payload(40);
    }
    /// Who answers that nobody listens there.
    void expect_host_gets(const char* address) {
        const Packet in = packet(ip(address));
        const auto got = pass(GetParam(), 0, in);
        const auto at_host = std::ranges::find(got, host_, &Arrival::port);
        ASSERT_NE(at_host, got.end()) << address;
        EXPECT_EQ(at_host->frame, serialise(in)) << address;
    }
    std::size_t host_ = 0;
};

TEST_P(NarrowGateway, ReachesNoNetworkThatIsNoPorts) {
    const Packet in = packet(spare_host.v4);
    expect_copies(GetParam(), 0, in, by({host_}, in));
    narrow(SL_PORT_NARROW4);
    expect_drop(GetParam(), 0, in, SL_DROP_OUTSIDE);
    expect_host_gets("10.10.0.1");
    expect_host_gets("10.0.9.1");
}

SWITCH_WAYS(NarrowGateway);

}  // namespace
}  // namespace sluice::test
