// SPDX-License-Identifier: GPL-2.0-or-later
// DSCP and priority of what enters; class, DSCP and congestion marks of what leaves. Whole frames
// at the far end of real cables, or as the program leaves them.
#include <netinet/in.h>

#include <cstring>
#include <vector>

#include "tests/harness/dissect.hpp"
#include "tests/packet/scenario.hpp"
#include "tests/packet/switch/scenario.hpp"

namespace sluice::test {
namespace {

constexpr std::uint8_t ect = 2, ce = 3, ef = 46;

Packet with_tos(Packet packet, std::uint8_t tos) {
    if (packet.has<Ip4>())
        packet.get<Ip4>().tos = tos;
    else
        packet.get<Ip6>().traffic_class = tos;
    return packet;
}

Packet switched4(const Mac& from, const Mac& to, const Udp& ports = udp) {
    return Eth{.dst = to, .src = from} / Ip4{.src = vm_a.v4, .dst = server.v4} / ports /
           payload(30);
}
Packet switched6(const Mac& from, const Mac& to) {
    return Eth{.dst = to, .src = from} /
           Ip6{.src = vm_a.v6, .dst = server.v6, .flow_label = 0xabcde} / udp / payload(30);
}

sl_qos no_marks() {
    sl_qos rates{};
    rates.dscp = SL_DSCP_KEEP;
    return rates;
}

sl_qos_rules no_rules() {
    sl_qos_rules rules{};
    std::memset(rules.dscp, SL_DSCP_KEEP, sizeof rules.dscp);
    return rules;
}

class Remark : public GateTest {
protected:
    static void remark(std::uint8_t dscp) {
        auto rates = no_marks();
        rates.dscp = dscp;
        gate().set_qos(lan0, rates, SL_QOS_REMARK);
    }
};

TEST_F(Remark, TheDscpChangesAndNothingElse) {
    const Packet four = a_to_server4() / udp / payload(20),
                 six = a_to_server6() / udp / payload(20);
    for (const std::uint8_t ecn : {0, 1, 2, 3})
        for (const auto& [asked, dscp] :
             {std::pair{SL_DSCP_KEEP, 10}, {0, 0}, {ef, 46}, {63, 63}}) {
            remark(static_cast<std::uint8_t>(asked));
            for (const auto& in : {four, six}) {
                const auto came = with_tos(in, static_cast<std::uint8_t>(10 << 2 | ecn));
                const auto left = with_tos(in, static_cast<std::uint8_t>(dscp << 2 | ecn));
                for (const Hook hook : {Hook::tc, Hook::xdp})
                    expect_forward(hook, lan0, came, routed(left, wan0, router));
            }
        }
}

TEST_F(Remark, XdpMarksWhatItOpens) {
    const Packet in = a_to_server4() / udp / payload(20);
    remark(ef);
    expect_forward(Hook::xdp, lan0, in, routed(with_tos(in, ef << 2), wan0, router));
}

TEST_F(Remark, WhatXdpPassesIsUntouched) {
    remark(ef);
    expect_pass(Hook::xdp, lan0, a_to_server4() / Tcp{.sport = 4000, .dport = 80} / payload(20));
}

TEST_F(Remark, WhatTheKernelGetsIsMarkedToo) {
    remark(0);
    const auto in = to(lan0.mac) / Ip4{.src = vm_a.v4, .dst = ip("10.0.0.1"), .tos = ef << 2} / udp;
    const auto got = send(Hook::tc, lan0, serialise(in));
    EXPECT_EQ(got.verdict, Verdict::pass);
    EXPECT_EQ(difference(serialise(with_tos(in, 0)), got.packet), "");
}

class SwitchMark : public SwitchWays {
protected:
    static void cables(Switched from, const sl_qos& rates) {
        from.qos = SL_QOS_REMARK;
        from.rates = &rates;
        rig().set(0, from);
        rig().set(1, trunk({10}));
        rig().add_station(vm, 10, 0);
        rig().add_station(station(1), 10, 1);
    }
};

TEST_P(SwitchMark, PriorityByDscp) {
    auto rates = no_marks();
    rates.pcp_rules = 1;
    std::memset(rates.pcp, SL_PCP_KEEP, sizeof rates.pcp);
    rates.pcp[ef] = 5;
    cables(access(10), rates);
    for (const auto& plain : {switched4(vm, station(1)), switched6(vm, station(1))}) {
        const auto urgent = with_tos(plain, ef << 2);
        expect_copies(GetParam(), 0, urgent, by({1}, tagged(urgent, {.vid = 10, .pcp = 5})));
        expect_copies(GetParam(), 0, plain, by({1}, tagged(plain, {.vid = 10})));
    }
}

TEST_P(SwitchMark, PriorityByTheDscpThatItGets) {
    auto rates = no_marks();
    rates.dscp = 0;
    rates.pcp_rules = 1;
    rates.pcp[0] = 1;
    rates.pcp[ef] = 5;
    cables(access(10), rates);
    const auto plain = switched4(vm, station(1));
    expect_copies(GetParam(), 0, with_tos(plain, ef << 2),
                  by({1}, tagged(plain, {.vid = 10, .pcp = 1})));
}

TEST_P(SwitchMark, DscpByPriority) {
    auto rates = no_marks();
    rates.dscp_rules = 1;
    std::memset(rates.dscps, SL_DSCP_KEEP, sizeof rates.dscps);
    rates.dscps[5] = ef;
    cables(trunk({10}), rates);
    for (const auto& plain : {switched4(vm, station(1)), switched6(vm, station(1))}) {
        const Vlan five{.vid = 10, .pcp = 5}, four{.vid = 10, .pcp = 4};
        expect_copies(GetParam(), 0, tagged(plain, five),
                      by({1}, tagged(with_tos(plain, ef << 2), five)));
        expect_copies(GetParam(), 0, tagged(plain, four), by({1}, tagged(plain, four)));
    }
}

TEST_P(SwitchMark, FramesThatAreNotIpStayAsTheyAre) {
    auto rates = no_marks();
    rates.dscp = 0;
    cables(access(10), rates);
    rig().set(1, access(10));
    const auto arp = Eth{.dst = station(1), .src = vm, .type = 0x0806} / payload(46);
    expect_copies(GetParam(), 0, arp, by({1}, arp));
}

SWITCH_WAYS(SwitchMark);

/// From port 0 to port 1, which has classes: 1 for UDP port 53, 2 for what port 0 sends.
class Classes : public SwitchTest {
protected:
    void SetUp() override {
        SwitchTest::SetUp();
        rules_ = no_rules();
        const std::uint16_t from = 0;
        rig().set(0, access(10));
        rates_.out = {1ull << 24, 0, ~0ull >> 1, SL_BUCKET_LIMITED | SL_BUCKET_FINE, 0};
        rates_.patience = ~0ull >> 2;
        for (auto& set : rules_.by_port) set = 1;
        rules_.by_port[rig().id(from)] |= 2;
        for (auto& set : rules_.by_vlan) set = 3;
        for (auto& set : rules_.by_dscp) set = 3;
        for (auto& set : rules_.by_protocol) set = 2;
        rules_.by_protocol[IPPROTO_UDP] |= 1;
        rules_.by_interval[0] = 2;
        rules_.by_interval[1] = 3;
        rules_.class_of[0] = 1;
        rules_.class_of[1] = 2;
        rules_.dscp[1] = ef;
        intervals_.of[53] = 1;
        enter();
    }
    void TearDown() override {
        gate().map<__u32, sl_qos_rules>("sl_qos_rules").put(0, no_rules());
        gate().map<__u32, sl_qos_intervals>("sl_qos_intervals").put(0, {});
        SwitchTest::TearDown();
    }

