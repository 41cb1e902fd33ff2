// SPDX-License-Identifier: GPL-2.0-or-later
// What a command did, or would do: every change of the kernel goes through a Journal.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "sluice/error.hpp"

namespace sluice {

enum class Effect : bool {
    plan,   ///< only write down what would be done (--dry-run, drift in `status`)
    apply,  ///< do it
};

/// What comes out of a command that changes something.
struct Outcome {
    std::vector<std::string> actions;   ///< in order, `attach TC ingress of tap0`
    std::vector<std::string> warnings;  ///< it worked, but somebody should know
};

class Journal {
public:
    explicit Journal(Effect effect) : effect_(effect) {}

    /// Writes down `what` and, unless only planning, does it.
    template <class Act>
    [[nodiscard]] Result<> step(std::string what, Act&& act) {
        outcome_.actions.push_back(std::move(what));
        if (effect_ == Effect::plan) return {};
        return std::forward<Act>(act)();
    }
    void warn(std::string text) { outcome_.warnings.push_back(std::move(text)); }

    [[nodiscard]] bool planning() const { return effect_ == Effect::plan; }
    [[nodiscard]] const Outcome& outcome() const { return outcome_; }

private:
    Effect effect_;
    Outcome outcome_;
};

}  // namespace sluice
