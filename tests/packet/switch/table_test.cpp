// SPDX-License-Identifier: GPL-2.0-or-later
// The MAC table itself: what happens when it is full, how old entries leave it, and two CPUs that
// learn the same MACs on two ports at once, as in a loop. A gate of its own, on lan0 and lan1.
#include <gtest/gtest.h>
#include <sched.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <set>
#include <thread>
#include <vector>

#include "sluice/abi/switch.h"
#include "tests/packet/claims.hpp"
#include "tests/packet/scenario.hpp"

namespace sluice::test {
namespace {

class SwitchTable : public testing::Test {
protected:
    static void SetUpTestSuite() {
        auto loaded = Gate::load();
        ASSERT_TRUE(loaded) << loaded.error().message;
        gate_ = std::move(*loaded);
    }
    static void TearDownTestSuite() { gate_.reset(); }

    void SetUp() override {
        gate_->fdb().clear();
        gate_->reset();
        for (const Link& link : {lan0, lan1}) add_port(link);
        sl_vlan_members members{};
        members.ports[0] = 1u << lan0.id | 1u << lan1.id;
        gate_->map<__u32, sl_vlan_members>("sl_vlan_members").put(10, members);
    }
    static void add_port(const Link& link, std::uint32_t flags = SL_SWITCH_LEARN) {
        sl_port port = port_entry(link);
        port.flags = SL_PORT_SWITCHED;
        port.domain = 10;
        gate_->set_port(link, port);
        sl_switch_port switched{};
        switched.flags = flags;
        switched.ifindex = port.ifindex;
        switched.mtu = 1500;
        switched.pvid = 10;
        switched.mode = SL_VLAN_ACCESS;
        switched.role = SL_ROLE_ACCESS;
        gate_->map<__u32, sl_switch_port>("sl_switch_ports").put(link.id, switched);
        gate_->map<__u32, sl_switch_state>("sl_switch_states").put(link.id, {});
    }
    /// @param macs it may learn @param buckets of four slots each, a power of two
    static void set_size(std::uint32_t macs, std::uint32_t buckets) {
        auto settings = gate_->map<__u32, sl_settings>("sl_settings").get(0).value();
        settings.max_macs = macs;
        settings.fdb_mask = buckets - 1;
        gate_->set_settings(settings);
    }
    static Mac numbered(std::uint32_t number) {
        return {2,
                0x77,
                0,
                0,
                static_cast<std::uint8_t>(number >> 8),
                static_cast<std::uint8_t>(number)};
    }
    static std::uint64_t key_of(std::uint32_t number) {
        return mac_number(numbered(number)) | 10ull << SL_FDB_MAC_BITS;
    }
    static Bytes from_mac(std::uint32_t number) {
        return serialise(Eth{.dst = stranger_mac, .src = numbered(number), .type = 0x88b6} /
                         payload(46));
    }
    static void hear(const Link& link, std::uint32_t number) {
        ASSERT_TRUE(gate_->run(Hook::tc, link, from_mac(number)));
    }
    static std::uint32_t learned(const Link& link) {
        return gate_->map<__u32, sl_switch_state>("sl_switch_states").get(link.id)->learned;
    }
    static std::uint64_t live() { return gate_->map<__u32, sl_live>("sl_live").get(0)->macs; }

    /// Every MAC has one entry, and is counted where it is.
    static void expect_exact(std::size_t macs) {
        std::set<std::uint64_t> keys;
        std::size_t on_lan0 = 0, on_lan1 = 0;
        for (const sl_fdb& entry : gate_->fdb().entries()) {
            EXPECT_TRUE(keys.insert(entry.key).second) << "two entries of one MAC";
            EXPECT_EQ(entry.port, entry.counted);
            on_lan0 += entry.counted == lan0.id;
            on_lan1 += entry.counted == lan1.id;
        }
        EXPECT_EQ(keys.size(), macs);
        EXPECT_EQ(learned(lan0), on_lan0);
        EXPECT_EQ(learned(lan1), on_lan1);
        EXPECT_EQ(live(), keys.size());
    }
    /// Each frame at the same time as the other CPU, as far as that can be.
    void send_all(int cpu, const Link& link, const std::vector<Bytes>& frames) {
        cpu_set_t set;
        CPU_ZERO(&set);
        CPU_SET(static_cast<std::size_t>(cpu), &set);
        sched_setaffinity(0, sizeof(set), &set);
        for (std::uint32_t i = 0; i < frames.size(); ++i) {
            step_.fetch_add(1);
            while (step_.load() < 2 * (i + 1)) sched_yield();
            if (!gate_->run(Hook::tc, link, frames[i])) ++errors_;
        }
    }

