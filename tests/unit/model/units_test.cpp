// SPDX-License-Identifier: GPL-2.0-or-later
#include "sluice/units.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "tests/unit/expect_error.hpp"

namespace sluice {
namespace {

using std::chrono::microseconds;
using testing::HasSubstr;

constexpr std::uint64_t no_limit = UINT64_MAX;

using std::chrono::milliseconds;

TEST(Duration, TakesEveryUnit) {
    EXPECT_EQ(parse_duration("250ms"), milliseconds(250));
    EXPECT_EQ(parse_duration("300s"), milliseconds(300'000));
    EXPECT_EQ(parse_duration("5m"), milliseconds(300'000));
    EXPECT_EQ(parse_duration("2h"), milliseconds(7'200'000));
    EXPECT_EQ(parse_duration("1d"), milliseconds(86'400'000));
    EXPECT_EQ(parse_duration("0s"), milliseconds(0));
}

TEST(Duration, RefusesWhatIsNone) {
    for (const char* text : {"", "300", "s", "-5s", "5 s", "5sec", "1.5s", "5S", "1m30s",
                             "99999999999999999999s", "9223372036854775807s"}) {
        const auto duration = parse_duration(text);
        ASSERT_FALSE(duration) << text;
        EXPECT_EQ(duration.error().code, ErrorCode::usage);
        EXPECT_NE(duration.error().hint.find("300s"), std::string::npos);
    }
}

TEST(Duration, IsWrittenInTheLargestUnitThatFits) {
    EXPECT_EQ(duration_text(milliseconds(0)), "0s");
    EXPECT_EQ(duration_text(milliseconds(250)), "250ms");
    EXPECT_EQ(duration_text(milliseconds(1'500)), "1500ms");
    EXPECT_EQ(duration_text(milliseconds(240'000)), "4m");
    EXPECT_EQ(duration_text(milliseconds(7'440'000)), "124m");
    EXPECT_EQ(duration_text(milliseconds(7'200'000)), "2h");
    EXPECT_EQ(duration_text(milliseconds(86'400'000)), "1d");
}

TEST(Duration, ComesBackFromItsText) {
    for (const std::int64_t count : {1, 999, 1'000, 59'000, 60'000, 7'440'000, 172'800'000})
        EXPECT_EQ(parse_duration(duration_text(milliseconds(count))), milliseconds(count));
}

TEST(Count, TakesThousandsAndMillions) {
    EXPECT_EQ(parse_count("1000"), 1'000u);
    EXPECT_EQ(parse_count("64k"), 64'000u);
    EXPECT_EQ(parse_count("1m"), 1'000'000u);
    EXPECT_EQ(parse_count("0"), 0u);
    for (const char* text : {"", "k", "-1", "1.5m", "1g", "1 k", "18446744073709551615k"})
        EXPECT_FALSE(parse_count(text)) << text;
}

TEST(Bytes, HaveThreeDigitsAndADecimalUnit) {
    EXPECT_EQ(bytes_text(0), "0 B");
    EXPECT_EQ(bytes_text(999), "999 B");
    EXPECT_EQ(bytes_text(1'000), "1 kB");
    EXPECT_EQ(bytes_text(1'500'000'000), "1.5 GB");
    EXPECT_EQ(bytes_text(123'456'789), "123 MB");
    EXPECT_EQ(bytes_text(999'499), "999 kB");
    EXPECT_EQ(bytes_text(999'999), "1 MB");
    EXPECT_EQ(bytes_text(UINT64_MAX), "18.4 EB");
}

TEST(ShortDuration, IsExactToTheMicrosecond) {
    EXPECT_EQ(parse_short_duration("500us"), microseconds(500));
    EXPECT_EQ(parse_short_duration("2ms"), microseconds(2'000));
    EXPECT_EQ(parse_short_duration("1d"), microseconds(86'400'000'000));
    for (const auto* text : {"", "500", "us", "-1us", "1.5ms", "1ns", "1 ms", "9223372036854775s"})
        expect_error(parse_short_duration(text), ErrorCode::usage, "is not a duration");
    for (const std::int64_t count : {0, 1, 999, 1'000, 1'500, 2'000'000, 60'000'000})
        EXPECT_EQ(parse_short_duration(short_duration_text(microseconds(count))),
                  microseconds(count));
    EXPECT_EQ(short_duration_text(microseconds(1'500)), "1500us");
    EXPECT_EQ(short_duration_text(microseconds(2'000)), "2ms");
}

TEST(Rate, TakesBitsAndBytesASecond) {
    EXPECT_EQ(parse_rate("100mbit"), 100'000'000u);
    EXPECT_EQ(parse_rate("64kbit"), 64'000u);
    EXPECT_EQ(parse_rate("64000bit"), 64'000u);
    EXPECT_EQ(parse_rate("100gbit"), 100'000'000'000u);
    EXPECT_EQ(parse_rate("1.5gbit"), 1'500'000'000u);
    EXPECT_EQ(parse_rate("0.064mbit"), 64'000u);
    EXPECT_EQ(parse_rate("1.50000000000000mbit"), 1'500'000u);
    EXPECT_EQ(parse_rate("12mbyte"), 96'000'000u);
    EXPECT_EQ(parse_rate("8.5kbyte"), 68'000u);
    EXPECT_EQ(parse_rate("1000000.125kbyte"), 8'000'001'000u);
    EXPECT_EQ(parse_rate("1Gbps"), 1'000'000'000u);
    EXPECT_EQ(parse_rate("500Mbps"), 500'000'000u);
    EXPECT_EQ(parse_rate("1gbps"), 1'000'000'000u);
    EXPECT_EQ(parse_rate("100Mbit"), 100'000'000u);
    EXPECT_EQ(parse_rate("100MBIT"), 100'000'000u);
    EXPECT_EQ(parse_rate("12MByte"), 96'000'000u);
    EXPECT_EQ(parse_rate("unlimited"), no_limit);
    EXPECT_EQ(parse_rate("0"), 0u);
    EXPECT_EQ(parse_rate("0mbit"), 0u);
}

TEST(Rate, RefusesWhatCouldMeanBitsOrBytes) {
    for (const auto& [text, bits, bytes] : {
             std::tuple{"100mb", "100mbit", "100mbyte"},
             {"100Mb", "100mbit", "100mbyte"},
             {"100MB", "100mbit", "100mbyte"},
             {"100m", "100mbit", "100mbyte"},
             {"1.5g", "1.5gbit", "1.5gbyte"},
             {"100MBps", "100mbit", "100mbyte"},
             {"100mBPS", "100mbit", "100mbyte"},
             {"100MB/s", "100mbit", "100mbyte"},
             {"100mib", "100mbit", "100mbyte"},
             {"64000b", "64000bit", "64000byte"},
         }) {
        expect_error(parse_rate(text), ErrorCode::usage, std::string(text) + "` is not a rate");
        EXPECT_THAT(parse_rate(text).error().hint, HasSubstr(bits));
        EXPECT_THAT(parse_rate(text).error().hint, HasSubstr(bytes));
    }
}

TEST(Rate, RefusesWhatIsNone) {
    for (const auto* text : {"",
                             "mbit",
                             "-5mbit",
                             "+5mbit",
                             "5 mbit",
                             " 5mbit",
                             "5mbit ",
                             "5mbits",
                             "1e3mbit",
                             "1.mbit",
                             ".5mbit",
                             "1..5mbit",
                             "1,5mbit",
                             "1.5.0mbit",
                             "100000.0001kbit0",
                             "nan",
                             "inf",
                             "Unlimited",
                             "0x10mbit",
                             "100kpps",
                             "100mbitbit",
                             "100000.5bit",
                             "1.0000000000000000000mbit",
                             "0.12345678901234567890gbit",
                             "00b"})
        expect_error(parse_rate(text), ErrorCode::usage, "is not a rate");
    EXPECT_THAT(parse_rate("1000").error().hint, HasSubstr("1000mbit"));
    EXPECT_THAT(parse_rate("100kpps").error().hint, HasSubstr("--pps"));
    EXPECT_THAT(parse_rate("10mbit/s").error().hint, HasSubstr("10mbit"));
    EXPECT_THAT(parse_rate("10mbytes").error().hint, HasSubstr("10mbyte"));
    EXPECT_THAT(parse_rate("100000.5bit").error().hint, HasSubstr("whole number"));
}

TEST(Rate, IsFrom64KbitTo100Gbit) {
    for (const auto* text : {"1bit", "63999bit", "63.999kbit", "7.999kbyte"})
        expect_error(parse_rate(text), ErrorCode::usage, "less than 64kbit");
    for (const auto* text :
         {"100000000001bit", "100.1gbit", "1tbit", "12.6gbyte", "18446744073709551615bit",
          "18446744073709551616bit", "18446744073709551616tbyte", "2305843009213693952tbyte",
          "99999999999999999999999999gbit"})
        expect_error(parse_rate(text), ErrorCode::usage, "more than 100gbit");
}

TEST(Rate, IsWrittenShort) {
    EXPECT_EQ(rate_text(no_limit), "unlimited");
    EXPECT_EQ(rate_text(0), "0");
    EXPECT_EQ(rate_text(64'000), "64kbit");
    EXPECT_EQ(rate_text(1'500'000'000), "1500mbit");
    EXPECT_EQ(rate_text(1'000'000'000), "1gbit");
    EXPECT_EQ(rate_text(96'000'008), "96000008bit");
}

TEST(PacketRate, TakesThousandsMillionsAndBareNumbers) {
    EXPECT_EQ(parse_pps("500pps"), 500u);
    EXPECT_EQ(parse_pps("20kpps"), 20'000u);
    EXPECT_EQ(parse_pps("1.5Mpps"), 1'500'000u);
    EXPECT_EQ(parse_pps("1gpps"), 1'000'000'000u);
    EXPECT_EQ(parse_pps("500"), 500u);
    EXPECT_EQ(parse_pps("20k"), 20'000u);
    EXPECT_EQ(parse_pps("0"), 0u);
    EXPECT_EQ(parse_pps("unlimited"), no_limit);
    for (const auto* text : {"", "pps", "-1", "1.5pps", "0.0001kpps", "10mbit", "1 kpps", "1kps"})
        expect_error(parse_pps(text), ErrorCode::usage, "not a number of packets");
    for (const auto* text : {"1000000001", "1.1gpps", "18446744073709551615pps",
                             "18446744073709551616", "18446744073709551k"})
        expect_error(parse_pps(text), ErrorCode::usage, "is more than 1gpps");
    EXPECT_EQ(pps_text(20'000), "20kpps");
    EXPECT_EQ(pps_text(1'500), "1500pps");
    EXPECT_EQ(pps_text(no_limit), "unlimited");
    EXPECT_EQ(pps_text(0), "0");
}

TEST(Size, TakesDecimalAndBinaryBytes) {
    EXPECT_EQ(parse_size("64kb"), 64'000u);
    EXPECT_EQ(parse_size("64kB"), 64'000u);
    EXPECT_EQ(parse_size("64kbyte"), 64'000u);
    EXPECT_EQ(parse_size("64kib"), 65'536u);
    EXPECT_EQ(parse_size("1MiB"), 1'048'576u);
    EXPECT_EQ(parse_size("0.25kib"), 256u);
    EXPECT_EQ(parse_size("1.5mb"), 1'500'000u);
    EXPECT_EQ(parse_size("1500b"), 1'500u);
    EXPECT_EQ(parse_size("9223372036854775807b"), 9'223'372'036'854'775'807u);
    EXPECT_EQ(parse_size("0"), 0u);
    EXPECT_EQ(parse_size("0b"), 0u);
    EXPECT_EQ(size_text(65'536), "64kib");
    EXPECT_EQ(size_text(64'000), "64kb");
    EXPECT_EQ(size_text(1'024'000), "1024kb");
    EXPECT_EQ(size_text(1'501), "1501b");
}

TEST(Size, RefusesBitsBareNumbersAndWhatIsNone) {
    for (const auto* text : {"", "b", "64", "64k", "64kbit", "-1b", "1.5b", "0.3kib", "64 kb",
                             "64kbps", "1.0000000000000000001kb", "unlimited"})
        expect_error(parse_size(text), ErrorCode::usage, "is not a size");
    EXPECT_THAT(parse_size("64kbit").error().hint, HasSubstr("64kb is that many bytes"));
    EXPECT_THAT(parse_size("64").error().hint, HasSubstr("64kb"));
    EXPECT_THAT(parse_size("64k").error().hint, HasSubstr("64kb"));
    EXPECT_THAT(parse_size("1.5b").error().hint, HasSubstr("whole number"));
    for (const auto* text :
         {"9223372036854775808b", "18446744073709551616b", "9223373tb", "99999999999999999999gib"})
        expect_error(parse_size(text), ErrorCode::usage, "too large");
}

/// Numbers of every length, round ones and odd ones, within first..last.
std::vector<std::uint64_t> numbers_within(std::uint64_t first, std::uint64_t last) {
    std::mt19937_64 random(20261123);
    std::vector<std::uint64_t> numbers{first, first + 1, last - 1, last};
    while (numbers.size() < 20'000) {
        auto number = random() >> (random() % 64);
        for (auto zeros = random() % 10; zeros != 0 && number < UINT64_MAX / 10; --zeros)
            number *= 10;
        if (random() % 4 == 0) number <<= random() % 20;
        if (number >= first && number <= last) numbers.push_back(number);
    }
    return numbers;
}

TEST(Texts, ComeBackAsTheSameNumber) {
    for (const auto rate : numbers_within(64'000, 100'000'000'000))
        ASSERT_EQ(parse_rate(rate_text(rate)), rate) << rate_text(rate);
    for (const auto rate : numbers_within(0, 1'000'000'000))
        ASSERT_EQ(parse_pps(pps_text(rate)), rate) << pps_text(rate);
    for (const auto size : numbers_within(0, INT64_MAX))
        ASSERT_EQ(parse_size(size_text(size)), size) << size_text(size);
    for (const auto time : numbers_within(0, 864'000'000'000))
        ASSERT_EQ(parse_short_duration(short_duration_text(microseconds(time))),
                  microseconds(time));
    for (const auto limit : {std::uint64_t(0), no_limit}) {
        EXPECT_EQ(parse_rate(rate_text(limit)), limit);
        EXPECT_EQ(parse_pps(pps_text(limit)), limit);
    }
}

TEST(Texts, OfRatesAreNotLongerThanTheirBits) {
    for (const auto rate : numbers_within(64'000, 100'000'000'000)) {
        const auto length = rate_text(rate).size();
        ASSERT_LE(length, std::to_string(rate).size() + 3);
        for (const std::uint64_t unit : {1'000, 1'000'000, 1'000'000'000}) {
            if (rate % unit != 0) continue;
            ASSERT_LE(length, std::to_string(rate / unit).size() + 4);
        }
    }
}

TEST(BitRate, HasThreeDigits) {
    EXPECT_EQ(bit_rate_text(0), "0 bit/s");
    EXPECT_EQ(bit_rate_text(941.4e6), "941 Mbit/s");
    EXPECT_EQ(bit_rate_text(999.6e6), "1 Gbit/s");
    EXPECT_EQ(bit_rate_text(1.2345e9), "1.23 Gbit/s");
    EXPECT_EQ(bit_rate_text(64e3), "64 kbit/s");
    EXPECT_EQ(bit_rate_text(99.96e9), "100 Gbit/s");
}

}  // namespace
}  // namespace sluice
