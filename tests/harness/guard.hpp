// SPDX-License-Identifier: GPL-2.0-or-later
// A guard as a test wants it, and the structure that the datapath reads. Builds the tables on its
// own and not with the loader's code, so that the two check each other.
#pragma once

#include <cstdint>
#include <vector>

#include "sluice/abi/event.h"
#include "sluice/abi/guard.h"
#include "sluice/abi/lease.h"
#include "tests/harness/lab.hpp"
#include "tests/harness/packet.hpp"

namespace sluice::test {

/// Every check that refuses frames at ingress.
inline constexpr std::uint32_t all_checks =
    SL_GUARD_MAC | SL_GUARD_IP | SL_GUARD_ARP | SL_GUARD_ND | SL_GUARD_RA | SL_GUARD_DHCP_SERVER |
    SL_GUARD_DHCP_CLIENT | SL_GUARD_ETHERTYPE | SL_GUARD_TAG | SL_GUARD_FRAGMENT;

struct Network {
    sl_addr address{};
    int length = 0;  ///< of the mapped address: 96 more than IPv4 says
};

struct GuardConfig {
    std::uint32_t checks = all_checks;
    std::vector<Mac> macs{};
    std::vector<Mac> standby{};
    std::vector<sl_addr> addresses{};
    std::vector<Network> networks{};
    std::vector<std::uint16_t> ethertypes{};
    std::uint16_t dhcp_rate = 10;
    std::uint16_t learn = 0;
};

/// A MAC as the datapath has it: a number, the first byte the lowest.
[[nodiscard]] std::uint64_t mac_number(const Mac& mac);

/// Aborts on sets that find no room.
[[nodiscard]] sl_guard guard_entry(const GuardConfig& config, std::uint16_t port);

/// What a host of the lab has, and nothing else.
[[nodiscard]] GuardConfig guard_of(const Host& host, std::uint32_t checks = all_checks);

}  // namespace sluice::test