    void enter(std::uint16_t flags = SL_QOS_EGRESS | SL_QOS_CLASSES | SL_QOS_ECN) {
        gate().map<__u32, sl_qos_rules>("sl_qos_rules").put(0, rules_);
        gate().map<__u32, sl_qos_intervals>("sl_qos_intervals").put(0, intervals_);
        auto target = access(10);
        target.qos = flags;
        target.rates = &rates_;
        rig().set(1, target);
        rig().add_station(vm, 10, 0);
        rig().add_station(station(1), 10, 1);
        for (__u32 number = 0; number < SL_QOS_CLASSES_MAX; ++number) {
            const __u32 index = rig().id(1) * SL_QOS_CLASSES_MAX + number;
            const std::vector<sl_qos_class_stats> none(per_cpu_copies());
            bpf_map_update_elem(gate().fd("sl_qos_class_stats"), &index, none.data(), BPF_ANY);
        }
    }
    static std::size_t per_cpu_copies() {
        return static_cast<std::size_t>(libbpf_num_possible_cpus());
    }
    static std::uint64_t sent(std::uint32_t number, bool marked = false) {
        std::uint64_t packets = 0;
        for (const auto& cpu : per_cpu<sl_qos_class_stats>(
                 gate().fd("sl_qos_class_stats"), rig().id(1) * SL_QOS_CLASSES_MAX + number))
            packets += marked ? cpu.marked.packets : cpu.sent.packets;
        return packets;
    }

