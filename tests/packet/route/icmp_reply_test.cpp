// SPDX-License-Identifier: GPL-2.0-or-later
// ICMP errors that the gate makes: time exceeded, fragmentation needed, packet
// too big.
#include <netinet/in.h>

#include <chrono>
#include <set>
#include <thread>

#include "tests/harness/checksum.hpp"
#include "tests/harness/dissect.hpp"
#include "tests/packet/scenario.hpp"

namespace sluice::test {
namespace {

constexpr Icmp time_exceeded4{.type = 11, .code = 0};
constexpr Icmp time_exceeded6{.type = 3, .code = 0};
constexpr Icmp frag_needed(std::uint32_t mtu) { return Icmp{.type = 3, .code = 4, .rest = mtu}; }
constexpr Icmp too_big(std::uint32_t mtu) { return Icmp{.type = 2, .code = 0, .rest = mtu}; }

Packet with_hops(Packet packet, std::uint8_t hops) {
    if (packet.has<Ip4>())
        packet.get<Ip4>().ttl = hops;
    else
        packet.get<Ip6>().hop_limit = hops;
    return packet;
}

class IcmpReply : public GateTest {
protected:
    /// The frame's drop is counted under `reason`, and the sender gets the error:
    /// from `source`, quoting the packet as it came.
    static void expect_error(const Link& by, const Host& sender, const sl_addr& source,
                             const Packet& in, const Icmp& error, sl_drop reason) {
        const Bytes frame = serialise(in);
        const auto before = gate().drops(by.id, reason);
        const Outcome got = send(Hook::tc, by, frame);
        EXPECT_EQ(got.verdict, Verdict::forward) << "back where it came from";
        EXPECT_EQ(gate().drops(by.id, reason).packets, before.packets + 1);
        const bool v4 = Packet(in).has<Ip4>();
        expect_reply(got.packet, from_gateway(by, sender), source, frame, error, v4);
    }

    /// How much is quoted is the router's choice, within limits: RFC 1812
    /// section 4.3.2.3 (at most 576 bytes in all) and RFC 4443 section 2.4 (at
    /// most 1280). The rest is fixed.
    static void expect_reply(const Bytes& got, const Eth& eth, const sl_addr& source,
                             const Bytes& cause, const Icmp& error, bool v4) {
        const std::size_t head = 14 + (v4 ? 20 : 40) + 8;
        ASSERT_GE(got.size(), head + (v4 ? 28 : 48));
        ASSERT_LE(got.size(), 14u + (v4 ? 576 : 1280));
        const std::size_t quoted = got.size() - head;
        ASSERT_LE(quoted, cause.size() - 14);
        const Raw quote{
            Bytes(cause.begin() + 14, cause.begin() + 14 + static_cast<std::ptrdiff_t>(quoted))};
        sl_addr sender{};
        Packet expected;
        if (v4) {
            sender = ip("0.0.0.0");
            std::copy_n(cause.begin() + 26, 4, sender.b + 12);
            expected = eth / Ip4{.src = source, .dst = sender, .tos = 0xc0, .id = 0};
        } else {
            std::copy_n(cause.begin() + 22, 16, sender.b);
            expected = eth / Ip6{.src = source, .dst = sender};
        }
        EXPECT_EQ(difference(serialise(expected / error / quote), got), "");
        EXPECT_EQ(checksum_fault(got), "");
    }

