// SPDX-License-Identifier: GPL-2.0-or-later
// Later fragments that come before their first one are held, and leave behind it, whole; for a
// short time, in few places of each port, and never behind another's first fragment.
#include <netinet/in.h>

#include <algorithm>
#include <vector>

#include "tests/packet/scenario.hpp"
#include "tests/packet/switch/scenario.hpp"

namespace sluice::test {
namespace {

constexpr std::size_t chunk = 64;

class Held : public SwitchTest {
protected:
    void SetUp() override {
        SwitchTest::SetUp();
        lan_ = rig().join(lan0);
        other_ = rig().join(lan1);
        wan_ = rig().join(wan0);
    }
    static Packet datagram(std::size_t length = 200, std::uint16_t id = 77) {
        return to_gateway(vm_a, lan0) / Ip4{.src = vm_a.v4, .dst = server.v4, .id = id} / udp /
               payload(length);
    }
    static Packet translated(const Packet& in) {
        return with_source(routed(in, wan0, router), external, 4000);
    }
    /// Of `in` the fragments in this order; what leaves is `whole`'s, each once its first has
    /// passed.
    static void expect_order(std::size_t by, std::size_t out, const std::vector<std::size_t>& order,
                             const Packet& in, const Packet& whole) {
        const auto sent = fragments(in, chunk), left = fragments(whole, chunk);
        ASSERT_EQ(sent.size(), order.size());
        Copies waiting;
        bool first_passed = false;
        for (const std::size_t i : order) {
            SCOPED_TRACE(i);
            waiting.push_back({out, left[i]});
            first_passed |= i == 0;
            expect_copies(Way::tc, by, sent[i], first_passed ? waiting : Copies{});
            if (first_passed) waiting.clear();
        }
    }
    /// Whatever is held has been for so long.
    static void age(std::uint32_t ticks) {
        auto map = gate().map<__u32, sl_held>("sl_held");
        for (auto [place, held] : map.entries()) {
            held.tick -= ticks;
            map.put(place, held);
        }
    }