    sl_qos rates_ = no_marks();
    sl_qos_rules rules_{};
    sl_qos_intervals intervals_{};
};

TEST_F(Classes, TheFirstMatchSaysClassAndDscp) {
    const auto dns = switched4(vm, station(1));
    const auto answer = switched4(vm, station(1), {.sport = 53, .dport = 4000});
    const auto other = switched4(vm, station(1), {.sport = 4000, .dport = 54});
    const auto tcp = Eth{.dst = station(1), .src = vm} / Ip4{.src = vm_a.v4, .dst = server.v4} /
                     Tcp{.sport = 4000, .dport = 53};
    const auto arp = Eth{.dst = station(1), .src = vm, .type = 0x0806} / payload(46);
    const auto dns6 = switched6(vm, station(1));
    for (const auto& in : {dns, answer, dns6})
        expect_copies(Way::tc, 0, in, by({1}, with_tos(in, ef << 2)));
    for (const auto& in : {other, tcp, arp}) expect_copies(Way::tc, 0, in, by({1}, in));
    EXPECT_EQ(sent(0), 0u);
    EXPECT_EQ(sent(1), 3u);
    EXPECT_EQ(sent(2), 3u);
    EXPECT_EQ(gate().qos_stats(rig().id(1)).counts[SL_QOS_OUT_CONFORMED].packets, 6u);
}

TEST_F(Classes, DscpAndVlanAreAskedToo) {
    const auto dns = switched4(vm, station(1));
    rules_.by_dscp[8] = 2;
    enter();
    const auto low = with_tos(dns, 8 << 2);
    expect_copies(Way::tc, 0, low, by({1}, low));
    EXPECT_EQ(sent(2), 1u);
    rules_.by_vlan[10] = 2;
    enter();
    expect_copies(Way::tc, 0, dns, by({1}, dns));
    EXPECT_EQ(sent(2), 1u);
    EXPECT_EQ(sent(1), 0u);
}

TEST_F(Classes, LaterFragmentsHaveNoPorts) {
    const auto parts = fragments(switched4(vm, station(1)), 8);
    expect_copies(Way::tc, 0, parts[1], by({1}, parts[1]));
    EXPECT_EQ(sent(1), 0u);
    EXPECT_EQ(sent(2), 1u);
}

TEST_F(Classes, FromOtherPortsItIsTheDefaultClass) {
    rig().set(2, access(10));
    rig().add_station(station(2), 10, 2);
    const auto in = switched4(station(2), station(1), {.sport = 4000, .dport = 54});
    expect_copies(Way::tc, 2, in, by({1}, in));
    EXPECT_EQ(sent(0), 1u);
    const auto dns = switched4(station(2), station(1));
    expect_copies(Way::tc, 2, dns, by({1}, with_tos(dns, ef << 2)));
    EXPECT_EQ(sent(1), 1u);
}

TEST_F(Classes, WhoWaitsIsMarkedIfItMayBe) {
    rules_.urgent[1] = 1;
    rates_.mark_at = 0;
    enter();
    // A byte takes 1 ns and there is no burst: who comes at once behind another waits.
    rates_.out.cost = 1'000'000'000ull << 24 >> 8;
    enter();
    const auto plain = switched4(vm, station(1), {.sport = 4000, .dport = 54});
    const auto capable = with_tos(plain, ect);
    expect_copies(Way::tc, 0, capable, by({1}, capable));  // nobody is before it
    expect_copies(Way::tc, 0, capable, by({1}, with_tos(plain, ce)));
    expect_copies(Way::tc, 0, plain, by({1}, plain));
    const auto urgent = with_tos(switched4(vm, station(1)), ect);
    expect_copies(Way::tc, 0, urgent, by({1}, with_tos(urgent, ef << 2 | ect)));
    EXPECT_EQ(sent(2, true), 1u);
    EXPECT_EQ(sent(1, true), 0u);
    EXPECT_EQ(gate().qos_stats(rig().id(1)).counts[SL_QOS_OUT_MARKED].packets, 1u);
}

TEST_F(Classes, WhoWouldWaitTooLongIsDropped) {
    rates_.out.cost = 1'000'000'000ull << 24 >> 8;
    rates_.patience = 1;
    enter(SL_QOS_EGRESS | SL_QOS_CLASSES);
    const auto in = switched4(vm, station(1), {.sport = 4000, .dport = 54});
    expect_copies(Way::tc, 0, in, by({1}, in));
    expect_copies(Way::tc, 0, in, {});
    EXPECT_EQ(gate().drops(rig().id(1), SL_DROP_QOS_EGRESS).packets, 1u);
    EXPECT_EQ(gate().qos_stats(rig().id(1)).counts[SL_QOS_OUT_EXCEEDED].packets, 1u);
    EXPECT_EQ(sent(2), 1u);
    // Where classes have queues of their own, these decide.
    rates_.handle = SL_QOS_HTB_MAJOR << 16;
    rates_.late_at = 1;
    enter(SL_QOS_EGRESS | SL_QOS_CLASSES);
    expect_copies(Way::tc, 0, in, by({1}, in));
    expect_copies(Way::tc, 0, in, by({1}, in));
    expect_copies(Way::tc, 0, in, by({1}, in));
    EXPECT_EQ(gate().qos_stats(rig().id(1)).counts[SL_QOS_OUT_LATE].packets, 2u);
}

}  // namespace
}  // namespace sluice::test
