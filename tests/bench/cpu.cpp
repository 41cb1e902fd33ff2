// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/bench/cpu.hpp"

#include <sched.h>

#include <cerrno>
#include <string>

namespace sluice::bench {

Result<> settle(int cpu) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    if (sched_setaffinity(0, sizeof(set), &set) != 0)
        return fail_errno(errno, "can't pin to CPU " + std::to_string(cpu));
    const sched_param priority{.sched_priority = 1};
    if (sched_setscheduler(0, SCHED_FIFO, &priority) != 0)
        return fail_errno(errno, "can't take real-time priority");
    return {};
}

}  // namespace sluice::bench
