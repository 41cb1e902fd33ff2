// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/lease/strategy.hpp"

#include <fmt/format.h>
#include <sys/random.h>

#include <cerrno>
#include <chrono>
#include <limits>

#include "loader/base/clock.hpp"

namespace sluice {
namespace {

constexpr int draws = 32;

/// From 0 to count - 1, without the bias of a plain remainder.
Result<std::uint64_t> random_below(std::uint64_t count) {
    constexpr auto most = std::numeric_limits<std::uint64_t>::max();
    const auto limit = most - most % count;
    while (true) {
        std::uint64_t number = 0;
        if (getrandom(&number, sizeof number, 0) != sizeof number) {
            if (errno == EINTR) continue;
            return fail_errno(errno, "drawing a random number");
        }
        if (number < limit) return number % count;
    }
}

}  // namespace

int candidate_count(MacStrategy strategy) {
    return strategy == MacStrategy::random || strategy == MacStrategy::uuid ? draws : 1;
}

Result<std::uint64_t> candidate(const MacPool& pool, std::string_view uuid, std::uint16_t nic,
                                int attempt) {
    const auto& range = pool.range;
    switch (pool.strategy) {
        case MacStrategy::random: {
            SL_TRY(index, random_below(range.size()));
            return range.first + index;
        }
        case MacStrategy::sequential:
            return range.contains(pool.next) ? pool.next : range.first;
        case MacStrategy::uuid:
            return range.first + uuid_hash(uuid, nic, range, attempt) % range.size();
        case MacStrategy::time:
            return range.first + static_cast<std::uint64_t>(now_wall_ms()) % range.size();
    }
    std::unreachable();
}

std::uint64_t uuid_hash(std::string_view uuid, std::uint16_t nic, const MacRange& range,
                        int attempt) {
    std::uint64_t hash = 0xcbf29ce484222325;
    for (const unsigned char c : fmt::format("{}/{}/{}/{}", uuid, nic, range.text(), attempt))
        hash = (hash ^ c) * 0x100000001b3;
    hash = (hash ^ (hash >> 33)) * 0xff51afd7ed558ccd;
    hash = (hash ^ (hash >> 33)) * 0xc4ceb9fe1a85ec53;
    return hash ^ (hash >> 33);
}

}  // namespace sluice
