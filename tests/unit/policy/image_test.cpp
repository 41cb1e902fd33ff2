// SPDX-License-Identifier: GPL-2.0-or-later
// The image that the datapath judges by, and the datapath's own code built for the host, against
// an evaluation rule by rule.
#include "loader/policy/image.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "bpf/lib/policy_image.h"
#include "tests/harness/policy_dice.hpp"
#include "tests/unit/expect_error.hpp"

namespace sluice {
namespace {

using namespace test;

constexpr std::int64_t since_boot = 100'000;

PolicyImage compiled(const ResolvedPolicy& policy) {
    auto image = compile_policy(policy, {7, 42, wall_now - since_boot});
    EXPECT_TRUE(image);
    return image.value_or(PolicyImage{});
}

struct Judged {
    __u32 action;
    sl_policy_query query;
};

Judged judge_by_image(const PolicyImage& image, const PolicyPacket& packet) {
    sl_policy_image lines{image.data(), static_cast<__u32>(image.size())};
    auto query = query_of(packet);
    const auto action = sl_policy_judge(&lines, &query, since_boot * 1'000'000);
    return {action, query};
}

void expect_same(const ResolvedPolicy& policy, const PolicyImage& image,
                 const PolicyPacket& packet) {
    const auto expected = judge(policy, packet, wall_now);
    const auto [action, query] = judge_by_image(image, packet);
    const auto what =
        fmt::format("{} -> {} proto {} ports {} {} vlan {} by {} {}", packet.source.text(),
                    packet.destination.text(), packet.protocol, packet.source_port,
                    packet.destination_port, packet.vlan, packet.in_port, packet.out_port);
    ASSERT_EQ(query.rule, expected.rule) << what;
    ASSERT_EQ(static_cast<int>(action), static_cast<int>(expected.action)) << what;
    ASSERT_EQ(query.generation, 7) << what;
    ASSERT_EQ(query.hit == 0, expected.decided == nullptr) << what;
}

TEST(PolicyImage, SaysWhatTheRulesSay) {
    PolicyDice dice(20261123);
    std::size_t decided = 0, packets = 0;
    for (int i = 0; i < 400; ++i) {
        const auto policy = dice.policy(i % 4 == 0 ? 300 : 12);
        const auto image = compiled(policy);
        for (int j = 0; j < 100; ++j, ++packets) {
            const auto packet = dice.packet();
            expect_same(policy, image, packet);
            if (HasFatalFailure()) return;
            decided += judge(policy, packet, wall_now).rule != 0;
        }
    }
    EXPECT_GT(decided, packets / 4) << "the dice are too kind";
    EXPECT_LT(decided, packets * 3 / 4);
}

TEST(PolicyImage, AnEmptyPolicyAllowsAll) {
    const auto [action, query] = judge_by_image(compiled({}), {});
    EXPECT_EQ(action, SL_POLICY_ALLOW);
    EXPECT_EQ(query.rule, 0);
    EXPECT_EQ(query.hit, 0);
}

ResolvedRule rule_from(const std::string& source, PolicyAction action) {
    ResolvedRule rule;
    rule.action = action;
    rule.source = {.any = false, .prefixes = {Prefix::parse(source).value()}};
    return rule;
}

PolicyPacket packet_from(const char* source) {
    PolicyPacket packet;
    packet.source = Address::parse(source).value();
    packet.destination = Address::parse("192.0.2.1").value();
    packet.protocol = IPPROTO_UDP;
    return packet;
}

TEST(PolicyImage, EdgesOfPrefixesAreExact) {
    for (const auto* text : {"0.0.0.0/0", "255.255.255.255/32", "10.0.0.0/31", "128.0.0.0/1"}) {
        const auto image = compiled({.rules = {rule_from(text, PolicyAction::deny)}});
        const auto prefix = Prefix::parse(text).value();
        for (const auto* address : {"0.0.0.0", "9.255.255.255", "10.0.0.0", "10.0.0.1", "10.0.0.2",
                                    "127.255.255.255", "128.0.0.0", "255.255.255.255"})
            EXPECT_EQ(judge_by_image(image, packet_from(address)).action == SL_POLICY_DENY,
                      prefix.contains(Address::parse(address).value()))
                << text << " " << address;
        EXPECT_EQ(judge_by_image(image, packet_from("::ffff")).action, SL_POLICY_ALLOW)
            << "IPv4 is one part of IPv6's addresses";
    }
    const auto all6 = compiled({.rules = {rule_from("::/0", PolicyAction::deny)}});
    for (const auto* address : {"::", "2001:db8::1", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"})
        EXPECT_EQ(judge_by_image(all6, packet_from(address)).action, SL_POLICY_DENY) << address;
    EXPECT_EQ(judge_by_image(all6, packet_from("10.0.0.1")).action, SL_POLICY_ALLOW);
}

TEST(PolicyImage, WhatExpiresLeavesItToTheNext) {
    auto short_lived = rule_from("10.0.0.0/8", PolicyAction::deny);
    short_lived.expires = wall_now + 1;
    const auto image =
        compiled({.rules = {short_lived, rule_from("10.0.0.0/8", PolicyAction::log)}});
    sl_policy_image lines{image.data(), static_cast<__u32>(image.size())};
    auto query = query_of(packet_from("10.0.0.1"));
    constexpr __u64 now = since_boot * 1'000'000;
    EXPECT_EQ(sl_policy_judge(&lines, &query, now), SL_POLICY_DENY);
    EXPECT_EQ(sl_policy_judge(&lines, &query, now + 999'999), SL_POLICY_DENY);
    EXPECT_EQ(sl_policy_judge(&lines, &query, now + 1'000'000), SL_POLICY_LOG);
    EXPECT_EQ(query.rule, 2);
}

TEST(PolicyImage, OfTwoDefaultsTheStricterDecides) {
    auto in_reject = ResolvedRule{};
    in_reject.action = PolicyAction::reject;
    const ResolvedPolicy policy{.rules = {rule_from("10.0.0.1/32", PolicyAction::allow)},
                                .out_defaults = {rule_from("10.0.0.0/8", PolicyAction::deny),
                                                 rule_from("11.0.0.0/8", PolicyAction::allow)},
                                .in_defaults = {in_reject}};
    const auto image = compiled(policy);
    EXPECT_EQ(judge_by_image(image, packet_from("10.0.0.1")).action, SL_POLICY_ALLOW);
    EXPECT_EQ(judge_by_image(image, packet_from("10.0.0.2")).action, SL_POLICY_DENY);
    EXPECT_EQ(judge_by_image(image, packet_from("10.0.0.2")).query.hit, 65);
    EXPECT_EQ(judge_by_image(image, packet_from("11.0.0.1")).action, SL_POLICY_REJECT);
    EXPECT_EQ(judge_by_image(image, packet_from("11.0.0.1")).query.hit, 129);
    EXPECT_EQ(judge_by_image(image, packet_from("12.0.0.1")).action, SL_POLICY_REJECT);
}

// How long it takes is measured by scripts/bench policy.
TEST(PolicyImage, EachOfManyRulesIsFound) {
    for (const std::uint32_t count : {10u, 1'000u, 10'000u, 16'000u}) {
        const auto image = compiled(many_hosts(count));
        sl_policy_image lines{image.data(), static_cast<__u32>(image.size())};
        for (std::uint32_t host = 0; host < count; ++host) {
            auto query = query_of(packet_of_host(host));
            sl_policy_judge(&lines, &query, 0);
            ASSERT_EQ(query.rule, host + 1) << "of " << count;
        }
    }
}

TEST(PolicyImage, WhatIsTooLargeIsRefused) {
    PolicyDice dice(3);
    ResolvedPolicy policy;
    for (std::uint32_t i = 0; i < 16'000; ++i) {
        ResolvedRule rule;
        rule.source.any = false;
        for (int j = 0; j < 80; ++j)
            rule.source.prefixes.push_back(
                {Address::v4(static_cast<__be32>(dice.upto(UINT16_MAX))), 16});
        policy.rules.push_back(std::move(rule));
    }
    expect_error(compile_policy(policy, {}), ErrorCode::refused,
                 "the policy needs more than 64 MB");
}

}  // namespace
}  // namespace sluice
