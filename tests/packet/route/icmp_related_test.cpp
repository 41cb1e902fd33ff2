// SPDX-License-Identifier: GPL-2.0-or-later
// ICMP errors about translated sessions: the quoted packet and the outer one
// are both turned into what the receiver knows (RFC 5508 section 4), on TC.
#include <netinet/in.h>

#include <ostream>
#include <vector>

#include "tests/harness/checksum.hpp"
#include "tests/packet/scenario.hpp"

namespace sluice::test {
namespace {

/// A router somewhere outside, who reports.
const sl_addr reporter = ip("198.18.7.7");

struct ErrorCase {
    const char* name;
    Icmp error;
    bool tcp = false, udp = false;
    std::size_t quoted = 0;  ///< bytes of the transport header and payload in the quote
};

void PrintTo(const ErrorCase& row, std::ostream* out) { *out << row.name; }

/// The IP packet of a frame, cut after `l4_length` bytes of what the IP header
/// carries.
Raw quote(const Packet& packet, std::size_t l4_length) {
    const Bytes frame = serialise(packet);
    const std::size_t end = std::min(frame.size(), 34 + l4_length);
    return Raw{Bytes(frame.begin() + 14, frame.begin() + static_cast<std::ptrdiff_t>(end))};
}

class IcmpRelated : public GateTest, public testing::WithParamInterface<ErrorCase> {
protected:
    static Packet request() {
        const ErrorCase& row = GetParam();
        if (row.tcp) return a_to_server4() / Tcp{.sport = 4000, .dport = 80} / payload(100);
        if (row.udp) return a_to_server4() / Udp{.sport = 4000, .dport = 53} / payload(100);
        return a_to_server4() / echo_request4(4000) / payload(100);
    }
    /// A port other than the inside one, so that ports change as well.
    static constexpr std::uint16_t external_port = 2000;
    static Packet leaving() {
        return with_source(routed(request(), wan0, router), external, external_port);
    }
    /// The packet as a router some hops on saw it.
    static Packet seen_outside(Packet packet) {
        packet.get<Ip4>().ttl = 9;
        return packet;
    }
    static Packet from_reporter() {
        return to_gateway(router, wan0) / Ip4{.src = reporter, .dst = external, .ttl = 50};
    }
    /// The error as it should reach vm_a.
    static Packet at_vm_a() {
        Packet head = from_reporter();
        head.get<Ip4>().dst = vm_a.v4;
        return routed(head, lan0, vm_a);
    }
};

TEST_P(IcmpRelated, FromOutside) {
    const ErrorCase& row = GetParam();
    masquerade_a(external_port, external_port);
    expect_forward(Hook::tc, lan0, request(), leaving());
    Packet inner = request();
    const Packet in = from_reporter() / row.error / quote(seen_outside(leaving()), row.quoted);
    const Packet out = at_vm_a() / row.error / quote(seen_outside(inner), row.quoted);
    expect_pass(Hook::xdp, wan0, in);
    expect_forward(Hook::tc, wan0, in, out);
    EXPECT_EQ(checksum_fault(serialise(out)), "");
    EXPECT_EQ(gate().flows4().entries().size(), 2u) << "an error is no session";
}

// Bytes behind the IP packet are no part of the message.
TEST_P(IcmpRelated, WithATrailer) {
    const ErrorCase& row = GetParam();
    masquerade_a(external_port, external_port);
    expect_forward(Hook::tc, lan0, request(), leaving());
    Bytes in = serialise(from_reporter() / row.error / quote(seen_outside(leaving()), row.quoted));
    Bytes out = serialise(at_vm_a() / row.error / quote(seen_outside(request()), row.quoted));
    for (std::uint8_t byte = 1; byte <= 30; ++byte) {
        in.push_back(byte);
        out.push_back(byte);
    }
    const Outcome got = send(Hook::tc, wan0, in);
    EXPECT_EQ(got.verdict, Verdict::forward);
    EXPECT_EQ(got.packet, out);
}

TEST_P(IcmpRelated, LastHop) {
    const ErrorCase& row = GetParam();
    masquerade_a(external_port, external_port);
    expect_forward(Hook::tc, lan0, request(), leaving());
    Packet in = from_reporter();
    in.get<Ip4>().ttl = 1;
    expect_drop(Hook::tc, wan0, in / row.error / quote(seen_outside(leaving()), row.quoted),
                SL_DROP_TTL_EXCEEDED);
}

TEST_P(IcmpRelated, AboutNoSessionOfOursIsNotForwarded) {
    const ErrorCase& row = GetParam();
    masquerade_a(external_port, external_port);
    const Packet in = from_reporter() / row.error / quote(seen_outside(leaving()), row.quoted);
    expect_pass(Hook::tc, wan0, in);
    EXPECT_TRUE(gate().flows4().entries().empty());
}

constexpr Icmp unreachable{.type = 3, .code = 3};
constexpr Icmp too_long{.type = 3, .code = 4, .rest = 1400};
constexpr Icmp exceeded{.type = 11, .code = 0};

INSTANTIATE_TEST_SUITE_P(
    Errors, IcmpRelated,
    testing::Values(
        ErrorCase{.name = "UnreachableUdp", .error = unreachable, .udp = true, .quoted = 108},
        ErrorCase{.name = "UnreachableUdp8", .error = unreachable, .udp = true, .quoted = 8},
        ErrorCase{.name = "FragNeededTcp", .error = too_long, .tcp = true, .quoted = 120},
        ErrorCase{.name = "FragNeededTcp8", .error = too_long, .tcp = true, .quoted = 8},
        ErrorCase{.name = "FragNeededTcp18", .error = too_long, .tcp = true, .quoted = 18},
        ErrorCase{.name = "ExceededUdpOdd", .error = exceeded, .udp = true, .quoted = 61},
        ErrorCase{.name = "ExceededTcp", .error = exceeded, .tcp = true, .quoted = 20},
        ErrorCase{.name = "ExceededEcho", .error = exceeded, .quoted = 64},
        ErrorCase{.name = "ExceededEcho8", .error = exceeded, .quoted = 8}),
    name_of);

class IcmpFromInside : public GateTest {
protected:
    /// The server reaches vm_b by the forward, and gets its answers from the
    /// external address.
    void SetUp() override {
        GateTest::SetUp();
        gate().forward(IPPROTO_UDP, external, 5000, vm_b.v4, 53, wan0);
        expect_forward(Hook::tc, wan0, request(), delivered());
    }
    static Packet request() {
        return server_to(external) / Udp{.sport = 9999, .dport = 5000} / payload(60);
    }
    static Packet delivered() {
        return with_destination(routed(request(), lan1, vm_b), vm_b.v4, 53);
    }
    static void expect_error_leaves(const Link& by, const Eth& eth, const sl_addr& from) {
        const Icmp error{.type = 3, .code = 3};
        const Packet in = eth / Ip4{.src = from, .dst = server.v4} / error / quote(delivered(), 68);
        Packet inner = request();
        inner.get<Ip4>().ttl = 56;
        const Packet out = from_gateway(wan0, router) /
                           Ip4{.src = external, .dst = server.v4, .ttl = 63} / error /
                           quote(inner, 68);
        expect_forward(Hook::tc, by, in, out);
    }
};

TEST_F(IcmpFromInside, OfTheForwardsTarget) {
    expect_error_leaves(lan1, to_gateway(vm_b, lan1), vm_b.v4);
}

// A router inside reports: its own address must not leave either.
TEST_F(IcmpFromInside, OfARouterInside) {
    expect_error_leaves(lan1, to_gateway(vm_b, lan1), ip("10.0.1.77"));
}

// About vm_a's masqueraded flow, from who has nothing to do with it.
class IcmpFromAnother : public GateTest {
protected:
    void SetUp() override {
        GateTest::SetUp();
        for (const auto& link : {lan0, lan1}) {  // lone taps: no VLAN keeps them apart
            auto port = port_entry(link);
            port.domain = 0;
            gate().set_port(link, port);
        }
        masquerade_a(2000, 2000);
        expect_forward(Hook::tc, lan0, request(), leaving());
    }
    static Packet request() {
        return a_to_server4() / Udp{.sport = 4000, .dport = 53} / payload(60);
    }
    static Packet leaving() { return with_source(routed(request(), wan0, router), external, 2000); }
    static Packet delivered() {
        return from_gateway(lan0, vm_a) / Ip4{.src = server.v4, .dst = vm_a.v4, .ttl = 63} /
               Udp{.sport = 53, .dport = 4000} / payload(60);
    }
    static Packet error(const Eth& eth, const sl_addr& from, const sl_addr& to,
                        const Packet& about) {
        return eth / Ip4{.src = from, .dst = to} / Icmp{.type = 3, .code = 3} / quote(about, 68);
    }
    static Eth from_router() { return to_gateway(router, wan0); }
    static Eth from_b() { return to_gateway(vm_b, lan1); }
    static Eth from_a() { return to_gateway(vm_a, lan0); }
};

TEST_F(IcmpFromAnother, ByTheSessionsWayItPasses) {
    const Packet in = error(from_router(), reporter, external, leaving());
    Packet out = routed(error(from_router(), reporter, vm_a.v4, request()), lan0, vm_a);
    out.get<Raw>() = quote(routed(request(), wan0, router), 68);
    expect_forward(Hook::tc, wan0, in, out);
}

TEST_F(IcmpFromAnother, AVmToAnotherVm) {
    for (const auto& from : {vm_b.v4, vm_a.v4, server.v4})
        expect_drop(Hook::tc, lan1, error(from_b(), from, external, leaving()),
                    SL_DROP_ICMP_UNRELATED);
}

TEST_F(IcmpFromAnother, AVmInAnothersName) {
    expect_drop(Hook::tc, lan1, error(from_b(), vm_b.v4, server.v4, delivered()),
                SL_DROP_ICMP_UNRELATED);
}

TEST_F(IcmpFromAnother, ToWhoDidNotSendWhatIsQuoted) {
    for (const auto& to : {vm_b.v4, server.v4})
        expect_drop(Hook::tc, wan0, error(from_router(), reporter, to, leaving()),
                    SL_DROP_ICMP_UNRELATED);
}

TEST_F(IcmpFromAnother, FromWhereNobodyIs) {
    expect_drop(Hook::tc, wan0, error(from_router(), address_of(lan0.v4), external, leaving()),
                SL_DROP_SOURCE);
    for (const char* martian : {"127.0.0.1", "0.0.0.0", "255.255.255.255"})
        expect_pass(Hook::tc, wan0,
                    serialise(error(from_router(), ip(martian), external, leaving())));
}

// Of a session that is translated on the other side alone: the reporter's address would leave.
TEST_F(IcmpFromAnother, AHiddenSourceDoesNotLeave) {
    gate().unmasquerade(ip("10.0.0.0"), 24, wan0);
    gate().masquerade(ip("10.0.1.0"), 24, wan0, {external_2}, 3000, 3999);
    gate().forward(IPPROTO_UDP, external, 8080, server.v4, 53, wan0);
    const Packet ask = to_gateway(vm_a, lan0) / Ip4{.src = vm_a.v4, .dst = external} /
                       Udp{.sport = 4000, .dport = 8080} / payload(60);
    expect_forward(Hook::tc, lan0, ask, with_destination(routed(ask, wan0, router), server.v4, 53));
    const Packet told = from_gateway(lan0, vm_a) / Ip4{.src = external, .dst = vm_a.v4, .ttl = 63} /
                        Udp{.sport = 8080, .dport = 4000} / payload(60);
    Packet out = routed(error(from_a(), vm_a.v4, server.v4, told), wan0, router);
    Packet seen = told;
    seen.get<Ip4>().src = server.v4;
    seen.get<Udp>().sport = 53;
    out.get<Raw>() = quote(seen, 68);
    expect_forward(Hook::tc, lan0, error(from_a(), vm_a.v4, external, told), out);
    expect_drop(Hook::tc, lan0, error(from_a(), ip("10.0.1.77"), external, told),
                SL_DROP_UNTRANSLATED);
}

}  // namespace
}  // namespace sluice::test
