// SPDX-License-Identifier: GPL-2.0-or-later
// The tables of state.db, as migrations.
#pragma once

#include <array>

namespace sluice {

/// Number n brings user_version from n to n + 1. What was released is never changed.
extern const std::array<const char*, 10> schema;

}  // namespace sluice
