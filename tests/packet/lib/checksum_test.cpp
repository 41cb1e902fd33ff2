// SPDX-License-Identifier: GPL-2.0-or-later
// Checksums through the rewrite: every length parity, UDP's zero, and what a
// sender with checksum offload leaves to be finished.
#include "tests/harness/checksum.hpp"

#include <algorithm>
#include <ostream>

#include "tests/harness/dissect.hpp"
#include "tests/packet/scenario.hpp"

namespace sluice::test {
namespace {

constexpr std::uint16_t client_port = 40001;

struct Transport {
    const char* name;
    bool v4, tcp;
};

void PrintTo(const Transport& transport, std::ostream* out) { *out << transport.name; }

class Checksum : public GateTest, public testing::WithParamInterface<Transport> {
protected:
    void SetUp() override {
        GateTest::SetUp();
        masquerade_a();
    }

    /// Vm_a to the server.
    static Packet request(std::size_t length, Sum sum = Sum::full, unsigned seed = 1) {
        Packet packet = GetParam().v4 ? a_to_server4() : a_to_server6();
        if (GetParam().tcp)
            packet /= Tcp{.sport = client_port, .dport = 443, .sum = sum};
        else
            packet /= Udp{.sport = client_port, .dport = 443, .sum = sum};
        return packet / payload(length, seed);
    }

