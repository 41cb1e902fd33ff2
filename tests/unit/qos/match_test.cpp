// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/qos/match.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>

#include <random>

#include "tests/unit/expect_error.hpp"

namespace sluice {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

QosMatch parsed(std::string_view text) {
    const auto match = parse_qos_match(text);
    EXPECT_TRUE(match) << text << ": " << match.error().message;
    return match.value_or(QosMatch{});
}

TEST(QosMatch, HasEveryKey) {
    const auto match = parsed("vm=web1 if=tap0 vlan=10 proto=tcp port=443,8000-8080 dscp=af41");
    EXPECT_EQ(match.vm, "web1");
    EXPECT_EQ(match.interface, "tap0");
    EXPECT_EQ(match.vlan, 10);
    EXPECT_EQ(match.protocol, IPPROTO_TCP);
    EXPECT_THAT(match.ports, ElementsAre(PortRange{443, 443}, PortRange{8000, 8080}));
    EXPECT_EQ(match.dscp, 34);
    EXPECT_EQ(match.app, "");
    EXPECT_EQ(parsed("app=voip vm=web1").app, "voip");
    EXPECT_EQ(parsed("proto=132").protocol, IPPROTO_SCTP);
    EXPECT_EQ(parsed("proto=0").protocol, 0);
    EXPECT_EQ(parsed("vlan=4094").vlan, 4094);
    EXPECT_EQ(parsed("dscp=0").dscp, 0);
}

TEST(QosMatch, IsWrittenAsItIsParsed) {
    for (const auto* text :
         {"app=voip", "app=web vm=web1 if=tap0 vlan=10", "proto=udp port=5060-5061", "port=53",
          "vm=web1 proto=tcp port=443,8000-8080", "dscp=ef", "dscp=be", "dscp=47", "proto=0",
          "proto=icmpv6", "proto=89"})
        EXPECT_EQ(qos_match_text(parsed(text)), text);
    EXPECT_EQ(qos_match_text(parsed(" \tdscp=46   port=80 \n")), "port=80 dscp=ef");
}

TEST(QosMatch, ComesBackFromItsText) {
    std::mt19937 random(7);
    const auto sometimes = [&] { return random() % 2 == 0; };
    for (int round = 0; round < 5'000; ++round) {
        QosMatch match;
        if (sometimes()) match.vm = "vm.1@host";
        if (sometimes()) match.interface = "tap=0";
        if (sometimes()) match.vlan = static_cast<std::uint16_t>(1 + random() % 4094);
        if (sometimes()) match.app = qos_apps()[random() % qos_apps().size()].name;
        if (match.app.empty()) {
            constexpr std::uint8_t with_ports[] = {IPPROTO_TCP, IPPROTO_UDP};
            if (sometimes()) match.dscp = static_cast<std::uint8_t>(random() % 64);
            if (sometimes()) match.protocol = with_ports[random() % 2];
            for (std::uint16_t port = 1; sometimes(); port += 100)
                match.ports.push_back({port, static_cast<std::uint16_t>(port + random() % 90)});
        }
        if (match == QosMatch{}) continue;
        ASSERT_EQ(parsed(qos_match_text(match)), match) << qos_match_text(match);
    }
}

TEST(QosMatch, PortsAreSortedAndMadeFew) {
    const auto ports = [](std::string_view text) { return parsed(text).ports; };
    EXPECT_THAT(ports("port=443,80"), ElementsAre(PortRange{80, 80}, PortRange{443, 443}));
    EXPECT_THAT(ports("port=80,80"), ElementsAre(PortRange{80, 80}));
    EXPECT_THAT(ports("port=82,80-81"), ElementsAre(PortRange{80, 82}));
    EXPECT_THAT(ports("port=1-65535,80-90"), ElementsAre(PortRange{1, 65535}));
    EXPECT_THAT(ports("port=65535,1-2,4"),
                ElementsAre(PortRange{1, 2}, PortRange{4, 4}, PortRange{65535, 65535}));
}

TEST(QosMatch, RefusesWhatContradictsItself) {
    expect_error(parse_qos_match(""), ErrorCode::usage, "empty match");
    expect_error(parse_qos_match("  "), ErrorCode::usage, "empty match");
    for (const auto* text : {"app=voip proto=udp", "port=80 app=web", "app=voip dscp=ef"})
        expect_error(parse_qos_match(text), ErrorCode::usage, "app says proto, port and dscp");
    for (const auto* text : {"proto=icmp port=80", "port=80 proto=89", "proto=0 port=1"})
        expect_error(parse_qos_match(text), ErrorCode::usage, "has no ports");
    expect_error(parse_qos_match("port=80 port=443"), ErrorCode::usage, "port stands twice");
    expect_error(parse_qos_match("vm=a vm=a"), ErrorCode::usage, "vm stands twice");
}

TEST(QosMatch, RefusesValuesThatAreNone) {
    for (const auto* text : {"vlan=0",
                             "vlan=4095",
                             "vlan=",
                             "vlan=10x",
                             "vlan=-1",
                             "port=",
                             "port=0",
                             "port=80,",
                             "port=,80",
                             "port=90-80",
                             "port=65536",
                             "dscp=64",
                             "dscp=",
                             "proto=255",
                             "proto=256",
                             "proto=TCP",
                             "proto=",
                             "if=",
                             "if=sixteen-letters1",
                             "if=a/b",
                             "vm=",
                             "vm=-a",
                             "vm=a,b",
                             "app=",
                             "app=Voip"})
        expect_error(parse_qos_match(text), ErrorCode::usage, text);
    expect_error(parse_qos_match("tcp"), ErrorCode::usage, "not KEY=VALUE");
    expect_error(parse_qos_match("=5"), ErrorCode::usage, "unknown match key \"\"");
}

TEST(QosMatch, UnknownKeysNameTheKnownAndTheNearest) {
    expect_error(parse_qos_match("ports=80"), ErrorCode::usage, "unknown match key \"ports\"");
    EXPECT_EQ(parse_qos_match("ports=80").error().hint,
              "did you mean port? keys: app, vm, if, vlan, proto, port, dscp");
    EXPECT_EQ(parse_qos_match("source=80").error().hint,
              "keys: app, vm, if, vlan, proto, port, dscp");
    EXPECT_THAT(parse_qos_match("app=viop").error().hint,
                HasSubstr("did you mean voip? applications: voip, sip, rtp, dns, ssh, web, rdp"));
}

TEST(QosMatch, ApplicationsAreSpeltOutForTheSameVmAndVlan) {
    EXPECT_THAT(spell_out(parsed("port=80")), ElementsAre(parsed("port=80")));
    EXPECT_THAT(spell_out(parsed("app=voip")),
                ElementsAre(parsed("port=5060-5061"), parsed("proto=udp port=16384-32767"),
                            parsed("dscp=ef")));
    EXPECT_THAT(spell_out(parsed("app=web vm=a if=tap0 vlan=10")),
                ElementsAre(parsed("vm=a if=tap0 vlan=10 proto=tcp port=80,443"),
                            parsed("vm=a if=tap0 vlan=10 proto=udp port=443")));
    for (const auto& app : qos_apps()) {
        const auto matches = spell_out(parsed(fmt::format("app={}", app.name)));
        EXPECT_FALSE(matches.empty());
        for (const auto& match : matches) EXPECT_EQ(parsed(qos_match_text(match)), match);
        EXPECT_THAT(qos_match_help(), HasSubstr(fmt::format("app={} ", app.name)));
    }
}

}  // namespace
}  // namespace sluice
