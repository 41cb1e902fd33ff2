// SPDX-License-Identifier: GPL-2.0-or-later
#include "sluice/net.hpp"

#include <gtest/gtest.h>
#include <netinet/in.h>

#include <string>

namespace sluice {
namespace {

template <class Value>
std::string text_of(const Result<Value>& value) {
    return value ? value->text() : "error: " + value.error().message;
}

template <class Value>
void expect_usage_error(const std::string& text) {
    const auto value = Value::parse(text);
    ASSERT_FALSE(value) << text << " parsed as " << value->text();
    EXPECT_EQ(value.error().code, ErrorCode::usage) << text;
    EXPECT_NE(value.error().message.find(text), std::string::npos) << value.error().message;
    EXPECT_FALSE(value.error().hint.empty()) << text;
}

TEST(Address, KeepsItsText) {
    for (const char* text : {"192.0.2.1", "0.0.0.0", "255.255.255.255", "2001:db8::1", "::", "::1"})
        EXPECT_EQ(text_of(Address::parse(text)), text);
    EXPECT_EQ(text_of(Address::parse("2001:DB8:0:0:0:0:0:1")), "2001:db8::1");
}

TEST(Address, IsMappedIPv4OnTheInside) {
    const Address address = *Address::parse("192.0.2.1");
    EXPECT_TRUE(address.is_v4());
    EXPECT_EQ(address.family(), AF_INET);
    EXPECT_EQ(address.bits(), 32);
    EXPECT_EQ(address.v4_raw(), htonl(0xc0000201));
    EXPECT_EQ(address.raw().b[10], 0xff);
    EXPECT_EQ(address.raw().b[11], 0xff);
    EXPECT_EQ(address.raw().b[12], 192);
    EXPECT_EQ(address.raw().b[9], 0);
    EXPECT_EQ(address, Address::v4(htonl(0xc0000201)));
    EXPECT_EQ(address, *Address::parse("::ffff:192.0.2.1"));
    EXPECT_EQ(address, Address(address.raw()));
}

TEST(Address, OfIPv6HasNoIPv4Form) {
    const Address address = *Address::parse("2001:db8::1");
    EXPECT_FALSE(address.is_v4());
    EXPECT_EQ(address.family(), AF_INET6);
    EXPECT_EQ(address.bits(), 128);
    EXPECT_EQ(address.v4_raw(), 0u);
    EXPECT_FALSE(Address().is_v4());
}

TEST(Address, RefusesWhatIsNone) {
    for (const char* text : {"", "192.0.2", "192.0.2.256", "192.0.2.1 ", "192.0.2.1/24", "host",
                             "2001:db8::1::2", "01.2.3.4"})
        expect_usage_error<Address>(text);
    using namespace std::string_literals;
    EXPECT_FALSE(Address::parse("192.0.2.1\0junk"s));
    EXPECT_FALSE(Address::parse("::1\0junk"s));
}

TEST(Prefix, KeepsItsText) {
    for (const char* text : {"10.0.0.0/8", "0.0.0.0/0", "192.0.2.1/32", "192.0.2.128/25",
                             "2001:db8::/32", "::/0", "2001:db8::8000/113"})
        EXPECT_EQ(text_of(Prefix::parse(text)), text);
    EXPECT_EQ(text_of(Prefix::parse("192.0.2.1")), "192.0.2.1/32");
    EXPECT_EQ(text_of(Prefix::parse("2001:db8::1")), "2001:db8::1/128");
}

TEST(Prefix, RefusesHostBitsAndNamesTheNetwork) {
    const auto prefix = Prefix::parse("10.1.2.129/25");
    ASSERT_FALSE(prefix);
    EXPECT_EQ(prefix.error().code, ErrorCode::usage);
    EXPECT_NE(prefix.error().hint.find("10.1.2.128/25"), std::string::npos) << prefix.error().hint;
    const auto v6 = Prefix::parse("2001:db8::1/64");
    ASSERT_FALSE(v6);
    EXPECT_NE(v6.error().hint.find("2001:db8::/64"), std::string::npos) << v6.error().hint;
}

TEST(Prefix, RefusesWhatIsNone) {
    for (const char* text : {"10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/-0", "10.0.0.0/",
                             "10.0.0.0/8/8", "2001:db8::/129", "10.0.0.0/8x", "10.0.0.0/264"})
        expect_usage_error<Prefix>(text);
}

TEST(Prefix, ContainsItsAddressesAlone) {
    const Prefix prefix = *Prefix::parse("10.1.128.0/17");
    EXPECT_TRUE(prefix.contains(*Address::parse("10.1.128.0")));
    EXPECT_TRUE(prefix.contains(*Address::parse("10.1.255.255")));
    EXPECT_FALSE(prefix.contains(*Address::parse("10.1.127.255")));
    EXPECT_FALSE(prefix.contains(*Address::parse("10.2.128.0")));
    EXPECT_TRUE(Prefix::parse("0.0.0.0/0")->contains(*Address::parse("255.255.255.255")));
    EXPECT_FALSE(Prefix::parse("0.0.0.0/0")->contains(*Address::parse("2001:db8::1")));
    EXPECT_FALSE(Prefix::parse("::/0")->contains(*Address::parse("10.0.0.1")));
}

TEST(Prefix, OverlapsEitherWay) {
    const Prefix wide = *Prefix::parse("10.0.0.0/8");
    const Prefix narrow = *Prefix::parse("10.9.0.0/16");
    const Prefix other = *Prefix::parse("11.0.0.0/8");
    EXPECT_TRUE(wide.overlaps(narrow));
    EXPECT_TRUE(narrow.overlaps(wide));
    EXPECT_TRUE(wide.overlaps(wide));
    EXPECT_FALSE(wide.overlaps(other));
    EXPECT_FALSE(Prefix::parse("::/0")->overlaps(wide));
}

TEST(Prefix, CountsTheMappedBitsOfIPv4) {
    EXPECT_EQ(Prefix::parse("10.0.0.0/8")->mapped_length(), 104);
    EXPECT_EQ(Prefix::parse("2001:db8::/32")->mapped_length(), 32);
}

TEST(PortRange, KeepsItsText) {
    for (const char* text : {"1", "80", "65535", "2000-5000", "1-65535"})
        EXPECT_EQ(text_of(PortRange::parse(text)), text);
    EXPECT_EQ(text_of(PortRange::parse("80-80")), "80");
}

TEST(PortRange, RefusesWhatIsNone) {
    for (const char* text : {"", "0", "65536", "0-10", "10-65536", "5000-2000", "-5", "5-", "1-2-3",
                             " 80", "80 ", "+80", "0x50", "99999999999999999999"})
        expect_usage_error<PortRange>(text);
}

TEST(PortRange, KnowsItsPorts) {
    const PortRange range{2000, 5000};
    EXPECT_FALSE(range.contains(1999));
    EXPECT_TRUE(range.contains(2000));
    EXPECT_TRUE(range.contains(5000));
    EXPECT_FALSE(range.contains(5001));
    EXPECT_EQ(range.size(), 3001u);
    EXPECT_EQ((PortRange{1, 65535}.size()), 65535u);
    EXPECT_TRUE(range.overlaps({5000, 6000}));
    EXPECT_TRUE(range.overlaps({1, 2000}));
    EXPECT_TRUE(range.overlaps({3000, 3000}));
    EXPECT_FALSE(range.overlaps({5001, 6000}));
    EXPECT_FALSE(range.overlaps({1, 1999}));
}

TEST(Endpoint, KeepsItsText) {
    for (const char* text : {"192.0.2.1:80", "192.0.2.1:80-90", "[2001:db8::1]:80", "[::]:1-65535"})
        EXPECT_EQ(text_of(Endpoint::parse(text)), text);
}

TEST(Endpoint, RefusesWhatIsNone) {
    for (const char* text :
         {"", "192.0.2.1", ":80", "192.0.2.1:", "2001:db8::1:80", "[192.0.2.1]:80", "[2001:db8::1]",
          "[2001:db8::1:80", "2001:db8::1]:80"}) {
        const auto endpoint = Endpoint::parse(text);
        ASSERT_FALSE(endpoint) << text;
        EXPECT_EQ(endpoint.error().code, ErrorCode::usage);
    }
}

TEST(MacAddress, KeepsItsText) {
    EXPECT_EQ(text_of(MacAddress::parse("02:00:5e:10:00:ff")), "02:00:5e:10:00:ff");
    EXPECT_EQ(text_of(MacAddress::parse("02:00:5E:10:00:FF")), "02:00:5e:10:00:ff");
    EXPECT_EQ(MacAddress::parse("02:00:00:00:00:01")->bytes[5], 1);
    EXPECT_EQ(MacAddress::parse("02:00:00:00:00:01")->bytes[0], 2);
}

TEST(MacAddress, RefusesWhatIsNone) {
    for (const char* text :
         {"", "02:00:5e:10:00", "02:00:5e:10:00:ff:00", "02-00-5e-10-00-ff", "02:00:5e:10:00:fg",
          "2:0:5e:10:0:ff", "02:00:5e:10:00:f-", "02:00:5e:10:00f:f"})
        expect_usage_error<MacAddress>(text);
}

TEST(Protocol, HasNamesAndNumbers) {
    EXPECT_EQ(parse_protocol("tcp"), IPPROTO_TCP);
    EXPECT_EQ(parse_protocol("udp"), IPPROTO_UDP);
    EXPECT_EQ(parse_protocol("icmp"), IPPROTO_ICMP);
    EXPECT_EQ(parse_protocol("icmpv6"), IPPROTO_ICMPV6);
    EXPECT_EQ(parse_protocol("6"), IPPROTO_TCP);
    EXPECT_EQ(parse_protocol("0"), 0);
    EXPECT_EQ(parse_protocol("255"), 255);
    for (const char* text : {"", "TCP", "256", "-1", "tcp "}) {
        ASSERT_FALSE(parse_protocol(text)) << text;
        EXPECT_EQ(parse_protocol(text).error().code, ErrorCode::usage);
    }
    EXPECT_EQ(protocol_text(IPPROTO_TCP), "tcp");
    EXPECT_EQ(protocol_text(IPPROTO_ICMPV6), "icmpv6");
    EXPECT_EQ(protocol_text(47), "47");
}

}  // namespace
}  // namespace sluice
