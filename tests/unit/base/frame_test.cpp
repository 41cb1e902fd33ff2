// SPDX-License-Identifier: GPL-2.0-or-later
// Headers as people read them.
#include "loader/base/frame.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

namespace sluice {
namespace {

using Bytes = std::vector<std::uint8_t>;
using testing::ElementsAre;

/// `02 0000 00:01`: hex digits, whatever else stands between them.
Bytes bytes(std::string_view hex) {
    Bytes made;
    std::string digits;
    for (const char it : hex)
        if (std::isxdigit(static_cast<unsigned char>(it)) != 0) digits += it;
    for (std::size_t i = 0; i + 1 < digits.size(); i += 2)
        made.push_back(static_cast<std::uint8_t>(std::stoi(digits.substr(i, 2), nullptr, 16)));
    return made;
}

const std::string ethernet = "02:00:00:00:00:02 02:00:00:00:00:01 ";
const std::string text_ethernet = "02:00:00:00:00:01 > 02:00:00:00:00:02 ";
const std::string ipv4 = "4500 0054 0000 0000 40 11 0000 0a000002 0a000001 ";
const std::string ipv6_to_all =
    "fe80 0000 0000 0000 0000 0000 0000 0001 ff02 0000 0000 0000 0000 0000 0000 0001 ";

std::string text(const std::string& hex) { return frame_text(*dissect(bytes(hex))); }

TEST(Dissect, Arp) {
    const std::string head = ethernet + "0806 0001 0800 06 04 ";
    const std::string ends = "02:00:00:00:00:01 0a000009 00:00:00:00:00:00 0a000001";
    EXPECT_EQ(text(head + "0002" + ends),
              text_ethernet + "ARP reply 10.0.0.9 is at 02:00:00:00:00:01");
    EXPECT_EQ(text(head + "0001" + ends),
              text_ethernet + "ARP request 10.0.0.1 from 10.0.0.9 at 02:00:00:00:00:01");
    EXPECT_EQ(text(head + "0001" + "02:00:00:00:00:01 0a000009 00:00:00:00:00:00 0a000009"),
              text_ethernet + "ARP announces 10.0.0.9 at 02:00:00:00:00:01");
    EXPECT_EQ(text(ethernet + "8035 0001 0800 0604 0003" +
                   "02:00:00:00:00:01 00000000 02:00:00:00:00:01 00000000"),
              text_ethernet + "RARP request 02:00:00:00:00:01 from 02:00:00:00:00:01");
    EXPECT_FALSE(dissect(bytes(ethernet + "0806 0006 0800 0604 0001" + ends))->arp)
        << "not of Ethernet";
    EXPECT_FALSE(dissect(bytes(head + "0001 0200"))->arp) << "cut off";
}

TEST(Dissect, Ipv4) {
    EXPECT_EQ(text(ethernet + "0800" + ipv4 + "0fa0 0035"),
              text_ethernet + "IPv4 10.0.0.2:4000 > 10.0.0.1:53 udp");
    const auto frame = dissect(bytes(ethernet + "0800" + ipv4 + "0fa0 0035"));
    EXPECT_EQ(frame->ip->source, *Address::parse("10.0.0.2"));
    EXPECT_EQ(frame->ip->destination_port, 53);
    EXPECT_EQ(text(ethernet + "0800" + ipv4), text_ethernet + "IPv4 10.0.0.2 > 10.0.0.1 udp");
    EXPECT_EQ(text(ethernet + "0800 4600 0054 0000 0000 40 06 0000 0a000002 0a000001 01010101" +
                   "0fa0 0050"),
              text_ethernet + "IPv4 10.0.0.2:4000 > 10.0.0.1:80 tcp")
        << "behind options";
    EXPECT_EQ(text(ethernet + "0800 4500 0054 0000 0001 40 11 0000 0a000002 0a000001 0fa0 0035"),
              text_ethernet + "IPv4 10.0.0.2 > 10.0.0.1 udp fragment");
    EXPECT_EQ(text(ethernet + "0800 4500 0054 0000 2000 40 11 0000 0a000002 0a000001 0fa0 0035"),
              text_ethernet + "IPv4 10.0.0.2:4000 > 10.0.0.1:53 udp fragment")
        << "a first fragment has its ports";
    EXPECT_EQ(text(ethernet + "0800 4500 0054 0000 0000 40 01 0000 0a000002 0a000001 0500"),
              text_ethernet + "IPv4 10.0.0.2 > 10.0.0.1 icmp redirect");
}

TEST(Dissect, Ipv6) {
    EXPECT_EQ(text(ethernet + "86dd 6000 0000 0010 3a ff" + ipv6_to_all + "86 00"),
              text_ethernet + "IPv6 fe80::1 > ff02::1 icmpv6 router advertisement");
    EXPECT_EQ(text(ethernet + "86dd 6000 0000 0010 00 ff" + ipv6_to_all +
                   "3c 00 0000 0000 0000  11 00 0000 0000 0000  0222 0223"),
              text_ethernet + "IPv6 [fe80::1]:546 > [ff02::1]:547 udp")
        << "behind hop-by-hop and destination options";
    EXPECT_EQ(
        text(ethernet + "86dd 6000 0000 0010 2c ff" + ipv6_to_all + "3a 00 0008 0000 0001  86 00"),
        text_ethernet + "IPv6 fe80::1 > ff02::1 icmpv6 fragment");
    EXPECT_EQ(
        text(ethernet + "86dd 6000 0000 0010 2c ff" + ipv6_to_all + "3a 00 0001 0000 0001  86 00"),
        text_ethernet + "IPv6 fe80::1 > ff02::1 icmpv6 router advertisement fragment")
        << "a first fragment has its headers";
    EXPECT_EQ(
        text(ethernet + "86dd 6000 0000 0010 2c ff" + ipv6_to_all + "3a 00 0000 0000 0001  86 00"),
        text_ethernet + "IPv6 fe80::1 > ff02::1 icmpv6 router advertisement")
        << "an atomic fragment is whole";
}

TEST(Dissect, TagsLengthsAndOthers) {
    const auto tagged = dissect(bytes(ethernet + "88a8 0064 8100 e00a 0800" + ipv4));
    EXPECT_THAT(tagged->vlans, ElementsAre(100, 10)) << "ids without priority";
    EXPECT_EQ(frame_text(*tagged), text_ethernet + "vlan 100 vlan 10 IPv4 10.0.0.2 > 10.0.0.1 udp");
    EXPECT_EQ(text(ethernet + "0026 4242 03"), text_ethernet + "802.3 length 38");
    EXPECT_EQ(text(ethernet + "88cc 0207"), text_ethernet + "ethertype 0x88cc");
    EXPECT_EQ(text(ethernet + "8100 00"), text_ethernet + "cut off");
    EXPECT_FALSE(dissect(bytes("02 00 00")));
    EXPECT_FALSE(dissect({}));
}

/// Whatever comes, and wherever it ends: nothing is read beyond, and there is always a text.
TEST(Dissect, AnyBytes) {
    std::mt19937 random{1};
    const std::vector<std::string> starts{"", ethernet + "0800", ethernet + "86dd",
                                          ethernet + "0806", ethernet + "8100 0001 86dd"};
    for (int i = 0; i < 20'000; ++i) {
        auto frame = bytes(starts[random() % starts.size()]);
        const auto length = random() % 97;
        while (frame.size() < length) frame.push_back(static_cast<std::uint8_t>(random()));
        frame.resize(std::min<std::size_t>(length, frame.size()));
        frame.shrink_to_fit();
        const auto headers = dissect(frame);
        ASSERT_EQ(headers.has_value(), frame.size() >= 12);
        if (headers) {
            ASSERT_FALSE(frame_text(*headers).empty());
        }
    }
}

}  // namespace
}  // namespace sluice
