// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/view/mac.hpp"

#include <fmt/format.h>

#include "cli/view/views.hpp"

namespace sluice::cli {
namespace {

Json vlan_json(std::uint16_t domain) { return domain == 0 ? Json(nullptr) : Json(domain); }

/// When and where the wire showed it; null while nobody looks.
Json seen_json(const LeaseStatus& status) {
    if (!status.seen) return nullptr;
    const bool ever = status.seen->last_seen != 0;
    return {{"ever", ever},
            {"port", text_or_null(status.seen_port)},
            {"silent_for", seconds_json(status.silent)},
            {"duplicates", status.seen->duplicates}};
}

std::string given_text(const Lease& lease) {
    auto text = lease.mac.text();
    for (const auto& address : lease.addresses) text += '\n' + address.text();
    return text;
}

Json pool_json(const MacPoolStatus& status) {
    const auto& pool = status.pool;
    Json address_pools = Json::array();
    for (const auto& range : pool.address_pools) address_pools.push_back(range.text());
    return {{"name", pool.name},
            {"first", mac_from_number(pool.range.first).text()},
            {"last", mac_from_number(pool.range.last).text()},
            {"vlan", vlan_json(pool.domain)},
            {"strategy", mac_strategy_text(pool.strategy)},
            {"ttl", seconds_json(pool.ttl)},
            {"cooldown", seconds_json(pool.cooldown)},
            {"on_duplicate", pool.quarantine ? "quarantine" : "report"},
            {"ip_pools", std::move(address_pools)},
            {"usable", status.usable},
            {"held", status.held},
            {"released", status.released},
            {"never_given", status.free}};
}

}  // namespace

Json lease_json(const Lease& lease) {
    return {{"mac", lease.mac.text()},
            {"vlan", vlan_json(lease.domain)},
            {"vm", lease.vm},
            {"uuid", text_or_null(lease.uuid)},
            {"nic", lease.nic},
            {"port", text_or_null(lease.port)},
            {"standby_port", text_or_null(lease.standby)},
            {"moving_to", text_or_null(lease.moving_to)},
            {"pinned", lease.pinned},
            {"addresses", addresses_json(lease.addresses)},
            {"given", time_json(static_cast<std::uint64_t>(lease.given))},
            {"released", time_json(static_cast<std::uint64_t>(lease.released))}};
}

Json leases_json(const std::vector<Lease>& leases) {
    Json list = Json::array();
    for (const auto& lease : leases) list.push_back(lease_json(lease));
    return list;
}

Json lease_status_json(const LeaseStatus& status) {
    auto json = lease_json(status.lease);
    json["pool"] = text_or_null(status.pool);
    json["state"] = lease_state_text(status.state);
    json["seen"] = seen_json(status);
    return json;
}

Stream lease_stream() {
    return {"sluice.mac.list/1",
            "leases",
            {{"MAC", "/mac", Format::plain, 17},
             {"VLAN", "/vlan", Format::count, 4},
             {"STATE", "/state", Format::plain, 10},
             {"VM", "/vm", Format::plain, 16},
             {"NIC", "/nic", Format::count, 3},
             {"PORT", "/port", Format::plain, 10},
             {"POOL", "/pool", Format::plain, 10},
             {"SILENT", "/seen/silent_for", Format::duration, 7},
             {"ADDRESSES", "/addresses"}},
            "no leases; `sluice mac alloc VM` gives one"};
}

Document given_view(const std::string& schema, const Target& target, const LeaseOutcome& outcome) {
    return leases_changed_view(schema, target, outcome, given_text(outcome.leases.front()));
}

Document leases_changed_view(const std::string& schema, const Target& target,
                             const LeaseOutcome& outcome, const std::string& done) {
    auto document = outcome_view(schema, target, outcome.outcome, done);
    document.body["leases"] = leases_json(outcome.leases);
    return document;
}

Document leases_view(const std::vector<LeaseStatus>& leases) {
    Document document{"sluice.mac.show/1", {}, {}, {}};
    Json list = Json::array();
    for (const auto& lease : leases) {
        document.layout.emplace_back(Facts{fmt::format("/leases/{}", list.size()),
                                           {{"MAC", "/mac"},
                                            {"VLAN", "/vlan"},
                                            {"state", "/state"},
                                            {"pool", "/pool"},
                                            {"VM", "/vm"},
                                            {"UUID", "/uuid"},
                                            {"NIC", "/nic"},
                                            {"port", "/port"},
                                            {"standby port", "/standby_port"},
                                            {"moving to", "/moving_to"},
                                            {"pinned", "/pinned"},
                                            {"addresses", "/addresses"},
                                            {"given", "/given"},
                                            {"released", "/released"},
                                            {"seen on", "/seen/port"},
                                            {"silent for", "/seen/silent_for", Format::duration},
                                            {"duplicates", "/seen/duplicates"}}});
        list.push_back(lease_status_json(lease));
    }
    document.body["leases"] = std::move(list);
    return document;
}

Document mac_pools_view(const std::vector<MacPoolStatus>& pools) {
    Json list = Json::array();
    for (const auto& pool : pools) list.push_back(pool_json(pool));
    return {"sluice.mac.pool.list/1",
            {{"pools", std::move(list)}},
            {Table{"",
                   "/pools",
                   {{"NAME", "/name"},
                    {"FIRST", "/first"},
                    {"LAST", "/last"},
                    {"VLAN", "/vlan", Format::count},
                    {"STRATEGY", "/strategy"},
                    {"TTL", "/ttl", Format::duration},
                    {"COOLDOWN", "/cooldown", Format::duration},
                    {"USABLE", "/usable", Format::count},
                    {"HELD", "/held", Format::count},
                    {"RELEASED", "/released", Format::count},
                    {"IP POOLS", "/ip_pools"}},
                   "no MAC pools; `sluice mac pool add default --prefix 02:1a:2b` adds one"}},
            {}};
}

Document mac_pool_view(const MacPoolStatus& pool) {
    auto json = pool_json(pool);
    Json states;
    for (const auto state : {LeaseState::reserved, LeaseState::active, LeaseState::migrating,
                             LeaseState::quarantine, LeaseState::free}) {
        const auto found = pool.states.find(state);
        states[std::string(lease_state_text(state))] =
            found == pool.states.end() ? 0 : found->second;
    }
    json["states"] = std::move(states);
    return {"sluice.mac.pool.show/1",
            {{"pool", std::move(json)}},
            {Facts{"/pool",
                   {{"name", "/name"},
                    {"first", "/first"},
                    {"last", "/last"},
                    {"VLAN", "/vlan"},
                    {"strategy", "/strategy"},
                    {"TTL", "/ttl", Format::duration},
                    {"cooldown", "/cooldown", Format::duration},
                    {"on a duplicate", "/on_duplicate"},
                    {"IP pools", "/ip_pools"},
                    {"usable addresses", "/usable"},
                    {"never given", "/never_given"},
                    {"reserved", "/states/reserved"},
                    {"active", "/states/active"},
                    {"migrating", "/states/migrating"},
                    {"in quarantine", "/states/quarantine"},
                    {"free again", "/states/free"}}}},
            {}};
}

Document import_view(const Target& target, const ImportOutcome& outcome) {
    auto document =
        outcome_view("sluice.mac.import/1", target, outcome.outcome,
                     fmt::format("{} leases imported, {} were there already, {} left out",
                                 outcome.imported, outcome.unchanged, outcome.clashes.size()));
    Json clashes = Json::array();
    for (const auto& [mac, reason] : outcome.clashes)
        clashes.push_back({{"where", mac.where},
                           {"mac", mac.request.mac.text()},
                           {"vm", mac.request.who.vm},
                           {"nic", mac.request.who.nic},
                           {"reason", reason}});
    document.body["imported"] = outcome.imported;
    document.body["unchanged"] = outcome.unchanged;
    document.body["clashes"] = std::move(clashes);
    return document;
}

Document export_view(const std::string& format, std::string text) {
    Document document{"sluice.mac.export/1", {{"format", format}, {"text", text}}, {}, {}};
    text.erase(text.find_last_not_of('\n') + 1);
    if (!text.empty()) document.layout = {Note{std::move(text)}};
    return document;
}

Document export_json_view(const std::vector<Lease>& leases) {
    const auto list = leases_json(leases);
    Document document{"sluice.mac.export/1", {{"format", "json"}, {"leases", list}}, {}, {}};
    document.layout = {Note{list.dump(2)}};
    return document;
}

Document dhcp_view(const std::optional<DhcpSettings>& settings) {
    Json json = settings ? Json{{"hosts_file", settings->hosts_file},
                                {"pid_file", text_or_null(settings->pid_file)}}
                         : Json(nullptr);
    Document document{"sluice.mac.dhcp.show/1", {{"dhcp", std::move(json)}}, {}, {}};
    if (settings)
        document.layout = {
            Facts{"/dhcp", {{"hosts file", "/hosts_file"}, {"PID file", "/pid_file"}}}};
    else
        document.layout = {
            Note{"leases are not written for dnsmasq; `sluice mac dhcp set` turns it on"}};
    return document;
}

}  // namespace sluice::cli