    /// The request as it leaves, its checksum complete. A routed IPv6 packet is
    /// not translated.
    static Packet leaving(Packet packet) {
        packet = routed(packet, wan0, router);
        if (GetParam().v4) packet = with_source(packet, external, client_port);
        if (packet.has<Tcp>()) packet.get<Tcp>().sum = Sum::full;
        if (packet.has<Udp>()) packet.get<Udp>().sum = Sum::full;
        return packet;
    }
};

TEST_P(Checksum, EveryLengthParity) {
    const auto probe = [](std::size_t length) {
        SCOPED_TRACE(length);
        expect_both(lan0, request(length), leaving(request(length)));
    };
    for (std::size_t length = 0; length <= 70; ++length) probe(length);
    for (std::size_t length = 1459; length <= 1472; ++length) probe(length);
}

TEST_P(Checksum, PartialIsCompletedOnXdp) {
    expect_forward(Hook::tc, lan0, request(1), leaving(request(1)));
    const auto probe = [](std::size_t length) {
        SCOPED_TRACE(length);
        const Packet in = request(length, Sum::partial, static_cast<unsigned>(length));
        expect_forward(Hook::xdp, lan0, in, leaving(in));
    };
    for (std::size_t length = 0; length <= 70; ++length) probe(length);
    // Around the sizes in which a program may sum a long packet.
    for (const std::size_t middle : {128u, 256u, 512u, 1024u, 1460u})
        for (std::size_t length = middle - 34; length <= middle + 4; ++length) probe(length);
}

TEST_P(Checksum, PartialOfAFirstPacketOnXdp) {
    Packet in = request(33, Sum::partial), out = leaving(in);
    if (GetParam().tcp) in.get<Tcp>().flags = out.get<Tcp>().flags = SYN;
    expect_forward(Hook::xdp, lan0, in, out);
}

// A first buffer of 2 KB or more is what drivers give a frame of several.
TEST_P(Checksum, PartialIsCompletedOnXdpAcrossBuffers) {
    expect_forward(Hook::tc, lan0, request(1), leaving(request(1)));
    for (const std::size_t length : {3600u, 3601u, 4096u, 8191u, 8192u, 8900u, 8901u}) {
        SCOPED_TRACE(length);
        const Packet in = request(length, Sum::partial);
        expect_forward(Hook::xdp, lan0, in, leaving(in));
        expect_forward(Hook::xdp, lan0, in, leaving(in), {.linear = 2048});
        expect_forward(Hook::xdp, lan0, in, leaving(in), {.linear = 2049});
    }
}

TEST_P(Checksum, JumboOnXdp) {
    expect_forward(Hook::tc, lan0, request(1), leaving(request(1)));
    const std::size_t longest = 9000 - (GetParam().v4 ? 20 : 40) - (GetParam().tcp ? 20 : 8);
    for (const std::size_t length : {longest, longest - 1}) {
        SCOPED_TRACE(length);
        const Packet in = request(length);
        expect_forward(Hook::xdp, lan0, in, leaving(in));
        expect_forward(Hook::xdp, lan0, in, leaving(in), {.linear = 2048});
    }
}

// With a shorter one the fast path may give up, but then it has changed nothing.
TEST_P(Checksum, ShortFirstBufferOnXdp) {
    expect_forward(Hook::tc, lan0, request(1), leaving(request(1)));
    for (const std::size_t linear : {80u, 128u, 257u, 1000u, 1599u, 1600u}) {
        SCOPED_TRACE(linear);
        const Packet in = request(4000, Sum::partial);
        const Outcome got = send(Hook::xdp, lan0, serialise(in), {.linear = linear});
        const Bytes expected = serialise(got.verdict == Verdict::forward ? leaving(in) : in);
        EXPECT_NE(got.verdict, Verdict::drop);
        EXPECT_EQ(difference(expected, got.packet), "");
    }
}

// A sum that is complete and happens to equal the pseudo-header's: summing
// again must give the same. Found by search; 1 packet in 65536 is so.
TEST_P(Checksum, CompleteButLooksPartial) {
    expect_forward(Hook::tc, lan0, request(2), leaving(request(2)));
    for (unsigned word = 0; word < 0x10000; ++word) {
        const auto with_word = [word](Sum sum) {
            Packet packet = request(2, sum);
            packet.get<Raw>().bytes = {static_cast<std::uint8_t>(word >> 8),
                                       static_cast<std::uint8_t>(word)};
            return packet;
        };
        if (serialise(with_word(Sum::full)) != serialise(with_word(Sum::partial))) continue;
        expect_forward(Hook::xdp, lan0, with_word(Sum::full), leaving(with_word(Sum::full)));
        expect_forward(Hook::tc, lan0, with_word(Sum::full), leaving(with_word(Sum::full)));
        return;
    }
    FAIL() << "no such packet";
}

INSTANTIATE_TEST_SUITE_P(Transports, Checksum,
                         testing::Values(Transport{"Tcp4", true, true},
                                         Transport{"Udp4", true, false},
                                         Transport{"Tcp6", false, true},
                                         Transport{"Udp6", false, false}),
                         name_of);

class UdpZero : public GateTest {
protected:
    /// A datagram of vm_a whose checksum comes out as 0, and so is sent as
    /// 0xffff, once the gate has translated it (or, untranslated, before).
    static Packet summing_to_zero(bool when_translated) {
        Packet packet = a_to_server4() / Udp{.sport = 5000, .dport = 53} / Raw{{0, 0}};
        for (unsigned word = 0; word < 0x10000; ++word) {
            packet.get<Raw>().bytes = {static_cast<std::uint8_t>(word >> 8),
                                       static_cast<std::uint8_t>(word)};
            const Packet judged = when_translated
                                      ? with_source(routed(packet, wan0, router), external, 5000)
                                      : packet;
            const Bytes frame = serialise(judged);
            if (frame[40] == 0xff && frame[41] == 0xff) return packet;
        }
        ADD_FAILURE() << "no such packet";
        return packet;
    }
};

TEST_F(UdpZero, ComputedZeroIsSentAsAllOnes) {
    masquerade_a();
    const Packet in = summing_to_zero(true);
    expect_both(lan0, in, with_source(routed(in, wan0, router), external, 5000));
}

TEST_F(UdpZero, AllOnesBecomesWhatItMust) {
    masquerade_a();
    const Packet in = summing_to_zero(false);
    expect_both(lan0, in, with_source(routed(in, wan0, router), external, 5000));
}

TEST_F(UdpZero, PartialThatComesOutAsZero) {
    const Packet complete = summing_to_zero(false);
    Packet partial = complete;
    partial.get<Udp>().sum = Sum::partial;
    expect_both(lan0, complete, routed(complete, wan0, router));
    expect_forward(Hook::xdp, lan0, partial, routed(complete, wan0, router));
    gate().reset();
    masquerade_a();
    const Packet out = with_source(routed(complete, wan0, router), external, 5000);
    expect_both(lan0, complete, out);
    expect_forward(Hook::xdp, lan0, partial, out);
}

TEST_F(UdpZero, NoneStaysNoneUntranslated) {
    const Packet in =
        a_to_server4() / Udp{.sport = 5000, .dport = 53, .sum = Sum::none} / payload(9);
    expect_both(lan0, in, routed(in, wan0, router));
}

// A wrong checksum is the receiver's to find: the gate must not mend it.
TEST_F(UdpZero, WrongStaysWrong) {
    masquerade_a();
    for (const bool tcp : {true, false}) {
        Packet in = a_to_server4();
        if (tcp)
            in /= Tcp{.sport = 5000, .dport = 53, .sum = Sum::wrong};
        else
            in /= Udp{.sport = 5000, .dport = 53, .sum = Sum::wrong};
        const Bytes frame = serialise(in / payload(20));
        EXPECT_NE(checksum_fault(send(Hook::tc, lan0, frame).packet), "");
        EXPECT_NE(checksum_fault(send(Hook::xdp, lan0, frame).packet), "");
    }
}

}  // namespace
}  // namespace sluice::test
