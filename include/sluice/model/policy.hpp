// SPDX-License-Identifier: GPL-2.0-or-later
// The policy, as it was loaded.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sluice/net.hpp"

namespace sluice {

/// A VM that a policy names, as its leases say.
struct PolicyVm {
    std::string name;
    std::vector<Address> addresses;
    std::vector<std::string> ports;  ///< interface names
    bool operator==(const PolicyVm&) const = default;
};

struct PolicySpec {
    std::string text;         ///< as it was loaded: loader/policy/file.hpp
    std::string name;         ///< of the file, for people
    std::int64_t loaded = 0;  ///< CLOCK_REALTIME, ms
    std::vector<std::string> rules =
        {};                          ///< their names, so that the text need not be read for them
    std::vector<PolicyVm> vms = {};  ///< by name; one without leases has neither
    bool operator==(const PolicySpec&) const = default;
};

}  // namespace sluice
