// SPDX-License-Identifier: GPL-2.0-or-later
// What a command did, or would do: every change of the kernel goes through a Journal.
#pragma once

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "sluice/error.hpp"

namespace sluice {

enum class Effect : bool {
    plan,   ///< only write down what would be done (--dry-run, drift in `status`)
    apply,  ///< do it
};

/// What becomes of a part that can't be done.
enum class Manner : bool {
    whole,     ///< the command fails
    in_parts,  ///< it is written down, and the rest is done: `up`, `restore`, `down`
};

struct Failure {
    std::string part;  ///< `port tap0`
    Error error;
};

/// What comes out of a command that changes something.
struct Outcome {
    std::vector<std::string> actions;   ///< in order, `attach TC ingress of tap0`
    std::vector<std::string> warnings;  ///< it worked, but somebody should know
    std::vector<Failure> failures{};    ///< what could not be done; the rest is
};

class Journal {
public:
    explicit Journal(Effect effect, Manner manner = Manner::whole)
        : effect_(effect), manner_(manner) {}

    /// Writes down `what` and, unless only planning, does it.
    template <class Act>
    [[nodiscard]] Result<> step(std::string what, Act&& act) {
        outcome_.actions.push_back(std::move(what));
        if (effect_ == Effect::plan) return {};
        return std::forward<Act>(act)();
    }

    /// Takes up how a part ended that the others can do without: where that is the manner, its
    /// failure is written down. @return whether the part is done
    [[nodiscard]] Result<bool> take(const std::string& part, Result<> done) {
        if (done) return true;
        if (manner_ == Manner::whole) return std::unexpected(std::move(done.error()));
        outcome_.failures.push_back({part, std::move(done.error())});
        return false;
    }

    [[nodiscard]] bool has_failed(const std::string& part) const {
        const auto& all = outcome_.failures;
        return std::ranges::find(all, part, &Failure::part) != all.end();
    }

    void warn(std::string text) { outcome_.warnings.push_back(std::move(text)); }

    [[nodiscard]] bool planning() const { return effect_ == Effect::plan; }
    [[nodiscard]] const Outcome& outcome() const { return outcome_; }

private:
    Effect effect_;
    Manner manner_;
    Outcome outcome_;
};

}  // namespace sluice
