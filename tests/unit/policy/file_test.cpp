// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/policy/file.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>

#include <chrono>
#include <string_view>

#include "loader/policy/values.hpp"

namespace sluice {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;
using testing::SizeIs;
using testing::StartsWith;

constexpr std::string_view whole_policy = R"(# what the header of policy_file.hpp shows
network-policy:
  - name: "db-tier"
    action: "allow"
    source: ["10.0.0.0/24", "web-servers", "vm:web1", "port:tap0"]
    destination: ["192.168.1.0/24"]
    protocol: "TCP"
    ports: "3306,5432, 8000-8080"
    source-ports: [1024-65535]
    vlans: "10,20-30"
    source-macs: ["02:00:00:00:00:01"]
    expires: 2026-12-01T00:00:00Z
  - {name: ping, action: log, icmp-types: [echo-request], in: 2h}
  - {name: dns, action: reject, ports: 53}
  - {name: rest, action: deny, protocol: [udp, sctp, 47]}
defaults:
  - {direction: in, action: deny, vm: web1}
  - {direction: out, action: reject, group: web-servers}
  - {direction: in, action: allow}
groups:
  web-servers: [vm:web1, vm:web2, 10.0.0.0/24, 2001:db8::/32, port:tap0, others]
  others: 10.1.2.3
)";

PolicyFile read_policy_text(std::string_view text) {
    auto file = parse_policy_file(text, "p.yaml");
    EXPECT_TRUE(file) << text << "\n" << file.error().message;
    return file.value_or(PolicyFile{});
}

/// @param place `LINE:COLUMN`
/// @param hint a part of it
void expect_wrong(std::string_view text, std::string_view place, const std::string& message,
                  const std::string& hint = {}) {
    const auto file = parse_policy_file(text, "p.yaml");
    ASSERT_FALSE(file) << text;
    EXPECT_EQ(file.error().code, ErrorCode::usage);
    EXPECT_THAT(file.error().message, StartsWith(fmt::format("p.yaml:{}: ", place))) << text;
    EXPECT_THAT(file.error().message, HasSubstr(message)) << text;
    EXPECT_THAT(file.error().hint, HasSubstr(hint)) << text;
}

/// One rule r, whose other keys begin in line 4, column 5.
std::string rule_with(std::string_view keys) {
    return fmt::format("network-policy:\n  - name: r\n    action: deny\n    {}\n", keys);
}

