// SPDX-License-Identifier: GPL-2.0-or-later
// The token bucket of the datapath, built for the host: what conforms in any stretch of time is at
// most the rate times that, and the burst.
#include "bpf/lib/bucket.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <random>
#include <thread>
#include <vector>

#include "loader/qos/plan.hpp"

namespace sluice {
namespace {

using namespace std::chrono_literals;

constexpr auto jiffy = 4'000'000ns;
constexpr std::uint64_t no_burst_asked = 0;

/// What the datapath sees of a time in ns: sl_bucket_now().
std::uint64_t clock_of(const sl_bucket& bucket, std::uint64_t ns) {
    if ((bucket.flags & SL_BUCKET_FINE) == 0) ns -= ns % 4'000'000;
    return ns << SL_BUCKET_TIME_SHIFT;
}

/// The worst of all windows of what conformed, by Lindley's recursion: the bytes that were more
/// than the rate times the window.
class Windows {
public:
    explicit Windows(double rate) : bytes_per_ns_(rate / 8e9) {}

    void add(std::uint64_t ns, double bytes) {
        level_ = std::max(0.0, level_ - static_cast<double>(ns - last_) * bytes_per_ns_) + bytes;
        last_ = ns;
        worst_ = std::max(worst_, level_);
        total_ += bytes;
    }
    [[nodiscard]] double worst() const { return worst_; }
    [[nodiscard]] double total() const { return total_; }

private:
    double bytes_per_ns_, level_ = 0, worst_ = 0, total_ = 0;
    std::uint64_t last_ = 0;
};

struct Setting {
    std::uint64_t rate, burst;
    std::size_t cpus;  ///< that have credit; 0: none, each frame pays by itself
};

/// Random arrivals, now dense and now sparse, of frames up to `largest`.
class Arrivals {
public:
    Arrivals(std::mt19937_64& random, const Setting& setting, std::uint32_t largest)
        : random_(random),
          largest_(largest),
          mean_gap_(4e9 * largest / static_cast<double>(setting.rate)) {}

    std::uint64_t next_time() {
        if (random_() % 200 == 0) load_ = std::pow(10.0, uniform() * 3 - 2);
        now_ += static_cast<std::uint64_t>(-std::log(1 - uniform()) * mean_gap_ / load_) + 1;
        return now_;
    }
    std::uint32_t next_size() {
        return 60 + static_cast<std::uint32_t>(random_() % (largest_ - 59));
    }
    [[nodiscard]] std::size_t next_cpu(std::size_t cpus) { return random_() % cpus; }

private:
    double uniform() { return static_cast<double>(random_() >> 11) * 0x1p-53; }

