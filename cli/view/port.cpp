// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/view/views.hpp"

namespace sluice::cli {
namespace {

Json tc_json(const std::optional<TcAttachment>& attachment) {
    if (!attachment) return nullptr;
    return {{"method", tc_method_text(attachment->method)}, {"program", attachment->program}};
}

Json xdp_json(const PortStatus& port) {
    if (!port.xdp) return nullptr;
    return {{"method", xdp_method_text(port.xdp->method)},
            {"program", port.xdp->program},
            {"tcp", !port.xdp_without_tcp}};
}

/// VLANs of an access port are a list of one.
Json vlans_json(const PortSpec& spec) {
    Json list = Json::array();
    if (spec.vlan != 0) list.push_back(std::to_string(spec.vlan));
    for (const auto& range : spec.vlans) list.push_back(range.text());
    return list;
}

Json guard_json(const std::optional<GuardState>& guard) {
    if (!guard) return nullptr;
    return *guard == GuardState::audit ? "audit" : "on";
}

Json translations_json(const PortSpec& spec) {
    Json list = Json::array();
    for (const auto& [wire, vlan] : spec.translations)
        list.push_back({{"wire", wire}, {"vlan", vlan}});
    return list;
}

Json host_addresses_json(const PortSpec& spec) {
    Json list = Json::array();
    for (const auto& address : spec.addresses) list.push_back(address.text());
    return list;
}

Json networks_json(const std::vector<Prefix>& networks) {
    Json list = Json::array();
    for (const auto& network : networks) list.push_back(network.text());
    return list;
}

std::string state_text(const std::optional<Link>& link) {
    if (!link) return "absent";
    if (!link->up) return "down";
    return link->carrier ? "up" : "no-carrier";
}

}  // namespace

Json port_json(const PortStatus& port) {
    const auto& spec = port.spec;
    const auto link = port.link.value_or(Link{});
    return {{"name", spec.name},
            {"id", spec.id},
            {"role", role_text(spec.role)},
            {"vlans", vlans_json(spec)},
            {"native_vlan", spec.native_vlan == 0 ? Json(nullptr) : Json(spec.native_vlan)},
            {"qinq", spec.qinq},
            {"translations", translations_json(spec)},
            {"pcp", spec.priorities},
            {"addresses", host_addresses_json(spec)},
            {"switched", port.switched},
            {"shortcut", spec.shortcut},
            {"flows", flow_scope_text(spec.flows)},
            {"source_check", source_check_text(spec.source_check)},
            {"strict_sources", port.strict_sources},
            {"routable", networks_json(spec.routable)},
            {"hook", hook_text(spec.hook)},
            {"state", state_text(port.link)},
            {"ifindex", link.ifindex},
            {"kind", link.kind.empty() && link.physical ? "physical" : link.kind},
            {"driver", link.driver},
            {"mac", link.mac.text()},
            {"mtu", link.mtu},
            {"bridge", link.master_name},
            {"tc_ingress", tc_json(port.ingress)},
            {"tc_egress", tc_json(port.egress)},
            {"xdp", xdp_json(port)},
            {"xdp_target", port.xdp_target},
            {"guard", guard_json(port.guard)},
            {"closed", port.closed},
            {"note", port.note}};
}

std::vector<Field> port_columns() {
    return {{"PORT", "/name"},
            {"ROLE", "/role"},
            {"VLANS", "/vlans"},
            {"HOOK", "/hook"},
            {"TC", "/tc_ingress/method"},
            {"XDP", "/xdp/method"},
            {"STATE", "/state"},
            {"MTU", "/mtu", Format::count},
            {"BRIDGE", "/bridge"},
            {"GUARD", "/guard"},
            {"NOTE", "/note"}};
}

Document ports_view(const std::vector<PortStatus>& ports) {
    Json list = Json::array();
    for (const auto& port : ports) list.push_back(port_json(port));
    return {"sluice.port.list/1",
            {{"ports", std::move(list)}},
            {Table{"", "/ports", port_columns(), "no ports; `sluice port add` adds one"}},
            {}};
}

Document port_view(const PortStatus& port) {
    return {"sluice.port.show/1",
            {{"port", port_json(port)}},
            {Facts{"/port",
                   {{"port", "/name"},
                    {"role", "/role"},
                    {"VLANs", "/vlans"},
                    {"native VLAN", "/native_vlan"},
                    {"QinQ", "/qinq"},
                    {"addresses", "/addresses"},
                    {"switched", "/switched"},
                    {"shortcut", "/shortcut"},
                    {"flows", "/flows"},
                    {"source check", "/source_check"},
                    {"strict sources", "/strict_sources"},
                    {"routable", "/routable"},
                    {"hook", "/hook"},
                    {"TC ingress", "/tc_ingress/method"},
                    {"TC egress", "/tc_egress/method"},
                    {"XDP", "/xdp/method"},
                    {"XDP forwards TCP", "/xdp/tcp"},
                    {"takes XDP redirects", "/xdp_target"},
                    {"state", "/state"},
                    {"kind", "/kind"},
                    {"driver", "/driver"},
                    {"MAC", "/mac"},
                    {"MTU", "/mtu"},
                    {"bridge", "/bridge"},
                    {"guard", "/guard"},
                    {"note", "/note"}}}},
            {}};
}

}  // namespace sluice::cli