TEST(PolicyFile, RulesSayWhatTheyAskFor) {
    const auto file = read_policy_text(whole_policy);
    ASSERT_THAT(file.rules, SizeIs(4));
    const auto& rule = file.rules[0];
    EXPECT_EQ(rule.name, "db-tier");
    EXPECT_EQ(rule.action, PolicyAction::allow);
    EXPECT_EQ(rule.line, 3);
    ASSERT_THAT(rule.source, SizeIs(4));
    EXPECT_EQ(rule.source[0].text(), "10.0.0.0/24");
    EXPECT_EQ(rule.source[1].kind, PolicyTerm::Kind::group);
    EXPECT_EQ(rule.source[2].text(), "vm:web1");
    EXPECT_EQ(rule.source[3].text(), "port:tap0");
    EXPECT_EQ(rule.destination.at(0).prefix, Prefix::parse("192.168.1.0/24").value());
    EXPECT_THAT(rule.protocols, ElementsAre(IPPROTO_TCP));
    EXPECT_THAT(rule.ports,
                ElementsAre(PortRange{3306, 3306}, PortRange{5432, 5432}, PortRange{8000, 8080}));
    EXPECT_THAT(rule.source_ports, ElementsAre(PortRange{1024, 65535}));
    EXPECT_THAT(rule.vlans, ElementsAre(PortRange{10, 10}, PortRange{20, 30}));
    EXPECT_EQ(rule.source_macs.at(0).text(), "02:00:00:00:00:01");
    EXPECT_EQ(rule.expires, 1'796'083'200);
    EXPECT_EQ(rule.lasts_for, std::nullopt);
}

TEST(PolicyFile, WhatIsNotSaidFollowsFromTheRest) {
    const auto rules = read_policy_text(whole_policy).rules;
    EXPECT_THAT(rules[1].protocols, ElementsAre(IPPROTO_ICMP, IPPROTO_ICMPV6));
    EXPECT_THAT(rules[1].icmp_types,
                ElementsAre(IcmpType{IPPROTO_ICMP, 8}, IcmpType{IPPROTO_ICMPV6, 128}));
    EXPECT_EQ(rules[1].lasts_for, 2h);
    EXPECT_EQ(rules[1].action, PolicyAction::log);
    EXPECT_THAT(rules[2].protocols, ElementsAre(IPPROTO_TCP, IPPROTO_UDP));
    EXPECT_THAT(rules[3].protocols, ElementsAre(IPPROTO_UDP, IPPROTO_SCTP, 47));
    EXPECT_THAT(rules[3].source, IsEmpty());
}

TEST(PolicyFile, DefaultsAndGroups) {
    const auto file = read_policy_text(whole_policy);
    ASSERT_THAT(file.defaults, SizeIs(3));
    EXPECT_EQ(file.defaults[0].direction, PolicyDirection::in);
    EXPECT_EQ(file.defaults[0].subject->text(), "vm:web1");
    EXPECT_EQ(file.defaults[1].subject->kind, PolicyTerm::Kind::group);
    EXPECT_EQ(file.defaults[1].action, PolicyAction::reject);
    EXPECT_EQ(file.defaults[2].subject, std::nullopt);
    EXPECT_THAT(file.groups.at("web-servers"), SizeIs(6));
    EXPECT_EQ(file.groups.at("others").at(0).text(), "10.1.2.3/32");
}

TEST(PolicyFile, NamesAreKnownByWhereTheyStandFirst) {
    const auto file = read_policy_text(whole_policy);
    ASSERT_THAT(file.vms, ElementsAre(Pair("web1", testing::_), Pair("web2", testing::_)));
    EXPECT_EQ(file.vms.at("web2").line, 21);
    EXPECT_EQ(file.vms.at("web2").column, 26);
    EXPECT_THAT(file.ports, ElementsAre(Pair("tap0", testing::_)));
}

TEST(PolicyFile, UnknownKeysNameTheNearest) {
    expect_wrong("network-policies: []\n", "1:1", "unknown key \"network-policies\" for the file",
                 "keys of the file: groups, defaults, network-policy");
    expect_wrong(rule_with("port: 80"), "4:5", "unknown key \"port\" for a rule",
                 "did you mean ports? keys of a rule: name, action, source, destination");
    expect_wrong(rule_with("ports: 80\n    ports: 81"), "5:5", "ports stands twice");
    expect_wrong("defaults:\n- {direction: in, action: deny, vms: a}\n", "2:33",
                 "unknown key \"vms\" for a default", "did you mean vm?");
    expect_wrong("groups: {}\ngroups: {}\n", "2:1", "groups stands twice");
}

TEST(PolicyFile, RulesHaveANameAndAnAction) {
    expect_wrong("network-policy:\n- {action: deny}\n", "2:3", "no name");
    expect_wrong("network-policy:\n- {name: a}\n", "2:3", "rule a has no action");
    expect_wrong("network-policy:\n- {name: a, action: deny}\n- {name: a, action: deny}\n", "3:3",
                 "rule a stands twice, first in line 2");
    expect_wrong("network-policy:\n- {name: a, action: dney}\n", "2:21", "`dney` is not an action",
                 "did you mean deny? actions: allow, deny, reject, log");
    expect_wrong("network-policy:\n- {name: a b, action: deny}\n", "2:10", "not a name of a rule");
    expect_wrong("defaults: [{action: deny}]\n", "1:12", "no direction");
    expect_wrong("defaults: [{direction: in}]\n", "1:12", "no action");
    expect_wrong("defaults: [{direction: both, action: deny}]\n", "1:24", "not a direction");
    expect_wrong("defaults: [{direction: in, action: deny, vm: a, port: b}]\n", "1:55",
                 "vm:a stands here already");
}

TEST(PolicyFile, EndsAreOfKnownKinds) {
    expect_wrong(rule_with("source: [10.0.0.1/24]"), "4:14", "source: ", "10.0.0.0/24");
    expect_wrong(rule_with("source: webservers"), "4:13", "unknown group \"webservers\"",
                 "vm:NAME");
    expect_wrong(rule_with("destination: [\"vm:\"]"), "4:19", "not a VM name");
    expect_wrong(rule_with("destination: [\"port:sixteen-letters1\"]"), "4:19",
                 "not an interface name");
    expect_wrong(rule_with("source: []"), "4:5", "source has no value");
    expect_wrong("groups:\n  web: [vm:a]\n" + rule_with("source: wbe"), "6:13",
                 "unknown group \"wbe\"", "did you mean web?");
    expect_wrong("groups:\n  web: []\n", "2:3", "web has no value");
    expect_wrong("groups:\n  10.0.0.1: [vm:a]\n", "2:3", "group 10.0.0.1 is an address");
    expect_wrong("groups:\n  a: [vm:a]\n  a: [vm:b]\n", "3:3", "group a stands twice");
    expect_wrong("groups: [a]\n", "1:9", "groups should be a map");
    expect_wrong("defaults: [{direction: in, action: deny, group: a}]\n", "1:49",
                 "unknown group \"a\"");
}

TEST(PolicyFile, GroupsAreNotInThemselves) {
    expect_wrong("groups:\n  a: a\n", "2:3", "group a is in itself");
    expect_wrong("groups:\n  x: vm:x\n  a: [b, x]\n  b: [x, c]\n  c: a\n", "3:3",
                 "group a is in itself", "a, b, c");
    read_policy_text("groups:\n  a: [b, c]\n  b: [d]\n  c: [d]\n  d: 10.0.0.0/8\n");
}

TEST(PolicyFile, PortsAndIcmpTypesGoWithTheirProtocols) {
    expect_wrong(rule_with("ports: 80\n    protocol: icmp"), "4:5", "protocol icmp has no ports");
    expect_wrong(rule_with("protocol: [tcp, sctp]\n    source-ports: 80"), "5:5",
                 "protocol sctp has no ports");
    expect_wrong(rule_with("protocol: tcp\n    icmp-types: echo-request"), "5:5",
                 "with protocol icmp or icmpv6");
    expect_wrong(rule_with("icmp-types: 3"), "4:5", "another one in ICMPv6", "protocol: icmp");
    expect_wrong(rule_with("protocol: icmp\n    icmp-types: packet-too-big"), "5:5",
                 "not an ICMP type here");
    expect_wrong(rule_with("icmp-types: echo-requests"), "4:5", "not an ICMP type here",
                 "did you mean echo-request?");
    const auto file = read_policy_text(rule_with("icmp-types: [echo-reply, 3]\n    protocol: 1"));
    EXPECT_THAT(file.rules[0].icmp_types,
                ElementsAre(IcmpType{IPPROTO_ICMP, 0}, IcmpType{IPPROTO_ICMP, 3}));
}

TEST(PolicyFile, WrongValuesAreRefusedWhereTheyStand) {
    for (const auto* pair : {"ports: 0",
                             "ports: 65536",
                             "ports: 90-80",
                             "ports: '80,'",
                             "ports: ''",
                             "ports: {a: b}",
                             "source-ports: http",
                             "protocol: tpc",
                             "protocol: 256",
                             "vlans: 0",
                             "vlans: 4095",
                             "vlans: 30-20",
                             "source-macs: 02:00:00:00:00",
                             "expires: tomorrow",
                             "expires: 2026-11-31T00:00:00Z",
                             "expires: 2026-12-01",
                             "expires: 2026-12-01T00:00:00",
                             "in: 2",
                             "in: 0s",
                             "in: 4000d"}) {
        const std::string_view text(pair);
        expect_wrong(rule_with(text), fmt::format("4:{}", 5 + text.find(' ') + 1),
                     std::string(text.substr(0, text.find(' '))));
    }
    expect_wrong(rule_with("expires: 2026-12-01T00:00:00Z\n    in: 2h"), "5:5",
                 "in contradicts expires");
    expect_wrong(rule_with("ports:\n    - 80\n    - 8o"), "6:7", "ports: ");
}

TEST(PolicyFile, TimesHaveZones) {
    EXPECT_EQ(parse_time("1970-01-01T00:00:00Z"), 0);
    EXPECT_EQ(parse_time("1970-01-01T02:00:00+02:00"), 0);
    EXPECT_EQ(parse_time("1969-12-31T18:30:00-05:30"), 0);
    EXPECT_FALSE(parse_time("1970-01-01T02:00:00+2:00"));
    EXPECT_FALSE(parse_time("1970-01-01T25:00:00Z"));
    EXPECT_EQ(time_text(parse_time("2026-12-01T00:00:00Z").value()), "2026-12-01T00:00:00Z");
}

TEST(PolicyFile, WhatIsNoPolicyIsRefused) {
    for (const auto* text : {"", "# nothing\n", "{}\n", "~\n"})
        expect_wrong(text, "1:1", "there is nothing in it", "groups, defaults, network-policy");
    expect_wrong("network-policy: {name: a}\n", "1:1", "network-policy should be a list");
    expect_wrong("network-policy:\n- a\n", "2:3", "here should be a rule");
    expect_wrong("network-policy:\n- name: \"a\n", "2:11", "no YAML: ");
    EXPECT_THAT(read_policy_text("network-policy: []\n").rules, IsEmpty());
}

std::string many_rules(int count) {
    std::string text = "network-policy:\n";
    for (int i = 0; i < count; ++i)
        text += fmt::format(
            "  - name: rule-{0}\n    action: allow\n    source: [\"10.{1}.{2}.0/24\"]\n"
            "    destination: [\"192.168.{2}.0/24\"]\n    protocol: tcp\n    ports: \"{0}\"\n",
            i + 1, i / 256, i % 256);
    return text;
}

TEST(PolicyFile, ThereIsRoomFor16256Rules) {
    EXPECT_THAT(read_policy_text(many_rules(16'256)).rules, SizeIs(16'256));
    expect_wrong(many_rules(16'257), "97538:5", "more than 16256 rules");
}

}  // namespace
}  // namespace sluice
