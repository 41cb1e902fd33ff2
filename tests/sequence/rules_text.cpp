// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/sequence/rules_text.hpp"

#include <fmt/format.h>

#include <fstream>

#include "loader/instance/database.hpp"
#include "loader/store/paths.hpp"

namespace sluice::test::sequence {

std::string rules_text(const Target& target) {
    const auto database = Database::open_read_only(state_folder(target.instance).value());
    if (!database) return database.error().message;
    const auto state = database->load();
    if (!state) return state.error().message;
    std::string text;
    for (const auto& port : state->ports)
        text += fmt::format("port {} {} {}\n", port.name, role_text(port.role),
                            flow_scope_text(port.flows));
    for (const auto& rule : state->masquerades)
        text += fmt::format("masquerade {} {}\n", rule.source.text(), rule.uplink);
    for (const auto& rule : state->forwards)
        text += fmt::format("forward {} {} {}\n", rule.protocol, rule.external.text(),
                            rule.internal.text());
    for (const auto& guard : state->guards) text += fmt::format("guard {}\n", guard.port);
    for (const auto& entry : state->block_entries)
        text += fmt::format("block {}\n", entry.prefix.text());
    if (state->policy) text += fmt::format("policy {}\n", state->policy->text);
    return text;
}

std::string policy_file(Policy policy) {
    static const char* const texts[] = {
        "",
        "network-policy:\n- {name: no-dns, action: deny, protocol: udp, ports: 53}\n",
        "network-policy:\n- {name: silent, action: deny, source: 10.0.0.2}\n",
        "network-policy:\n- {name: hidden, action: deny, destination: 10.0.0.2}\n",
    };
    const auto index = static_cast<std::size_t>(policy);
    const std::string path =
        state_folder("policies").value().string() + std::to_string(index) + ".yaml";
    static bool written[std::size(texts)];
    if (!std::exchange(written[index], true)) std::ofstream(path) << texts[index];
    return path;
}

}  // namespace sluice::test::sequence
