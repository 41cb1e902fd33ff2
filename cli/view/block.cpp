// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/view/block.hpp"

#include <fmt/format.h>

#include "cli/view/views.hpp"

namespace sluice::cli {
namespace {

/// Seconds that are left; null: it does not expire.
Json left_json(std::uint64_t expires, std::uint64_t now) {
    if (expires == 0) return nullptr;
    return seconds_json(std::chrono::milliseconds(expires > now ? expires - now : 0));
}

std::string count_text(std::size_t count, std::string_view what) {
    return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s");
}

Json set_json(const BlockSetSpec& set, std::uint64_t now) {
    return {{"set", set.name},
            {"networks", set.count},
            {"source", set.source},
            {"loaded", time_json(set.loaded)},
            {"expires_in", left_json(set.expires, now)}};
}

Json entry_json(const BlockEntryStatus& entry, std::uint64_t now) {
    return {{"network", entry.prefix.text()},
            {"set", entry.by.empty() ? manual_block_set : found_block_set},
            {"by", entry.by.empty() ? Json(nullptr) : Json(entry.by)},
            {"expires_in", left_json(entry.expires, now)}};
}

}  // namespace

Document block_loaded_view(const Target& target, const std::string& set,
                           const BlockLoaded& loaded) {
    auto done = fmt::format("set {} has {}", set, count_text(loaded.count, "network"));
    if (loaded.covered != 0)
        done += fmt::format("; {} more of the file are part of others",
                            count_text(loaded.covered, "network"));
    auto document = outcome_view("sluice.block.load/1", target, loaded.outcome, done);
    document.body["set"] = set;
    document.body["networks"] = loaded.count;
    document.body["covered"] = loaded.covered;
    return document;
}

Document blocks_view(const BlockStatus& status, std::uint64_t now) {
    Json sets = Json::array();
    for (const auto& set : status.sets) sets.push_back(set_json(set, now));
    Json entries = Json::array();
    for (const auto& entry : status.entries) entries.push_back(entry_json(entry, now));
    return {"sluice.block.list/1",
            {{"sets", std::move(sets)}, {"entries", std::move(entries)}, {"memory", status.memory}},
            {Table{"sets from files",
                   "/sets",
                   {{"SET", "/set"},
                    {"NETWORKS", "/networks", Format::count},
                    {"LOADED", "/loaded"},
                    {"EXPIRES IN", "/expires_in", Format::duration},
                    {"SOURCE", "/source"}},
                   "no sets; `sluice block load FILE --name SET` makes one"},
             Table{"added one by one",
                   "/entries",
                   {{"NETWORK", "/network"},
                    {"SET", "/set"},
                    {"BY", "/by"},
                    {"EXPIRES IN", "/expires_in", Format::duration}},
                   "none; `sluice block add CIDR` adds one"},
             Facts{"", {{"memory", "/memory", Format::bytes}}}},
            {}};
}

Stream block_stream() {
    return {"sluice.block.list.set/1", "networks", {{"NETWORK", "/network"}}, "the set is empty"};
}

Json block_json(const Prefix& prefix) { return {{"network", prefix.text()}}; }

}  // namespace sluice::cli
