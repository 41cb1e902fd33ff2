// SPDX-License-Identifier: GPL-2.0-or-later
// Sends packets into an interface by BPF_PROG_TEST_RUN with live frames (Linux 5.18): the
// kernel runs the sender program on frames of its own and transmits them, with no socket and
// no copy in between.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "tests/bench/frame.hpp"

namespace sluice::bench {

struct SendSpec {
    std::string interface;
    FrameSpec frame;
    bench_flows flows{};  ///< source and remote are taken from the frame
    bench_order order = BENCH_IN_TURN;
    double zipf = 1;  ///< exponent, for BENCH_ZIPF
    std::uint64_t seed = 1;
    std::uint64_t packets = 0;  ///< 0 = as many as fit into `duration`
    std::chrono::milliseconds duration{1000};
    std::uint32_t rate = 0;  ///< packets a second; 0 = as fast as can be. Not with `packets`
    int cpu = 0;
};

struct SendReport {
    std::uint64_t packets = 0;
    double rate = 0;  ///< packets a second; NaN (JSON: null) of less than two batches
};

/// Whatever the packets meet on the way runs on the sender's CPU too, in softirqs between two
/// batches: nothing overtakes the receiver, and the rate found is that of the whole way.
[[nodiscard]] Result<SendReport> send(const SendSpec& spec);

}  // namespace sluice::bench
