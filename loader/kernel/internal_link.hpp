// SPDX-License-Identifier: GPL-2.0-or-later
// Links that sluice makes itself: the veth pairs of internal ports. All functions work in the
// current network namespace, open a socket of their own, and are thread-safe.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "loader/kernel/link.hpp"

namespace sluice {

/// The longest name of a host's end; the other end adds three bytes.
constexpr std::size_t longest_internal_name = 12;

/// The switch's end of the pair: `vlan10-sw` of `vlan10`.
[[nodiscard]] std::string switch_end(std::string_view host_end);

/// Whether the link is the host's end of a pair that this instance made.
[[nodiscard]] bool is_internal_link(const Link& link, std::string_view instance);

/// Whether it is a pair that was being made when its maker was killed.
[[nodiscard]] bool is_unfinished_link(const Link& link);

/// Makes the pair and sets both ends up. A process killed meanwhile leaves an unfinished one.
/// Errors: refused (one of the names is taken).
[[nodiscard]] Result<> make_internal_link(std::string_view instance, const std::string& host_end,
                                          const MacAddress& mac);

/// Removes a link, and with it the other end of its pair. Not there is no error.
[[nodiscard]] Result<> remove_link(std::uint32_t ifindex);

[[nodiscard]] Result<> add_address(std::uint32_t ifindex, const HostAddress& address);
[[nodiscard]] Result<> remove_address(std::uint32_t ifindex, const HostAddress& address);

}  // namespace sluice