    static const sl_addr lan0_v4, lan0_v6;
};

const sl_addr IcmpReply::lan0_v4 = ip("10.0.0.1");
const sl_addr IcmpReply::lan0_v6 = ip("fd00:a::1");

TEST_F(IcmpReply, TimeExceeded) {
    for (const std::uint8_t hops : {0, 1}) {
        for (const std::size_t length : {0u, 1u, 19u, 100u, 1400u}) {
            SCOPED_TRACE(length);
            const Packet v4 = with_hops(a_to_server4(), hops) / Udp{.sport = 4000, .dport = 33434} /
                              payload(length);
            const Packet v6 = with_hops(a_to_server6(), hops) / Udp{.sport = 4000, .dport = 33434} /
                              payload(length);
            for (const Packet& in : {v4, v6}) expect_pass(Hook::xdp, lan0, in);
            expect_error(lan0, vm_a, lan0_v4, v4, time_exceeded4, SL_DROP_TTL_EXCEEDED);
            expect_error(lan0, vm_a, lan0_v6, v6, time_exceeded6, SL_DROP_TTL_EXCEEDED);
        }
    }
    EXPECT_TRUE(gate().flows4().entries().empty()) << "no session comes of it";
}

TEST_F(IcmpReply, TimeExceededOfEveryProtocol) {
    const Packet tcp = with_hops(a_to_server4(), 1) / Tcp{.sport = 1, .dport = 2, .flags = SYN};
    const Packet echo = with_hops(a_to_server4(), 1) / echo_request4(5) / payload(56);
    const Packet echo6 = with_hops(a_to_server6(), 1) / echo_request6(5) / payload(56);
    expect_error(lan0, vm_a, lan0_v4, tcp, time_exceeded4, SL_DROP_TTL_EXCEEDED);
    expect_error(lan0, vm_a, lan0_v4, echo, time_exceeded4, SL_DROP_TTL_EXCEEDED);
    expect_error(lan0, vm_a, lan0_v6, echo6, time_exceeded6, SL_DROP_TTL_EXCEEDED);
}

// The first hop of a traceroute that keeps its port or identifier, as
// `traceroute -I` does.
TEST_F(IcmpReply, TimeExceededOfAMasqueradedFlow) {
    masquerade_a();
    const Packet echo = a_to_server4() / echo_request4(5000) / payload(56);
    expect_both(lan0, echo, with_source(routed(echo, wan0, router), external, 5000));
    expect_pass(Hook::xdp, lan0, with_hops(echo, 1));
    expect_error(lan0, vm_a, lan0_v4, with_hops(echo, 1), time_exceeded4, SL_DROP_TTL_EXCEEDED);
}

// To the outside the gateway is the external address; nothing inside shows.
TEST_F(IcmpReply, TimeExceededTowardsOutside) {
    masquerade_a();
    const Packet out = a_to_server4() / Udp{.sport = 4000, .dport = 53};
    expect_forward(Hook::tc, lan0, out, with_source(routed(out, wan0, router), external, 4000));
    const Packet answer =
        with_hops(server_to(external), 1) / Udp{.sport = 53, .dport = 4000} / payload(40);
    const Outcome got = send(Hook::tc, wan0, serialise(answer));
    EXPECT_EQ(got.verdict, Verdict::forward);
    ASSERT_GE(got.packet.size(), 34u);
    const bool by_external = got.packet[29] == 10;
    expect_reply(got.packet, from_gateway(wan0, router), by_external ? external : ip("192.0.2.1"),
                 serialise(answer), time_exceeded4, true);
}

TEST_F(IcmpReply, TooBig) {
    const Ip4 to_thin4{.src = vm_a.v4, .dst = thin_host.v4, .df = true};
    const Ip6 to_thin6{.src = vm_a.v6, .dst = thin_host.v6};
    const Udp udp{.sport = 4000, .dport = 53};
    const Packet fits4 = to_gateway(vm_a, lan0) / to_thin4 / udp / payload(1400 - 28);
    const Packet fits6 = to_gateway(vm_a, lan0) / to_thin6 / udp / payload(1400 - 48);
    const Packet over4 = to_gateway(vm_a, lan0) / to_thin4 / udp / payload(1400 - 27);
    const Packet over6 = to_gateway(vm_a, lan0) / to_thin6 / udp / payload(1400 - 47);
    for (int round = 0; round < 2; ++round) {  // before there is a flow, and after
        for (const Packet& in : {over4, over6}) expect_pass(Hook::xdp, lan0, in);
        expect_error(lan0, vm_a, lan0_v4, over4, frag_needed(1400), SL_DROP_TOO_BIG);
        expect_error(lan0, vm_a, lan0_v6, over6, too_big(1400), SL_DROP_TOO_BIG);
        expect_both(lan0, fits4, routed(fits4, thin0, thin_host));
        expect_both(lan0, fits6, routed(fits6, thin0, thin_host));
    }
}

TEST_F(IcmpReply, TooBigOfAMasqueradedFlow) {
    gate().masquerade(ip("10.0.0.0"), 24, thin0, {ip("198.51.100.1")}, 1024, 65535);
    const Packet head = to_gateway(vm_a, lan0) /
                        Ip4{.src = vm_a.v4, .dst = thin_host.v4, .df = true} /
                        Udp{.sport = 4000, .dport = 53};
    const Packet fits = head / payload(10), over = head / payload(1400);
    expect_both(lan0, fits, with_source(routed(fits, thin0, thin_host), ip("198.51.100.1"), 4000));
    expect_error(lan0, vm_a, lan0_v4, over, frag_needed(1400), SL_DROP_TOO_BIG);
}

// Whoever allows fragmentation gets it: the kernel cuts what is only routed
// (RFC 1812 section 5.2.6).
TEST_F(IcmpReply, TooBigButMayBeFragmentedIsTheKernels) {
    const Packet in = to_gateway(vm_a, lan0) / Ip4{.src = vm_a.v4, .dst = thin_host.v4} /
                      Udp{.sport = 4000, .dport = 53} / payload(1400);
    expect_pass(Hook::xdp, lan0, in);
    expect_pass(Hook::tc, lan0, in);
}

TEST_F(IcmpReply, GsoFrameIsJudgedByItsSegments) {
    const Packet in = to_gateway(vm_a, lan0) /
                      Ip4{.src = vm_a.v4, .dst = thin_host.v4, .df = true} /
                      Tcp{.sport = 4000, .dport = 80} / payload(3000);
    expect_forward(Hook::tc, lan0, in, routed(in, thin0, thin_host), {.gso_size = 1360});
    const Outcome got = send(Hook::tc, lan0, serialise(in), {.gso_size = 1361});
    EXPECT_EQ(gate().drops(lan0.id, SL_DROP_TOO_BIG).packets, 1u);
    expect_reply(got.packet, from_gateway(lan0, vm_a), lan0_v4, serialise(in), frag_needed(1400),
                 true);
}

// RFC 1812 section 4.3.2.7, RFC 4443 section 2.4 (e): no error about an error,
// about a later fragment, or to a source that is no single host.
TEST_F(IcmpReply, NoErrorWhereNoneIsDue) {
    const Bytes quote = serialise(server_to(vm_a.v4) / Udp{.sport = 1, .dport = 2});
    const Raw quoted{Bytes(quote.begin() + 14, quote.end())};
    const Packet about_error = with_hops(a_to_server4(), 1) / Icmp{.type = 3, .code = 3} / quoted;
    const Packet about_error6 =
        with_hops(a_to_server6(), 1) / Icmp{.type = 1, .code = 4} / payload(48);
    const Packet later =
        fragments(with_hops(a_to_server4(), 1) / Udp{.sport = 1, .dport = 2} / payload(64), 32)[1];
    const Packet redirect = with_hops(a_to_server4(), 1) / Icmp{.type = 5, .code = 1} / quoted;
    for (const Packet& in : {about_error, about_error6, later, redirect})
        expect_drop(Hook::tc, lan0, in, SL_DROP_TTL_EXCEEDED);
}

TEST_F(IcmpReply, PortWithoutAddressDropsInSilence) {
    sl_port port = port_entry(lan0);
    port.addr4 = 0;
    port.addr6 = {};
    gate().set_port(lan0, port);
    expect_drop(Hook::tc, lan0, with_hops(a_to_server4(), 1) / Udp{.sport = 1, .dport = 2},
                SL_DROP_TTL_EXCEEDED);
    expect_drop(Hook::tc, lan0, with_hops(a_to_server6(), 1) / Udp{.sport = 1, .dport = 2},
                SL_DROP_TTL_EXCEEDED);
}

// How many errors there may be in a second, and that nobody uses up another's.
class IcmpBudget : public GateTest {
protected:
    static constexpr int per_host = 100, per_port = 1000;  ///< a second, and as many at once

