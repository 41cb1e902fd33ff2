// SPDX-License-Identifier: GPL-2.0-or-later
// switch port set, open, show, list; switch vlan set, show, list.
#include "cli/view/switch.hpp"

#include <fmt/format.h>

#include <map>

#include "cli/arguments.hpp"
#include "cli/command.hpp"
#include "cli/view/views.hpp"
#include "loader/model/switch_flags.hpp"
#include "sluice/units.hpp"

namespace sluice::cli {
namespace {

struct SwitchPortArguments {
    std::string port, isolation, bpdu, loop, mac_limit;
    std::map<std::string_view, std::string> flags;  ///< by SwitchFlag::name
    std::array<std::string, SL_STORM_MAX> storm;
};

constexpr std::array<std::pair<std::string_view, const char*>, 5> flag_descriptions{{
    {"learn", "source MACs are learned"},
    {"flood", "it gets unicast for MACs that nobody knows"},
    {"multicast", "it gets multicast"},
    {"broadcast", "it gets broadcast"},
    {"locked", "frames from MACs that the table has not on it are dropped"},
}};

void add_switch_port_name(CLI::App* command, SwitchPortArguments& arguments) {
    command->add_option("IF", arguments.port, "Switched port")->required();
}

void add_switch_port_options(CLI::App* set, SwitchPortArguments& arguments) {
    set->add_option("--isolation", arguments.isolation,
                    "whom it talks to: all; promiscuous ports alone; and its community")
        ->type_name("promiscuous|isolated|community:N");
    for (const auto& [name, description] : flag_descriptions)
        set->add_option(fmt::format("--{}", name), arguments.flags[name], description)
            ->type_name("on|off");
    set->add_option("--mac-limit", arguments.mac_limit, "MACs that it may have")
        ->type_name("N|none");
    set->add_option("--bpdu", arguments.bpdu, "spanning tree frames that enter; shut: close it")
        ->type_name("drop|forward|shut");
    set->add_option("--loop", arguments.loop,
                    "when a loop is found; block: close it for 30 s; shut: until it is opened")
        ->type_name("report|block|shut");
    for (std::size_t kind = 0; kind < storm_kinds.size(); ++kind)
        set->add_option(fmt::format("--storm-{}", storm_kinds[kind]), arguments.storm[kind],
                        "frames a second that it may have flooded")
            ->type_name("N|off");
}

Result<SwitchPortChange> switch_port_change(const SwitchPortArguments& arguments) {
    SwitchPortChange change;
    if (!arguments.isolation.empty()) SL_CHECK(parse_isolation(arguments.isolation, change));
    for (const auto& it : switch_flags) {
        const auto typed = arguments.flags.find(it.name);
        if (typed == arguments.flags.end() || typed->second.empty()) continue;
        SL_TRY(value, parse_on_off(fmt::format("--{}", it.name), typed->second));
        change.flags.emplace_back(it.asked, value);
    }
    SL_CHECK(parse_into(change.mac_limit, arguments.mac_limit, [](const std::string& text) {
        return parse_limit("--mac-limit", text, "none");
    }));
    SL_CHECK(parse_into(change.bpdu, arguments.bpdu, parse_bpdu));
    SL_CHECK(parse_into(change.loop, arguments.loop, parse_loop));
    for (std::size_t kind = 0; kind < storm_kinds.size(); ++kind)
        SL_CHECK(
            parse_into(change.storm[kind], arguments.storm[kind], [&](const std::string& text) {
                return parse_limit(fmt::format("--storm-{}", storm_kinds[kind]), text, "off");
            }));
    return change;
}

void add_switch_port_set(CLI::App& port, Invocation& invocation) {
    auto* command =
        add_command(port, "set", "Change a switched port; what is not given stays",
                    "  sluice switch port set tap0 --isolation isolated\n"
                    "  sluice switch port set tap0 --mac-limit 4 --storm-broadcast 100\n"
                    "  sluice switch port set eth1 --bpdu forward --loop report");
    auto arguments = std::make_shared<SwitchPortArguments>();
    add_switch_port_name(command, *arguments);
    add_switch_port_options(command, *arguments);
    on_run(command, invocation, [arguments](const Target& target) -> Result<Document> {
        SL_TRY(change, switch_port_change(*arguments));
        SL_TRY(outcome, set_switch_port(target, arguments->port, change));
        return outcome_view("sluice.switch.port.set/1", target, outcome,
                            fmt::format("switch port {} changed", arguments->port));
    });
}

void add_switch_port_commands(CLI::App& object, Invocation& invocation) {
    auto* port = add_object(object, "port", "How the switch treats a port");
    add_switch_port_set(*port, invocation);

    auto arguments = std::make_shared<SwitchPortArguments>();
    auto* open = add_command(*port, "open", "Open a port that a loop or a BPDU has closed",
                             "  sluice switch port open tap0");
    add_switch_port_name(open, *arguments);
    on_run(open, invocation, [arguments](const Target& target) -> Result<Document> {
        SL_TRY(outcome, open_switch_port(target, arguments->port));
        return outcome_view("sluice.switch.port.open/1", target, outcome,
                            fmt::format("switch port {} is open", arguments->port));
    });
    auto* show =
        add_command(*port, "show", "Show one switched port", "  sluice switch port show tap0");
    add_switch_port_name(show, *arguments);
    on_run(show, invocation, [arguments](const Target& target) -> Result<Document> {
        SL_TRY(status, show_switch_port(target, arguments->port));
        return switch_port_view(status);
    });
    auto* list = add_command(*port, "list", "List the switched ports", "  sluice switch port list");
    on_run(list, invocation, [](const Target& target) -> Result<Document> {
        SL_TRY(ports, list_switch_ports(target));
        return switch_ports_view(ports);
    });
}

void add_vlan_set(CLI::App& vlan, Invocation& invocation) {
    auto number = std::make_shared<std::uint16_t>();
    auto vni = std::make_shared<std::string>();
    auto* command = add_command(vlan, "set", "Note the VXLAN network of a VLAN",
                                "  sluice switch vlan set 10 --vni 5010\n"
                                "  sluice switch vlan set 10 --vni none");
    add_number(command, "VLAN", *number, 1, last_vlan, "1 to 4094")->required();
    command->add_option("--vni", *vni, "VXLAN network identifier, 24 bits")
        ->type_name("N|none")
        ->required();
    on_run(command, invocation, [number, vni](const Target& target) -> Result<Document> {
        SL_TRY(network, parse_limit("--vni", *vni, "none", last_vni));
        SL_TRY(outcome, set_vlan_vni(target, *number, network));
        return outcome_view("sluice.switch.vlan.set/1", target, outcome,
                            fmt::format("VLAN {} changed", *number));
    });
}

void add_switch_vlan_commands(CLI::App& object, Invocation& invocation) {
    auto* vlan = add_object(object, "vlan", "The VLANs, their ports and counters");
    add_vlan_set(*vlan, invocation);
    auto* list = add_command(*vlan, "list", "List the VLANs", "  sluice switch vlan list");
    on_run(list, invocation, [](const Target& target) -> Result<Document> {
        SL_TRY(vlans, list_vlans(target));
        return vlans_view(vlans);
    });
    auto number = std::make_shared<std::uint16_t>();
    auto* show = add_command(*vlan, "show", "Show one VLAN", "  sluice switch vlan show 10");
    add_number(show, "VLAN", *number, 1, last_vlan, "1 to 4094")->required();
    on_run(show, invocation, [number](const Target& target) -> Result<Document> {
        SL_TRY(status, show_vlan(target, *number));
        return vlan_view(status);
    });
}

}  // namespace

void add_switch_commands(CLI::App& app, Invocation& invocation) {
    auto* object = add_object(app, "switch", "Switching between VMs and NICs, by VLAN and MAC");
    add_switch_port_commands(*object, invocation);
    add_fdb_commands(*object, invocation);
    add_switch_vlan_commands(*object, invocation);
}

}  // namespace sluice::cli