    static inline std::unique_ptr<Gate> gate_;
    std::atomic<std::uint32_t> step_{0}, errors_{0};
};

// What the table has stays; what it has no room for is switched all the same, and said once.
TEST_F(SwitchTable, FullForgetsNobody) {
    constexpr std::uint32_t room = 8, share = room / 2;
    set_size(room, 1024);
    add_port(lan0, SL_SWITCH_LEARN | SL_SWITCH_FLOOD);
    add_port(lan1, SL_SWITCH_LEARN | SL_SWITCH_FLOOD);
    for (std::uint32_t i = 0; i < room + 3; ++i) hear(lan0, i);
    for (std::uint32_t i = 0; i < share; ++i) EXPECT_TRUE(gate_->fdb().get(key_of(i)));
    expect_exact(share);
    const auto events = gate_->events();
    ASSERT_EQ(events.size(), 1u);
    EXPECT_EQ(events[0].kind, SL_EVENT_MACS_FULL);
    EXPECT_EQ(gate_->port_stats(lan0.id).rx[SL_COUNT_FORWARDED].packets, room + 3);
}

// A port has another MAC only while it holds fewer than are free: whatever one does, there is room
// for those of the others, and it gets more when others go.
TEST_F(SwitchTable, NoPortTakesTheTable) {
    constexpr std::uint32_t room = 90;
    set_size(room, 1024);
    for (std::uint32_t i = 0; i < 2 * room; ++i) hear(lan0, i);
    EXPECT_EQ(learned(lan0), room / 2);
    for (std::uint32_t i = 1000; i < 1000 + 2 * room; ++i) hear(lan1, i);
    EXPECT_EQ(learned(lan1), room / 4 + 1) << "23, with 22 free";
    for (std::uint32_t i = 2000; i < 2000 + 2 * room; ++i) hear(lan0, i);
    EXPECT_EQ(learned(lan0), room / 2) << "it has had its share";
    expect_exact(room / 2 + room / 4 + 1);
    // What moves takes no room: a whole segment may come by another port.
    for (std::uint32_t i = 0; i < room / 2; ++i) hear(lan1, i);
    EXPECT_EQ(learned(lan0), 0u);
    EXPECT_EQ(learned(lan1), room / 2 + room / 4 + 1);
    hear(lan1, 3000);
    EXPECT_FALSE(gate_->fdb().get(key_of(3000)));
    hear(lan0, 3000);
    EXPECT_TRUE(gate_->fdb().get(key_of(3000)));
}

// The same where a MAC may be, while there is room elsewhere.
TEST_F(SwitchTable, FullBucketsForgetNobody) {
    constexpr std::uint32_t slots = 4 * SL_FDB_SLOTS;
    set_size(1000, 4);
    std::uint32_t before = 0;
    for (std::uint32_t i = 0; i < 100; ++i) {
        hear(lan0, i);
        EXPECT_GE(learned(lan0), before);
        before = learned(lan0);
    }
    EXPECT_GT(before, slots / 2);
    expect_exact(before);
    EXPECT_LE(before, slots);
    EXPECT_EQ(gate_->events().front().kind, SL_EVENT_DROP) << "nowhere to send it";
    EXPECT_EQ(gate_->events().back().kind, SL_EVENT_MACS_FULL);
}

TEST_F(SwitchTable, TwoCpusLearnTheSame) {
    if (std::thread::hardware_concurrency() < 2) GTEST_SKIP() << "needs two CPUs";
    constexpr std::uint32_t macs = 1000;
    std::vector<Bytes> frames;
    for (std::uint32_t i = 0; i < macs; ++i) frames.push_back(from_mac(i));
    for (int round = 0; round < 20 && !HasFailure(); ++round) {
        SwitchTable::SetUp();
        step_ = 0;
        std::thread one([&] { send_all(0, lan0, frames); });
        std::thread other([&] { send_all(1, lan1, frames); });
        one.join();
        other.join();
        EXPECT_EQ(errors_, 0u);
        expect_exact(macs);
    }
}

TEST_F(SwitchTable, OldOnesGoAndMakeRoom) {
    constexpr std::uint32_t room = 8;
    set_size(4 * room, 16);  // visited in a second and a half
    for (std::uint32_t i = 0; i < room - 1; ++i) hear(i % 2 ? lan1 : lan0, i);
    sl_fdb given{};
    given.port = lan1.id;
    given.seen = SL_FDB_STATIC;
    gate_->fdb().put(key_of(1000), given);
    for (std::uint32_t i = 2; i < room - 1; ++i) {
        sl_fdb old = gate_->fdb().get(key_of(i)).value();
        old.seen = i % 2 ? SL_FDB_FORGOTTEN : old.seen - 301;
        gate_->fdb().put(key_of(i), old);
    }
    // One that was learned is given to its port for good: it is no longer counted.
    sl_fdb kept = gate_->fdb().get(key_of(1)).value();
    kept.seen = SL_FDB_STATIC;
    gate_->fdb().put(key_of(1), kept);
    ASSERT_TRUE(gate_->start_sweeper());
    for (int i = 0; i < 250 && live() > 1; ++i)
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
    EXPECT_EQ(live(), 1u);
    EXPECT_EQ(learned(lan0), 1u);
    EXPECT_EQ(learned(lan1), 0u);
    EXPECT_EQ(gate_->fdb().entries().size(), 3u);
    EXPECT_TRUE(gate_->fdb().get(key_of(1000)));
    for (std::uint32_t i = 100; i < 100 + room - 3; ++i) hear(lan0, i);
    EXPECT_EQ(learned(lan0), room - 2);
}

}  // namespace
}  // namespace sluice::test
