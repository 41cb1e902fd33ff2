// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/kernel/rules_map.hpp"

#include <atomic>

namespace sluice {

Result<RulesMap> RulesMap::open(const std::filesystem::path& pin) {
    SL_TRY(entries, MappedArray<sl_rules>::open(pin));
    return RulesMap(std::move(entries));
}

std::uint32_t RulesMap::take_number() const {
    std::uint32_t number = 0;
    while ((number & 0xffff) == 0) number = std::atomic_ref(entry().numbers).fetch_add(1) + 1;
    return number;
}

void RulesMap::take_generation() const { std::atomic_ref(entry().generation).store(take_number()); }

}  // namespace sluice
