// SPDX-License-Identifier: GPL-2.0-or-later
// Values of a policy's properties as people write them.
#pragma once

#include <functional>
#include <string_view>
#include <vector>

#include "loader/policy/file.hpp"

namespace sluice {

/// Each part of `80,443,8000-8080`. Errors: as `read`.
[[nodiscard]] Result<> each_part(std::string_view text,
                                 const std::function<Result<>(std::string_view)>& read);

/// Reads what parse_protocol() does, in any case of letters, and `sctp`.
[[nodiscard]] Result<std::uint8_t> parse_policy_protocol(std::string_view text);
[[nodiscard]] std::string policy_protocol_text(std::uint8_t protocol);

/// A name of either ICMP (`echo-request`: both), or a number.
/// @param protocols IPPROTO_ICMP, IPPROTO_ICMPV6 or both; a number needs one of them
[[nodiscard]] Result<std::vector<IcmpType>> parse_icmp_type(
    std::string_view text, const std::vector<std::uint8_t>& protocols);
[[nodiscard]] std::string icmp_type_text(const IcmpType& type);

/// RFC 3339: `2026-12-01T00:00:00Z`, `2026-12-01T02:00:00+02:00`, in seconds of CLOCK_REALTIME.
[[nodiscard]] Result<std::int64_t> parse_time(std::string_view text);
[[nodiscard]] std::string time_text(std::int64_t seconds);  ///< in UTC

}  // namespace sluice
