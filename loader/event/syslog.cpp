// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/event/syslog.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <syslog.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <thread>

namespace sluice {
namespace {

using namespace std::chrono_literals;

constexpr timeval send_timeout{.tv_sec = 5, .tv_usec = 0};
constexpr int connect_tries = 20;
constexpr auto connect_pause = 250ms;

int level_of(std::string_view severity) {
    constexpr std::array<std::pair<std::string_view, int>, 3> levels{
        {{"error", LOG_ERR}, {"warning", LOG_WARNING}, {"notice", LOG_NOTICE}}};
    for (const auto& [name, level] : levels)
        if (name == severity) return level;
    return LOG_INFO;
}

Result<Fd> connect_to(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path)
        return fail(ErrorCode::usage, path + " is too long for a socket's path");
    path.copy(address.sun_path, path.size());
    Fd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    if (!socket) return fail_errno(errno, "a socket for " + path);
    setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &send_timeout, sizeof send_timeout);
    if (connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0)
        return socket;
    if (errno == ENOENT || errno == ECONNREFUSED)
        return fail(
            ErrorCode::not_found, "nobody listens on " + path,
            "start rsyslog or systemd-journald, or name the socket of another: --syslog SOCKET");
    return fail_errno(errno, path);
}

/// @return 0 or an errno
int send_once(const Fd& socket, const std::string& message) {
    while (::send(socket.get(), message.data(), message.size(), MSG_NOSIGNAL) < 0)
        if (errno != EINTR) return errno;
    return 0;
}

}  // namespace

std::string syslog_message(std::string_view severity, std::string_view text, std::time_t now) {
    return fmt::format("<{}>{:%b %e %H:%M:%S} sluice[{}]: {}", LOG_DAEMON | level_of(severity),
                       fmt::localtime(now), getpid(), text);
}

Result<Syslog> Syslog::open(const std::string& path) {
    SL_TRY(socket, connect_to(path));
    return Syslog(path, std::move(socket));
}

Result<> Syslog::send(std::string_view severity, std::string_view text) {
    const auto message = syslog_message(severity, text, std::time(nullptr));
    for (int tries = 1;; ++tries) {
        const int err = send_once(socket_, message);
        if (err == 0) return {};
        // Whoever listened has ended: what listens now has to be connected to anew.
        if (err != ECONNREFUSED && err != ENOTCONN) return fail_errno(err, "writing to " + path_);
        auto socket = connect_to(path_);
        if (socket) {
            socket_ = *std::move(socket);
            continue;
        }
        if (tries == connect_tries) return std::unexpected(socket.error());
        std::this_thread::sleep_for(connect_pause);
    }
}

}  // namespace sluice
