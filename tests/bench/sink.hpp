// SPDX-License-Identifier: GPL-2.0-or-later
// The far end: an XDP program that counts and drops. It stays on the interface until the
// interface goes; its counters are found by the id of their map, from any namespace.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "sluice/net.hpp"
#include "tests/bench/bpf/traffic.h"

namespace sluice::bench {

/// Replaces a sink that is there. @param check the senders' network, to check every packet
/// @param beside others' packets are left to the host
/// @return the id of the counters' map
[[nodiscard]] Result<std::uint32_t> attach_sink(const std::string& interface,
                                                const std::optional<Prefix>& check, bool beside);

/// Summed over the CPUs.
[[nodiscard]] Result<bench_seen> read_sink(std::uint32_t map);

}  // namespace sluice::bench
