// SPDX-License-Identifier: GPL-2.0-or-later
// Which MACs bridges have learned, and where, of the current network namespace, by rtnetlink.
#pragma once

#include <cstdint>
#include <vector>

#include "sluice/net.hpp"

namespace sluice {

struct FdbEntry {
    MacAddress mac;
    std::uint32_t ifindex = 0;  ///< port of the bridge that it is behind
    bool operator==(const FdbEntry&) const = default;
};

/// What bridges have learned (or were told is behind a port); their own addresses are left out.
/// One entry for each MAC and port, in the kernel's order.
[[nodiscard]] Result<std::vector<FdbEntry>> list_fdb();

}  // namespace sluice
