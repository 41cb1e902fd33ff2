// SPDX-License-Identifier: GPL-2.0-or-later
// The events of an instance, with names in place of numbers.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "loader/base/clock.hpp"
#include "loader/base/frame.hpp"
#include "loader/event/kinds.hpp"
#include "loader/event/reasons.hpp"
#include "loader/instance/target.hpp"
#include "loader/model/vm_names.hpp"

namespace sluice {

struct Event {
    std::uint64_t number = 0;
    WallTime time;
    const EventKind* kind = nullptr;
    const DropReason* reason = nullptr;  ///< null: a kind that has none
    std::string_view detector;           ///< that blocked the source; else empty
    std::string port, other_port;        ///< names; empty = none
    std::string change;                  ///< what was changed; empty: it is about a frame
    std::string rule;                    ///< of the policy; empty = a default, or none
    std::string vm;                      ///< that sent it, or was to get it; empty = not known
    bool egress = false;                 ///< it was to leave by the port
    std::uint32_t repeats = 0;  ///< of the same, reason and port alike, not reported before it
    std::uint32_t frame_len = 0;
    std::vector<std::uint8_t> header;  ///< the frame's beginning
};

struct EventFilter {
    std::string port;  ///< name; empty = any
    std::optional<sl_event_kind> kind;
    std::optional<WallTime> since;
    [[nodiscard]] bool matches(const Event& event) const;
};

/// A while ago (`5m`) or a time as events show it (`2026-11-22T20:48:42Z`). Errors: usage.
[[nodiscard]] Result<WallTime> parse_since(std::string_view text, WallTime now);

struct EventPage {
    std::vector<Event> events;  ///< oldest first
    std::uint64_t lost = 0;     ///< of all ports and kinds: nobody knows whose they were
};

/// Not thread-safe. Needs no lock, and slows nobody down.
class EventLog {
public:
    /// Errors: not_found (no instance, or the filter's port is none), refused (down).
    [[nodiscard]] static Result<EventLog> open(const Target& target, EventFilter filter);

    /// What came since the last call; the first time all that the ring has.
    [[nodiscard]] Result<EventPage> next();
    /// Only what comes from now on.
    void skip_to_end() { reader_.skip_to_end(); }

    /// To be called about each second: ports and VMs come and go. Errors: refused (the instance is
    /// not the one that was opened).
    [[nodiscard]] Result<> keep_up();

private:
    EventLog(Target target, EventFilter filter, Datapath datapath);
    [[nodiscard]] Result<> read_names();
    [[nodiscard]] Result<std::string> name_of(std::uint16_t port);
    [[nodiscard]] Result<> name_other(const sl_event& raw, Event& event);
    [[nodiscard]] Result<Event> named(const sl_event& raw);

    Target target_;
    EventFilter filter_;
    Datapath datapath_;
    EventReader reader_;
    std::map<std::uint16_t, std::string> names_;  ///< of ports, by id
    std::vector<std::string> rules_;              ///< of the policy, by number from 1 on
    VmNames vms_;
};

}  // namespace sluice
