// SPDX-License-Identifier: GPL-2.0-or-later
// How long a program takes for a frame, found by BPF_PROG_TEST_RUN.
#pragma once

#include <cstdint>
#include <string>

#include "tests/bench/floor.hpp"
#include "tests/bench/frame.hpp"

namespace sluice::bench {

struct TimingSpec {
    Hook hook = Hook::tc;
    std::uint32_t program = 0;  ///< id
    std::string interface;      ///< that the frames seem to enter by
    FrameSpec frame;
    bench_flows flows{};
    int cpu = 0;
};

struct Timing {
    double nanoseconds = 0;  ///< a frame; without the making of the frame
    std::string verdict;     ///< on the last frame: forward, pass or drop
};

/// Runs the program on frames of all flows in turn, many times over; the quickest of a few series
/// counts, as other load can only add to it. The program's redirects are noted, not carried out.
/// Errors: not_found, unsupported (a program that can't be called, as one of libxdp's dispatcher).
[[nodiscard]] Result<Timing> time_program(const TimingSpec& spec);

}  // namespace sluice::bench
