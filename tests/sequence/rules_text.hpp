// SPDX-License-Identifier: GPL-2.0-or-later
// The rules of an instance, as its own lists tell them: to see that a command that failed changed
// nothing. And the policies that sequences load.
#pragma once

#include <string>

#include "loader/instance/target.hpp"
#include "tests/sequence/events.hpp"

namespace sluice::test::sequence {

/// What should be, and how the kernel differs from it.
[[nodiscard]] std::string rules_text(const Target& target);

/// The path of a file with the policy.
[[nodiscard]] std::string policy_file(Policy policy);

}  // namespace sluice::test::sequence
