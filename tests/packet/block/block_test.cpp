// SPDX-License-Identifier: GPL-2.0-or-later
// The block list: what is from or to a listed address is dropped first of all, on both hooks.
#include "sluice/abi/block.h"

#include <bpf/bpf.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <ctime>
#include <thread>

#include "loader/block/image.hpp"
#include "loader/block/list.hpp"
#include "tests/packet/scenario.hpp"

namespace sluice::test {
namespace {

std::uint64_t now_ns() {
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 +
           static_cast<std::uint64_t>(now.tv_nsec);
}

sl_block_state state_of(const Gate& gate) {
    return gate.map<__u32, sl_block_state>("sl_block_state").get(0).value_or(sl_block_state{});
}

/// A map of what is there, in the slot of a map of maps.
template <class Entry>
void put_array(const Gate& gate, const char* slots, __u32 slot, const std::vector<Entry>& entries,
               __u32 flags) {
    LIBBPF_OPTS(bpf_map_create_opts, options);
    options.map_flags = flags | BPF_F_MMAPABLE;
    const int map = bpf_map_create(BPF_MAP_TYPE_ARRAY, "image", 4, sizeof(Entry),
                                   static_cast<__u32>(entries.size()), &options);
    ASSERT_GE(map, 0);
    for (__u32 i = 0; i < entries.size(); ++i)
        ASSERT_EQ(bpf_map_update_elem(map, &i, &entries[i], BPF_ANY), 0);
    EXPECT_EQ(bpf_map_update_elem(gate.fd(slots), &slot, &map, BPF_ANY), 0);
    close(map);
}

/// As the loader does it.
void block(const Gate& gate, std::initializer_list<const char*> networks) {
    std::vector<Prefix> prefixes;
    for (const auto* text : networks) prefixes.push_back(*Prefix::parse(text));
    normalise_block_list(prefixes);
    auto image = build_block_image(prefixes);
    ASSERT_TRUE(image);
    const __u32 slot = static_cast<__u32>(prefixes.size()) % 2;
    image->tables().slot = slot;
    if (!image->lines.empty())
        put_array(gate, "sl_block_lines", slot, image->lines, BPF_F_INNER_MAP);
    put_array(gate, "sl_block", 0, image->parts, 0);
    auto state = state_of(gate);
    state.listed = 1;
    gate.map<__u32, sl_block_state>("sl_block_state").put(0, state);
}

void block_until(const Gate& gate, const char* network, std::uint64_t until) {
    const auto prefix = *Prefix::parse(network);
    const auto length = static_cast<__u32>(prefix.mapped_length());
    gate.map<sl_block_key, sl_block_until>("sl_block_until")
        .put({prefix.address.raw(), length}, {until, 1, 0});
    auto state = state_of(gate);
    ++state.until;
    if (length < 128) state.lengths[length / 64] |= 1ull << length % 64;
    gate.map<__u32, sl_block_state>("sl_block_state").put(0, state);
}

class Block : public GateTest, public testing::WithParamInterface<Hook> {
protected:
    void SetUp() override {
        GateTest::SetUp();
        clear();
        for (const Link& link : ports) {
            auto entry = port_entry(link);
            if (GetParam() == Hook::tc) entry.flags &= static_cast<__u16>(~SL_PORT_XDP);
            gate().set_port(link, entry);
        }
    }
    void TearDown() override {
        clear();
        GateTest::TearDown();
    }
    static void clear() {
        const __u32 zero = 0, one = 1;
        bpf_map_delete_elem(gate().fd("sl_block"), &zero);
        for (const auto* slot : {&zero, &one})
            bpf_map_delete_elem(gate().fd("sl_block_lines"), slot);
        gate().map<sl_block_key, sl_block_until>("sl_block_until").clear();
        gate().map<__u32, sl_block_state>("sl_block_state").put(0, {});
    }
    static void expect_blocked(const Packet& in, const Link& by = lan0) {
        expect_drop(GetParam(), by, in, SL_DROP_BLOCKED);
    }
    /// Whatever else becomes of it.
    static void expect_let_in(const Packet& in, const Link& by = lan0) {
        const auto before = gate().drops(by.id, SL_DROP_BLOCKED).packets;
        EXPECT_NE(send(GetParam(), by, serialise(in)).verdict, Verdict::drop);
        EXPECT_EQ(gate().drops(by.id, SL_DROP_BLOCKED).packets, before);
    }
};

Packet from4(const char* source, const char* destination) {
    return to_gateway(vm_a, lan0) / Ip4{.src = ip(source), .dst = ip(destination)} / udp;
}

Packet from6(const char* source, const char* destination) {
    return to_gateway(vm_a, lan0) / Ip6{.src = ip(source), .dst = ip(destination)} / udp;
}

TEST_P(Block, Sources) {
    block(gate(),
          {"198.18.0.0/15", "192.0.2.77", "10.0.0.128/25", "2001:db8:bad::/48", "2001:db8:1::5"});
    for (const auto* source : {"198.18.0.0", "198.19.255.255", "192.0.2.77", "10.0.0.129"})
        expect_blocked(from4(source, "203.0.113.5"));
    for (const auto* source : {"198.17.255.255", "198.20.0.0", "192.0.2.78", "10.0.0.127"})
        expect_let_in(from4(source, "203.0.113.5"));
    for (const auto* source : {"2001:db8:bad::", "2001:db8:bad:ffff::1", "2001:db8:1::5"})
        expect_blocked(from6(source, "2001:db8:ffff::5"));
    for (const auto* source : {"2001:db8:bae::1", "2001:db8:1::6", "fd00:a::2"})
        expect_let_in(from6(source, "2001:db8:ffff::5"));
}

TEST_P(Block, Destinations) {
    block(gate(), {"203.0.113.0/29", "2001:db8:ffff::/64"});
    expect_blocked(a_to_server4() / udp);
    expect_blocked(a_to_server6() / udp);
    expect_let_in(from4("10.0.0.2", "203.0.113.8"));
    expect_let_in(from6("fd00:a::2", "2001:db8:ffff:1::5"));
}

TEST_P(Block, WhateverItIsAndWhoeverItIsFor) {
    block(gate(), {"10.0.0.2", "fd00:a::2"});
    expect_blocked(a_to_server4() / Tcp{.sport = 1, .dport = 2, .flags = SYN});
    expect_blocked(a_to_server4() / echo_request4(7));
    expect_blocked(a_to_server4() / Ip6Fragment{} / payload(9));
    expect_blocked(to({2, 9, 9, 9, 9, 9}) / Ip4{.src = vm_a.v4, .dst = vm_b.v4} / udp);
    expect_blocked(to({0xff, 0xff, 0xff, 0xff, 0xff, 0xff}) /
                   Ip6{.src = vm_a.v6, .dst = server.v6} / udp);
    Packet damaged = a_to_server4() / udp;
    damaged.get<Ip4>().header_words = 3;
    expect_blocked(damaged);
}

TEST_P(Block, BehindTags) {
    block(gate(), {"10.0.0.2", "2001:db8:ffff::5"});
    for (const std::uint16_t outer : {0x8100, 0x88a8}) {
        const Packet one = to(lan0.mac) / Vlan{.vid = 30, .tpid = outer};
        const Packet two = to(lan0.mac) / Vlan{.vid = 30, .tpid = outer} / Vlan{.vid = 40};
        for (const auto& tagged : {one, two}) {
            expect_blocked(tagged / Ip4{.src = vm_a.v4, .dst = server.v4} / udp);
            expect_blocked(tagged / Ip6{.src = vm_a.v6, .dst = server.v6} / udp);
            expect_let_in(tagged / Ip4{.src = vm_b.v4, .dst = server.v4} / udp);
        }
    }
}

TEST_P(Block, WhatIsNotListedIsUntouched) {
    block(gate(), {"192.0.2.77", "2001:db8:bad::/48"});
    const Packet in = a_to_server4() / udp / payload(20);
    expect_forward(Hook::tc, lan0, in, routed(in, wan0, router));
    expect_forward(GetParam(), lan0, in, routed(in, wan0, router));
    expect_pass(GetParam(), lan0, to(lan0.mac, 0x0806) / payload(46));
    expect_pass(GetParam(), lan0, to(lan0.mac, 0x88b5) / payload(0));
    expect_pass(GetParam(), lan0, to(lan0.mac, 0x8100) / payload(1));
}

TEST_P(Block, ForATime) {
    const auto later = now_ns() + 3'600'000'000'000;
    block_until(gate(), "10.0.0.2", later);
    block_until(gate(), "198.51.100.0/24", later);
    block_until(gate(), "2001:db8:bad::/48", later);
    block_until(gate(), "192.0.2.77", now_ns() - 1'000'000'000);
    expect_blocked(a_to_server4() / udp);
    expect_blocked(from4("198.51.100.200", "203.0.113.5"));
    expect_blocked(from4("10.0.0.3", "198.51.100.1"));
    expect_blocked(from6("2001:db8:bad:1::1", "2001:db8:ffff::5"));
    expect_let_in(from4("192.0.2.77", "203.0.113.5"));
    expect_let_in(from4("198.51.101.1", "203.0.113.5"));
    expect_let_in(from6("2001:db8:bae::1", "2001:db8:ffff::5"));
}

// A longer one that is over does not hide the shorter one.
TEST_P(Block, EachLengthHasItsOwnTime) {
    block_until(gate(), "10.0.0.2", now_ns() - 1'000'000'000);
    block_until(gate(), "10.0.0.0/24", now_ns() - 1'000'000'000);
    expect_let_in(a_to_server4() / udp);
    block_until(gate(), "10.0.0.0/16", now_ns() + 3'600'000'000'000);
    expect_blocked(a_to_server4() / udp);
}

// Both images have an address of the frame, so that no moment may let it in.
TEST_P(Block, ReplacedUnderTraffic) {
    block(gate(), {"10.0.0.2", "fd00:a::2"});
    std::atomic<bool> done = false;
    std::atomic<int> let_in = 0, frames = 0;
    std::thread traffic([&] {
        const Bytes v4 = serialise(a_to_server4() / udp), v6 = serialise(a_to_server6() / udp);
        while (!done) {
            for (const auto& frame : {v4, v6})
                if (send(GetParam(), lan0, frame).verdict != Verdict::drop) ++let_in;
            frames += 2;
        }
    });
    for (int i = 0; i < 20; ++i) {
        block(gate(), {"203.0.113.0/24", "2001:db8:ffff::/64", "fd00::/8"});
        block(gate(), {"10.0.0.0/8", "fd00:a::/126"});
    }
    done = true;
    traffic.join();
    EXPECT_GT(frames, 0);
    EXPECT_EQ(let_in, 0) << "of " << frames;
}

INSTANTIATE_TEST_SUITE_P(BothHooks, Block, testing::Values(Hook::tc, Hook::xdp),
                         [](const auto& info) { return std::string(hook_text(info.param)); });

// Somebody may have taken the XDP program off (`ip link set dev IF xdp off`): nothing tells.
TEST_F(GateTest, TcLooksAlsoWhereXdpShould) {
    block(gate(), {"10.0.0.2"});
    auto entry = port_entry(lan0);
    entry.flags |= SL_PORT_XDP;
    gate().set_port(lan0, entry);
    expect_drop(Hook::tc, lan0, a_to_server4() / udp, SL_DROP_BLOCKED);
    gate().map<__u32, sl_block_state>("sl_block_state").put(0, {});
}

TEST(BlockSweeper, RemovesWhatIsOver) {
    auto loaded = Gate::load();
    ASSERT_TRUE(loaded) << loaded.error().message;
    const auto& gate = **loaded;
    block_until(gate, "10.0.0.2", now_ns() + 200'000'000);
    block_until(gate, "10.0.0.0/24", now_ns() + 3'600'000'000'000);
    ASSERT_TRUE((*loaded)->start_sweeper());
    const auto entries = gate.map<sl_block_key, sl_block_until>("sl_block_until");
    for (int i = 0; i < 200 && entries.entries().size() > 1; ++i)
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
    ASSERT_EQ(entries.entries().size(), 1u);
    EXPECT_EQ(entries.entries()[0].first.length, 120u);
    EXPECT_EQ(state_of(gate).until, 1u);
}

}  // namespace
}  // namespace sluice::test
