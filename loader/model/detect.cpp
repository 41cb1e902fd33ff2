// SPDX-License-Identifier: GPL-2.0-or-later
#include "sluice/model/detect.hpp"

#include <fmt/format.h>

#include "loader/base/words.hpp"

namespace sluice {
namespace {

constexpr Words<DetectAction, 4> detect_actions{{
    {DetectAction::off, "off"},
    {DetectAction::report, "report"},
    {DetectAction::limit, "limit"},
    {DetectAction::block, "block"},
}};

}  // namespace

Result<DetectAction> parse_detect_action(std::string_view text) {
    return parse_word(text, detect_actions, "action");
}

std::string_view detect_action_text(DetectAction action) { return word_of(action, detect_actions); }

}  // namespace sluice
