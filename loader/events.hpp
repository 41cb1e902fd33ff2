// Events: read from the ring that the datapath writes, without ever keeping it waiting.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "loader/stats.hpp"
#include "sluice/abi/event.h"

namespace sluice {

struct EventKind {
    sl_event_kind kind;
    std::string_view name, severity, meaning;
};
/// Every kind there is, in the order of the enum.
[[nodiscard]] const std::vector<EventKind>& event_kinds();
/// Errors: usage, with the kinds as the hint.
[[nodiscard]] Result<sl_event_kind> parse_event_kind(std::string_view text);

struct EventBatch {
    std::vector<sl_event> events;  ///< oldest first
    std::uint64_t lost = 0;        ///< written over before they could be read
};

/// One reader of the ring. Not thread-safe; any number of readers may look at one ring.
class EventReader {
public:
    /// Begins with the oldest event in the ring.
    /// @param ring, head shared with the datapath, which writes them at any time
    EventReader(std::span<sl_event> ring, sl_event_head& head);

    /// What is new. Ends before an event that is being written: the next call has it.
    [[nodiscard]] EventBatch read();

    /// Only what comes from now on.
    void skip_to_end();

private:
    [[nodiscard]] std::uint64_t newest() const;
    /// Its slot is another event's by now.
    [[nodiscard]] bool overtaken(std::uint64_t number) const;
    [[nodiscard]] std::optional<sl_event> wait_for(std::uint64_t number) const;
    /// Whole and of this number. None: it is being written, or written over.
    [[nodiscard]] std::optional<sl_event> copy(std::uint64_t number) const;

    std::span<sl_event> ring_;
    sl_event_head* head_;
    std::uint64_t next_;  ///< number of the event to read next
};

using WallTime = std::chrono::time_point<std::chrono::system_clock, std::chrono::nanoseconds>;

/// When a time of CLOCK_MONOTONIC was by the wall clock as it is set now.
[[nodiscard]] WallTime wall_time(std::uint64_t monotonic_ns);

}  // namespace sluice
