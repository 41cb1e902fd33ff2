// SPDX-License-Identifier: GPL-2.0-or-later
// Sightings: leases are kept alive by the frames of their MAC; duplicates and MACs that nobody was
// given are counted and reported, and dropped where they are in quarantine.
#include <chrono>
#include <thread>

#include "tests/packet/claims.hpp"
#include "tests/packet/scenario.hpp"

namespace sluice::test {
namespace {

const Packet from_a = Eth{.dst = stranger_mac, .src = vm_a.mac} /
                      Ip4{.src = vm_a.v4, .dst = server.v4} / Udp{.sport = 1, .dport = 2};

class Sight : public GateTest, public testing::WithParamInterface<Hook> {
protected:
    void SetUp() override {
        GateTest::SetUp();
        for (const Link& link : {lan0, lan1, wan0}) watch(link, link.domain);
    }
    static void watch(const Link& link, std::uint16_t domain, sl_role role = SL_ROLE_ACCESS) {
        sl_port port = port_entry(link);
        port.flags |= SL_PORT_SIGHT;
        port.domain = domain;
        port.role = static_cast<__u8>(role);
        gate().set_port(link, port);
    }
    /// On the hook, and if it leaves the frame, on TC.
    static Verdict sight(const Link& by, const Packet& in = from_a) {
        const Bytes frame = serialise(in);
        const Outcome got = send(GetParam(), by, frame);
        if (GetParam() == Hook::tc || got.verdict != Verdict::pass) return got.verdict;
        return send(Hook::tc, by, frame).verdict;
    }
    static std::size_t events_of(sl_event_kind kind) {
        std::size_t count = 0;
        for (const sl_event& event : gate().events()) count += event.kind == kind;
        return count;
    }
    static sl_lease bound(const Link& to, std::uint32_t flags = 0) {
        sl_lease lease{};
        lease.port = to.id;
        lease.flags = flags;
        return lease;
    }
    static void mac_pool(bool quarantine, std::uint16_t domain = 0) {
        sl_mac_pool other{}, pool{};
        other.used = pool.used = 1;
        other.first = 0x021a2b000000;
        other.last = 0x021a2bffffff;
        pool.first = 0x020000000a00;
        pool.last = 0x020000000a02;
        pool.quarantine = quarantine;
        pool.domain = domain;
        gate().map<__u32, sl_mac_pool>("sl_mac_pools").put(0, other);
        gate().map<__u32, sl_mac_pool>("sl_mac_pools").put(1, pool);
    }
};

TEST_P(Sight, KeepsALeaseAlive) {
    gate().lease(vm_a.mac, {});
    const std::uint32_t before = epoch_now();
    EXPECT_EQ(sight(lan0), Verdict::pass);
    sl_lease lease = gate().lease_of(vm_a.mac).value();
    EXPECT_GE(lease.last_seen, before);
    EXPECT_LE(lease.last_seen, epoch_now());
    EXPECT_EQ(lease.seen_port, lan0.id);
    EXPECT_EQ(lease.duplicates, 0u);
    lease.last_seen = 1;
    gate().lease(vm_a.mac, lease);
    std::this_thread::sleep_for(std::chrono::milliseconds(1200));
    EXPECT_EQ(sight(lan0), Verdict::pass);
    EXPECT_GT(gate().lease_of(vm_a.mac)->last_seen, before);
    EXPECT_TRUE(gate().events().empty());
}

// A MAC that was seen in the running second is not looked up.
TEST_P(Sight, OneLookUpASecond) {
    gate().lease(vm_a.mac, {});
    int looked_up = 0;
    for (int i = 0; i < 100; ++i) {
        EXPECT_EQ(sight(lan0), Verdict::pass);
        sl_lease lease = gate().lease_of(vm_a.mac).value();
        looked_up += lease.last_seen != 1;
        lease.last_seen = 1;
        gate().lease(vm_a.mac, lease);
    }
    EXPECT_GE(looked_up, 1);
    EXPECT_LT(looked_up, 50);
}

TEST_P(Sight, AnyFrameIsASighting) {
    gate().lease(vm_a.mac, {});
    EXPECT_EQ(sight(lan0, arp_frame(vm_a.mac, {.sender_mac = vm_a.mac})), Verdict::pass);
    EXPECT_EQ(gate().lease_of(vm_a.mac)->seen_port, lan0.id);
}

TEST_P(Sight, NotOfAFrameThatTheGuardDrops) {
    gate().lease(vm_a.mac, {});
    gate().set_guard(lan0, guard_of(vm_b), SL_PORT_SIGHT);
    EXPECT_EQ(sight(lan0), Verdict::drop);
    EXPECT_EQ(gate().lease_of(vm_a.mac)->last_seen, 0u);
}

TEST_P(Sight, OnAnotherPortThanItsOwnIsADuplicate) {
    gate().lease(vm_a.mac, bound(wan0));
    for (int i = 0; i < 5; ++i) EXPECT_EQ(sight(lan0), Verdict::pass);
    const sl_lease lease = gate().lease_of(vm_a.mac).value();
    EXPECT_EQ(lease.duplicates, 5u);
    EXPECT_EQ(lease.last_seen, 0u) << "an impostor keeps no lease alive";
    EXPECT_EQ(gate().guard_state(lan0).duplicates, 5u);
    const auto events = gate().events();
    ASSERT_EQ(events.size(), 1u);
    EXPECT_EQ(events[0].kind, SL_EVENT_MAC_DUPLICATE);
    EXPECT_EQ(events[0].port, lan0.id);
    EXPECT_EQ(events[0].other_port, wan0.id);
    EXPECT_EQ(sight(wan0), Verdict::pass);
    EXPECT_EQ(gate().lease_of(vm_a.mac)->seen_port, wan0.id);
    EXPECT_EQ(gate().guard_state(wan0).duplicates, 0u);
}

TEST_P(Sight, OnTwoPortsAtATimeIsADuplicate) {
    gate().lease(vm_a.mac, {});
    EXPECT_EQ(sight(lan0), Verdict::pass);
    EXPECT_EQ(sight(wan0), Verdict::pass);
    sl_lease lease = gate().lease_of(vm_a.mac).value();
    EXPECT_EQ(lease.duplicates, 1u);
    EXPECT_EQ(lease.seen_port, lan0.id);
    EXPECT_EQ(events_of(SL_EVENT_MAC_DUPLICATE), 1u);
    // The first port is silent: the VM has moved.
    lease.last_seen = epoch_now() - SL_DUPLICATE_SECONDS;
    gate().lease(vm_a.mac, lease);
    EXPECT_EQ(sight(wan0), Verdict::pass);
    EXPECT_EQ(gate().lease_of(vm_a.mac)->seen_port, wan0.id);
    EXPECT_EQ(gate().lease_of(vm_a.mac)->duplicates, 1u);
}

TEST_P(Sight, QuarantineDropsTheDuplicateAlone) {
    gate().lease(vm_a.mac, bound(wan0, SL_LEASE_QUARANTINE));
    for (int i = 0; i < 3; ++i) EXPECT_EQ(sight(lan0), Verdict::drop);
    EXPECT_EQ(gate().drops(lan0.id, SL_DROP_MAC_QUARANTINE).packets, 3u);
    EXPECT_EQ(gate().lease_of(vm_a.mac)->duplicates, 3u);
    for (int i = 0; i < 3; ++i) EXPECT_EQ(sight(wan0), Verdict::pass);
}

TEST_P(Sight, AMigratingOneIsNoDuplicate) {
    gate().lease(vm_a.mac, bound(wan0, SL_LEASE_MIGRATING | SL_LEASE_QUARANTINE));
    EXPECT_EQ(sight(lan0), Verdict::pass);
    EXPECT_EQ(sight(wan0), Verdict::pass);
    EXPECT_EQ(gate().lease_of(vm_a.mac)->duplicates, 0u);
    EXPECT_TRUE(gate().events().empty());
}

TEST_P(Sight, OfAPoolButNobodys) {
    mac_pool(false);
    for (int i = 0; i < 4; ++i) EXPECT_EQ(sight(lan0), Verdict::pass);
    EXPECT_EQ(gate().guard_state(lan0).foreign, 4u);
    EXPECT_EQ(events_of(SL_EVENT_MAC_FOREIGN), 1u);
    gate().lease(vm_a.mac, {});
    EXPECT_EQ(sight(lan0), Verdict::pass);
    EXPECT_EQ(gate().guard_state(lan0).foreign, 4u);
}

TEST_P(Sight, OfAPoolInQuarantine) {
    mac_pool(true);
    for (int i = 0; i < 4; ++i) EXPECT_EQ(sight(lan0), Verdict::drop);
    EXPECT_EQ(gate().guard_state(lan0).foreign, 4u);
    EXPECT_EQ(gate().drops(lan0.id, SL_DROP_MAC_QUARANTINE).packets, 4u);
    Packet outside = from_a;
    outside.get<Eth>().src = {2, 0, 0, 0, 0x0a, 3};
    EXPECT_EQ(sight(lan0, outside), Verdict::pass);
    outside.get<Eth>().src = {2, 0, 0, 0, 9, 0xff};
    EXPECT_EQ(sight(lan0, outside), Verdict::pass);
    EXPECT_EQ(gate().guard_state(lan0).foreign, 4u);
}

// The same MAC in two L2 domains is two MACs.
TEST_P(Sight, DomainsAreApart) {
    gate().lease(vm_a.mac, bound(wan0));
    gate().lease(vm_a.mac, {}, 20);
    mac_pool(true, 30);
    EXPECT_EQ(sight(lan1), Verdict::pass) << "lan1 is in domain 20";
    EXPECT_EQ(gate().lease_of(vm_a.mac, 20)->seen_port, lan1.id);
    EXPECT_EQ(gate().lease_of(vm_a.mac)->duplicates, 0u);
    Packet of_the_pool = from_a;
    of_the_pool.get<Eth>().src = {2, 0, 0, 0, 0x0a, 1};
    EXPECT_EQ(sight(wan0, of_the_pool), Verdict::pass) << "the pool is in domain 30";
    // On a trunk the tag says it, also if the same second saw the MAC untagged.
    watch(wan0, 0, SL_ROLE_TRUNK);
    const auto tagged = [](std::uint16_t vid) {
        return Eth{.dst = stranger_mac, .src = vm_a.mac} / Vlan{.vid = vid} /
               Ip4{.src = vm_a.v4, .dst = server.v4} / Udp{.sport = 1, .dport = 2};
    };
    EXPECT_EQ(sight(wan0), Verdict::pass);
    EXPECT_EQ(sight(wan0, tagged(20)), Verdict::pass);
    EXPECT_EQ(gate().lease_of(vm_a.mac, 20)->duplicates, 1u);
    EXPECT_EQ(sight(wan0, tagged(30)), Verdict::drop);
    EXPECT_EQ(gate().lease_of(vm_a.mac)->seen_port, wan0.id);
}

INSTANTIATE_TEST_SUITE_P(Hooks, Sight, testing::Values(Hook::tc, Hook::xdp),
                         [](const auto& info) { return hook_text(info.param); });

}  // namespace
}  // namespace sluice::test
