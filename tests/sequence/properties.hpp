// SPDX-License-Identifier: GPL-2.0-or-later
// What must hold of everything that comes out, whatever went in before.
#pragma once

#include <optional>
#include <string>

#include "tests/sequence/frames.hpp"
#include "tests/sequence/model.hpp"

namespace sluice::test::sequence {

struct Fault {
    std::string property;  ///< a word for the kind of it
    std::string what;
};

/// What is wrong with a frame that came out after `sent` went in; the model takes note of it.
[[nodiscard]] std::optional<Fault> fault_of(const Sent& sent, const Seen& seen, Model& model);

/// Whether `sent` opens, or goes on with, a flow that the rules grant its sender: it must get
/// through then.
[[nodiscard]] bool is_rightful(const Sent& sent, const Model& model);

/// Whether the frame is the sent packet on its way, and not something that the host says to it.
[[nodiscard]] bool is_carried(const Sent& sent, const Seen& seen);

}  // namespace sluice::test::sequence
