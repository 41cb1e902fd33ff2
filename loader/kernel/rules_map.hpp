// SPDX-License-Identifier: GPL-2.0-or-later
// By what sessions are decided: map sl_rules (sluice/abi/rules.h), in memory shared with the
// datapath. One writer beside the datapath's timer; any number of readers.
#pragma once

#include <filesystem>

#include "loader/kernel/map.hpp"
#include "sluice/abi/rules.h"

namespace sluice {

class RulesMap {
public:
    [[nodiscard]] static Result<RulesMap> open(const std::filesystem::path& pin);

    /// A number that nobody else has, for a generation or a policy; its low 16 bits are not 0.
    [[nodiscard]] std::uint32_t take_number() const;

    /// From now on every session is decided anew with its next packet. To be called when the rules
    /// are in their maps, so that it is decided by them.
    void take_generation() const;

    [[nodiscard]] sl_rules& entry() const { return entries_.entries()[0]; }

private:
    explicit RulesMap(MappedArray<sl_rules> entries) : entries_(std::move(entries)) {}

    MappedArray<sl_rules> entries_;
};

}  // namespace sluice
