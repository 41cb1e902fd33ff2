// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/event/kinds.hpp"

#include <fmt/format.h>

namespace sluice {

const std::vector<EventKind>& event_kinds() {
#define SL_EVENT_ROW(id, name, severity, meaning) {SL_EVENT_##id, name, severity, meaning},
    static const std::vector<EventKind> kinds{SL_EVENT_KINDS(SL_EVENT_ROW)};
#undef SL_EVENT_ROW
    return kinds;
}

Result<sl_event_kind> parse_event_kind(std::string_view text) {
    std::string names;
    for (const auto& it : event_kinds()) {
        if (it.name == text) return it.kind;
        names += (names.empty() ? "" : ", ") + std::string(it.name);
    }
    return fail(ErrorCode::usage, fmt::format("\"{}\" is not a kind of event", text),
                "there are " + names);
}

}  // namespace sluice
