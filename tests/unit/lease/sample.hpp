// SPDX-License-Identifier: GPL-2.0-or-later
// A pool and a lease of it, for several tests.
#pragma once

#include "loader/model/lease.hpp"

namespace sluice::sample {

inline MacPool pool() {
    MacPool made;
    made.name = "lab";
    made.range = *MacRange::parse_prefix("02:00:00:00:01");
    made.ttl = std::chrono::seconds(100);
    made.cooldown = std::chrono::seconds(50);
    return made;
}

inline Lease held() {
    Lease lease;
    lease.mac = *MacAddress::parse("02:00:00:00:01:07");
    lease.vm = "web1";
    lease.given = 1'000'000;
    return lease;
}

}  // namespace sluice::sample
