// SPDX-License-Identifier: GPL-2.0-or-later
// Flow records as eve.json has them.
#include "loader/flow/eve.hpp"

#include <gtest/gtest.h>
#include <netinet/in.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/unit/temporary_folder.hpp"

namespace sluice {
namespace {

FlowRecord ended_web() {
    FlowRecord record;
    record.ended = true;
    record.time = WallTime{std::chrono::seconds(1'700'000'000)};
    auto& session = record.session;
    session.protocol = IPPROTO_TCP;
    session.domain = 10;
    session.source = session.translated_source = {*Address::parse("10.0.0.2"), 4000};
    session.translated_source = {*Address::parse("192.0.2.1"), 2000};
    session.destination = {*Address::parse("198.51.100.9"), 443};
    session.translated_destination = session.destination;
    session.state = SessionState::closed;
    session.nat = NatKind::snat;
    session.sent = {10, 1000};
    session.received = {8, 9000};
    session.age = 12.5;
    session.idle = 2.25;
    session.in_port = "tap0";
    session.vm = "web1";
    session.sent_flags = SL_TCP_SYN | SL_TCP_ACK | SL_TCP_FIN;
    session.received_flags = SL_TCP_SYN | SL_TCP_ACK | SL_TCP_RST;
    return record;
}

TEST(Eve, ATcpFlow) {
    const auto eve = eve_flow(ended_web());
    EXPECT_EQ(eve["timestamp"], "2023-11-14T22:13:20.000000+0000");
    EXPECT_EQ(eve["event_type"], "flow");
    EXPECT_EQ(eve["in_iface"], "tap0");
    EXPECT_EQ(eve["vlan"][0], 10);
    EXPECT_EQ(eve["src_ip"], "10.0.0.2");
    EXPECT_EQ(eve["src_port"], 4000);
    EXPECT_EQ(eve["dest_ip"], "198.51.100.9");
    EXPECT_EQ(eve["dest_port"], 443);
    EXPECT_EQ(eve["proto"], "TCP");
    EXPECT_EQ(eve["flow"]["pkts_toserver"], 10);
    EXPECT_EQ(eve["flow"]["bytes_toclient"], 9000);
    EXPECT_EQ(eve["flow"]["start"], "2023-11-14T22:13:07.500000+0000");
    EXPECT_EQ(eve["flow"]["end"], "2023-11-14T22:13:17.750000+0000");
    EXPECT_EQ(eve["flow"]["age"], 12);
    EXPECT_EQ(eve["flow"]["state"], "closed");
    EXPECT_EQ(eve["flow"]["reason"], "timeout");
    EXPECT_EQ(eve["tcp"]["tcp_flags_ts"], "13");
    EXPECT_EQ(eve["tcp"]["tcp_flags_tc"], "16");
    EXPECT_EQ(eve["tcp"]["tcp_flags"], "17");
    EXPECT_EQ(eve["tcp"]["rst"], true);
    EXPECT_EQ(eve["sluice"]["vm"], "web1");
    EXPECT_EQ(eve["sluice"]["translated_src_ip"], "192.0.2.1");
    EXPECT_FALSE(eve["sluice"].contains("handshake"));
}

TEST(Eve, WithoutPortsAndFlushed) {
    auto record = ended_web();
    record.session.protocol = IPPROTO_ICMPV6;
    record.session.nat = NatKind::none;
    record.session.flushed = true;
    record.session.state = SessionState::unreplied;
    const auto eve = eve_flow(record);
    EXPECT_EQ(eve["proto"], "IPv6-ICMP");
    EXPECT_FALSE(eve.contains("src_port"));
    EXPECT_FALSE(eve.contains("tcp"));
    EXPECT_FALSE(eve["sluice"].contains("translated_src_ip"));
    EXPECT_EQ(eve["flow"]["reason"], "forced");
    EXPECT_EQ(eve["flow"]["state"], "new");
    record.session.protocol = 47;
    EXPECT_EQ(eve_flow(record)["proto"], "047");
}

std::string content(const std::filesystem::path& path) {
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
}

TEST(EveFile, AppendsAndFollowsItsPath) {
    const TemporaryFolder folder;
    const auto path = folder.path() / "eve.json", moved = folder.path() / "eve.json.1";
    std::ofstream(path) << "before\n";
    auto file = EveFile::open(path);
    ASSERT_TRUE(file);
    ASSERT_TRUE(file->append("one\n"));
    std::filesystem::rename(path, moved);
    ASSERT_TRUE(file->append("two\n"));
    EXPECT_EQ(content(moved), "before\none\n");
    EXPECT_EQ(content(path), "two\n");
}

TEST(EveFile, SaysWhatItCannotOpen) {
    const auto file = EveFile::open("/no/such/folder/eve.json");
    ASSERT_FALSE(file);
    EXPECT_NE(file.error().message.find("/no/such/folder/eve.json"), std::string::npos);
}

}  // namespace
}  // namespace sluice