    void SetUp() override {
        GateTest::SetUp();
        fill_all();
    }
    void TearDown() override {
        fill_all();
        GateTest::TearDown();
    }
    static auto hosts() { return gate().map<__u32, __u64>("sl_icmp_hosts"); }
    static void fill_all() {
        for (const char* name : {"sl_icmp_hosts", "sl_icmp_ports"}) {
            const auto buckets = gate().map<__u32, __u64>(name);
            for (__u32 i = 0; const auto value = buckets.get(i); ++i)
                if (*value != 0) buckets.put(i, 0);
        }
    }
    static Packet expired(const sl_addr& from, const Link& by = lan0) {
        return Eth{.dst = by.mac, .src = vm_a.mac} / Ip4{.src = from, .dst = server.v4, .ttl = 1} /
               udp;
    }
    static Packet too_long(const sl_addr& from) {
        return to_gateway(vm_a, lan0) / Ip4{.src = from, .dst = thin_host.v4, .df = true} / udp /
               payload(1400);
    }
    static bool answered(const Packet& in, const Link& by = lan0) {
        return send(Hook::tc, by, serialise(in)).verdict == Verdict::forward;
    }
    /// The answers to so many packets, and how many the time that it took earns besides.
    struct Answers {
        int count = 0, earned = 0;
    };
    template <class Make>
    static Answers answers(int packets, int rate, const Make& make, const Link& by = lan0) {
        const auto start = std::chrono::steady_clock::now();
        Answers result;
        for (int i = 0; i < packets; ++i) result.count += answered(make(i), by);
        const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
        result.earned = static_cast<int>(took.count() * rate) + 2;
        return result;
    }
    static sl_addr host(int number) {
        sl_addr address = vm_a.v4;
        address.b[14] = static_cast<std::uint8_t>(number / 250);
        address.b[15] = static_cast<std::uint8_t>(2 + number % 250);
        return address;
    }
};

TEST_F(IcmpBudget, OneHostsFloodIsItsOwn) {
    const auto flood = answers(1000, per_host, [](int) { return expired(vm_a.v4); });
    EXPECT_GE(flood.count, per_host);
    EXPECT_LE(flood.count, per_host + flood.earned);
    EXPECT_TRUE(answered(expired(host(7)))) << "another host of the port";
    EXPECT_TRUE(answered(expired(vm_b.v4, lan1), lan1)) << "a host of another port";
    EXPECT_TRUE(answered(expired(vm_a.v4, lan1), lan1)) << "the same address there";
    EXPECT_TRUE(answered(with_hops(a_to_server6(), 1) / udp));
    for (int i = 0; i < 30; ++i)
        EXPECT_TRUE(answered(too_long(vm_a.v4))) << "it learns what fits all the same";
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    const auto later = answers(100, per_host, [](int) { return expired(vm_a.v4); });
    EXPECT_GE(later.count, 10);
}

// A VM without a guard may be as many hosts as it likes.
TEST_F(IcmpBudget, OnePortsFloodIsItsOwn) {
    const auto flood = answers(4000, per_port, [](int i) { return expired(host(i)); });
    EXPECT_GE(flood.count, per_port);
    EXPECT_LE(flood.count, per_port + flood.earned);
    EXPECT_TRUE(answered(expired(vm_b.v4, lan1), lan1));
    EXPECT_TRUE(answered(too_long(host(9))));
    const auto big = answers(4000, per_port, [](int i) { return too_long(host(i)); });
    EXPECT_LE(big.count, per_port + big.earned);
    EXPECT_TRUE(answered(expired(vm_b.v4, lan1), lan1));
}

// Behind an uplink are many who have nothing to do with each other.
TEST_F(IcmpBudget, AnUplinksHostsHaveNoneInCommon) {
    const auto from_outside = [](int number) {
        Packet in = server_to(vm_a.v4) / udp;
        in.get<Ip4>().ttl = 1;
        in.get<Ip4>().src = host(number);
        in.get<Ip4>().src.b[12] = 203;
        return in;
    };
    const auto flood = answers(3000, 0, from_outside, wan0);
    EXPECT_GE(flood.count, 2900);
}

TEST_F(IcmpBudget, ResetsAreCountedWithErrors) {
    const auto flood = answers(300, per_host, [](int) { return expired(vm_a.v4); });
    EXPECT_LE(flood.count, per_host + flood.earned);
    EXPECT_FALSE(answered(with_hops(a_to_server4(), 1) / Tcp{.sport = 1, .dport = 2}));
}

// Which hosts have a budget in common can't be foreseen.
TEST_F(IcmpBudget, OfAHashWithASecret) {
    const auto used = [] {
        std::set<__u32> slots;
        for (__u32 i = 0; const auto value = hosts().get(i); ++i)
            if (*value != 0) slots.insert(i);
        return slots;
    };
    EXPECT_TRUE(answered(expired(vm_a.v4)));
    const auto first = used();
    EXPECT_EQ(first.size(), 1u);
    fill_all();
    EXPECT_TRUE(answered(expired(vm_a.v4)));
    EXPECT_EQ(used(), first) << "always the same";
    auto settings = gate().map<__u32, sl_settings>("sl_settings").get(0).value();
    const auto seed = settings.flow_seed;
    settings.flow_seed.words[0] ^= 0x1234567;
    gate().map<__u32, sl_settings>("sl_settings").put(0, settings);
    fill_all();
    EXPECT_TRUE(answered(expired(vm_a.v4)));
    EXPECT_NE(used(), first);
    settings.flow_seed = seed;
    gate().map<__u32, sl_settings>("sl_settings").put(0, settings);
}

}  // namespace
}  // namespace sluice::test
