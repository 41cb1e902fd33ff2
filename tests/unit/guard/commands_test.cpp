// SPDX-License-Identifier: GPL-2.0-or-later
// What can be said about a guard without its port.
#include "loader/guard/commands.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice {
namespace {

using testing::HasSubstr;

template <class Edit>
std::string refusal(Edit&& edit) {
    GuardSpec guard;
    edit(guard);
    const auto checked = check_guard(guard);
    if (checked) return "";
    EXPECT_EQ(checked.error().code, ErrorCode::usage);
    return checked.error().message;
}

std::string with_macs(const std::vector<const char*>& texts) {
    return refusal([&](GuardSpec& guard) {
        for (const auto* text : texts) guard.macs.push_back(*MacAddress::parse(text));
    });
}

std::string with_address(const char* text) {
    return refusal([&](GuardSpec& guard) { guard.addresses = {*Prefix::parse(text)}; });
}

std::string with_ethertype(std::uint16_t type) {
    return refusal([&](GuardSpec& guard) { guard.ethertypes = {type}; });
}

TEST(CheckGuard, Macs) {
    EXPECT_EQ(with_macs({"52:54:00:00:00:01", "52:54:00:00:00:02"}), "");
    EXPECT_THAT(with_macs({"01:00:5e:00:00:01"}), HasSubstr("01:00:5e:00:00:01"));
    EXPECT_THAT(with_macs({"ff:ff:ff:ff:ff:ff"}), HasSubstr("ff:ff:ff:ff:ff:ff"));
    EXPECT_THAT(with_macs({"00:00:00:00:00:00"}), HasSubstr("00:00:00:00:00:00"));
    EXPECT_THAT(with_macs({"52:54:00:00:00:01", "52:54:00:00:00:01"}), HasSubstr("twice"));
}

TEST(CheckGuard, Addresses) {
    for (const auto* good : {"10.0.0.1", "2001:db8::1", "fe80::/64", "0.0.0.0/0", "::/0"})
        EXPECT_EQ(with_address(good), "") << good;
    for (const auto* bad : {"0.0.0.0", "::", "224.0.0.1", "255.255.255.255", "ff02::1"})
        EXPECT_THAT(with_address(bad), HasSubstr(bad));
}

TEST(CheckGuard, SixtyFourOfEachFit) {
    const auto with = [](std::uint8_t count) {
        return refusal([&](GuardSpec& guard) {
            for (std::uint8_t i = 1; i <= count; ++i) {
                guard.macs.push_back({{2, 0, 0, 0, 0, i}});
                const sl_addr raw{.b = {0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, i}};
                guard.addresses.push_back({Address(raw), 128});
            }
        });
    };
    EXPECT_EQ(with(64), "");
    EXPECT_THAT(with(65), HasSubstr("65 MACs"));
    EXPECT_THAT(refusal([](GuardSpec& guard) {
                    for (std::uint8_t i = 1; i <= 65; ++i)
                        guard.addresses.push_back({Address::v4(0x0100000a + (i << 16)), 32});
                }),
                HasSubstr("65 addresses"));
    EXPECT_EQ(refusal([](GuardSpec& guard) {
                  for (std::uint8_t i = 1; i <= 65; ++i)
                      guard.addresses.push_back({Address::v4(0x0000000a + (i << 8)), 24});
              }),
              "")
        << "networks count apart";
}

TEST(CheckGuard, Ethertypes) {
    EXPECT_EQ(with_ethertype(0x88cc), "");
    EXPECT_EQ(with_ethertype(0x0600), "");
    EXPECT_THAT(with_ethertype(0x05ff), HasSubstr("length"));
    for (const std::uint16_t known : {0x0800, 0x86dd, 0x0806, 0x8035})
        EXPECT_THAT(with_ethertype(known), HasSubstr("anyway"));
    for (const std::uint16_t tag : {0x8100, 0x88a8, 0x9100})
        EXPECT_THAT(with_ethertype(tag), HasSubstr("tag"));
    EXPECT_THAT(refusal([](GuardSpec& guard) { guard.ethertypes.assign(9, 0x88cc); }),
                HasSubstr("9 ethertypes"));
}

TEST(CheckGuard, Numbers) {
    EXPECT_EQ(refusal([](GuardSpec& guard) { guard.learn = 1024; }), "");
    EXPECT_THAT(refusal([](GuardSpec& guard) { guard.learn = 1025; }), HasSubstr("--learn"));
    EXPECT_EQ(refusal([](GuardSpec& guard) { guard.dhcp_rate = 65535; }), "");
    EXPECT_THAT(refusal([](GuardSpec& guard) { guard.dhcp_rate = 0; }), HasSubstr("--dhcp-rate"));
}

TEST(ParseEthertype, TakesNumbersAndNames) {
    EXPECT_EQ(parse_ethertype("0x88cc"), 0x88cc);
    EXPECT_EQ(parse_ethertype("lldp"), 0x88cc);
    EXPECT_EQ(parse_ethertype("0xffff"), 0xffff);
    for (const auto* bad : {"", "0x", "88cc", "0x10000", "0x88ccx", "LLDP", "-1"})
        EXPECT_FALSE(parse_ethertype(bad)) << bad;
}

TEST(GuardChange, ChangesOnlyWhatIsGiven) {
    GuardSpec guard;
    guard.macs = {{{2, 0, 0, 0, 0, 1}}};
    guard.learn = 3;
    auto expected = guard;
    GuardChange{}.apply_to(guard);
    EXPECT_EQ(guard, expected);

    GuardChange change;
    change.switches = {{&GuardSpec::ra_block, false}, {&GuardSpec::audit, true}};
    change.macs = std::vector<MacAddress>{};
    change.apply_to(guard);
    expected.ra_block = false;
    expected.audit = true;
    expected.macs.clear();
    EXPECT_EQ(guard, expected);
}

}  // namespace
}  // namespace sluice
