// ICMP errors that the gate makes: time exceeded, fragmentation needed, packet
// too big.
#include <netinet/in.h>

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
    for (const Packet& in : {about_error, about_error6, later})
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

}  // namespace
}  // namespace sluice::test
