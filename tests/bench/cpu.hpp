// SPDX-License-Identifier: GPL-2.0-or-later
// Keeps a measurement to itself.
#pragma once

#include "sluice/error.hpp"

namespace sluice::bench {

/// Pins the thread and takes it out of reach of ordinary load on its CPU.
[[nodiscard]] Result<> settle(int cpu);

}  // namespace sluice::bench
