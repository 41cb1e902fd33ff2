// SPDX-License-Identifier: GPL-2.0-or-later
// Who sends most, of all that have sessions now.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "loader/kernel/datapath.hpp"
#include "sluice/net.hpp"

namespace sluice {

struct Talker {
    std::uint16_t port = 0;   ///< id, of where its packets enter; 0 = none
    Address address;          ///< as they enter, not translated yet
    std::uint64_t bytes = 0;  ///< that it has sent in the sessions there are
};

/// Up to twice as many are summed exactly; with more, one may miss at most this part of all bytes.
constexpr std::size_t talkers_kept = 4096;

/// Greatest first. One walk over the flow table, in constant memory.
[[nodiscard]] Result<std::vector<Talker>> top_talkers(const Datapath& datapath, std::size_t count);

}  // namespace sluice
