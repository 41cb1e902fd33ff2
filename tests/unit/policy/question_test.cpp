// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/policy/question.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>

#include "tests/unit/expect_error.hpp"
#include "tests/unit/policy/sample.hpp"

namespace sluice {
namespace {

using sample::two_ports;

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

}  // namespace
}  // namespace sluice
