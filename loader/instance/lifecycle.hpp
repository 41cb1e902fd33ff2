// SPDX-License-Identifier: GPL-2.0-or-later
// An instance as a whole: brought up, taken down, restored.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "loader/instance/target.hpp"

namespace sluice {

/// What the command line gives; what it leaves out stays as stored, or at the default.
struct UpOptions {
    std::optional<std::uint32_t> max_flows;
    std::optional<std::uint32_t> max_flows6;
    std::optional<std::uint32_t> max_bindings;
    std::optional<std::uint32_t> max_leases;
    std::optional<std::uint32_t> max_macs;
    std::optional<std::chrono::milliseconds> udp_timeout;
    std::optional<std::chrono::milliseconds> tcp_established_timeout;
    std::optional<std::chrono::milliseconds> tcp_transitory_timeout;
    std::optional<std::chrono::milliseconds> icmp_timeout;
    std::optional<std::chrono::milliseconds> other_timeout;
    std::optional<std::chrono::milliseconds> mac_age;
    std::optional<bool> host_share;
    std::optional<std::uint32_t> host_sessions;
    std::optional<std::uint32_t> host_ports;
    std::optional<std::uint32_t> door_mark;
};

/// A new instance, or one that is down, with the ports and rules it had. One that was up when
/// the host rebooted is restored, with a warning that says so. Errors: refused (is up).
[[nodiscard]] Result<Outcome> bring_up(const Target& target, const UpOptions& options);

/// Restores every interface and removes the pins. @param purge forget ports and rules too
[[nodiscard]] Result<Outcome> take_down(const Target& target, bool purge);

/// Makes the kernel what the database says, after a reboot, a crash or drift; and changes from maps
/// and programs of another version to those of this one, behind the shut door.
[[nodiscard]] Result<Outcome> restore(const Target& target);

}  // namespace sluice
