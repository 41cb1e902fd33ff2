// SPDX-License-Identifier: GPL-2.0-or-later
#include <fmt/format.h>

#include "cli/view/views.hpp"

namespace sluice::cli {

Document outcome_view(const std::string& schema, const Target& target, const Outcome& outcome,
                      const std::string& done) {
    const bool planned = target.effect == Effect::plan;
    Document document{
        schema,
        {{"instance", target.instance}, {"dry_run", planned}, {"actions", outcome.actions}},
        {},
        outcome.warnings};
    for (const auto& [part, error] : outcome.failures)
        document.failures.push_back(
            {error.code, fmt::format("{}: {}", part, error.message), error.hint});
    if (!planned) {
        document.layout = {Note{done}};
        return document;
    }
    std::string text = outcome.actions.empty() ? "nothing would be done" : "would be done:";
    for (const auto& action : outcome.actions) text += "\n  " + action;
    document.layout = {Note{text}};
    return document;
}

}  // namespace sluice::cli
