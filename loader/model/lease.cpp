// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/model/lease.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <utility>

#include "loader/base/clock.hpp"

namespace sluice {
namespace {

bool is_hex(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); }

/// Whether a cooldown that began so long ago is not over yet.
bool cooling(std::chrono::milliseconds ago, const MacPool* pool) {
    return ago < (pool != nullptr ? pool->cooldown : default_cooldown);
}

}  // namespace

std::string lease_text(const Lease& lease) {
    return fmt::format("{} (NIC {} of {})", lease.mac.text(), lease.nic, lease.vm);
}

std::string_view lease_state_text(LeaseState state) {
    switch (state) {
        case LeaseState::reserved:
            return "reserved";
        case LeaseState::active:
            return "active";
        case LeaseState::migrating:
            return "migrating";
        case LeaseState::quarantine:
            return "quarantine";
        case LeaseState::free:
            return "free";
    }
    std::unreachable();
}

LeaseClock LeaseClock::now() {
    return {now_wall_ms() / 1000, static_cast<std::uint32_t>(now_monotonic() >> SL_EPOCH_SHIFT)};
}

/// One epoch second less than the difference: the frame may have come at its second's end.
std::chrono::milliseconds silence(const sl_lease& seen, const LeaseClock& clock) {
    const std::uint64_t last = std::max(seen.last_seen, seen.since);
    if (clock.epoch <= last + 1) return std::chrono::milliseconds(0);
    return std::chrono::milliseconds(((clock.epoch - last - 1) << SL_EPOCH_SHIFT) / 1'000'000);
}

LeaseState state_of(const Lease& lease, const MacPool* pool, const std::optional<sl_lease>& seen,
                    const LeaseClock& clock) {
    if (!lease.held()) {
        const auto ago = std::chrono::seconds(clock.wall - lease.released);
        return cooling(ago, pool) ? LeaseState::quarantine : LeaseState::free;
    }
    if (lease.migrating()) return LeaseState::migrating;
    if (!seen) return LeaseState::reserved;
    const auto silent = silence(*seen, clock);
    const bool expired = pool != nullptr && silent > pool->ttl;
    if (expired && !lease.pinned)
        return cooling(silent - pool->ttl, pool) ? LeaseState::quarantine : LeaseState::free;
    return expired || seen->last_seen == 0 ? LeaseState::reserved : LeaseState::active;
}

Result<std::string> parse_uuid(std::string_view text) {
    std::string uuid(text);
    std::ranges::transform(uuid, uuid.begin(),
                           [](char c) { return c >= 'A' && c <= 'F' ? char(c - 'A' + 'a') : c; });
    bool good = uuid.size() == 36;
    for (std::size_t i = 0; good && i < uuid.size(); ++i) {
        const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        good = dash ? uuid[i] == '-' : is_hex(uuid[i]);
    }
    if (good) return uuid;
    return fail(ErrorCode::usage, fmt::format("`{}` is not a UUID", text),
                "write 32 hex digits: 123e4567-e89b-12d3-a456-426614174000");
}

sl_lease_key lease_key(std::uint16_t domain, const MacAddress& mac) {
    sl_lease_key key{.domain = domain, .mac = {}};
    std::ranges::copy(mac.bytes, key.mac);
    return key;
}

}  // namespace sluice
