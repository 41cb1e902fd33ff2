// SPDX-License-Identifier: GPL-2.0-or-later
// The ring of events: whole events only, in order, and what was missed is known.
#include "loader/event/kinds.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <ctime>
#include <thread>

#include "loader/base/clock.hpp"

namespace sluice {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

/// The datapath's side of a ring of eight.
class Ring {
public:
    EventReader reader() { return {slots_, head_.newest}; }

    void write(int count) {
        for (int i = 0; i < count; ++i) finish(begin());
    }
    /// A number is taken, and the slot is not whole until finish().
    std::uint64_t begin() {
        const auto number = std::atomic_ref(head_.newest).fetch_add(1) + 1;
        std::atomic_ref(slot(number).number).exchange(0);
        return number;
    }
    void finish(std::uint64_t number) {
        auto& event = slot(number);
        event.time = event.repeats = event.frame_len = static_cast<__u32>(number);
        std::ranges::fill(event.header, static_cast<__u8>(number));
        std::atomic_ref(event.number).exchange(number);
    }

private:
    sl_event& slot(std::uint64_t number) { return slots_[(number - 1) % slots_.size()]; }

    std::array<sl_event, 8> slots_{};
    sl_event_head head_{};
};

std::vector<std::uint64_t> numbers(const RingBatch<sl_event>& batch) {
    std::vector<std::uint64_t> found;
    for (const auto& event : batch.records) found.push_back(event.number);
    return found;
}

TEST(EventReader, ReadsEachEventOnce) {
    Ring ring;
    auto reader = ring.reader();
    EXPECT_THAT(numbers(reader.read()), IsEmpty());
    ring.write(3);
    EXPECT_THAT(numbers(reader.read()), ElementsAre(1, 2, 3));
    EXPECT_THAT(numbers(reader.read()), IsEmpty());
    ring.write(8);
    const auto batch = reader.read();
    EXPECT_THAT(numbers(batch), ElementsAre(4, 5, 6, 7, 8, 9, 10, 11));
    EXPECT_EQ(batch.lost, 0u);
}

TEST(EventReader, BeginsWithTheOldestThatIsThere) {
    Ring ring;
    ring.write(10);
    auto reader = ring.reader();
    const auto batch = reader.read();
    EXPECT_THAT(numbers(batch), ElementsAre(3, 4, 5, 6, 7, 8, 9, 10));
    EXPECT_EQ(batch.lost, 0u) << "what was before it came is not lost";
}

TEST(EventReader, KnowsWhatItMissed) {
    Ring ring;
    auto reader = ring.reader();
    ring.write(20);
    const auto batch = reader.read();
    EXPECT_THAT(numbers(batch), ElementsAre(13, 14, 15, 16, 17, 18, 19, 20));
    EXPECT_EQ(batch.lost, 12u);
    EXPECT_EQ(reader.read().lost, 0u) << "told once";
}

TEST(EventReader, WaitsForAnEventThatIsBeingWritten) {
    Ring ring;
    auto reader = ring.reader();
    ring.write(1);
    const auto unfinished = ring.begin();
    ring.write(1);
    EXPECT_THAT(numbers(reader.read()), ElementsAre(1)) << "3 is whole, but comes after 2";
    ring.finish(unfinished);
    const auto batch = reader.read();
    EXPECT_THAT(numbers(batch), ElementsAre(2, 3));
    EXPECT_EQ(batch.lost, 0u);
}

TEST(EventReader, ASlotThatIsWrittenAnewIsLost) {
    Ring ring;
    auto reader = ring.reader();
    ring.write(8);
    const auto ninth = ring.begin();  // in the slot of the first
    const auto batch = reader.read();
    EXPECT_THAT(numbers(batch), ElementsAre(2, 3, 4, 5, 6, 7, 8));
    EXPECT_EQ(batch.lost, 1u);
    ring.finish(ninth);
    EXPECT_THAT(numbers(reader.read()), ElementsAre(9));
}

TEST(EventReader, SkipsToTheEnd) {
    Ring ring;
    ring.write(5);
    auto reader = ring.reader();
    reader.skip_to_end();
    ring.write(2);
    EXPECT_THAT(numbers(reader.read()), ElementsAre(6, 7));
}

/// However the writer overtakes: no torn event, none twice, none unaccounted for.
TEST(EventReader, NeverReadsATornEvent) {
    constexpr std::uint64_t count = 200'000;
    Ring ring;
    auto reader = ring.reader();
    std::jthread writer([&] { ring.write(count); });
    std::uint64_t last = 0, read = 0, lost = 0;
    while (read + lost < count) {
        const auto batch = reader.read();
        lost += batch.lost;
        for (const auto& event : batch.records) {
            ASSERT_GT(event.number, last);
            last = event.number;
            ASSERT_EQ(event.time, event.number);
            ASSERT_EQ(event.header[0], static_cast<__u8>(event.number));
            ASSERT_EQ(event.header[SL_EVENT_HEADER - 1], static_cast<__u8>(event.number));
            ++read;
        }
    }
    EXPECT_EQ(read + lost, count);
    EXPECT_EQ(last, count);
}

TEST(EventKinds, HaveNames) {
    EXPECT_EQ(event_kinds().size(), SL_EVENT_COUNT - 1u);
    for (const auto& it : event_kinds()) EXPECT_EQ(parse_event_kind(it.name), it.kind);
    const auto none = parse_event_kind("fish");
    ASSERT_FALSE(none);
    EXPECT_THAT(none.error().hint, HasSubstr("mac-duplicate"));
}

TEST(WallTime, IsNowForNow) {
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    const auto before = std::chrono::system_clock::now();
    const auto wall = wall_time(static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 +
                                static_cast<std::uint64_t>(now.tv_nsec));
    EXPECT_LT(std::chrono::abs(wall - before), std::chrono::seconds(10));
    EXPECT_EQ(wall_time(5'000'000'000) > wall_time(1'000'000'000), true);
}

}  // namespace
}  // namespace sluice
