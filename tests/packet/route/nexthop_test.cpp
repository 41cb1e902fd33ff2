// SPDX-License-Identifier: GPL-2.0-or-later
// The cached way out follows the host's routes and neighbours: a change reaches established
// flows, on both hooks, once sl_settings.nexthop_ttl is over.
#include <arpa/inet.h>
#include <netinet/in.h>

#include <chrono>
#include <string>
#include <thread>

#include "tests/packet/scenario.hpp"

namespace sluice::test {
namespace {

class NextHop : public GateTest {
protected:
    static constexpr std::chrono::milliseconds ttl{60};

    void SetUp() override {
        GateTest::SetUp();
        auto settings = gate().map<__u32, sl_settings>("sl_settings").get(0).value();
        settings.nexthop_ttl =
            static_cast<std::uint32_t>(std::chrono::nanoseconds(ttl).count() >> SL_TICK_SHIFT);
        gate().set_settings(settings);
    }
    void TearDown() override {
        host(
            "route replace default via 192.0.2.254 dev wan0\n"
            "route replace default via 2001:db8:1::fe dev wan0\n"
            "neigh replace 192.0.2.254 lladdr 02:00:00:00:0c:02 dev wan0 nud permanent\n"
            "neigh replace 2001:db8:1::fe lladdr 02:00:00:00:0c:02 dev wan0 nud permanent\n");
        GateTest::TearDown();
    }

