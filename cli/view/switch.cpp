// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/view/switch.hpp"

#include <cmath>

#include "cli/view/views.hpp"
#include "loader/model/switch_flags.hpp"

namespace sluice::cli {
namespace {

constexpr std::array<std::string_view, SL_VLAN_COUNTS> vlan_counts{"switched", "flooded", "routed",
                                                                   "dropped"};

Json none_if_zero(std::uint32_t number) { return number == 0 ? Json(nullptr) : Json(number); }

Json whole_seconds(const std::optional<double>& seconds) {
    return seconds ? Json(std::llround(*seconds)) : Json(nullptr);
}

Json closed_json(const SwitchPortStatus& port) {
    if (port.closed == SL_OPEN) return nullptr;
    return port.closed == SL_CLOSED_LOOP ? "loop" : "bpdu";
}

Json storm_json(const SwitchPortSpec& spec) {
    Json storm = Json::object();
    for (std::size_t kind = 0; kind < storm_kinds.size(); ++kind)
        storm[std::string(storm_kinds[kind])] = none_if_zero(spec.storm[kind]);
    return storm;
}

Json switch_port_json(const SwitchPortStatus& port) {
    const auto& spec = port.spec;
    Json json{{"name", spec.port},
              {"role", role_text(port.role)},
              {"state", port.closed == SL_OPEN ? "open" : "closed"},
              {"closed_because", closed_json(port)},
              {"loop_with", text_or_null(port.closed_by)},
              {"opens_in", whole_seconds(port.opens_in)},
              {"macs", port.learned},
              {"mac_limit", none_if_zero(spec.mac_limit)},
              {"isolation", isolation_text(spec)},
              {"bpdu", bpdu_text(spec.bpdu)},
              {"loop", loop_text(spec.loop)},
              {"storm", storm_json(spec)}};
    for (const auto& it : switch_flags)
        if (it.flag != SL_SWITCH_ISOLATED) json[std::string(it.name)] = spec.*it.asked;
    return json;
}

Json vlan_json(const VlanStatus& vlan) {
    Json json{{"vlan", vlan.vlan},
              {"ports", vlan.ports},
              {"gateway", text_or_null(vlan.gateway)},
              {"vni", none_if_zero(vlan.vni)},
              {"macs", vlan.learned}};
    for (std::size_t count = 0; count < vlan_counts.size(); ++count)
        json[std::string(vlan_counts[count])] = counter_json(vlan.counts[count]);
    return json;
}

}  // namespace

Document switch_ports_view(const std::vector<SwitchPortStatus>& ports) {
    Json list = Json::array();
    for (const auto& port : ports) list.push_back(switch_port_json(port));
    return {"sluice.switch.port.list/1",
            {{"ports", std::move(list)}},
            {Table{"",
                   "/ports",
                   {{"PORT", "/name"},
                    {"ROLE", "/role"},
                    {"STATE", "/state"},
                    {"BECAUSE", "/closed_because"},
                    {"LOOP WITH", "/loop_with"},
                    {"OPENS IN", "/opens_in", Format::duration},
                    {"MACS", "/macs", Format::count},
                    {"LIMIT", "/mac_limit", Format::count},
                    {"ISOLATION", "/isolation"},
                    {"BPDU", "/bpdu"},
                    {"LOOP", "/loop"}},
                   "no switched ports; a port with a VLAN is one: `sluice port add IF --role "
                   "access --vlan N`"}},
            {}};
}

Document switch_port_view(const SwitchPortStatus& port) {
    return {"sluice.switch.port.show/1",
            {{"port", switch_port_json(port)}},
            {Facts{"/port",
                   {{"port", "/name"},
                    {"role", "/role"},
                    {"state", "/state"},
                    {"closed because of", "/closed_because"},
                    {"loop with", "/loop_with"},
                    {"opens in", "/opens_in", Format::duration},
                    {"MACs", "/macs"},
                    {"MAC limit", "/mac_limit"},
                    {"isolation", "/isolation"},
                    {"learns MACs", "/learn"},
                    {"locked", "/locked"},
                    {"gets unknown unicast", "/flood"},
                    {"gets multicast", "/multicast"},
                    {"gets broadcast", "/broadcast"},
                    {"BPDUs", "/bpdu"},
                    {"on a loop", "/loop"},
                    {"broadcasts a second", "/storm/broadcast"},
                    {"multicasts a second", "/storm/multicast"},
                    {"unknown unicasts a second", "/storm/unknown"}}}},
            {}};
}

Stream known_mac_stream() {
    return {"sluice.switch.fdb.list/1",
            "macs",
            {{"MAC", "/mac", Format::plain, 17},
             {"VLAN", "/vlan", Format::count, 4},
             {"PORT", "/port", Format::plain, 15},
             {"KIND", "/kind", Format::plain, 7},
             {"AGE", "/age", Format::duration, 5}},
            "no MACs are known"};
}

Json known_mac_json(const KnownMac& mac) {
    return {{"mac", mac.mac.text()},
            {"vlan", mac.vlan},
            {"port", mac.port.empty() ? Json(nullptr) : Json(mac.port)},
            {"kind", mac.is_static ? "static" : "learned"},
            {"age", whole_seconds(mac.age)}};
}

Document flushed_macs_view(std::size_t count, const std::string& text) {
    return {"sluice.switch.fdb.flush/1", {{"macs", count}}, {Note{text}}, {}};
}

Document vlans_view(const std::vector<VlanStatus>& vlans) {
    Json list = Json::array();
    for (const auto& vlan : vlans) list.push_back(vlan_json(vlan));
    return {"sluice.switch.vlan.list/1",
            {{"vlans", std::move(list)}},
            {Table{"",
                   "/vlans",
                   {{"VLAN", "/vlan", Format::count},
                    {"PORTS", "/ports"},
                    {"GATEWAY", "/gateway"},
                    {"VNI", "/vni", Format::count},
                    {"MACS", "/macs", Format::count},
                    {"SWITCHED", "/switched/packets", Format::count},
                    {"FLOODED", "/flooded/packets", Format::count},
                    {"ROUTED", "/routed/packets", Format::count},
                    {"DROPPED", "/dropped/packets", Format::count}},
                   "no VLANs; `sluice port add IF --role access --vlan N` makes one"}},
            {}};
}

Document vlan_view(const VlanStatus& vlan) {
    return {"sluice.switch.vlan.show/1",
            {{"vlan", vlan_json(vlan)}},
            {Facts{"/vlan",
                   {{"VLAN", "/vlan"},
                    {"ports", "/ports"},
                    {"gateway", "/gateway"},
                    {"VNI", "/vni"},
                    {"MACs", "/macs"},
                    {"switched frames", "/switched/packets"},
                    {"flooded frames", "/flooded/packets"},
                    {"routed frames", "/routed/packets"},
                    {"dropped frames", "/dropped/packets"}}}},
            {}};
}

}  // namespace sluice::cli
