// SPDX-License-Identifier: GPL-2.0-or-later
// Of what can only fail for a reason that has nothing to do with sluice.
#pragma once

#include <type_traits>
#include <utility>

#include "sluice/error.hpp"
#include "tests/sequence/ground.hpp"

namespace sluice::test::sequence {

template <class T>
T must(Result<T> result) {
    if (!result) give_up(result.error().message + " " + result.error().hint);
    if constexpr (!std::is_void_v<T>) return std::move(*result);
}

}  // namespace sluice::test::sequence
