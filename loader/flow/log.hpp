// SPDX-License-Identifier: GPL-2.0-or-later
// Sessions as they begin and end: the ring that the datapath writes.
#pragma once

#include <vector>

#include "loader/base/clock.hpp"
#include "loader/flow/session.hpp"
#include "loader/kernel/ring_reader.hpp"

namespace sluice {

struct FlowRecord {
    WallTime time;
    bool ended = false;  ///< else it began
    Session session;     ///< as it was then; its names are the log's
};

struct FlowPage {
    std::vector<FlowRecord> records;  ///< oldest first
    std::uint64_t lost = 0;           ///< written over before they could be read
};

/// Not thread-safe. Needs no lock, and slows nobody down: sessions that begin are noted for as long
/// as somebody asks for them.
class FlowLog {
public:
    /// @param begins sessions that begin are wanted, too. Errors: not_found (no instance), refused
    /// (down)
    [[nodiscard]] static Result<FlowLog> open(const Target& target, bool begins);

    /// What came since the last call; the first time what comes from now on.
    [[nodiscard]] FlowPage next();
    /// Looks whether the instance is still the one that was opened, and for new names. What next()
    /// gave before holds no name now. Errors: refused.
    [[nodiscard]] Result<> keep_up();

private:
    FlowLog(Target target, SessionTable table, bool begins);
    /// Says to the datapath that somebody watches, for some seconds more.
    void watch();

    Target target_;
    SessionTable table_;
    RingReader<sl_flow_record> reader_;
    bool begins_;
};

}  // namespace sluice
