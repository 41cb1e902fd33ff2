#include "sluice/units.hpp"

#include <gtest/gtest.h>

namespace sluice {
namespace {

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

}  // namespace
}  // namespace sluice
