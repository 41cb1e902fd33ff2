// SPDX-License-Identifier: GPL-2.0-or-later
// Frames from all sides without a pause, while something else happens to the host; and a judgement
// of each that comes out, from what the rules in force say.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "tests/sequence/ground.hpp"
#include "tests/sequence/properties.hpp"

namespace sluice::test::sequence {

/// What must be true of every frame. A command that takes something back ends it when it begins,
/// one that makes something begins it when it has ended.
struct InForce {
    bool masquerade = false;  ///< of both VMs' networks, by wan0
    bool policy = false;      ///< UDP port 53 is denied
};

class Crossfire {
public:
    explicit Crossfire(Ground& ground);
    ~Crossfire();
    Crossfire(const Crossfire&) = delete;
    Crossfire& operator=(const Crossfire&) = delete;

    /// Takes and judges what comes out for so long.
    void watch(std::chrono::milliseconds time);
    /// What holds for frames that leave from now on. Those on their way are judged by both.
    void set_in_force(const InForce& in_force);
    /// The first thing that was wrong since the last call, and how often there was such a thing.
    [[nodiscard]] std::optional<Fault> take_fault();
    /// Frames of VMs that were translated and came out.
    [[nodiscard]] std::uint64_t carried() const { return carried_; }

private:
    void fire(const std::atomic<bool>& over) const;
    void judge(const Seen& seen);

    Ground& ground_;
    Fd out_, in_;
    std::map<std::uint32_t, At> by_ifindex_;
    InForce in_force_;
    std::optional<Fault> fault_;
    std::uint64_t faults_ = 0, carried_ = 0;
    std::atomic<bool> over_{false};
    std::thread gunner_;
};

}  // namespace sluice::test::sequence
