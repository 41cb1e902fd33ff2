// SPDX-License-Identifier: GPL-2.0-or-later
#include "sluice/model/switch.hpp"

#include <fmt/format.h>

#include "loader/base/words.hpp"

namespace sluice {
namespace {

constexpr Words<BpduPolicy, 3> bpdu_policies{{
    {BpduPolicy::drop, "drop"},
    {BpduPolicy::forward, "forward"},
    {BpduPolicy::shut, "shut"},
}};

constexpr Words<LoopAction, 3> loop_actions{{
    {LoopAction::report, "report"},
    {LoopAction::block, "block"},
    {LoopAction::shut, "shut"},
}};

}  // namespace

Result<BpduPolicy> parse_bpdu(std::string_view text) {
    return parse_word(text, bpdu_policies, "BPDU policy");
}

std::string_view bpdu_text(BpduPolicy policy) { return word_of(policy, bpdu_policies); }

Result<LoopAction> parse_loop(std::string_view text) {
    return parse_word(text, loop_actions, "loop action");
}

std::string_view loop_text(LoopAction action) { return word_of(action, loop_actions); }

}  // namespace sluice
