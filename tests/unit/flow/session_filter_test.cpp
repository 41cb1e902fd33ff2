// SPDX-License-Identifier: GPL-2.0-or-later
// Filters: every key, and what is said about a bad one.
#include <gtest/gtest.h>
#include <netinet/in.h>

#include "loader/flow/session.hpp"
#include "sluice/abi/flow.h"

namespace sluice {
namespace {

/// 10.0.0.2:4000 -> 198.51.100.9:443 by TCP, leaving as 192.0.2.1:2000.
Session web_session() {
    Session session;
    session.protocol = IPPROTO_TCP;
    session.source = {*Address::parse("10.0.0.2"), 4000};
    session.destination = {*Address::parse("198.51.100.9"), 443};
    session.translated_source = {*Address::parse("192.0.2.1"), 2000};
    session.translated_destination = session.destination;
    session.state = SessionState::established;
    session.nat = NatKind::snat;
    session.in_port = "tap0";
    session.out_port = "eth0";
    session.vm = "web1";
    session.domain = 10;
    session.dscp = 46;
    session.sent = {10, 1'000'000};
    session.received = {20, 500'000};
    session.age = 60;
    session.idle = 2;
    session.handshake = 0.0005;
    return session;
}

bool matches(const std::vector<std::string>& terms, const Session& session = web_session()) {
    const auto filter = parse_session_filter(terms);
    EXPECT_TRUE(filter) << filter.error().message;
    return filter && filter->matches(session);
}

TEST(SessionFilter, NoTermsMatchAll) { EXPECT_TRUE(matches({})); }

TEST(SessionFilter, AddressesMatchTranslatedOrNot) {
    EXPECT_TRUE(matches({"src=10.0.0.0/8"}));
    EXPECT_TRUE(matches({"src=192.0.2.1"}));
    EXPECT_FALSE(matches({"src=198.51.100.9"}));
    EXPECT_TRUE(matches({"dst=198.51.100.0/24"}));
    EXPECT_FALSE(matches({"dst=10.0.0.2"}));
    EXPECT_TRUE(matches({"addr=10.0.0.2"}));
    EXPECT_TRUE(matches({"addr=198.51.100.9"}));
    EXPECT_FALSE(matches({"addr=2001:db8::/32"}));
}

TEST(SessionFilter, Ports) {
    EXPECT_TRUE(matches({"sport=4000"}));
    EXPECT_TRUE(matches({"sport=1999-2001"}));
    EXPECT_FALSE(matches({"sport=443"}));
    EXPECT_TRUE(matches({"dport=443"}));
    EXPECT_TRUE(matches({"port=2000"}));
    EXPECT_TRUE(matches({"port=443"}));
    EXPECT_FALSE(matches({"port=80"}));
}

TEST(SessionFilter, ProtocolPortStateNat) {
    EXPECT_TRUE(matches({"proto=tcp"}));
    EXPECT_TRUE(matches({"proto=6"}));
    EXPECT_FALSE(matches({"proto=udp"}));
    EXPECT_TRUE(matches({"in=tap0"}));
    EXPECT_FALSE(matches({"in=tap1"}));
    EXPECT_TRUE(matches({"state=established"}));
    EXPECT_FALSE(matches({"state=closed"}));
    EXPECT_TRUE(matches({"nat=snat"}));
    EXPECT_FALSE(matches({"nat=dnat"}));
    EXPECT_FALSE(matches({"nat=none"}));
}

TEST(SessionFilter, HairpinIsFoundByEitherEnd) {
    auto session = web_session();
    session.nat = NatKind::hairpin;
    EXPECT_TRUE(matches({"nat=snat"}, session));
    EXPECT_TRUE(matches({"nat=dnat"}, session));
    EXPECT_FALSE(matches({"nat=none"}, session));
}

TEST(SessionFilter, WhereItIs) {
    EXPECT_TRUE(matches({"out=eth0"}));
    EXPECT_FALSE(matches({"out=tap0"}));
    EXPECT_TRUE(matches({"vm=web1"}));
    EXPECT_FALSE(matches({"vm=web"}));
    EXPECT_TRUE(matches({"path=routed"}));
    EXPECT_FALSE(matches({"path=local"}));
    EXPECT_TRUE(matches({"dscp=ef"}));
    EXPECT_FALSE(matches({"dscp=0"}));
    auto session = web_session();
    session.vm = "";
    session.peer_vm = "web1";
    EXPECT_TRUE(matches({"vm=web1"}, session));
}

TEST(SessionFilter, NumbersAreCompared) {
    EXPECT_TRUE(matches({"bytes>1mb"}));
    EXPECT_FALSE(matches({"bytes>1.5mb"}));
    EXPECT_TRUE(matches({"bytes>=1.5mb"}));
    EXPECT_TRUE(matches({"bytes=1.5mb"}));
    EXPECT_FALSE(matches({"bytes<1.5mb"}));
    EXPECT_TRUE(matches({"bytes<=1.5mb"}));
    EXPECT_TRUE(matches({"packets=30"}));
    EXPECT_TRUE(matches({"vlan=10"}));
    EXPECT_FALSE(matches({"vlan<10"}));
    EXPECT_TRUE(matches({"age>59s"}));
    EXPECT_TRUE(matches({"age<5m"}));
    EXPECT_FALSE(matches({"idle>2s"}));
    EXPECT_TRUE(matches({"rtt>400us", "rtt<1ms"}));
}

TEST(SessionFilter, AllTermsMustMatch) {
    EXPECT_TRUE(matches({"src=10.0.0.2", "proto=tcp", "dport=443"}));
    EXPECT_FALSE(matches({"src=10.0.0.2", "proto=tcp", "dport=80"}));
}

TEST(SessionFilter, ErrorsNameTheTermAndTheKeys) {
    const std::vector<std::string> bad_terms{
        "tcp",        "colour=red", "src=10.0.0.1/24", "port=70000", "state=open",
        "nat=yes",    "proto=tpc",  "path=up",         "bytes=1",    "bytes>",
        "packets>1k", "age>old",    "vlan=ten",        "proto>6",    ">5"};
    for (const auto& term : bad_terms) {
        const auto filter = parse_session_filter(std::vector{term});
        ASSERT_FALSE(filter) << term;
        EXPECT_EQ(filter.error().code, ErrorCode::usage);
        EXPECT_NE(filter.error().message.find(term.substr(0, term.find_first_of("=<>"))),
                  std::string::npos);
        EXPECT_FALSE(filter.error().hint.empty()) << term;
    }
}

/// A direction that has sent these flags, last at this tick.
sl_flow sent(int flags, std::uint32_t tick = 1000) {
    sl_flow flow{};
    flow.tcp_seen = static_cast<__u8>(flags);
    flow.last_seen = tick;
    return flow;
}

TEST(TcpState, FollowsWhatBothSent) {
    constexpr auto syn = SL_TCP_SYN, ack = SL_TCP_ACK, fin = SL_TCP_FIN;
    constexpr auto rst = SL_TCP_RST | SL_TCP_RESET;
    const auto state = [](int original, int reply) {
        return tcp_state(sent(original), sent(reply));
    };
    EXPECT_EQ(state(syn, 0), SessionState::syn_sent);
    EXPECT_EQ(state(syn, syn | ack), SessionState::syn_received);
    EXPECT_EQ(state(syn | ack, syn | ack), SessionState::established);
    EXPECT_EQ(state(syn | ack | fin, syn | ack), SessionState::closing);
    EXPECT_EQ(state(syn | ack | fin, syn | ack | fin), SessionState::closed);
    EXPECT_EQ(state(syn, rst | ack), SessionState::closed);
    // Picked up in the middle of a conversation.
    EXPECT_EQ(state(ack, 0), SessionState::unreplied);
    EXPECT_EQ(state(ack, ack), SessionState::established);
}

TEST(TcpState, AResetStandsUntilSomethingFollows) {
    constexpr int open = SL_TCP_SYN | SL_TCP_ACK, rst = SL_TCP_RST | SL_TCP_RESET;
    for (const std::uint32_t now : {1000u, 0xfffffffeu}) {
        EXPECT_EQ(tcp_state(sent(open, now), sent(open | rst, now)), SessionState::closed);
        EXPECT_EQ(tcp_state(sent(open, now), sent(open | rst, now + 5)), SessionState::closed);
        EXPECT_EQ(tcp_state(sent(open | rst, now + 5), sent(open, now)), SessionState::closed);
        EXPECT_EQ(tcp_state(sent(open, now + 5), sent(open | rst, now)), SessionState::established);
        EXPECT_EQ(tcp_state(sent(open | rst, now), sent(open, now + 5)), SessionState::established);
        EXPECT_EQ(tcp_state(sent(open | SL_TCP_RST, now), sent(open, now)),
                  SessionState::established);
        EXPECT_EQ(tcp_state(sent(open | rst, now), sent(open | rst, now + 5)),
                  SessionState::closed);
    }
}

}  // namespace
}  // namespace sluice
