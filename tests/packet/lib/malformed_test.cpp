// SPDX-License-Identifier: GPL-2.0-or-later
// Damaged frames: never forwarded, by neither hook, wherever they are cut and
// whatever they claim; and never changed when passed on.
#include <netinet/in.h>

#include <functional>
#include <ostream>
#include <vector>

#include "tests/packet/scenario.hpp"

namespace sluice::test {
namespace {

struct MalformedCase {
    const char* name;
    Packet in;
};

void PrintTo(const MalformedCase& row, std::ostream* out) { *out << row.name; }

class DamageTest : public GateTest {
protected:
    void SetUp() override {
        GateTest::SetUp();
        masquerade_a();
    }

    static void expect_not_forwarded(const Link& by, View frame) {
        for (const Hook hook : {Hook::xdp, Hook::tc}) {
            if (hook == Hook::tc && !can_be_skb(frame)) continue;
            const Outcome got = send(hook, by, frame);
            EXPECT_NE(got.verdict, Verdict::forward) << hook_text(hook);
            if (got.verdict == Verdict::drop) continue;
            EXPECT_EQ(got.packet, Bytes(frame.begin(), frame.end())) << hook_text(hook);
        }
        EXPECT_TRUE(gate().flows4().entries().empty());
        EXPECT_TRUE(gate().flows6().entries().empty());
        EXPECT_TRUE(gate().bindings().entries().empty());
    }
};

std::vector<MalformedCase> whole_packets() {
    const Packet a4 = a_to_server4(), a6 = a_to_server6();
    const Tcp tcp{.sport = 4000, .dport = 80, .options = Bytes(12, 1)};
    const Udp udp{.sport = 4000, .dport = 53};
    Packet options = a4;
    options.get<Ip4>().options = Bytes(40, 1);
    return {
        {"Tcp4", a4 / tcp / payload(20)},
        {"Udp4", a4 / udp / payload(20)},
        {"Echo4", a4 / echo_request4(1) / payload(20)},
        {"Options4", options / udp / payload(20)},
        {"Tcp6", a6 / tcp / payload(20)},
        {"Udp6", a6 / udp / payload(20)},
        {"Echo6", a6 / echo_request6(1) / payload(20)},
        {"Extensions6", a6 / Ip6Extension{.type = 0, .body = Bytes(14)} /
                            Ip6Extension{.type = 60, .body = Bytes(6)} / udp / payload(20)},
        {"Fragment6", fragments(a6 / udp / payload(64), 64).front()},
    };
}

class Cut : public DamageTest, public testing::WithParamInterface<MalformedCase> {};

TEST_P(Cut, AtEveryLength) {
    const Bytes whole = serialise(GetParam().in);
    for (std::size_t length = 14; length < whole.size(); ++length) {
        SCOPED_TRACE(length);
        expect_not_forwarded(lan0, View(whole).first(length));
    }
}

TEST_P(Cut, CutsAreCountedAsMalformed) {
    const Bytes whole = serialise(GetParam().in);
    EXPECT_EQ(send(Hook::tc, lan0, View(whole).first(whole.size() - 1)).verdict, Verdict::drop);
    EXPECT_EQ(gate().drops(lan0.id, SL_DROP_MALFORMED).packets, 1u);
}

// The IP length agrees with the frame, the transport header is cut; bare, and
// with Ethernet padding where the rest of the header would be.
TEST_P(Cut, TransportHeaderInAWholePacket) {
    Packet packet = GetParam().in;
    std::uint8_t protocol = IPPROTO_UDP;
    std::size_t header = 8;
    if (packet.has<Tcp>()) {
        protocol = IPPROTO_TCP;
        header = 20;
    } else if (packet.has<Icmp>()) {
        protocol = packet.has<Ip4>() ? std::uint8_t{IPPROTO_ICMP} : std::uint8_t{IPPROTO_ICMPV6};
    }
    for (std::size_t length = 0; length < header; ++length) {
        SCOPED_TRACE(length);
        const Packet below = packet.has<Ip4>() ? a_to_server4() : a_to_server6();
        Packet cut = below / payload(length);
        if (cut.has<Ip4>())
            cut.get<Ip4>().protocol = protocol;
        else
            cut.get<Ip6>().next = protocol;
        Bytes frame = serialise(cut);
        expect_not_forwarded(lan0, frame);
        frame.resize(frame.size() + 40);
        expect_not_forwarded(lan0, frame);
    }
}

INSTANTIATE_TEST_SUITE_P(Packets, Cut, testing::ValuesIn(whole_packets()), name_of);

Packet tcp4(const std::function<void(Packet&)>& damage) {
    Packet packet = a_to_server4() / Tcp{.sport = 4000, .dport = 80} / payload(20);
    damage(packet);
    return packet;
}

Packet udp6(const std::function<void(Packet&)>& damage) {
    Packet packet = a_to_server6() / Udp{.sport = 4000, .dport = 80} / payload(20);
    damage(packet);
    return packet;
}

std::vector<MalformedCase> lies() {
    const Packet a4 = a_to_server4(), a6 = a_to_server6();
    const Udp udp{.sport = 4000, .dport = 80};
    return {
        {"HeaderWords4", tcp4([](Packet& p) { p.get<Ip4>().header_words = 4; })},
        {"HeaderWords0", tcp4([](Packet& p) { p.get<Ip4>().header_words = 0; })},
        {"HeaderBeyondTheEnd", tcp4([](Packet& p) { p.get<Ip4>().header_words = 15; })},
        {"TotalLength0", tcp4([](Packet& p) { p.get<Ip4>().total_length = 0; })},
        {"TotalLengthBelowHeader", tcp4([](Packet& p) { p.get<Ip4>().total_length = 19; })},
        {"TotalLengthEndsInTcp", tcp4([](Packet& p) { p.get<Ip4>().total_length = 39; })},
        {"TotalLengthBeyondFrame", tcp4([](Packet& p) { p.get<Ip4>().total_length = 61; })},
        {"TotalLengthMost", tcp4([](Packet& p) { p.get<Ip4>().total_length = 65535; })},
        {"Version6InsideIpv4", tcp4([](Packet& p) { p.get<Ip4>().version = 6; })},
        {"Version5", tcp4([](Packet& p) { p.get<Ip4>().version = 5; })},
        {"TcpHeaderWords4", tcp4([](Packet& p) { p.get<Tcp>().header_words = 4; })},
        {"TcpHeaderWords0", tcp4([](Packet& p) { p.get<Tcp>().header_words = 0; })},
        {"TcpHeaderBeyondTheEnd", tcp4([](Packet& p) { p.get<Tcp>().header_words = 11; })},
        {"UdpLength0", a4 / Udp{.sport = 1, .dport = 2, .length = 0} / payload(20)},
        {"UdpLengthBelowHeader", a4 / Udp{.sport = 1, .dport = 2, .length = 7} / payload(20)},
        {"UdpLengthBeyondPacket", a4 / Udp{.sport = 1, .dport = 2, .length = 29} / payload(20)},
        {"Version4InsideIpv6", udp6([](Packet& p) { p.get<Ip6>().version = 4; })},
        {"PayloadLengthBeyondFrame", udp6([](Packet& p) { p.get<Ip6>().payload_length = 29; })},
        {"PayloadLengthEndsInUdp", udp6([](Packet& p) { p.get<Ip6>().payload_length = 7; })},
        {"PayloadLength0", udp6([](Packet& p) { p.get<Ip6>().payload_length = 0; })},
        {"PayloadLengthMost", udp6([](Packet& p) { p.get<Ip6>().payload_length = 65535; })},
        {"PayloadLengthWraps", udp6([](Packet& p) { p.get<Ip6>().payload_length = 65500; })},
        {"UdpLengthBeyondPacket6", a6 / Udp{.sport = 1, .dport = 2, .length = 29} / payload(20)},
        {"ExtensionBeyondTheEnd",
         a6 / Ip6Extension{.type = 60, .body = Bytes(6), .length = 5} / udp / payload(20)},
        {"ExtensionLongest",
         a6 / Ip6Extension{.type = 0, .body = Bytes(6), .length = 255} / udp / payload(20)},
    };
}

class Lie : public DamageTest, public testing::WithParamInterface<MalformedCase> {};

TEST_P(Lie, IsNotForwarded) {
    expect_not_forwarded(lan0, serialise(GetParam().in));
    // Padding behind the packet must not lend it what it lacks.
    Bytes padded = serialise(GetParam().in);
    padded.resize(padded.size() + 64);
    const bool claims_beyond_frame =
        std::string_view(GetParam().name).find("BeyondFrame") != std::string_view::npos;
    if (!claims_beyond_frame) expect_not_forwarded(lan0, padded);
}

INSTANTIATE_TEST_SUITE_P(Headers, Lie, testing::ValuesIn(lies()), name_of);

// Addresses that never cross a router: RFC 1812 section 5.3.7, RFC 4291
// sections 2.5 and 2.7.
std::vector<MalformedCase> martians() {
    const Udp udp{.sport = 4000, .dport = 53};
    const Eth eth = to_gateway(vm_a, lan0);
    const auto v4 = [&](const char* from, const char* to) {
        return eth / Ip4{.src = ip(from), .dst = ip(to)} / udp / payload(4);
    };
    const auto v6 = [&](const char* from, const char* to) {
        return eth / Ip6{.src = ip(from), .dst = ip(to)} / udp / payload(4);
    };
    return {
        {"FromLoopback4", v4("127.0.0.1", "203.0.113.5")},
        {"FromMulticast4", v4("224.0.0.5", "203.0.113.5")},
        {"FromBroadcast4", v4("255.255.255.255", "203.0.113.5")},
        {"FromNowhere4", v4("0.0.0.0", "203.0.113.5")},
        {"ToLoopback4", v4("10.0.0.2", "127.0.0.1")},
        {"ToNowhere4", v4("10.0.0.2", "0.0.0.0")},
        {"FromLoopback6", v6("::1", "2001:db8:ffff::5")},
        {"FromMulticast6", v6("ff02::5", "2001:db8:ffff::5")},
        {"FromNowhere6", v6("::", "2001:db8:ffff::5")},
        {"FromLinkLocal6", v6("fe80::2", "2001:db8:ffff::5")},
        {"ToLoopback6", v6("fd00:a::2", "::1")},
        {"ToLinkLocal6", v6("fd00:a::2", "fe80::99")},
    };
}

class Martian : public DamageTest, public testing::WithParamInterface<MalformedCase> {};

TEST_P(Martian, IsNotForwarded) { expect_not_forwarded(lan0, serialise(GetParam().in)); }

INSTANTIATE_TEST_SUITE_P(Addresses, Martian, testing::ValuesIn(martians()), name_of);

}  // namespace
}  // namespace sluice::test
