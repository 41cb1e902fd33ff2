// SPDX-License-Identifier: GPL-2.0-or-later
// port add, del, set, list, show.
#include <fmt/format.h>

#include "cli/arguments.hpp"
#include "cli/command.hpp"
#include "cli/view/views.hpp"

namespace sluice::cli {
namespace {

/// As typed: parsed by our own functions when the command runs, so that errors are ours.
struct PortArguments {
    std::string name, role, hook, vlans, qinq, translate, pcp, shortcut, flows, source_check,
        routable;
    std::optional<std::uint16_t> vlan, native_vlan;
    std::vector<std::string> addresses;
};

void add_interface(CLI::App* command, PortArguments& arguments) {
    command->add_option("IF", arguments.name, "Interface")->required();
}

void add_vlan_options(CLI::App* command, PortArguments& arguments) {
    add_number(command, "--vlan", arguments.vlan, 1, last_vlan,
               "VLAN of an access or internal port");
    command->add_option("--vlans", arguments.vlans, "VLANs of a trunk or uplink")
        ->type_name("10,20-30");
    add_number(command, "--native-vlan", arguments.native_vlan, 0, last_vlan,
               "of its untagged frames; 0 = none");
    command
        ->add_option("--qinq", arguments.qinq,
                     "802.1ad: an access port keeps its VM's own tags; a trunk's tags are 0x88a8")
        ->type_name("on|off");
    command
        ->add_option("--translate", arguments.translate, "VLANs that have another id on the wire")
        ->type_name("WIRE:VLAN,...|none");
    command->add_option("--pcp", arguments.pcp, "priority of what enters: kept, set or mapped")
        ->type_name("keep|N|A:B,...");
}

CLI::Option* add_port_options(CLI::App* command, PortArguments& arguments) {
    auto* role = command
                     ->add_option("--role", arguments.role,
                                  "access: one VM; trunk: several VLANs; uplink: to the outside; "
                                  "internal: the host itself, in a VLAN")
                     ->type_name("access|trunk|uplink|internal");
    add_vlan_options(command, arguments);
    command->add_option("--address", arguments.addresses, "of an internal port; may be repeated")
        ->type_name("CIDR")
        ->allow_extra_args(false);
    command
        ->add_option("--shortcut", arguments.shortcut,
                     "known unicast between ports of a Linux bridge goes past it")
        ->type_name("on|off");
    command
        ->add_option("--flows", arguments.flows,
                     "what `flow list` shows: routed leaves out what is switched or the host's")
        ->type_name("all|routed");
    command
        ->add_option("--source-check", arguments.source_check,
                     "strict: a source's way back is the port itself; loose: it has one; auto: "
                     "strict, on uplinks as the host's rp_filter")
        ->type_name("auto|strict|loose");
    command
        ->add_option("--routable", arguments.routable,
                     "of an uplink: masqueraded networks that pass it as they are, both ways")
        ->type_name("CIDR,...|none");
    command
        ->add_option("--hook", arguments.hook,
                     "auto: TC, and XDP on physical NICs; tc: TC alone; xdp: XDP and TC")
        ->type_name("auto|tc|xdp");
    return role;
}

Result<PortChange> port_change(const PortArguments& arguments) {
    PortChange change;
    SL_CHECK(parse_into(change.role, arguments.role, parse_role));
    SL_CHECK(parse_into(change.hook, arguments.hook, parse_hook));
    SL_CHECK(parse_into(change.vlans, arguments.vlans, parse_vlans));
    SL_CHECK(parse_into(change.qinq, arguments.qinq,
                        [](std::string_view text) { return parse_on_off("--qinq", text); }));
    SL_CHECK(parse_into(change.translations, arguments.translate, parse_translations));
    SL_CHECK(parse_into(change.priorities, arguments.pcp, parse_priorities));
    SL_CHECK(parse_into(change.shortcut, arguments.shortcut,
                        [](std::string_view text) { return parse_on_off("--shortcut", text); }));
    SL_CHECK(parse_into(change.flows, arguments.flows, parse_flow_scope));
    SL_CHECK(parse_into(change.source_check, arguments.source_check, parse_source_check));
    SL_CHECK(parse_into(change.routable, arguments.routable, parse_routable));
    for (const auto& text : arguments.addresses) {
        SL_TRY(address, HostAddress::parse(text));
        if (!change.addresses) change.addresses.emplace();
        change.addresses->push_back(address);
    }
    change.vlan = arguments.vlan;
    change.native_vlan = arguments.native_vlan;
    return change;
}

void add_port_add(CLI::App& port, Invocation& invocation) {
    auto* command = add_command(port, "add", "Attach to an interface",
                                "  sluice port add tap0 --role access\n"
                                "  sluice port add eth0 --role uplink\n"
                                "  sluice port add tap1 --role trunk --vlans 10,20-30\n"
                                "  sluice port add tap2 --role access --vlan 10\n"
                                "  sluice port add vlan10 --role internal --vlan 10 "
                                "--address 10.0.10.1/24");
    auto arguments = std::make_shared<PortArguments>();
    add_interface(command, *arguments);
    add_port_options(command, *arguments)->required();
    on_run(command, invocation, [arguments](const Target& target) -> Result<Document> {
        SL_TRY(change, port_change(*arguments));
        PortSpec spec;
        spec.name = arguments->name;
        change.apply_to(spec);
        SL_TRY(outcome, add_port(target, spec));
        return outcome_view("sluice.port.add/1", target, outcome,
                            fmt::format("port {} added", spec.name));
    });
}

void add_port_set(CLI::App& port, Invocation& invocation) {
    auto* command = add_command(port, "set", "Change a port; what is not given stays",
                                "  sluice port set tap0 --hook xdp\n"
                                "  sluice port set tap0 --vlan 20");
    auto arguments = std::make_shared<PortArguments>();
    add_interface(command, *arguments);
    add_port_options(command, *arguments);
    on_run(command, invocation, [arguments](const Target& target) -> Result<Document> {
        SL_TRY(change, port_change(*arguments));
        SL_TRY(outcome, set_port(target, arguments->name, change));
        return outcome_view("sluice.port.set/1", target, outcome,
                            fmt::format("port {} changed", arguments->name));
    });
}

void add_port_del(CLI::App& port, Invocation& invocation) {
    auto* command =
        add_command(port, "del", "Detach from an interface and leave it as it was found",
                    "  sluice port del tap0");
    auto arguments = std::make_shared<PortArguments>();
    add_interface(command, *arguments);
    on_run(command, invocation, [arguments](const Target& target) -> Result<Document> {
        SL_TRY(outcome, remove_port(target, arguments->name));
        return outcome_view("sluice.port.del/1", target, outcome,
                            fmt::format("port {} removed", arguments->name));
    });
}

void add_port_list(CLI::App& port, Invocation& invocation) {
    auto* command = add_command(port, "list", "List the ports", "  sluice port list");
    on_run(command, invocation, [](const Target& target) -> Result<Document> {
        SL_TRY(ports, list_ports(target));
        return ports_view(ports);
    });
}

void add_port_show(CLI::App& port, Invocation& invocation) {
    auto* command = add_command(port, "show", "Show one port", "  sluice port show tap0");
    auto arguments = std::make_shared<PortArguments>();
    add_interface(command, *arguments);
    on_run(command, invocation, [arguments](const Target& target) -> Result<Document> {
        SL_TRY(shown, show_port(target, arguments->name));
        return port_view(shown);
    });
}

}  // namespace

void add_port_commands(CLI::App& app, Invocation& invocation) {
    auto* port = add_object(app, "port", "Interfaces that sluice is attached to");
    add_port_add(*port, invocation);
    add_port_del(*port, invocation);
    add_port_set(*port, invocation);
    add_port_list(*port, invocation);
    add_port_show(*port, invocation);
}

}  // namespace sluice::cli