    std::mt19937_64& random_;
    std::uint32_t largest_;
    double mean_gap_, load_ = 1;
    std::uint64_t now_ = 1'000'000'000;
};

/// What conforms of random arrivals.
Windows run(const Setting& setting, std::uint32_t largest, std::mt19937_64& random) {
    auto bucket = byte_bucket(setting.rate, setting.burst, jiffy, false);
    if (setting.cpus != 0) give_credit(bucket, setting.cpus);
    std::vector<__u64> credits(std::max<std::size_t>(setting.cpus, 1));
    Arrivals arrivals(random, setting, largest);
    Windows windows(static_cast<double>(setting.rate));
    __u64 at = 0;
    for (int i = 0; i < 20'000; ++i) {
        const auto time = arrivals.next_time();
        const auto size = arrivals.next_size();
        auto& credit = credits[arrivals.next_cpu(credits.size())];
        if (sl_bucket_take(&bucket, &at, &credit, clock_of(bucket, time), size))
            windows.add(time, size);
    }
    return windows;
}

TEST(Bucket, NoWindowHasMoreThanRateAndBurst) {
    std::mt19937_64 random(20261123);
    for (const auto rate : {64'000ull, 1'000'000ull, 10'000'000ull, 100'000'000ull, 999'999'937ull,
                            5'000'000'000ull, 100'000'000'000ull})
        for (const std::uint64_t burst : {2'000ull, 72'000ull, 1'000'000ull, 400ull * rate / 8'000})
            for (const std::size_t cpus : {0, 1, 2, 16}) {
                if (burst < 2'000) continue;
                const auto largest =
                    static_cast<std::uint32_t>(std::min<std::uint64_t>(burst, 70'000));
                const auto windows = run({rate, burst, cpus}, largest, random);
                EXPECT_LE(windows.worst(), static_cast<double>(burst) * (1 + 1e-9))
                    << rate << " bit/s, burst " << burst << ", " << cpus << " CPUs";
            }
}

TEST(Bucket, FramesLargerThanTheBurstGoWhenItIsFull) {
    std::mt19937_64 random(7);
    constexpr std::uint32_t largest = 65'000;
    const auto windows = run({10'000'000, 20'000, 0}, largest, random);
    EXPECT_LE(windows.worst(), 20'000.0 + largest);
    EXPECT_GT(windows.worst(), 20'000.0);
}

/// Frames of `size` at twice the rate, for `seconds`. @return conformed share of the rate
double offered_twice(const Setting& setting, std::uint32_t size, double seconds) {
    auto bucket = byte_bucket(setting.rate, setting.burst, jiffy, false);
    if (setting.cpus != 0) give_credit(bucket, setting.cpus);
    std::vector<__u64> credits(std::max<std::size_t>(setting.cpus, 1));
    const double gap = size * 8e9 / static_cast<double>(setting.rate) / 2;
    __u64 at = 0;
    double conformed = 0;
    std::size_t cpu = 0;
    for (double ns = 1e9; ns < 1e9 + seconds * 1e9; ns += gap) {
        auto& credit = credits[++cpu % credits.size()];
        const auto now = clock_of(bucket, static_cast<std::uint64_t>(ns));
        if (sl_bucket_take(&bucket, &at, &credit, now, size)) conformed += size;
    }
    return conformed * 8 / seconds / static_cast<double>(setting.rate);
}

TEST(Bucket, TwiceTheRateOfferedGetsTheRate) {
    for (const auto rate : {10'000'000ull, 100'000'000ull, 1'000'000'000ull}) {
        const auto burst = policer_burst(rate, no_burst_asked);
        const double seconds = 20;
        const double extra = static_cast<double>(burst) * 8 / static_cast<double>(rate) / seconds;
        for (const std::size_t cpus : {0, 2, 8}) {
            const double share = offered_twice({rate, burst, cpus}, 1514, seconds);
            EXPECT_GE(share, 0.999) << rate << " " << cpus;
            EXPECT_LE(share, 1.0001 + extra) << rate << " " << cpus;
        }
    }
}

TEST(Bucket, TwoThreadsGetNoMoreAndNoLess) {
    const auto bucket = byte_bucket(1'000'000'000, 10'000'000, jiffy, true);
    constexpr std::uint64_t now = 5'000'000'000ull << SL_BUCKET_TIME_SHIFT;
    constexpr std::uint32_t size = 100;
    __u64 at = now;
    std::vector<std::uint64_t> accepted(2);
    {
        std::vector<std::jthread> threads;
        for (auto& count : accepted)
            threads.emplace_back([&] {
                for (int i = 0; i < 100'000; ++i)
                    if (sl_bucket_charge(&bucket, &at, now, size, 0) != SL_BUCKET_OVER) ++count;
            });
    }
    const auto cost = sl_bucket_cost(&bucket, size);
    EXPECT_EQ(at - now, (accepted[0] + accepted[1]) * cost) << "each one paid";
    EXPECT_EQ(accepted[0] + accepted[1], bucket.limit / cost) << "and nothing is left";
}

TEST(Bucket, AClockThatGoesBackBlocksNobody) {
    const auto bucket = byte_bucket(1'000'000, 72'000, jiffy, true);
    __u64 at = 0;
    constexpr std::uint64_t hour = 3'600'000'000'000ull << SL_BUCKET_TIME_SHIFT;
    constexpr std::uint64_t start = 2 * hour;
    while (sl_bucket_charge(&bucket, &at, start, 1500, 0) != SL_BUCKET_OVER) {
    }
    EXPECT_NE(sl_bucket_charge(&bucket, &at, start - hour, 1500, 0), SL_BUCKET_OVER);
    // Nor does it give more than a burst.
    int more = 0;
    while (sl_bucket_charge(&bucket, &at, start - hour, 1500, 0) != SL_BUCKET_OVER) ++more;
    EXPECT_EQ(more, 72'000 / 1500 - 1);
}

TEST(Bucket, AnHourOfSilenceIsOneBurst) {
    const auto bucket = byte_bucket(1'000'000, 72'000, jiffy, true);
    constexpr std::uint64_t hour = 3'600'000'000'000ull << SL_BUCKET_TIME_SHIFT;
    __u64 at = hour;
    int frames = 0;
    while (sl_bucket_charge(&bucket, &at, 2 * hour, 1500, 0) != SL_BUCKET_OVER) ++frames;
    EXPECT_EQ(frames, 48);
}

TEST(Bucket, TimeMayWrap) {
    const auto bucket = byte_bucket(8'000'000, 10'000, jiffy, true);  // a byte is 1 us
    __u64 now = ~0ull - (5'000'000ull << SL_BUCKET_TIME_SHIFT);       // 5 ms before
    __u64 at = now;
    std::uint64_t bytes = 0;
    for (int us = 0; us < 20'000; ++us, now += 1000 << SL_BUCKET_TIME_SHIFT)
        if (us % 50 == 0 && sl_bucket_charge(&bucket, &at, now, 100, 0) != SL_BUCKET_OVER)
            bytes += 100;
    EXPECT_NEAR(static_cast<double>(bytes), 20'000 + 10'000, 200);
}

TEST(Bucket, WhoWaitsLeavesWhenThereIsRoom) {
    const auto bucket = byte_bucket(8'000'000, 1'500, jiffy, true);  // a byte is 1 us
    constexpr std::uint64_t now = 1'000'000'000ull << SL_BUCKET_TIME_SHIFT;
    const auto patience = bucket_time(10ms);
    __u64 at = 0;
    for (const std::uint64_t wait_us : {0, 1'500, 3'000, 4'500, 6'000, 7'500, 9'000})
        EXPECT_EQ(sl_bucket_charge(&bucket, &at, now, 1500, patience) >> SL_BUCKET_TIME_SHIFT,
                  wait_us * 1000);
    EXPECT_EQ(sl_bucket_charge(&bucket, &at, now, 1500, patience), SL_BUCKET_OVER);
    const auto paid = at;
    EXPECT_EQ(sl_bucket_charge(&bucket, &at, now, 1500, patience), SL_BUCKET_OVER);
    EXPECT_EQ(at, paid) << "who may not wait so long pays nothing";
}

TEST(Bucket, OneCpuHasTheWholeOfASmallBurst) {
    auto bucket = byte_bucket(10'000'000, 100'000, jiffy, true);
    const auto whole = bucket.limit;
    give_credit(bucket, 2);
    EXPECT_EQ(bucket.chunk, 0u);
    EXPECT_EQ(bucket.limit, whole);
    auto large = byte_bucket(10'000'000, 1'000'000, jiffy, true);
    const auto before = large.limit;
    give_credit(large, 2);
    EXPECT_GT(large.chunk, 0u);
    EXPECT_GE(large.limit, before - before / 16);
}

TEST(Bucket, CreditIsSpentBeforeMoreIsTaken) {
    auto bucket = byte_bucket(100'000'000, 5'000'000, jiffy, true);
    const auto whole = bucket.limit;
    give_credit(bucket, 4);
    ASSERT_GT(bucket.chunk, 3'000u);
    EXPECT_EQ(whole - bucket.limit, 4 * (bucket.cost * bucket.chunk >> SL_BUCKET_COST_SHIFT));
    constexpr std::uint64_t now = 1'000'000'000ull << SL_BUCKET_TIME_SHIFT;
    __u64 at = now, credit = 0;
    EXPECT_TRUE(sl_bucket_take(&bucket, &at, &credit, now, 1500));
    EXPECT_EQ(credit, bucket.chunk);
    const auto paid = at;
    EXPECT_TRUE(sl_bucket_take(&bucket, &at, &credit, now, 1500));
    EXPECT_EQ(credit, bucket.chunk - 1500);
    EXPECT_EQ(at, paid);
    // What is left counts, so that no CPU ever has more than its chunk.
    credit = 500;
    EXPECT_TRUE(sl_bucket_take(&bucket, &at, &credit, now, 1500));
    EXPECT_EQ(credit, bucket.chunk);
    EXPECT_EQ(at - paid, sl_bucket_cost(&bucket, 1000 + bucket.chunk));
    at = now + bucket.limit - sl_bucket_cost(&bucket, 1000);
    credit = 500;
    EXPECT_TRUE(sl_bucket_take(&bucket, &at, &credit, now, 1500)) << "the last that there is";
    EXPECT_EQ(credit, 0u);
    EXPECT_FALSE(sl_bucket_take(&bucket, &at, &credit, now, 60));
}

}  // namespace
}  // namespace sluice
