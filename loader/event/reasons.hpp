// SPDX-License-Identifier: GPL-2.0-or-later
// Why frames are dropped, with what the user is told about it: sluice/abi/reason.h.
#pragma once

#include <string_view>
#include <vector>

#include "sluice/abi/reason.h"

namespace sluice {

struct DropReason {
    sl_drop reason;
    std::string_view name, meaning, mend;
};

/// Every reason there is, in the order of the enum.
[[nodiscard]] const std::vector<DropReason>& drop_reasons();

}  // namespace sluice
