// SPDX-License-Identifier: GPL-2.0-or-later
// Durations and counts as the command line writes them.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "sluice/error.hpp"

namespace sluice {

/// `250ms`, `300s`, `5m`, `2h`, `1d`; a bare number is refused with a hint.
[[nodiscard]] Result<std::chrono::milliseconds> parse_duration(std::string_view text);
/// The same to the microsecond: `500us` too.
[[nodiscard]] Result<std::chrono::microseconds> parse_short_duration(std::string_view text);
[[nodiscard]] std::string short_duration_text(std::chrono::microseconds duration);
[[nodiscard]] std::string duration_text(std::chrono::milliseconds duration);
/// @param option for the error, `--window`
/// Errors: usage, with the range as the hint.
[[nodiscard]] Result<> check_duration(std::string_view option, std::chrono::milliseconds duration,
                                      std::chrono::milliseconds least,
                                      std::chrono::milliseconds most);

/// `1000`, `64k`, `1m` (decimal thousands and millions): a number of things.
[[nodiscard]] Result<std::uint64_t> parse_count(std::string_view text);

/// Bits a second: `100mbit`, `1.5gbit`, `12mbyte` (bytes a second), `1Gbps` (bits, as network
/// people write it; in any case of letters but for `bps`); `unlimited` = UINT64_MAX; `0` = blocked.
/// Else from 64 kbit to 100 Gbit. `100mb`, `100MBps` and bare numbers are refused with what to
/// write.
[[nodiscard]] Result<std::uint64_t> parse_rate(std::string_view text);
/// The shortest that parses back to the same: `1500mbit`, `1gbit`, `0`, `unlimited`.
[[nodiscard]] std::string rate_text(std::uint64_t bits_per_second);
/// `941 Mbit/s`, for people: three significant digits.
[[nodiscard]] std::string bit_rate_text(double bits_per_second);

/// Packets a second: `500pps`, `20kpps`, `1.5mpps`; `unlimited`, `0`. Else 1 to 1 000 000 000.
[[nodiscard]] Result<std::uint64_t> parse_pps(std::string_view text);
[[nodiscard]] std::string pps_text(std::uint64_t packets_per_second);

/// Bytes: `64kb`, `1.5mb` (decimal), `64kib`, `1mib`, `1500b`. Bits (`64kbit`) and bare numbers are
/// refused with what to write.
[[nodiscard]] Result<std::uint64_t> parse_size(std::string_view text);
[[nodiscard]] std::string size_text(std::uint64_t bytes);  ///< parses back to the same

/// `1.5 GB`, for people: decimal units, three significant digits.
[[nodiscard]] std::string bytes_text(std::uint64_t bytes);

}  // namespace sluice
