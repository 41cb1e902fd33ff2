// SPDX-License-Identifier: GPL-2.0-or-later
// QoS as the kernel is to have it: buckets, flags, shares, the classifier's tables, HTB trees.
#include "loader/qos/plan.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>

#include "loader/qos/match.hpp"

namespace sluice {
namespace {

using namespace std::chrono_literals;
using testing::Each;

constexpr std::uint64_t plan_mbit = 1'000'000;

DesiredState qos_state() {
    DesiredState desired;
    for (const auto* name : {"tap0", "tap1", "eth1"}) {
        auto& port = desired.ports.emplace_back();
        port.name = name;
        port.id = static_cast<std::uint16_t>(desired.ports.size());
    }
    desired.vm_ports = {{"web1", "tap1"}};
    return desired;
}

Host qos_host() {
    Host host;
    for (const auto* name : {"tap0", "tap1", "eth1"}) {
        auto& link = host.links.emplace_back();
        link.name = name;
        link.ifindex = static_cast<std::uint32_t>(10 + host.links.size());
        link.mtu = 1500;
    }
    return host;
}

QosPortSpec rates(const std::string& port, std::uint64_t in, std::uint64_t out) {
    QosPortSpec spec;
    spec.port = port;
    spec.ingress_rate = in;
    spec.egress_rate = out;
    return spec;
}

QosClassSpec a_class(const std::string& name, std::uint8_t id, std::vector<std::string> matches) {
    QosClassSpec spec{.name = name, .id = id};
    for (const auto& text : matches) spec.matches.push_back(parse_qos_match(text).value());
    return spec;
}

/// A frame as the classifier sees it.
struct Seen {
    std::uint16_t in = 0, out = 0, vlan = 0;
    std::uint8_t protocol = IPPROTO_UDP;
    std::uint16_t sport = 4000, dport = 9999;
    std::uint8_t dscp = 0;
};

/// As sl_classify() does.
int class_of(const QosTables& tables, const Seen& it) {
    const auto& rules = tables.rules;
    auto set = (rules.by_port[it.in] | rules.by_port[it.out]) & rules.by_vlan[it.vlan] &
               rules.by_protocol[it.protocol] & rules.by_dscp[it.dscp];
    const bool has_ports = it.protocol == IPPROTO_TCP || it.protocol == IPPROTO_UDP;
    const auto interval = [&](std::uint16_t port) {
        return rules.by_interval[tables.intervals.of[has_ports ? port : 0]];
    };
    set &= interval(it.sport) | interval(it.dport);
    return set == 0 ? 0 : rules.class_of[__builtin_ctzll(set)];
}

TEST(QosPlan, BucketsCostWhatTheRateSays) {
    const auto slow = byte_bucket(64'000, 72'000, 4ms, false);
    EXPECT_EQ(slow.cost, 125'000ull << 24);
    EXPECT_EQ(slow.flags, SL_BUCKET_LIMITED | SL_BUCKET_FINE) << "a GSO frame fills it";
    EXPECT_EQ(slow.limit, bucket_time(9s));
    EXPECT_GT(slow.most, bucket_time(65s));
    const auto coarse = byte_bucket(100 * plan_mbit, 5'000'000, 4ms, false);
    EXPECT_EQ(coarse.flags, SL_BUCKET_LIMITED);
    EXPECT_EQ(coarse.limit, bucket_time(400ms) - bucket_time(4ms));
    const auto fast = byte_bucket(100'000 * plan_mbit, 500'000'000, 4ms, false);
    EXPECT_EQ(fast.cost, 1'342'177u);  // 0.08 ns
    const auto short_burst = byte_bucket(1000 * plan_mbit, 100'000, 4ms, false);
    EXPECT_EQ(short_burst.flags, SL_BUCKET_LIMITED | SL_BUCKET_FINE);
    EXPECT_NEAR(static_cast<double>(short_burst.limit), static_cast<double>(bucket_time(800us)), 9);
    EXPECT_EQ(byte_bucket(unlimited, 0, 4ms, false).flags, 0u);
    EXPECT_EQ(byte_bucket(0, 0, 4ms, false).flags, SL_BUCKET_BLOCKED);
    EXPECT_EQ(frame_bucket(1'000, 4ms).cost, 1'000'000ull << 24);
    EXPECT_EQ(frame_bucket(unlimited, 4ms).flags, 0u);
    EXPECT_EQ(frame_bucket(0, 4ms).flags, SL_BUCKET_BLOCKED);
}

TEST(QosPlan, BurstsGoByTheRate) {
    EXPECT_EQ(policer_burst(100 * plan_mbit, 0), 5'000'000u);
    EXPECT_EQ(queue_burst(100 * plan_mbit, 0), 125'000u);
    EXPECT_EQ(policer_burst(64'000, 0), 72'000u);
    EXPECT_EQ(queue_burst(64'000, 0), 72'000u);
    EXPECT_EQ(policer_burst(100 * plan_mbit, 3'000), 3'000u);
    EXPECT_EQ(policer_burst(0, 0), 0u);
    EXPECT_EQ(queue_burst(unlimited, 0), 0u);
}

TEST(QosPlan, FlagsSayWhatThePortHasToDo) {
    auto desired = qos_state();
    desired.qos_ports = {rates("tap0", 100 * plan_mbit, 200 * plan_mbit),
                         rates("tap1", unlimited, 10 * plan_mbit)};
    desired.qos_ports[1].shaper = Shaper::police;
    auto plan = plan_qos(desired, qos_host(), {});
    EXPECT_EQ(plan.flags_of(1), SL_QOS_POLICE | SL_QOS_EGRESS | SL_QOS_QUEUED | SL_QOS_ECN);
    EXPECT_EQ(plan.flags_of(2), SL_QOS_EGRESS);
    EXPECT_EQ(plan.flags_of(3), 0);
    EXPECT_EQ(plan.ports.at(2).patience, 0u);
    EXPECT_EQ(plan.ports.at(1).patience, bucket_time(20ms));
    EXPECT_EQ(plan.ports.at(1).mark_at, bucket_time(5ms));
    EXPECT_EQ(plan.ports.at(1).late_at, 0u);
    EXPECT_EQ(plan.ports.at(1).handle, 0u);

    plan = plan_qos(desired, qos_host(), {.has_fq = true});
    EXPECT_EQ(plan.flags_of(1),
              SL_QOS_POLICE | SL_QOS_EGRESS | SL_QOS_QUEUED | SL_QOS_ECN | SL_QOS_EDT);
    EXPECT_FALSE(plan.queues.at(11).htb) << "fq";

    desired.qos_classes = {a_class("voice", 1, {"app=voip"})};
    plan = plan_qos(desired, qos_host(), {.has_fq = true});
    EXPECT_TRUE(plan.queues.at(11).htb) << "classes have queues of their own";
    EXPECT_EQ(plan.ports.at(1).handle, SL_QOS_HTB_MAJOR << 16);
    EXPECT_EQ(plan.flags_of(2), SL_QOS_EGRESS | SL_QOS_QUEUED | SL_QOS_CLASSES);
    EXPECT_EQ(plan.ports.at(2).handle, 0u) << "policed: only marked";
    desired.qos_ports[0].classes = false;
    EXPECT_EQ(plan_qos(desired, qos_host(), {}).flags_of(1) & SL_QOS_CLASSES, 0);
}

TEST(QosPlan, BlockedAndPacketRatesAreJudgedFrameByFrame) {
    auto desired = qos_state();
    desired.qos_ports = {rates("tap0", 0, 0), rates("tap1", 10 * plan_mbit, unlimited)};
    desired.qos_ports[1].pps = 1000;
    desired.qos_ports[1].dscp = 0;
    const auto plan = plan_qos(desired, qos_host(), {});
    EXPECT_EQ(plan.flags_of(1), SL_QOS_POLICE | SL_QOS_SINGLY | SL_QOS_EGRESS);
    EXPECT_EQ(plan.ports.at(1).out.flags, SL_BUCKET_BLOCKED);
    EXPECT_EQ(plan.flags_of(2), SL_QOS_POLICE | SL_QOS_SINGLY | SL_QOS_REMARK);
    EXPECT_TRUE(plan.queues.empty());
}

TEST(QosPlan, WhoHasPriorityIsAssuredItAndTheOthersShareTheRest) {
    std::vector<QosClassSpec> classes = with_default({});
    ASSERT_EQ(classes.size(), 1u);
    EXPECT_EQ(class_shares(classes, 100 * plan_mbit)[0].assured, 100 * plan_mbit);
    classes.push_back({.name = "voice", .id = 1, .priority = 0, .max_percent = 20});
    classes.push_back({.name = "two", .id = 2, .weight = 2});
    classes.push_back({.name = "five", .id = 3, .weight = 5, .max_percent = 30});
    const auto shares = class_shares(classes, 100 * plan_mbit);
    EXPECT_EQ(shares[0].assured, 10 * plan_mbit);
    EXPECT_EQ(shares[0].most, 100 * plan_mbit);
    EXPECT_EQ(shares[1].assured, 20 * plan_mbit);
    EXPECT_EQ(shares[1].most, 20 * plan_mbit);
    EXPECT_EQ(shares[2].assured, 20 * plan_mbit);
    EXPECT_EQ(shares[3].assured, 30 * plan_mbit) << "its share would be 50, but it has a limit";
}

TEST(QosPlan, QueuesHoldAGsoFrameAndKeepTheWeights) {
    auto desired = qos_state();
    desired.qos_ports = {rates("tap0", unlimited, 100 * plan_mbit)};
    auto tree = *plan_qos(desired, qos_host(), {}).queues.at(11).htb;
    ASSERT_EQ(tree.classes.size(), 2u);
    EXPECT_EQ(tree.default_class, tree.classes[1].id);
    EXPECT_GE(tree.classes[1].rate, 100 * plan_mbit) << "not slower than the model";
    EXPECT_LE(tree.classes[1].rate, 101 * plan_mbit);

    desired.qos_classes = {a_class("one", 1, {"port=1"}), a_class("four", 2, {"port=2"})};
    desired.qos_classes[1].weight = 4;
    tree = *plan_qos(desired, qos_host(), {}).queues.at(11).htb;
    ASSERT_EQ(tree.classes.size(), 4u);
    EXPECT_EQ(tree.classes[0].rate, 100 * plan_mbit);
    EXPECT_EQ(tree.classes[3].quantum, 4 * tree.classes[2].quantum);
    for (const auto& it : tree.classes)
        EXPECT_TRUE(it.limit == 0 || it.limit >= 2 * 65'536u) << it.limit;
    EXPECT_GE(tree.classes[1].quantum, 65'536u);
}

TEST(QosPlan, TheFirstMatchThatHoldsSaysTheClass) {
    auto desired = qos_state();
    desired.qos_classes = {a_class("voice", 1, {"app=voip"}),
                           a_class("web", 2, {"proto=tcp port=80,443", "proto=tcp port=8000-8080"}),
                           a_class("vm", 3, {"vm=web1"}),
                           a_class("if", 4, {"if=eth1 vlan=30"}),
                           a_class("icmp", 5, {"proto=icmp"}),
                           a_class("low", 6, {"dscp=cs1"}),
                           a_class("vlan", 7, {"vlan=40"})};
    desired.qos_classes[0].dscp = 46;
    desired.qos_classes[0].priority = 0;
    const auto plan = plan_qos(desired, qos_host(), {});
    const auto& tables = *plan.tables;
    const auto expect = [&](int number, const Seen& it) {
        EXPECT_EQ(class_of(tables, it), number);
    };
    expect(0, {});
    expect(1, {.dport = 5060});
    expect(1, {.protocol = IPPROTO_TCP, .sport = 5061});
    expect(1, {.sport = 16384});
    expect(1, {.dport = 32767});
    expect(0, {.dport = 32768});
    expect(0, {.protocol = IPPROTO_TCP, .dport = 16384});
    expect(1, {.protocol = IPPROTO_ICMP, .dscp = 46});
    expect(1, {.out = 2, .dport = 5060});
    expect(2, {.protocol = IPPROTO_TCP, .dport = 443});
    expect(2, {.protocol = IPPROTO_TCP, .sport = 8040});
    expect(0, {.protocol = IPPROTO_TCP, .dport = 8081});
    expect(0, {.dport = 443});
    expect(3, {.out = 2});
    expect(3, {.in = 2, .protocol = SL_QOS_NO_PROTOCOL});
    expect(4, {.in = 3, .vlan = 30});
    expect(0, {.in = 3, .vlan = 31});
    expect(0, {.in = 1, .vlan = 30});
    expect(5, {.protocol = IPPROTO_ICMP});
    expect(6, {.dscp = 8});
    expect(7, {.vlan = 40, .protocol = SL_QOS_NO_PROTOCOL});
    EXPECT_EQ(tables.rules.dscp[1], 46);
    EXPECT_EQ(tables.rules.dscp[0], SL_DSCP_KEEP);
    EXPECT_EQ(tables.rules.urgent[1], 1);
    EXPECT_EQ(tables.rules.urgent[2], 0);
}

TEST(QosPlan, WithoutClassesNothingMatches) {
    const auto plan = plan_qos(qos_state(), qos_host(), {});
    EXPECT_THAT(plan.tables->rules.by_port, Each(0u));
    EXPECT_EQ(class_of(*plan.tables, {.dport = 5060}), 0);
}

}  // namespace
}  // namespace sluice
