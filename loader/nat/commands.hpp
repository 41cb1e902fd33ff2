// SPDX-License-Identifier: GPL-2.0-or-later
// NAT rules: who is translated when leaving, and what is let in.
#pragma once

#include <string>
#include <vector>

#include "loader/instance/host.hpp"
#include "loader/instance/target.hpp"

namespace sluice {

/// @param rule pool 0
[[nodiscard]] Result<Outcome> add_masquerade(const Target& target, const MasqueradeSpec& rule);
[[nodiscard]] Result<Outcome> remove_masquerade(const Target& target, const Prefix& source,
                                                const std::string& uplink);

struct MasqueradeStatus {
    MasqueradeSpec spec;
    std::vector<Address> addresses;  ///< in use now; empty = its uplink has none
};
[[nodiscard]] Result<std::vector<MasqueradeStatus>> list_masquerades(const Target& target);

[[nodiscard]] Result<Outcome> add_forward(const Target& target, const ForwardSpec& rule);
[[nodiscard]] Result<Outcome> remove_forward(const Target& target, std::uint8_t protocol,
                                             const Endpoint& external);
[[nodiscard]] Result<std::vector<ForwardSpec>> list_forwards(const Target& target);

/// One external address of a pool, one protocol.
struct PoolStatus {
    std::uint16_t pool = 0;
    std::vector<std::string> uplinks;
    Address address;
    std::uint8_t protocol = 0;
    PortRange range;
    std::uint32_t reserved = 0;  ///< of the range, never handed out
    std::uint32_t used = 0, free = 0, highest = 0;
    std::uint64_t allocated = 0, refused = 0, retries = 0;
};
[[nodiscard]] Result<std::vector<PoolStatus>> list_pools(const Target& target);

/// What can be said about a rule without a kernel. Errors: usage, unsupported.
[[nodiscard]] Result<> check_masquerade(const MasqueradeSpec& rule);
[[nodiscard]] Result<> check_forward(const ForwardSpec& rule);

/// Against the rules there are, on this host. Errors: refused, not_found.
[[nodiscard]] Result<> check_masquerade_fits(const MasqueradeSpec& rule, const DesiredState& state,
                                             const Host& host);
[[nodiscard]] Result<> check_forward_fits(const ForwardSpec& rule, const DesiredState& state);

/// Whether there can be anybody at its inside address. Errors: refused (the host itself, or an
/// address that no host has).
[[nodiscard]] Result<> check_forward_reaches(const ForwardSpec& rule, const Host& host);

}  // namespace sluice
