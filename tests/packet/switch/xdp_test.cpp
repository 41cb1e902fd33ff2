// SPDX-License-Identifier: GPL-2.0-or-later
// What XDP switches by itself, and that it leaves all else to TC as it came.
#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "tests/harness/dissect.hpp"
#include "tests/packet/switch/scenario.hpp"

namespace sluice::test {
namespace {

const Mac neighbour = station(1);

class SwitchXdp : public SwitchTest {
protected:
    /// The stations of ports 0 and 1 are known, as from frames of this second.
    static void introduce(std::uint16_t vlan = 10) {
        const std::uint32_t now = datapath_epoch();
        sl_fdb entry{};
        entry.seen = now;
        entry.port = rig().id(0);
        rig().set_fdb(vm, vlan, entry);
        entry.port = rig().id(1);
        rig().set_fdb(neighbour, vlan, entry);
    }
    /// The datapath's clock, read off an entry that it makes.
    static std::uint32_t datapath_epoch() {
        rig().set(7, access(77));
        (void)pass(Way::tc, 7, frame(stranger_mac, everybody));
        return rig().fdb(stranger_mac, 77).value().seen;
    }
    static void expect_redirect(const Packet& in, std::size_t to, const Packet& out) {
        const auto got = rig().xdp(0, serialise(in));
        EXPECT_EQ(got.verdict, Verdict::forward);
        EXPECT_EQ(got.port, to);
        EXPECT_EQ(difference(serialise(out), got.frame), "");
    }
    static void expect_left_to_tc(const Packet& in, const std::string& why) {
        const Bytes frame = serialise(in);
        const auto got = rig().xdp(0, frame);
        EXPECT_EQ(got.verdict, Verdict::pass) << why;
        EXPECT_EQ(difference(frame, got.frame), "") << why;
    }
};

TEST_F(SwitchXdp, BetweenAllKindsOfPorts) {
    const Packet plain = frame(vm, neighbour);
    const Packet ten = tagged(plain, {.vid = 10, .pcp = 3});
    struct Case {
        Switched in;
        Packet sent;
        Switched out;
        Packet received;
    };
    for (const Case& each :
         std::vector<Case>{{access(10), plain, access(10), plain},
                           {access(10), plain, trunk({10}), tagged(plain, {.vid = 10})},
                           {access(10), plain, trunk({}, 10), plain},
                           {trunk({10}), ten, access(10), plain},
                           {trunk({10}), ten, trunk({10}), ten},
                           {trunk({10}), ten, trunk({}, 10), plain},
                           {trunk({}, 10), plain, trunk({10}), tagged(plain, {.vid = 10})},
                           {trunk({}, 10), plain, access(10), plain}}) {
        rig().set(0, each.in);
        rig().set(1, each.out);
        introduce();
        expect_redirect(each.sent, 1, each.received);
        // And it arrives.
        expect_copies(Way::xdp, 0, each.sent, {{1, each.received}});
    }
    EXPECT_EQ(rig().vlan_count(10, SL_VLAN_SWITCHED), 16u);
}

TEST_F(SwitchXdp, AnySizeAndShape) {
    rig().set(0, access(10));
    rig().set(1, trunk({10}));
    introduce();
    const Packet odd = Eth{.dst = neighbour, .src = vm, .type = 0x88b6} / payload(1);
    Packet odd_out =
        Eth{.dst = neighbour, .src = vm, .type = 0x8100} / Raw{{0, 10, 0x88, 0xb6}} / payload(1);
    expect_redirect(odd, 1, odd_out);
    const Packet big = Eth{.dst = neighbour, .src = vm} /
                       Ip4{.src = ip("10.1.0.1"), .dst = ip("10.1.0.2")} / Udp{1, 2} /
                       payload(3000);
    expect_redirect(big, 1, tagged(big, {.vid = 10}));
    const Packet arp = Eth{.dst = neighbour, .src = vm, .type = 0x0806} /
                       arp_body({.operation = 2, .sender_mac = vm});
    expect_redirect(arp, 1,
                    Eth{.dst = neighbour, .src = vm, .type = 0x8100} / Raw{{0, 10, 8, 6}} /
                        arp_body({.operation = 2, .sender_mac = vm}));
}

// A sender's unfinished checksum would never be finished behind a redirect.
TEST_F(SwitchXdp, CompletesChecksums) {
    rig().set(0, access(10));
    rig().set(1, access(10));
    introduce();
    Packet in = Eth{.dst = neighbour, .src = vm} /
                Ip4{.src = ip("10.1.0.1"), .dst = ip("10.1.0.2")} /
                Tcp{.sport = 1, .dport = 2, .sum = Sum::partial} / payload(77);
    Packet out = in;
    out.get<Tcp>().sum = Sum::full;
    expect_redirect(in, 1, out);
}

TEST_F(SwitchXdp, LeavesTheRestToTc) {
    const Packet plain = frame(vm, neighbour);
    const auto with = [](const std::function<void()>& change) {
        rig().set(0, access(10));
        rig().set(1, access(10));
        rig().set(2, access(10));
        rig().set_state(0, {});
        rig().set_state(1, {});
        introduce();
        change();
    };
    with([] {});
    expect_redirect(plain, 1, plain);
    expect_left_to_tc(frame(vm, everybody), "broadcast");
    expect_left_to_tc(frame(vm, all_nodes), "multicast");
    expect_left_to_tc(frame(vm, unknown), "an unknown destination");
    expect_left_to_tc(frame(unknown, neighbour), "an unknown source");
    expect_left_to_tc(frame(neighbour, vm), "a source that moves");
    expect_left_to_tc(frame(vm, vm), "back to its own port");
    expect_left_to_tc(tagged(plain, {.vid = 10}), "a tag on an access port");
    with([] { rig().set(1, access(20)); });
    expect_left_to_tc(plain, "the destination's port is in another VLAN");
    with([] {
        rig().set(0, access(10, SL_SWITCH_ISOLATED));
        rig().set(1, access(10, SL_SWITCH_ISOLATED));
    });
    expect_left_to_tc(plain, "isolated");
    for (const std::size_t closed : {0, 1}) {
        with([closed] {
            sl_switch_state state{};
            state.closed_until = SL_CLOSED_FOR_GOOD;
            state.closed = SL_CLOSED_BPDU;
            rig().set_state(closed, state);
        });
        expect_left_to_tc(plain, "a closed port");
    }
    with([] {
        Switched small = access(10);
        small.mtu = 50;
        rig().set(1, small);
    });
    expect_left_to_tc(plain, "longer than the way out");
    with([] { gate().map<__u32, __u32>("sl_xdp_targets").erase(rig().id(1)); });
    expect_left_to_tc(plain, "a port that can't receive");
    with([] {
        auto settings = gate().map<__u32, sl_settings>("sl_settings").get(0).value();
        settings.mac_age = 5;
        gate().set_settings(settings);
        sl_fdb old = rig().fdb(neighbour, 10).value();
        old.seen -= 6;
        rig().set_fdb(neighbour, 10, old);
    });
    expect_left_to_tc(plain, "a destination not heard of for long");
}

// The host's own MAC is on no XDP target.
TEST_F(SwitchXdp, LeavesTheGatewayToTc) {
    rig().set(0, access(10));
    rig().set(1, access(10));
    introduce();
    const std::size_t host = rig().set_gateway(gateway_10);
    expect_left_to_tc(frame(vm, gateway_10.mac), "for the gateway, not yet learned");
    (void)pass(Way::tc, host, frame(gateway_10.mac, vm));
    expect_left_to_tc(frame(vm, gateway_10.mac), "for the gateway, learned");
    expect_redirect(frame(vm, neighbour), 1, frame(vm, neighbour));
}

TEST_F(SwitchXdp, GuardIsFirst) {
    GuardConfig guard;
    guard.checks = SL_GUARD_MAC;
    guard.macs = {vm};
    Switched guarded = access(10);
    guarded.guard = &guard;
    rig().set(0, guarded);
    rig().set(1, access(10));
    introduce();
    expect_redirect(frame(vm, neighbour), 1, frame(vm, neighbour));
    const auto got = rig().xdp(0, serialise(frame(neighbour, vm)));
    EXPECT_EQ(got.verdict, Verdict::drop);
    EXPECT_EQ(rig().drops(0, SL_DROP_GUARD_MAC), 1u);
}

// The egress program's check, which XDP goes past.
TEST_F(SwitchXdp, DeliveryIsChecked) {
    GuardConfig guard;
    guard.checks = SL_GUARD_DELIVERY;
    guard.macs = {neighbour};
    Switched guarded = access(10);
    guarded.guard = &guard;
    guarded.port_flags = SL_PORT_GUARD_EGRESS;
    rig().set(0, access(10));
    rig().set(1, guarded);
    introduce();
    expect_redirect(frame(vm, neighbour), 1, frame(vm, neighbour));
    sl_fdb entry = rig().fdb(neighbour, 10).value();
    rig().set_fdb(unknown, 10, entry);
    expect_left_to_tc(frame(vm, unknown), "not the guarded port's own");
    expect_copies(Way::xdp, 0, frame(vm, unknown), {});
    EXPECT_EQ(rig().drops(1, SL_DROP_GUARD_DELIVERY), 1u);
}

}  // namespace
}  // namespace sluice::test
