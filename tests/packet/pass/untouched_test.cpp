// SPDX-License-Identifier: GPL-2.0-or-later
// What is not ours goes to the kernel byte for byte, on both hooks.
#include <netinet/in.h>

#include <initializer_list>
#include <ostream>
#include <vector>

#include "tests/packet/scenario.hpp"

namespace sluice::test {
namespace {

struct UntouchedCase {
    const char* name;
    const Link* by;
    Packet in;
};

void PrintTo(const UntouchedCase& row, std::ostream* out) { *out << row.name; }

constexpr Mac broadcast{0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
constexpr Mac multicast4{1, 0, 0x5e, 0, 0, 0xfb};
constexpr Mac multicast6{0x33, 0x33, 0, 0, 0, 1};
constexpr Mac stranger{2, 9, 9, 9, 9, 9};

Eth vm_a_to(const Mac& mac, std::optional<std::uint16_t> type = {}) {
    return Eth{.dst = mac, .src = vm_a.mac, .type = type};
}

Packet udp4_to(const Eth& eth, const sl_addr& destination) {
    return eth / Ip4{.src = vm_a.v4, .dst = destination} / Udp{.sport = 68, .dport = 67} /
           payload(30);
}

Packet udp6_to(const Eth& eth, const sl_addr& destination) {
    return eth / Ip6{.src = vm_a.v6, .dst = destination} / Udp{.sport = 546, .dport = 547} /
           payload(30);
}

std::vector<UntouchedCase> link_cases() {
    const Ip4 to_server{.src = vm_a.v4, .dst = server.v4};
    const Udp udp{.sport = 4000, .dport = 53};
    return {
        {"ArpRequest", &lan0, vm_a_to(broadcast, 0x0806) / payload(46)},
        {"ArpReplyToUs", &lan0, vm_a_to(lan0.mac, 0x0806) / payload(46)},
        {"Llc", &lan0, vm_a_to({1, 0x80, 0xc2, 0, 0, 0}, 38) / payload(46)},
        {"LlcToUs", &lan0, vm_a_to(lan0.mac, 46) / payload(46)},
        {"UnknownEthertype", &lan0, vm_a_to(lan0.mac, 0x88b5) / payload(100)},
        {"EmptyFrame", &lan0, vm_a_to(lan0.mac, 0x88b5) / payload(0)},
        {"Broadcast4", &lan0, udp4_to(vm_a_to(broadcast), ip("255.255.255.255"))},
        {"SubnetBroadcast4", &lan0, udp4_to(vm_a_to(broadcast), ip("10.0.0.255"))},
        {"Multicast4", &lan0, udp4_to(vm_a_to(multicast4), ip("224.0.0.251"))},
        {"Multicast6", &lan0, udp6_to(vm_a_to(multicast6), ip("ff02::1"))},
        {"RoutedByBroadcastMac", &lan0, udp4_to(vm_a_to(broadcast), server.v4)},
        {"NotOurMac4", &lan0, udp4_to(vm_a_to(stranger), server.v4)},
        {"NotOurMac6", &lan0, udp6_to(vm_a_to(stranger), server.v6)},
        {"AnotherPortsMac", &lan0, udp4_to(vm_a_to(wan0.mac), server.v4)},
        {"Tagged", &lan0, vm_a_to(lan0.mac) / Vlan{.vid = 30} / to_server / udp / payload(9)},
        {"PriorityTaggedOutside", &lan0,
         vm_a_to(lan0.mac) / Vlan{.vid = 0, .pcp = 5} / Vlan{.vid = 30} / to_server / udp},
        {"PriorityTaggedInside", &lan0,
         vm_a_to(lan0.mac) / Vlan{.vid = 30} / Vlan{.vid = 0, .pcp = 5} / to_server / udp},
        {"QinQ", &lan0,
         vm_a_to(lan0.mac) / Vlan{.vid = 30, .tpid = 0x88a8} / Vlan{.vid = 40} / to_server / udp},
        {"Tagged6", &lan0,
         vm_a_to(lan0.mac) / Vlan{.vid = 30} / Ip6{.src = vm_a.v6, .dst = server.v6} / udp},
        {"ThreeTags", &lan0,
         vm_a_to(lan0.mac) / Vlan{.vid = 1} / Vlan{.vid = 2} / Vlan{.vid = 3} / to_server / udp},
    };
}

std::vector<UntouchedCase> untouched_address_cases() {
    const Eth by_lan0 = vm_a_to(lan0.mac);
    const Eth by_wan0 = to_gateway(router, wan0);
    return {
        {"HostLocal4", &lan0, udp4_to(by_lan0, ip("10.0.0.1"))},
        {"HostLocal6", &lan0, udp6_to(by_lan0, ip("fd00:a::1"))},
        {"HostsOtherAddress4", &lan0, udp4_to(by_lan0, ip("192.0.2.1"))},
        {"HostLocalFromOutside", &wan0,
         by_wan0 / Ip4{.src = server.v4, .dst = ip("192.0.2.1")} /
             Tcp{.sport = 4000, .dport = 22, .flags = SYN}},
        {"EchoToTheGateway", &lan0,
         by_lan0 / Ip4{.src = vm_a.v4, .dst = ip("10.0.0.1")} / echo_request4(1) / payload(56)},
        {"LimitedBroadcastToOurMac", &lan0, udp4_to(by_lan0, ip("255.255.255.255"))},
        {"MulticastToOurMac", &lan0, udp4_to(by_lan0, ip("224.0.0.1"))},
        {"LinkLocal6", &lan0, udp6_to(by_lan0, ip("fe80::1"))},
        {"NeighbourSolicitation", &lan0,
         by_lan0 / Ip6{.src = vm_a.v6, .dst = ip("fd00:a::1"), .hop_limit = 255} /
             Icmp{.type = 135} / payload(24)},
        {"ByAnInterfaceThatIsNoPort", &lan0, udp4_to(by_lan0, spare_host.v4)},
        {"ByAnInterfaceThatIsNoPort6", &lan0, udp6_to(by_lan0, spare_host.v6)},
        {"EnteredByNoPort", &spare0,
         to_gateway(spare_host, spare0) / Ip4{.src = spare_host.v4, .dst = server.v4} /
             Udp{.sport = 1, .dport = 2}},
        {"NoForwardThere", &wan0,
         by_wan0 / Ip4{.src = server.v4, .dst = ip("192.0.2.1")} / Udp{.sport = 5, .dport = 5001}},
    };
}

class Untouched : public GateTest, public testing::WithParamInterface<UntouchedCase> {
protected:
    void SetUp() override {
        GateTest::SetUp();
        masquerade_a();
        gate().forward(IPPROTO_UDP, ip("192.0.2.1"), 5000, vm_a.v4, 5000, wan0);
    }

    void TearDown() override {
        EXPECT_TRUE(gate().flows4().entries().empty());
        EXPECT_TRUE(gate().flows6().entries().empty());
        EXPECT_TRUE(gate().bindings().entries().empty());
        // A frame that came by no port is counted nowhere.
        if (GetParam().by != &spare0) GateTest::TearDown();
    }
};

TEST_P(Untouched, OnBothHooks) {
    const Bytes frame = serialise(GetParam().in);
    expect_pass(Hook::xdp, *GetParam().by, frame);
    expect_pass(Hook::tc, *GetParam().by, frame);
}

INSTANTIATE_TEST_SUITE_P(Link, Untouched, testing::ValuesIn(link_cases()), name_of);
INSTANTIATE_TEST_SUITE_P(Address, Untouched, testing::ValuesIn(untouched_address_cases()), name_of);

// XDP opens plain sessions alone; what is special about a first packet is for TC to judge.
class NoSessionOnXdp : public GateTest {
protected:
    void SetUp() override {
        GateTest::SetUp();
        masquerade_a();
    }
    void TearDown() override {
        EXPECT_TRUE(gate().flows4().entries().empty());
        EXPECT_TRUE(gate().flows6().entries().empty());
        EXPECT_TRUE(gate().bindings().entries().empty());
        GateTest::TearDown();
    }
};

TEST_F(NoSessionOnXdp, PacketsThatOpenNone) {
    Packet gre = a_to_server4() / payload(40);
    gre.get<Ip4>().protocol = 47;
    for (const std::uint8_t flags : std::initializer_list<std::uint8_t>{ACK, FIN, RST, SYN | ACK})
        expect_pass(Hook::xdp, lan0, a_to_server4() / Tcp{.sport = 1, .dport = 2, .flags = flags});
    expect_pass(Hook::xdp, lan0, gre);
    expect_pass(Hook::xdp, lan0, a_to_server4() / echo_reply4(5000));
    expect_pass(Hook::xdp, lan0, a_to_server6() / echo_reply6(5000));
    expect_pass(Hook::xdp, lan0, a_to_server4() / Icmp{.type = 13} / payload(12));
}

TEST_F(NoSessionOnXdp, WayOutIsNotForXdp) {
    sl_port uplink = port_entry(wan0);
    uplink.flags = SL_PORT_XDP;
    gate().set_port(wan0, uplink);
    const Udp partial{.sport = 5000, .dport = 53, .sum = Sum::partial};
    expect_pass(Hook::xdp, lan0, a_to_server4() / partial / payload(33));
    expect_pass(Hook::xdp, lan0, a_to_server6() / partial / payload(33));
}

TEST_F(NoSessionOnXdp, TooBigForTheWayOut) {
    const Udp partial{.sport = 5000, .dport = 53, .sum = Sum::partial};
    const Packet in =
        to_gateway(vm_a, lan0) / Ip4{.src = vm_a.v4, .dst = thin_host.v4} / partial / payload(1400);
    expect_pass(Hook::xdp, lan0, in);
}

/// Established on TC, then sent once more on XDP under another configuration.
class EstablishedOnXdp : public GateTest {
protected:
    static Packet segment(std::size_t length) {
        return a_to_server4() / Tcp{.sport = 1000, .dport = 80, .sum = Sum::partial} /
               payload(length);
    }
    void SetUp() override {
        GateTest::SetUp();
        Packet first = segment(10);
        first.get<Tcp>().sum = Sum::full;
        expect_both(lan0, first, routed(first, wan0, router));
    }
    static void reconfigure(const Link& link, std::uint16_t clear, std::uint16_t set = 0) {
        sl_port port = port_entry(link);
        port.flags = static_cast<std::uint16_t>((port.flags & ~clear) | set);
        gate().set_port(link, port);
    }
};

TEST_F(EstablishedOnXdp, LongerThanTheWayOutIsLeftToTc) {
    expect_pass(Hook::xdp, lan0, segment(9000 - 40 + 1));
    expect_pass(Hook::xdp, lan0, segment(15'000));
}

TEST_F(EstablishedOnXdp, TargetThatCantReceiveIsLeftToTc) {
    reconfigure(wan0, SL_PORT_XDP_TARGET);
    expect_pass(Hook::xdp, lan0, segment(100));
}

TEST_F(EstablishedOnXdp, PortWithoutXdp) {
    reconfigure(lan0, SL_PORT_XDP);
    expect_pass(Hook::xdp, lan0, segment(100));
}

TEST_F(EstablishedOnXdp, PortThatLeavesTcpToTc) {
    reconfigure(lan0, 0, SL_PORT_XDP_NO_TCP);
    expect_pass(Hook::xdp, lan0, segment(100));
    const Packet udp = a_to_server4() / Udp{.sport = 1000, .dport = 80} / payload(10);
    expect_both(lan0, udp, routed(udp, wan0, router));
}

// The tuple alone is not the flow: the frame must be for the router, and untagged.
TEST_F(EstablishedOnXdp, FramesForOthersAndTaggedOnes) {
    const Ip4 ip4{.src = vm_a.v4, .dst = server.v4};
    const Tcp tcp{.sport = 1000, .dport = 80};
    for (const Hook hook : {Hook::xdp, Hook::tc}) {
        for (const Mac& mac : {broadcast, multicast4, stranger, wan0.mac})
            expect_pass(hook, lan0, vm_a_to(mac) / ip4 / tcp);
        expect_pass(hook, lan0, vm_a_to(lan0.mac) / Vlan{.vid = 30} / ip4 / tcp);
        expect_pass(
            hook, lan0,
            vm_a_to(lan0.mac) / Vlan{.vid = 30, .tpid = 0x88a8} / Vlan{.vid = 1} / ip4 / tcp);
    }
}

TEST_F(EstablishedOnXdp, HeadersBeyondTheFirstBuffer) {
    const Bytes frame = serialise(segment(400));
    for (const std::size_t linear : {14u, 20u, 33u, 34u, 40u, 53u})
        expect_pass(Hook::xdp, lan0, frame, {.linear = linear});
}

}  // namespace
}  // namespace sluice::test