    /// Changes the host by `ip -batch`, and lets the cache grow old.
    static void host(const std::string& lines) {
        const auto done = ip_batch(lines);
        ASSERT_TRUE(done) << done.error().hint;
        std::this_thread::sleep_for(ttl + std::chrono::milliseconds(30));
    }
    static Packet packet4() { return a_to_server4() / Udp{.sport = 4000, .dport = 53}; }
    static Packet packet6() { return a_to_server6() / Udp{.sport = 4000, .dport = 53}; }
    static void establish() {
        for (const Packet& in : {packet4(), packet6()})
            expect_both(lan0, in, routed(in, wan0, router));
    }
    /// Both families, each hook first.
    static void expect_way(const Link& link, const Host& next) {
        for (const Packet& in : {packet4(), packet6()})
            for (const Hook hook : {Hook::xdp, Hook::tc, Hook::xdp})
                expect_forward(hook, lan0, in, routed(in, link, next));
    }
};

TEST_F(NextHop, NeighbourChangesItsMac) {
    establish();
    Host moved = router;
    moved.mac = {2, 7, 7, 7, 7, 7};
    host(
        "neigh replace 192.0.2.254 lladdr 02:07:07:07:07:07 dev wan0 nud permanent\n"
        "neigh replace 2001:db8:1::fe lladdr 02:07:07:07:07:07 dev wan0 nud permanent\n");
    expect_way(wan0, moved);
}

// A flow that never pauses must ask again as well.
TEST_F(NextHop, ChangeReachesABusyFlow) {
    for (const Hook hook : {Hook::tc, Hook::xdp}) {
        const auto send_for = [hook](std::chrono::milliseconds time) {
            const auto end = std::chrono::steady_clock::now() + time;
            while (std::chrono::steady_clock::now() < end) {
                send(hook, lan0, serialise(packet4()));
                std::this_thread::sleep_for(std::chrono::milliseconds(5));
            }
        };
        host("neigh replace 192.0.2.254 lladdr 02:00:00:00:0c:02 dev wan0 nud permanent\n");
        expect_forward(Hook::tc, lan0, packet4(), routed(packet4(), wan0, router));
        send_for(ttl / 2);
        const auto done =
            ip_batch("neigh replace 192.0.2.254 lladdr 02:07:07:07:07:07 dev wan0 nud permanent\n");
        ASSERT_TRUE(done);
        send_for(ttl + std::chrono::milliseconds(30));
        Host moved = router;
        moved.mac = {2, 7, 7, 7, 7, 7};
        expect_forward(hook, lan0, packet4(), routed(packet4(), wan0, moved));
    }
}

TEST_F(NextHop, RouteLeadsElsewhere) {
    establish();
    host(
        "route replace default via 198.51.100.9 dev thin0\n"
        "route replace default via 2001:db8:2::9 dev thin0\n");
    // TC decides anew what leaves by another port.
    for (const Packet& in : {packet4(), packet6()}) {
        expect_pass(Hook::xdp, lan0, in);
        for (const Hook hook : {Hook::tc, Hook::xdp})
            expect_forward(hook, lan0, in, routed(in, thin0, thin_host));
    }
}

TEST_F(NextHop, RouteLeadsToNoPort) {
    establish();
    host(
        "route replace default via 10.0.9.2 dev spare0\n"
        "route replace default via fd00:9::2 dev spare0\n");
    for (const Packet& in : {packet4(), packet6()}) {
        expect_pass(Hook::xdp, lan0, in);
        expect_pass(Hook::tc, lan0, in);
    }
}

TEST_F(NextHop, RouteIsGone) {
    establish();
    host(
        "route del default via 192.0.2.254 dev wan0\n"
        "route del default via 2001:db8:1::fe dev wan0\n");
    for (const Packet& in : {packet4(), packet6()}) {
        expect_pass(Hook::xdp, lan0, in);
        expect_pass(Hook::tc, lan0, in);
    }
}

TEST_F(NextHop, MtuOfTheRouteShrinks) {
    establish();
    host(
        "route replace default via 192.0.2.254 dev wan0 mtu lock 1300\n"
        "route replace default via 2001:db8:1::fe dev wan0 mtu lock 1300\n");
    Packet big4 = packet4() / payload(1400);
    big4.get<Ip4>().df = true;
    for (const Packet& in : {big4, packet6() / payload(1400)}) {
        expect_pass(Hook::xdp, lan0, in);
        const auto before = gate().drops(lan0.id, SL_DROP_TOO_BIG).packets;
        send(Hook::tc, lan0, serialise(in));
        EXPECT_EQ(gate().drops(lan0.id, SL_DROP_TOO_BIG).packets, before + 1);
    }
}

// Unknown neighbours are resolved by the kernel's own code: TC hands over, XDP stays out.
TEST_F(NextHop, NeighbourIsNotResolved) {
    establish();
    host("neigh del 192.0.2.254 dev wan0\nneigh del 2001:db8:1::fe dev wan0\n");
    for (const Packet& in : {packet4(), packet6()}) {
        expect_pass(Hook::xdp, lan0, in);
        Packet first = in;
        first.get<Udp>().sport = 4001;
        expect_pass(Hook::xdp, lan0, first);
        const Outcome got = send(Hook::tc, lan0, serialise(in));
        EXPECT_EQ(got.verdict, Verdict::forward);
    }
}

TEST_F(NextHop, YoungAnswerIsTrusted) {
    establish();
    auto settings = gate().map<__u32, sl_settings>("sl_settings").get(0).value();
    settings.nexthop_ttl = 30'000;  // half a minute: the test is over before
    gate().set_settings(settings);
    expect_way(wan0, router);
    host(
        "neigh replace 192.0.2.254 lladdr 02:07:07:07:07:07 dev wan0 nud permanent\n"
        "neigh replace 2001:db8:1::fe lladdr 02:07:07:07:07:07 dev wan0 nud permanent\n");
    expect_way(wan0, router);
}

// What the kernel has just answered to another flow of the same gateway is not asked for again, for
// a while; then it is.
TEST_F(NextHop, AnswersAreShared) {
    auto settings = gate().map<__u32, sl_settings>("sl_settings").get(0).value();
    settings.nexthop_ttl = 300;
    gate().set_settings(settings);
    const std::chrono::nanoseconds old{settings.nexthop_ttl * 11 / 10 << SL_TICK_SHIFT};
    const auto asked = [](std::uint16_t port) {
        sl_key4 key{};
        key.saddr = v4_raw(vm_a.v4);
        key.daddr = v4_raw(server.v4);
        key.sport = htons(port);
        key.dport = htons(53);
        key.domain = lan0.domain;
        key.proto = IPPROTO_UDP;
        return gate().flows4().get(key).value_or(sl_flow{}).nh_checked;
    };
    Packet other = packet4();
    other.get<Udp>().sport = 4001;
    for (const Hook hook : {Hook::tc, Hook::xdp}) {
        establish();
        expect_forward(hook, lan0, other, routed(other, wan0, router));
        const auto first = asked(4001);
        std::this_thread::sleep_for(old);
        expect_forward(hook, lan0, packet4(), routed(packet4(), wan0, router));
        expect_forward(hook, lan0, other, routed(other, wan0, router));
        EXPECT_EQ(asked(4001), first) << hook_text(hook);
        EXPECT_NE(asked(4000), first) << hook_text(hook);
        for (std::uint32_t i = 0; i < SL_NEXTHOP_SHARED; ++i) {
            std::this_thread::sleep_for(old);
            expect_forward(hook, lan0, packet4(), routed(packet4(), wan0, router));
        }
        expect_forward(hook, lan0, other, routed(other, wan0, router));
        EXPECT_NE(asked(4001), first) << hook_text(hook);
    }
}

// Two flows with different ways out stay apart, also when they share all but the interface.
TEST_F(NextHop, FlowsKeepTheirOwn) {
    establish();
    const Packet to_b = to_gateway(vm_a, lan0) / Ip4{.src = vm_a.v4, .dst = vm_b.v4} /
                        Udp{.sport = 4000, .dport = 53};
    const Packet to_thin = to_gateway(vm_a, lan0) / Ip4{.src = vm_a.v4, .dst = thin_host.v4} /
                           Udp{.sport = 4000, .dport = 53};
    for (int round = 0; round < 3; ++round) {
        expect_both(lan0, to_b, routed(to_b, lan1, vm_b));
        expect_both(lan0, to_thin, routed(to_thin, thin0, thin_host));
        expect_way(wan0, router);
        std::this_thread::sleep_for(ttl / 2);
    }
}

// The port table is an array used as a hash table (sluice/abi/port.h).
using PortTable = GateTest;

TEST_F(PortTable, EntryIsFoundInItsWindowAndNowhereElse) {
    const Packet in = a_to_server4() / Udp{.sport = 4000, .dport = 53};
    gate().remove_port(lan1);  // out of the way
    for (std::uint32_t slots_on = 0; slots_on < SL_PORT_WINDOW; ++slots_on) {
        SCOPED_TRACE(slots_on);
        gate().remove_port(lan0);
        gate().set_port(lan0, port_entry(lan0), slots_on);
        expect_both(lan0, in, routed(in, wan0, router));
    }
    for (const Link& link : ports) gate().remove_port(link);
    gate().set_port(lan0, port_entry(lan0), SL_PORT_WINDOW);
    for (const Hook hook : {Hook::tc, Hook::xdp}) {
        const auto got = gate().run(hook, lan0, serialise(in));
        ASSERT_TRUE(got);
        EXPECT_EQ(got->verdict, Verdict::pass);
    }
    gate().reset();  // what enters by no port is counted nowhere
}

}  // namespace
}  // namespace sluice::test
