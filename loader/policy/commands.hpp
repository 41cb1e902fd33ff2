// SPDX-License-Identifier: GPL-2.0-or-later
// Policy: a stateful firewall. What the commands of `policy` do.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "loader/instance/target.hpp"
#include "loader/policy/diff.hpp"
#include "loader/policy/judge.hpp"
#include "loader/policy/text.hpp"

namespace sluice {

/// Puts the YAML file (loader/policy/file.hpp; `-` is standard input) in force, all of it or
/// nothing. Errors: usage (with line and column), not_found (a VM without a lease, or a port that
/// the instance has not).
[[nodiscard]] Result<Outcome> load_policy(const Target& target, const std::string& file);
/// Errors: not_found (nothing is loaded).
[[nodiscard]] Result<Outcome> clear_policy(const Target& target);

/// Shows it as it is loaded. None in force: the instance is down.
struct LoadedPolicy {
    PolicySpec spec;
    PolicyFile file;
    ResolvedPolicy resolved;
    std::optional<std::uint32_t> generation = {};  ///< in force
};
/// Errors: not_found (nothing is loaded).
[[nodiscard]] Result<LoadedPolicy> list_policy(const Target& target);

/// What a rule or a default has decided since the policy was loaded.
struct PolicyHits {
    std::size_t rule = 0;  ///< 1-based number; 0: a default
    std::string name;      ///< of a default: `out vm:web1`
    PolicyAction action = PolicyAction::allow;
    sl_policy_hit counts = {};
};
/// Rules first, then defaults, then what nothing decided.
[[nodiscard]] Result<std::vector<PolicyHits>> policy_hits(const Target& target);

/// What loading the file would change; the policy may be none.
[[nodiscard]] Result<std::vector<PolicyDifference>> diff_policy(const Target& target,
                                                                const std::string& file);

/// A rule before the one that decides which all properties fit but one.
struct PolicyNearMiss {
    std::size_t rule = 0;
    std::string name;
    PolicyAction action = PolicyAction::allow;
    std::string_view misfit;  ///< the key of that property
};
struct PolicyTest {
    PolicyAction action = PolicyAction::allow;
    std::size_t rule = 0;  ///< 1-based number; 0: a default decides, or nothing does
    std::string name;      ///< of the rule; of a default `out vm:web1`; empty: nothing decides
    std::vector<PolicyProperty> asks;  ///< what the rule asks for, all of which fits
    std::vector<PolicyNearMiss> near_misses;
};
/// @param file to be asked in place of what is loaded; empty = that
/// @param flow terms, as loader/policy/question.hpp tells
[[nodiscard]] Result<PolicyTest> test_policy(const Target& target, const std::string& file,
                                             std::span<const std::string> flow);

}  // namespace sluice
