// SPDX-License-Identifier: GPL-2.0-or-later
// The guard of a port: set, taken away, and read back from the kernel.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "loader/event/reasons.hpp"
#include "loader/guard/table.hpp"
#include "loader/instance/target.hpp"

namespace sluice {

/// What `guard set` changes; the rest stays, or is as GuardSpec has it on a port without a guard.
struct GuardChange {
    std::vector<std::pair<bool GuardSpec::*, bool>> switches;
    std::optional<std::uint16_t> learn, dhcp_rate;
    std::optional<std::vector<MacAddress>> macs;
    std::optional<std::vector<Prefix>> addresses;
    std::optional<std::vector<std::uint16_t>> ethertypes;

    void apply_to(GuardSpec& guard) const;
};

/// Ethertypes 0x0600..0xffff by number, `0x88cc`, or as `lldp`, `eapol`, `mpls`, `pppoe`.
[[nodiscard]] Result<std::uint16_t> parse_ethertype(std::string_view text);

/// What can be said about a guard without its port. Errors: usage.
[[nodiscard]] Result<> check_guard(const GuardSpec& guard);

[[nodiscard]] Result<Outcome> set_guard(const Target& target, const std::string& port,
                                        const GuardChange& wanted);
[[nodiscard]] Result<Outcome> remove_guard(const Target& target, const std::string& port);

/// A MAC that the guard took up on its own; durations are seconds.
struct LearnedMac {
    MacAddress mac;
    double idle = 0;
};
struct SnoopedAddress {
    Address address;
    MacAddress mac;  ///< that the DHCP server gave it to
    double expires_in = 0;
};
struct GuardCount {
    const DropReason* reason = nullptr;
    sl_counter drops{}, audits{};
};

/// What the kernel enforces on a port now.
struct GuardStatus {
    std::string port;
    bool enforced = false;  ///< false: it was asked for, but the kernel has none
    sl_guard entry{};       ///< as it stands in the kernel
    std::vector<Prefix> prefixes;
    std::vector<LearnedMac> learned;
    std::optional<LearnedMac> changed;  ///< the other MAC that --mac-change accepted
    std::vector<SnoopedAddress> snooped;
    std::vector<GuardCount> counts;  ///< of every reason a guard has
    std::uint64_t duplicates = 0, foreign = 0;
    std::vector<std::string> drift;  ///< where it is not what was asked for
};

/// Lists the ports that have a guard or should have one, by name.
[[nodiscard]] Result<std::vector<GuardStatus>> list_guards(const Target& target);
/// Errors: not_found (no port, or it has no guard).
[[nodiscard]] Result<GuardStatus> show_guard(const Target& target, const std::string& port);

}  // namespace sluice
