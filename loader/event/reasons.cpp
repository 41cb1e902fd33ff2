// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/event/reasons.hpp"

namespace sluice {

const std::vector<DropReason>& drop_reasons() {
#define SL_DROP_ROW(id, name, meaning, mend) {SL_DROP_##id, name, meaning, mend},
    static const std::vector<DropReason> reasons{SL_DROP_REASONS(SL_DROP_ROW)};
#undef SL_DROP_ROW
    return reasons;
}

}  // namespace sluice
