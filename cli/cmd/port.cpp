// port add, del, set, list, show.
#include <fmt/format.h>

#include "cli/command.hpp"
#include "cli/view/views.hpp"

namespace sluice::cli {
namespace {

struct PortArguments {
    std::string name, role, hook, vlans;
    std::optional<std::uint16_t> vlan, native_vlan;
};

void add_interface(CLI::App* command, PortArguments& arguments) {
    command->add_option("IF", arguments.name, "Interface")->required();
}

CLI::Option* add_port_options(CLI::App* command, PortArguments& arguments) {
    auto* role = command
                     ->add_option("--role", arguments.role,
                                  "access: one VM; trunk: several VLANs; uplink: to the outside")
                     ->type_name("access|trunk|uplink");
    command->add_option("--vlan", arguments.vlan, "VLAN of an access port")->type_name("N");
    command->add_option("--vlans", arguments.vlans, "VLANs of a trunk port")->type_name("10,20-30");
    command->add_option("--native-vlan", arguments.native_vlan, "untagged VLAN of a trunk port")
        ->type_name("N");
    command
        ->add_option("--hook", arguments.hook,
                     "auto: TC, and XDP on physical NICs; tc: TC alone; xdp: XDP and TC")
        ->type_name("auto|tc|xdp");
    return role;
}

Result<PortChange> port_change(const PortArguments& arguments) {
    PortChange change;
    if (!arguments.role.empty()) {
        SL_TRY(role, parse_role(arguments.role));
        change.role = role;
    }
    if (!arguments.hook.empty()) {
        SL_TRY(hook, parse_hook(arguments.hook));
        change.hook = hook;
    }
    if (!arguments.vlans.empty()) {
        SL_TRY(vlans, parse_vlans(arguments.vlans));
        change.vlans = std::move(vlans);
    }
    change.vlan = arguments.vlan;
    change.native_vlan = arguments.native_vlan;
    return change;
}

void add_port_add(CLI::App& port, Invocation& invocation) {
    auto* command = add_command(port, "add", "Attach to an interface",
                                "  sluice port add tap0 --role access\n"
                                "  sluice port add eth0 --role uplink\n"
                                "  sluice port add tap1 --role trunk --vlans 10,20-30");
    auto arguments = std::make_shared<PortArguments>();
    add_interface(command, *arguments);
    add_port_options(command, *arguments)->required();
    on_run(command, invocation, [arguments](const Target& target) -> Result<Document> {
        SL_TRY(change, port_change(*arguments));
        PortSpec spec;
        spec.name = arguments->name;
        spec.role = change.role.value_or(Role::access);
        spec.hook = change.hook.value_or(HookPolicy::automatic);
        spec.vlan = change.vlan.value_or(0);
        spec.vlans = change.vlans.value_or(std::vector<PortRange>{});
        spec.native_vlan = change.native_vlan.value_or(0);
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
