// SPDX-License-Identifier: GPL-2.0-or-later
// A tap enslaved to a bridge: frames for the bridge's MAC are routed as if the bridge had
// received them, and what is for the VM leaves through the bridge. spare0 plays the bridge.
#include <algorithm>

#include "tests/packet/scenario.hpp"

namespace sluice::test {
namespace {

class BridgePort : public GateTest {
protected:
    void SetUp() override {
        GateTest::SetUp();
        sl_port bridge = port_entry(spare0);
        bridge.role = SL_ROLE_SEGMENT;
        bridge.flags = 0;
        gate().set_port(spare0, bridge);
        sl_port tap = port_entry(lan0);
        tap.l3_ifindex = bridge.ifindex;
        tap.addr4 = bridge.addr4;
        std::copy(spare0.mac.begin(), spare0.mac.end(), tap.mac);
        gate().set_port(lan0, tap);
        gate().masquerade(ip("10.0.9.0"), 24, wan0, {external}, 1024, 65535);
    }

    static Packet from_vm() {
        return to_gateway(spare_host, spare0) / Ip4{.src = spare_host.v4, .dst = server.v4} /
               Udp{.sport = 4000, .dport = 53} / payload(12);
    }
    static Packet answer() {
        return server_to(external) / Udp{.sport = 53, .dport = 4000} / payload(12);
    }
};

TEST_F(BridgePort, VmToTheOutside) {
    expect_both(lan0, from_vm(), with_source(routed(from_vm(), wan0, router), external, 4000));
}

// The bridge knows behind which of its ports the VM is; XDP can't send into it.
TEST_F(BridgePort, AnswersLeaveThroughTheBridge) {
    expect_both(lan0, from_vm(), with_source(routed(from_vm(), wan0, router), external, 4000));
    const Packet out = with_destination(routed(answer(), spare0, spare_host), spare_host.v4, 4000);
    expect_forward(Hook::tc, wan0, answer(), out);
    expect_pass(Hook::xdp, wan0, answer());
}

TEST_F(BridgePort, FramesForOthersAreTheBridges) {
    Packet to_neighbour = from_vm();
    to_neighbour.get<Eth>().dst = vm_b.mac;
    for (const Hook hook : {Hook::xdp, Hook::tc}) expect_pass(hook, lan0, to_neighbour);
}

// A bridge delivers what is for the MAC of one of its ports to the host. Only TC can tell.
TEST_F(BridgePort, FramesForTheTapItselfAreTheRouters) {
    Packet to_tap = from_vm();
    to_tap.get<Eth>().dst = lan0.mac;
    expect_pass(Hook::xdp, lan0, to_tap);
    expect_forward(Hook::tc, lan0, to_tap,
                   with_source(routed(from_vm(), wan0, router), external, 4000));
}

/// The entries of these ports have a MAC that is the router's no more.
class StaleMac : public BridgePort {
protected:
    static void make_stale(sl_port entry, const Link& link) {
        std::ranges::fill(entry.mac, 0xee);
        gate().set_port(link, entry);
    }
};

TEST_F(StaleMac, OfABridgeTcAsksForTheNewOne) {
    sl_port tap = port_entry(lan0);
    tap.l3_ifindex = port_entry(spare0).ifindex;
    make_stale(tap, lan0);
    expect_pass(Hook::xdp, lan0, from_vm());
    expect_forward(Hook::tc, lan0, from_vm(),
                   with_source(routed(from_vm(), wan0, router), external, 4000));
    // Not of a sender that is no neighbour there, nor of another protocol, nor to another MAC.
    Packet foreign = from_vm();
    foreign.get<Ip4>().src = ip("10.0.9.77");
    expect_pass(Hook::tc, lan0, foreign);
    Packet to_neighbour = from_vm();
    to_neighbour.get<Eth>().dst = vm_b.mac;
    expect_pass(Hook::tc, lan0, to_neighbour);
}

TEST_F(StaleMac, OfAPortTcKnowsTheNewOne) {
    make_stale(port_entry(lan0), lan0);
    gate().masquerade(ip("10.0.0.0"), 16, wan0, {external}, 1024, 65535);
    const Packet in = a_to_server4() / Udp{.sport = 4000, .dport = 53} / payload(12);
    expect_pass(Hook::xdp, lan0, in);
    expect_forward(Hook::tc, lan0, in, with_source(routed(in, wan0, router), external, 4000));
}

}  // namespace
}  // namespace sluice::test
