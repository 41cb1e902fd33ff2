// SPDX-License-Identifier: GPL-2.0-or-later
// The tables of state.db, as migrations.
#pragma once

#include <span>

namespace sluice {

/// Number n brings user_version from n to n + 1. What was released is never changed.
extern const std::span<const char* const> schema;

}  // namespace sluice
