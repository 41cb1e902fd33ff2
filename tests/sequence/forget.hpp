// SPDX-License-Identifier: GPL-2.0-or-later
// What traffic leaves behind in an instance's maps: taken out, as if there had been none.
#pragma once

#include "loader/kernel/bpffs.hpp"

namespace sluice::test::sequence {

/// Sessions, bindings, fragments, what was learned. Rules and counters stay. Rules that hold
/// bindings (masquerades) are to be removed before. No packet may be on its way.
void forget_traffic(const Pins& pins);

}  // namespace sluice::test::sequence
