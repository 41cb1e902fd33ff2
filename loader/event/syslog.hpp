// SPDX-License-Identifier: GPL-2.0-or-later
// The host's log: messages to the socket that syslogd or journald listens on.
#pragma once

#include <ctime>
#include <string>
#include <string_view>

#include "loader/base/fd.hpp"
#include "sluice/error.hpp"

namespace sluice {

constexpr auto syslog_socket = "/dev/log";

/// Not thread-safe.
class Syslog {
public:
    /// Errors: not_found (nobody listens there), failed.
    /// @param path of a datagram socket
    [[nodiscard]] static Result<Syslog> open(const std::string& path);

    /// Waits for a log that is slow, and seconds for one that is being started anew.
    /// @param severity `error`, `warning`, `notice` or `info`
    [[nodiscard]] Result<> send(std::string_view severity, std::string_view text);

private:
    Syslog(std::string path, Fd socket) : path_(std::move(path)), socket_(std::move(socket)) {}

    std::string path_;
    Fd socket_;
};

/// `<28>Nov 23 09:04:40 sluice[77]: TEXT`: RFC 3164 section 4.1 without the host, as syslog(3)
/// writes it; facility daemon, severities of RFC 5424 section 6.2.1.
[[nodiscard]] std::string syslog_message(std::string_view severity, std::string_view text,
                                         std::time_t now);

}  // namespace sluice
