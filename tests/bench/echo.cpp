// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/bench/echo.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>
#include <vector>

#include "loader/base/fd.hpp"
#include "tests/bench/cpu.hpp"

namespace sluice::bench {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr timeval patience{.tv_sec = 0, .tv_usec = 200'000};

/// The first bytes of a request tell which one it is; its size is that of a small query.
using Request = std::array<std::uint64_t, 8>;

sockaddr_in socket_address(__be32 host, std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = host;
    return address;
}

Result<Fd> udp_socket() {
    Fd fd(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    if (!fd) return fail_errno(errno, "can't open a UDP socket");
    return fd;
}

Result<Fd> connected(const AskSpec& spec) {
    SL_TRY(fd, udp_socket());
    const sockaddr_in to = socket_address(spec.host.v4_raw(), spec.port);
    if (connect(fd.get(), reinterpret_cast<const sockaddr*>(&to), sizeof(to)) != 0)
        return fail_errno(errno, "can't connect to " + spec.host.text());
    if (setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) != 0)
        return fail_errno(errno, "can't limit the wait for answers");
    return std::move(fd);
}

/// False if no answer to this request comes. Late answers to others are passed over.
bool trip(int fd, std::uint64_t number) {
    Request request{number};
    if (send(fd, request.data(), sizeof(request), 0) < 0) return false;
    do {
        if (recv(fd, request.data(), sizeof(request), 0) < 0) return false;
    } while (request[0] != number);
    return true;
}

/// @param share of the trips that are not slower. @param trips not empty
double percentile(std::vector<Clock::duration>& trips, double share) {
    const auto place = static_cast<std::ptrdiff_t>(share * static_cast<double>(trips.size() - 1));
    std::ranges::nth_element(trips, trips.begin() + place);
    return std::chrono::duration<double, std::micro>(trips[static_cast<std::size_t>(place)])
        .count();
}

}  // namespace

Result<> echo(std::uint16_t port, int cpu) {
    SL_CHECK(settle(cpu));
    SL_TRY(fd, udp_socket());
    const sockaddr_in here = socket_address(INADDR_ANY, port);
    if (bind(fd.get(), reinterpret_cast<const sockaddr*>(&here), sizeof(here)) != 0)
        return fail_errno(errno, "can't bind to port " + std::to_string(port));
    for (;;) {
        Request request;
        sockaddr_in from{};
        socklen_t size = sizeof(from);
        auto* const asker = reinterpret_cast<sockaddr*>(&from);
        const ssize_t got = recvfrom(fd.get(), request.data(), sizeof(request), 0, asker, &size);
        if (got < 0) return fail_errno(errno, "can't receive");
        // An answer that can't be sent is one that the asker misses.
        (void)sendto(fd.get(), request.data(), static_cast<std::size_t>(got), 0, asker, size);
    }
}

Result<Trips> ask(const AskSpec& spec) {
    SL_CHECK(settle(spec.cpu));
    SL_TRY(fd, connected(spec));
    std::vector<Clock::duration> trips;
    trips.reserve(1'000'000);
    Trips seen;
    const auto end = Clock::now() + spec.duration;
    for (auto start = Clock::now(); start < end; start = Clock::now()) {
        if (trip(fd.get(), ++seen.requests))
            trips.push_back(Clock::now() - start);
        else
            ++seen.lost;
    }
    if (trips.empty()) return fail(ErrorCode::failed, "no answer from " + spec.host.text());
    seen.p50 = percentile(trips, 0.5);
    seen.p99 = percentile(trips, 0.99);
    seen.p999 = percentile(trips, 0.999);
    return seen;
}

}  // namespace sluice::bench
