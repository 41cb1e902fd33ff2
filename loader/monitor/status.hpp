// SPDX-License-Identifier: GPL-2.0-or-later
// What an instance is and how it does.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "loader/port/commands.hpp"

namespace sluice {

struct Usage {
    std::uint64_t used = 0;
    std::uint64_t capacity = 0;
};

struct InstanceStatus {
    std::string instance;
    bool up = false;       ///< it should be up
    bool running = false;  ///< its maps and programs are in the kernel
    std::uint32_t abi_version = 0;
    std::string netns;        ///< as given to `up`; empty = that of the host
    std::uint64_t since = 0;  ///< CLOCK_REALTIME, seconds; 0 = not running
    Settings settings;
    Usage flows4, flows6, bindings;
    std::uint64_t memory = 0;  ///< bytes of all maps
    std::size_t masquerades = 0, forwards = 0;
    std::optional<Door> door;
    std::vector<PortStatus> ports;
    std::vector<std::string> drift;  ///< what `restore` would do
};

[[nodiscard]] Result<InstanceStatus> instance_status(const Target& target);

}  // namespace sluice
