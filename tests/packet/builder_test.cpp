// SPDX-License-Identifier: GPL-2.0-or-later
// The tests' own tools: a builder that is wrong would judge wrongly.
#include <gtest/gtest.h>

#include "tests/harness/checksum.hpp"
#include "tests/harness/dissect.hpp"
#include "tests/packet/scenario.hpp"

namespace sluice::test {
namespace {

TEST(Builder, KnownFrame) {
    // Both checksums worked out by hand (RFC 1071).
    const Bytes frame = serialise(a_to_server4() / Udp{.sport = 1, .dport = 2} / Raw{{0xab}});
    const Bytes expected{2,    0,    0,    0,    0,  0x11, 2,    0,    0,    0,   0x0a,
                         2,    0x08, 0x00, 0x45, 0,  0,    0x1d, 0x12, 0x34, 0,   0,
                         0x40, 0x11, 0x22, 0x95, 10, 0,    0,    2,    203,  0,   113,
                         5,    0,    1,    0,    2,  0,    9,    0x0e, 0xd1, 0xab};
    EXPECT_EQ(difference(expected, frame), "");
    EXPECT_EQ(checksum_fault(frame), "");
}

TEST(Builder, ChecksumsOfEveryProtocolAreRight) {
    for (std::size_t length = 0; length < 40; ++length) {
        EXPECT_EQ(checksum_fault(serialise(a_to_server4() / Tcp{} / payload(length))), "");
        EXPECT_EQ(checksum_fault(serialise(a_to_server6() / Tcp{} / payload(length))), "");
        EXPECT_EQ(checksum_fault(serialise(a_to_server4() / Udp{} / payload(length))), "");
        EXPECT_EQ(checksum_fault(serialise(a_to_server6() / Udp{} / payload(length))), "");
        EXPECT_EQ(checksum_fault(serialise(a_to_server4() / echo_request4(7) / payload(length))),
                  "");
        EXPECT_EQ(checksum_fault(serialise(a_to_server6() / echo_request6(7) / payload(length))),
                  "");
    }
}

TEST(Builder, WrongChecksumsAreFound) {
    EXPECT_NE(checksum_fault(serialise(a_to_server4() / Tcp{.sum = Sum::wrong})), "");
    EXPECT_NE(checksum_fault(serialise(a_to_server6() / Udp{.sum = Sum::wrong})), "");
    EXPECT_NE(checksum_fault(serialise(a_to_server4() / Udp{.sum = Sum::partial})), "");
    EXPECT_NE(checksum_fault(serialise(a_to_server6() / Udp{.sum = Sum::none})), "");
    Packet packet = a_to_server4() / Udp{};
    packet.get<Ip4>().checksum = 1;
    EXPECT_NE(checksum_fault(serialise(packet)), "");
}

TEST(Builder, FragmentsCarryEveryByteOnce) {
    const Packet whole = a_to_server4() / Udp{.sport = 1, .dport = 2} / payload(100);
    const auto parts = fragments(whole, 48);
    ASSERT_EQ(parts.size(), 3u);
    Bytes carried;
    for (const Packet& part : parts) {
        const Bytes frame = serialise(part);
        carried.insert(carried.end(), frame.begin() + 34, frame.end());
    }
    const Bytes frame = serialise(whole);
    EXPECT_EQ(difference(Bytes(frame.begin() + 34, frame.end()), carried), "");
}

TEST(Builder, DifferenceNamesTheField) {
    const Packet packet = a_to_server6() / Tcp{.sport = 5};
    const auto text = difference(serialise(packet), serialise(routed(packet, wan0, router)));
    EXPECT_NE(text.find("ip6.hop-limit"), std::string::npos) << text;
    EXPECT_NE(text.find("eth.dst"), std::string::npos) << text;
    EXPECT_EQ(text.find("tcp.sport"), std::string::npos) << text;
}

}  // namespace
}  // namespace sluice::test
