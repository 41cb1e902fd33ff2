// SPDX-License-Identifier: GPL-2.0-or-later
// What is said about policies: differences, flows to test, and names resolved.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>

#include "loader/policy/diff.hpp"
#include "loader/policy/question.hpp"
#include "loader/policy/resolve.hpp"
#include "loader/policy/text.hpp"
#include "tests/unit/expect_error.hpp"

namespace sluice {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

PolicyFile policy_of(const std::string& rules) {
    return parse_policy_file("network-policy:\n" + rules, "p").value();
}

std::vector<std::string> changes(const PolicyFile& before, const PolicyFile& after) {
    constexpr std::array<std::string_view, 4> names{"added", "removed", "changed", "moved"};
    std::vector<std::string> texts;
    for (const auto& it : compare_policies(before, after))
        texts.push_back(fmt::format("{} {} {}>{}", names[static_cast<std::size_t>(it.change)],
                                    it.what, it.before, it.after));
    return texts;
}

const std::string rule_a = "- {name: a, action: allow, ports: 80}\n";
const std::string rule_b = "- {name: b, action: deny}\n";
const std::string rule_c = "- {name: c, action: log, vlans: 7}\n";

TEST(PolicyDiff, RulesAreKnownByTheirNames) {
    const auto before = policy_of(rule_a + rule_b);
    EXPECT_THAT(changes(before, before), IsEmpty());
    EXPECT_THAT(changes(before, policy_of(rule_a)), ElementsAre("removed rule b 2>0"));
    EXPECT_THAT(changes(before, policy_of(rule_c + rule_a + rule_b)),
                ElementsAre("added rule c 0>1"));
    EXPECT_THAT(changes(before, policy_of("- {name: a, action: allow, ports: 81}\n" + rule_b)),
                ElementsAre("changed rule a 1>1"));
    EXPECT_THAT(changes(before, policy_of("- {name: a, action: deny, ports: 80}\n" + rule_b)),
                ElementsAre("changed rule a 1>1"));
}

TEST(PolicyDiff, OfRulesInAnotherOrderAsFewAsPossibleHaveMoved) {
    EXPECT_THAT(changes(policy_of(rule_a + rule_b + rule_c), policy_of(rule_c + rule_a + rule_b)),
                ElementsAre("moved rule c 3>1"));
    EXPECT_THAT(changes(policy_of(rule_a + rule_b), policy_of(rule_b + rule_a)).size(), 1u);
}

TEST(PolicyDiff, GroupsAndDefaultsToo) {
    const auto with = [](const std::string& text) { return parse_policy_file(text, "p").value(); };
    const auto before = with("groups: {a: [vm:x], b: [vm:x]}\n");
    EXPECT_THAT(changes(before, with("groups: {a: [vm:y], c: [vm:x]}\n")),
                ElementsAre("removed group b 0>0", "changed group a 0>0", "added group c 0>0"));
    EXPECT_THAT(changes(with("defaults: [{direction: in, action: deny}]\n"),
                        with("defaults: [{direction: out, action: deny}]\n")),
                ElementsAre("changed defaults 0>0"));
}

const std::vector<PortSpec> two_ports{{.name = "tap0", .vlans = {}, .id = 3},
                                      {.name = "eth0", .vlans = {}, .id = 9}};

Result<PolicyPacket> flow_of(const std::vector<std::string>& terms) {
    return parse_policy_flow(terms, two_ports);
}

TEST(PolicyFlow, TermsSayWhatThePacketIs) {
    const auto packet = flow_of({"src=10.0.0.5", "dst=192.168.1.1", "dport=3306", "sport=5",
                                 "in=tap0", "out=eth0", "vlan=10", "mac=02:00:00:00:00:01"})
                            .value();
    EXPECT_EQ(packet.source.text(), "10.0.0.5");
    EXPECT_EQ(packet.protocol, IPPROTO_TCP);
    EXPECT_EQ(packet.destination_port, 3306);
    EXPECT_EQ(packet.source_port, 5);
    EXPECT_EQ(packet.in_port, 3);
    EXPECT_EQ(packet.out_port, 9);
    EXPECT_EQ(packet.vlan, 10);
    EXPECT_EQ(packet.source_mac.bytes[5], 1);
    EXPECT_EQ(flow_of({"src=::1", "dst=::2", "proto=icmpv6"})->icmp_type, 128);
    EXPECT_EQ(flow_of({"src=::1", "dst=::2", "proto=icmpv6", "icmp-type=135"})->icmp_type, 135);
}

TEST(PolicyFlow, ErrorsTellTheMend) {
    const std::vector<std::pair<std::vector<std::string>, std::string>> wrong{
        {{"src=10.0.0.5"}, "no dst"},
        {{"src=10.0.0.5", "dst=::1"}, "not both IPv4"},
        {{"src=10.0.0.5", "dst=10.0.0.6", "src=10.0.0.7"}, "src stands twice"},
        {{"source=10.0.0.5"}, "unknown key \"source\""},
        {{"src"}, "not KEY=VALUE"},
        {{"dport>5"}, "not KEY=VALUE"},
        {{"src=10.0.0.0/8"}, "src=10.0.0.0/8: "},
        {{"src=10.0.0.5", "dst=10.0.0.6", "dport=65536"}, "0 to 65535"},
        {{"src=10.0.0.5", "dst=10.0.0.6", "vlan=4095"}, "0 to 4094"},
        {{"src=10.0.0.5", "dst=10.0.0.6", "proto=icmp", "dport=5"}, "no ports"},
        {{"src=10.0.0.5", "dst=10.0.0.6", "icmp-type=8"}, "goes with proto=icmp"},
    };
    for (const auto& [terms, message] : wrong)
        expect_error(flow_of(terms), ErrorCode::usage, message);
    const auto unknown = flow_of({"src=10.0.0.5", "dst=10.0.0.6", "in=tap1"});
    expect_error(unknown, ErrorCode::not_found, "tap1 is not a port");
    EXPECT_EQ(unknown.error().hint, "did you mean tap0?");
}

TEST(PolicyResolve, NamesBecomeAddressesAndPorts) {
    const auto file = parse_policy_file(
                          "groups: {all: [inner, 10.9.0.0/16], inner: [vm:web, port:eth0]}\n"
                          "defaults: [{direction: in, action: deny, vm: web}]\n"
                          "network-policy:\n"
                          "- {name: a, action: allow, source: all, in: 2h}\n"
                          "- {name: b, action: allow, destination: [vm:gone, port:gone]}\n",
                          "p")
                          .value();
    PolicySpec spec{.text = {}, .name = {}, .loaded = 1'000};
    spec.vms = {{"web", {Address::parse("10.0.0.5").value()}, {"tap0", "gone"}}};
    const auto policy = resolve_policy(file, spec, two_ports);
    const auto& source = policy.rules[0].source;
    EXPECT_FALSE(source.any);
    EXPECT_THAT(source.ports, ElementsAre(3, 9));
    EXPECT_THAT(source.prefixes, ElementsAre(Prefix::parse("10.0.0.5").value(),
                                             Prefix::parse("10.9.0.0/16").value()));
    EXPECT_TRUE(policy.rules[0].destination.any);
    EXPECT_EQ(policy.rules[0].expires, 1'000 + 2 * 3'600'000);
    EXPECT_FALSE(policy.rules[1].destination.any) << "who is not there is nobody";
    EXPECT_THAT(policy.rules[1].destination.prefixes, IsEmpty());
    ASSERT_EQ(policy.in_defaults.size(), 1u);
    EXPECT_THAT(policy.in_defaults[0].destination.ports, ElementsAre(3));
    EXPECT_THAT(policy.out_defaults, IsEmpty());
}

TEST(PolicyText, SaysWhatARuleAsksFor) {
    const auto file =
        policy_of("- {name: a, action: allow, source: 10.0.0.0/8, icmp-types: echo-request}\n");
    const auto properties = properties_of(file.rules[0]);
    ASSERT_EQ(properties.size(), 3u);
    EXPECT_EQ(properties[0], (PolicyProperty{"source", {"10.0.0.0/8"}}));
    EXPECT_EQ(properties[1], (PolicyProperty{"protocol", {"icmp", "icmpv6"}}));
    EXPECT_EQ(properties[2], (PolicyProperty{"icmp-types", {"echo-request"}}));
}

}  // namespace
}  // namespace sluice
