// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/view/guard.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <cmath>

#include "loader/model/guard_switches.hpp"

namespace sluice::cli {
namespace {

std::string state_text(const GuardStatus& guard) {
    if (!guard.enforced) return "missing";
    return (guard.entry.checks & SL_GUARD_AUDIT) != 0 ? "audit" : "on";
}

Json ethertypes_json(const sl_guard& guard) {
    Json list = Json::array();
    for (const auto type : guard.ethertypes)
        if (type != 0) list.push_back(fmt::format("{:#06x}", ntohs(type)));
    return list;
}

Json settings_json(const sl_guard& guard) {
    Json settings;
    for (const auto& it : guard_switches) settings[it.name] = word_of(it, is_on(it, guard.checks));
    settings["learn"] = guard.learn;
    settings["dhcp_rate"] = guard.dhcp_rate;
    settings["ethertypes"] = ethertypes_json(guard);
    return settings;
}

/// The switches that are not as a new guard has them.
Json deviations_json(const sl_guard& guard) {
    const auto usual = guard_checks(GuardSpec{});
    Json list = Json::array();
    for (const auto& it : guard_switches)
        if (const bool on = is_on(it, guard.checks); on != is_on(it, usual))
            list.push_back(fmt::format("{}={}", it.name, word_of(it, on)));
    return list;
}

/// Milliseconds are more than an epoch second can tell.
double tenths(double seconds) { return std::round(seconds * 10) / 10; }

Json macs_json(const GuardStatus& guard) {
    Json list = Json::array();
    const auto add = [&](const MacAddress& mac, const char* state, Json idle) {
        list.push_back({{"mac", mac.text()}, {"state", state}, {"idle", std::move(idle)}});
    };
    for (const auto& [mac, standby] : guard_macs(guard.entry))
        add(mac, standby ? "standby" : "listed", nullptr);
    for (const auto& [mac, idle] : guard.learned) add(mac, "learned", tenths(idle));
    if (guard.changed) add(guard.changed->mac, "changed", tenths(guard.changed->idle));
    return list;
}

Json held_addresses_json(const GuardStatus& guard) {
    Json list = Json::array();
    const auto add = [&](const std::string& address, const char* state, Json mac, Json expires) {
        list.push_back({{"address", address},
                        {"state", state},
                        {"mac", std::move(mac)},
                        {"expires_in", std::move(expires)}});
    };
    for (const auto& address : guard_addresses(guard.entry))
        add(address.text(), "listed", nullptr, nullptr);
    for (const auto& prefix : guard.prefixes) add(prefix.text(), "listed", nullptr, nullptr);
    for (const auto& [address, mac, expires_in] : guard.snooped)
        add(address.text(), "snooped", mac.text(), tenths(expires_in));
    return list;
}

Json guard_json(const GuardStatus& guard) {
    Json refused = Json::array(), drift = Json::array();
    std::uint64_t dropped = 0, audited = 0;
    for (const auto& [reason, drops, audits] : guard.counts) {
        dropped += drops.packets;
        audited += audits.packets;
        if (drops.packets + audits.packets != 0)
            refused.push_back({{"reason", reason->name},
                               {"dropped", drops.packets},
                               {"audited", audits.packets},
                               {"meaning", reason->meaning},
                               {"mend", reason->mend}});
    }
    for (const auto& item : guard.drift) drift.push_back({{"text", item}});
    auto macs = macs_json(guard);
    auto addresses = held_addresses_json(guard);
    const auto mac_count = macs.size(), address_count = addresses.size();
    return {{"port", guard.port},
            {"state", state_text(guard)},
            {"settings", guard.enforced ? settings_json(guard.entry) : Json(nullptr)},
            {"deviations", guard.enforced ? deviations_json(guard.entry) : Json::array()},
            {"mac_count", mac_count},
            {"macs", std::move(macs)},
            {"address_count", address_count},
            {"addresses", std::move(addresses)},
            {"dropped", dropped},
            {"audited", audited},
            {"refused", std::move(refused)},
            {"duplicates", guard.duplicates},
            {"foreign", guard.foreign},
            {"drift", std::move(drift)}};
}

std::vector<Field> settings_fields() {
    std::vector<Field> fields{{"port", "/port"}, {"guard", "/state"}};
    const auto add = [&](std::string_view name) {
        std::string title(name);
        std::ranges::replace(title, '_', '-');
        fields.emplace_back(std::move(title), fmt::format("/settings/{}", name));
    };
    for (const auto& it : guard_switches) add(it.name);
    for (const auto* name : {"learn", "dhcp_rate", "ethertypes"}) add(name);
    fields.emplace_back("MACs seen that are others'", "/duplicates");
    fields.emplace_back("MACs seen that are nobody's", "/foreign");
    return fields;
}

}  // namespace

Document guards_view(const std::vector<GuardStatus>& guards) {
    Json list = Json::array();
    for (const auto& guard : guards) list.push_back(guard_json(guard));
    return {"sluice.guard.list/1",
            {{"guards", std::move(list)}},
            {Table{"",
                   "/guards",
                   {{"PORT", "/port"},
                    {"GUARD", "/state"},
                    {"MACS", "/mac_count", Format::count},
                    {"ADDRESSES", "/address_count", Format::count},
                    {"DROPPED", "/dropped", Format::count},
                    {"AUDITED", "/audited", Format::count},
                    {"DUPLICATES", "/duplicates", Format::count},
                    {"FOREIGN", "/foreign", Format::count},
                    {"NOT AS USUAL", "/deviations"},
                    {"DRIFT", "/drift/0/text"}},
                   "no guards; `sluice guard set IF` makes one"}},
            {}};
}

Document guard_view(const GuardStatus& guard) {
    return {"sluice.guard.show/1",
            {{"guard", guard_json(guard)}},
            {Facts{"/guard", settings_fields()},
             Table{"",
                   "/guard/macs",
                   {{"MAC", "/mac"}, {"STATE", "/state"}, {"IDLE", "/idle", Format::duration}},
                   "no MAC: nothing may enter where mac is on"},
             Table{"",
                   "/guard/addresses",
                   {{"ADDRESS", "/address"},
                    {"STATE", "/state"},
                    {"MAC", "/mac"},
                    {"EXPIRES", "/expires_in", Format::duration}},
                   "no address: no IP may enter where ip is on, but DHCP and link-local IPv6"},
             Table{"",
                   "/guard/refused",
                   {{"REASON", "/reason"},
                    {"DROPPED", "/dropped", Format::count},
                    {"AUDITED", "/audited", Format::count},
                    {"MEANING AND WHAT TO DO", "/meaning"}},
                   "nothing was refused",
                   {{"", "/mend"}}},
             Table{"drift, mended by `sluice restore`:", "/guard/drift", {{"", "/text"}}, ""}},
            {}};
}

}  // namespace sluice::cli