    std::size_t lan_ = 0, other_ = 0, wan_ = 0;
};

TEST_F(Held, InEveryOrderOutOfAMasquerade) {
    gate().masquerade(ip("10.0.0.0"), 24, wan0, {external}, 1024, 65535);
    std::vector<std::size_t> order{0, 1, 2, 3};
    std::uint16_t id = 1;
    do {
        const Packet in = datagram(200, id++);
        expect_order(lan_, wan_, order, in, translated(in));
        EXPECT_EQ(gate().held(), 0u);
    } while (std::ranges::next_permutation(order).found);
    EXPECT_EQ(gate().flows4().entries().size(), 2u) << "one session";
}

TEST_F(Held, IntoAForward) {
    gate().forward(IPPROTO_UDP, external, 5000, vm_b.v4, 53, wan0);
    gate().masquerade(ip("10.0.0.0"), 24, wan0, {external}, 1024, 65535);
    const Packet in = server_to(external) / Udp{.sport = 9, .dport = 5000} / payload(200);
    expect_order(wan_, other_, {3, 1, 0, 2}, in,
                 with_destination(routed(in, lan1, vm_b), vm_b.v4, 53));
}

TEST_F(Held, OutOfAVlan) {
    gate().masquerade(ip("10.10.0.0"), 24, wan0, {external}, 1024, 65535);
    rig().set_gateway(gateway_10);
    rig().set(0, trunk({10}));
    const Packet in = Eth{.dst = gateway_10.mac, .src = gateway_10.vm_mac} /
                      Ip4{.src = ip(gateway_10.vm_v4), .dst = server.v4, .id = 7} / udp /
                      payload(200);
    const auto sent = fragments(in, chunk), left = fragments(translated(in), chunk);
    expect_copies(Way::tc, 0, tagged(sent[2], {.vid = 10}), {});
    expect_copies(Way::tc, 0, tagged(sent[1], {.vid = 10}), {});
    expect_copies(Way::tc, 0, tagged(sent[0], {.vid = 10}),
                  {{wan_, left[0]}, {wan_, left[1]}, {wan_, left[2]}});
    expect_copies(Way::tc, 0, tagged(sent[3], {.vid = 10}), {{wan_, left[3]}});
    EXPECT_EQ(rig().vlan_count(10, SL_VLAN_ROUTED), 4u);
}

TEST_F(Held, IntoAVlan) {
    gate().forward(IPPROTO_UDP, external, 5000, ip(gateway_10.vm_v4), 53, wan0);
    gate().masquerade(ip("10.10.0.0"), 24, wan0, {external}, 1024, 65535);
    rig().set_gateway(gateway_10);
    rig().set(0, trunk({10}));
    rig().add_station(gateway_10.vm_mac, 10, 0);
    const Packet in = server_to(external) / Udp{.sport = 9, .dport = 5000} / payload(200);
    Packet whole = with_destination(in, ip(gateway_10.vm_v4), 53);
    whole.get<Eth>() = Eth{.dst = gateway_10.vm_mac, .src = gateway_10.mac};
    whole.get<Ip4>().ttl -= 1;
    const auto sent = fragments(in, chunk), left = fragments(whole, chunk);
    const auto at_vm = [&](std::size_t i) { return Copy{0, tagged(left[i], {.vid = 10})}; };
    expect_copies(Way::tc, wan_, sent[3], {});
    expect_copies(Way::tc, wan_, sent[1], {});
    expect_copies(Way::tc, wan_, sent[0], {at_vm(0), at_vm(1), at_vm(3)});
    expect_copies(Way::tc, wan_, sent[2], {at_vm(2)});
}

// A device of the sender's was to complete the first one: what follows is none of its business.
TEST_F(Held, BehindAPartialChecksum) {
    gate().masquerade(ip("10.0.0.0"), 24, wan0, {external}, 1024, 65535);
    const auto sent = fragments(datagram(), chunk);
    expect_copies(Way::tc, lan_, sent[1], {});
    rig().send_partial(lan_, serialise(sent[0]));
    const auto got = rig().receive();
    ASSERT_EQ(got.size(), 2u);
    const Bytes later = serialise(fragments(translated(datagram()), chunk)[1]);
    EXPECT_TRUE(std::ranges::any_of(got, [&](const Arrival& it) { return it.frame == later; }));
    EXPECT_EQ(rig().unfinished(), 1u) << "the first one, as it came";
}

TEST_F(Held, NotBehindAnothersFirstOne) {
    gate().masquerade(ip("10.0.0.0"), 16, wan0, {external}, 1024, 65535);
    const auto sent = fragments(datagram(), chunk);
    expect_copies(Way::tc, lan_, sent[1], {});
    const auto leaves_alone = [&](std::size_t by, const Packet& whole) {
        EXPECT_EQ(pass(Way::tc, by, fragments(whole, chunk)[0]).size(), 1u);
    };
    leaves_alone(lan_, datagram(200, 78));
    Packet neighbour = datagram();
    neighbour.get<Ip4>().src = ip("10.0.0.3");
    leaves_alone(lan_, neighbour);
    Packet elsewhere = datagram();
    elsewhere.get<Eth>() = to_gateway(vm_b, lan1);
    leaves_alone(other_, elsewhere);
    EXPECT_EQ(gate().held(), 1u);
}

TEST_F(Held, AShortTime) {
    gate().masquerade(ip("10.0.0.0"), 24, wan0, {external}, 1024, 65535);
    for (const bool late : {false, true}) {
        const Packet in = datagram(200, late ? 2 : 1);
        const auto sent = fragments(in, chunk), left = fragments(translated(in), chunk);
        expect_copies(Way::tc, lan_, sent[1], {});
        age(late ? SL_HELD_TICKS : SL_HELD_TICKS - 500);
        if (late)
            expect_copies(Way::tc, lan_, sent[0], {{wan_, left[0]}});
        else
            expect_copies(Way::tc, lan_, sent[0], {{wan_, left[0]}, {wan_, left[1]}});
    }
}

TEST_F(Held, InFewPlaces) {
    gate().masquerade(ip("10.0.0.0"), 24, wan0, {external}, 1024, 65535);
    for (std::uint16_t id = 0; id < SL_HELD_PLACES; ++id)
        expect_copies(Way::tc, lan_, fragments(datagram(200, id), chunk)[1], {});
    expect_drop(Way::tc, lan_, fragments(datagram(200, 99), chunk)[1], SL_DROP_FRAGMENT_ORPHAN);
    // Another port's are not taken by that.
    gate().masquerade(ip("10.0.1.0"), 24, wan0, {external}, 1024, 65535);
    const auto count = gate().held();
    Packet elsewhere = datagram();
    elsewhere.get<Eth>() = to_gateway(vm_b, lan1);
    elsewhere.get<Ip4>().src = vm_b.v4;
    expect_copies(Way::tc, other_, fragments(elsewhere, chunk)[1], {});
    EXPECT_EQ(gate().held(), count + 1);
}

TEST_F(Held, NoJumbo) {
    gate().masquerade(ip("10.0.0.0"), 24, wan0, {external}, 1024, 65535);
    const auto sent = fragments(datagram(6000), 2400);
    expect_drop(Way::tc, lan_, sent[1], SL_DROP_FRAGMENT_ORPHAN);
}

}  // namespace
}  // namespace sluice::test
