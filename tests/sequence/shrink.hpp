// SPDX-License-Identifier: GPL-2.0-or-later
// Making what broke a property smaller, for whoever has to read it.
#pragma once

#include <rapidcheck.h>

#include <utility>

namespace sluice::test::sequence {

/// The failure of the smallest value found that breaks the same property.
/// @param from what broke it, as `failure` says
/// @param failure_of tries a value: a failure, or none
/// @param may_go_on asked before each try
template <typename Value, typename Failure, typename FailureOf, typename MayGoOn>
Failure shrunk(const rc::Shrinkable<Value>& from, Failure failure, FailureOf failure_of,
               MayGoOn may_go_on) {
    auto best = from;
    for (bool smaller = true; smaller;) {
        smaller = false;
        auto candidates = best.shrinks();
        while (auto candidate = candidates.next()) {
            if (!may_go_on()) return failure;
            auto found = failure_of(candidate->value());
            if (!found || found->fault.property != failure.fault.property) continue;
            failure = std::move(*found);
            best = *candidate;
            smaller = true;
            break;
        }
    }
    return failure;
}

}  // namespace sluice::test::sequence
