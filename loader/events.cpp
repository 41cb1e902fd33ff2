#include "loader/events.hpp"

#include <fmt/format.h>
#include <sched.h>

#include <algorithm>
#include <atomic>
#include <ctime>

namespace sluice {

const std::vector<EventKind>& event_kinds() {
#define SL_EVENT_ROW(id, name, severity, meaning) {SL_EVENT_##id, name, severity, meaning},
    static const std::vector<EventKind> kinds{SL_EVENT_KINDS(SL_EVENT_ROW)};
#undef SL_EVENT_ROW
    return kinds;
}

Result<sl_event_kind> parse_event_kind(std::string_view text) {
    std::string names;
    for (const auto& it : event_kinds()) {
        if (it.name == text) return it.kind;
        names += (names.empty() ? "" : ", ") + std::string(it.name);
    }
    return fail(ErrorCode::usage, fmt::format("\"{}\" is no kind of event", text),
                "there are " + names);
}

EventReader::EventReader(std::span<sl_event> ring, sl_event_head& head)
    : ring_(ring), head_(&head) {
    const auto last = newest();
    next_ = last > ring_.size() ? last - ring_.size() + 1 : 1;
}

std::uint64_t EventReader::newest() const {
    return std::atomic_ref(head_->newest).load(std::memory_order_acquire);
}

void EventReader::skip_to_end() { next_ = newest() + 1; }

EventBatch EventReader::read() {
    EventBatch batch;
    const auto last = newest();
    for (; next_ <= last; ++next_) {
        const auto event = wait_for(next_);
        if (event)
            batch.events.push_back(*event);
        else if (overtaken(next_))
            ++batch.lost;
        else
            break;
    }
    return batch;
}

bool EventReader::overtaken(std::uint64_t number) const {
    return number + ring_.size() <= newest();
}

/// A writer needs a microsecond, unless something interrupts it.
std::optional<sl_event> EventReader::wait_for(std::uint64_t number) const {
    constexpr int most_looks = 100;
    auto event = copy(number);
    for (int look = 1; look < most_looks && !event && !overtaken(number); ++look) {
        sched_yield();
        event = copy(number);
    }
    return event;
}

/// The writer sets the number to 0 before and to N after it writes the rest (abi/event.h).
std::optional<sl_event> EventReader::copy(std::uint64_t number) const {
    auto& slot = ring_[(number - 1) % ring_.size()];
    const std::atomic_ref slot_number(slot.number);
    if (slot_number.load(std::memory_order_acquire) != number) return std::nullopt;
    const sl_event event = slot;
    std::atomic_thread_fence(std::memory_order_acquire);
    if (slot_number.load(std::memory_order_relaxed) != number) return std::nullopt;
    return event;
}

WallTime wall_time(std::uint64_t monotonic_ns) {
    const auto now = [](clockid_t clock) {
        timespec time{};
        clock_gettime(clock, &time);
        return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
    };
    return WallTime(now(CLOCK_REALTIME) - now(CLOCK_MONOTONIC) +
                    std::chrono::nanoseconds(monotonic_ns));
}

}  // namespace sluice
