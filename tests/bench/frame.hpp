// SPDX-License-Identifier: GPL-2.0-or-later
// The frames of the generator: what all of them have in common, ready for the BPF sender.
#pragma once

#include <cstdint>
#include <string>

#include "sluice/net.hpp"
#include "tests/bench/bpf/traffic.h"

namespace sluice::bench {

struct FrameSpec {
    MacAddress from, to;
    Address source, remote;  ///< the first of each; both of one family
    std::uint16_t remote_port = BENCH_PORT;
    std::uint32_t size = BENCH_MIN_SIZE4;  ///< bytes, without FCS; even
    std::uint16_t vlan = 0;                ///< of time_program on TC; 0 = untagged
};

/// Fills head, sums, size, family, VLAN and the flows' first addresses.
/// Errors: usage (families differ, or a size that does not fit).
[[nodiscard]] Result<> fill_head(const FrameSpec& spec, bench_send& conf);

}  // namespace sluice::bench
