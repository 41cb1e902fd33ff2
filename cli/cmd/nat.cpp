// SPDX-License-Identifier: GPL-2.0-or-later
// nat masquerade, nat forward, nat pool.
#include <fmt/format.h>

#include "cli/command.hpp"
#include "cli/view/views.hpp"

namespace sluice::cli {
namespace {

struct MasqueradeArguments {
    std::string source, uplink, ports;
    std::vector<std::string> addresses;
};

void add_masquerade_identity(CLI::App* command, MasqueradeArguments& arguments) {
    command->add_option("--source", arguments.source, "Addresses to translate")
        ->type_name("CIDR")
        ->required();
    command->add_option("--uplink", arguments.uplink, "Port by which they leave")
        ->type_name("IF")
        ->required();
}

Result<MasqueradeSpec> masquerade_spec(const MasqueradeArguments& arguments) {
    MasqueradeSpec rule;
    SL_TRY(source, Prefix::parse(arguments.source));
    rule.source = source;
    rule.uplink = arguments.uplink;
    for (const auto& text : arguments.addresses) {
        SL_TRY(address, Address::parse(text));
        rule.addresses.push_back(address);
    }
    if (!arguments.ports.empty()) {
        SL_TRY(ports, PortRange::parse(arguments.ports));
        rule.ports = ports;
    }
    return rule;
}

void add_masquerade_commands(CLI::App& nat, Invocation& invocation) {
    auto* masquerade = add_object(nat, "masquerade", "Many inside addresses behind an outside one");

    auto* add = add_command(
        *masquerade, "add", "Translate a network when it leaves by an uplink",
        "  sluice nat masquerade add --source 10.0.0.0/24 --uplink eth0\n"
        "  sluice nat masquerade add --source 10.0.0.0/24 --uplink eth0 --ports 2000-5000\n"
        "  sluice nat masquerade add --source 10.1.0.0/16 --uplink eth0 \\\n"
        "      --address 198.51.100.7 --address 198.51.100.8");
    auto arguments = std::make_shared<MasqueradeArguments>();
    add_masquerade_identity(add, *arguments);
    add->add_option(
           "--address", arguments->addresses,
           "Outside address, repeatable; default: the uplink's own, followed as it changes")
        ->type_name("IP")
        ->delimiter(',');
    add->add_option("--ports", arguments->ports, "Outside ports (default 1024-65535)")
        ->type_name("A-B");
    on_run(add, invocation, [arguments](const Target& target) -> Result<Document> {
        SL_TRY(rule, masquerade_spec(*arguments));
        SL_TRY(outcome, add_masquerade(target, rule));
        return outcome_view(
            "sluice.nat.masquerade.add/1", target, outcome,
            fmt::format("{} is masqueraded on {}", rule.source.text(), rule.uplink));
    });

    auto* del = add_command(*masquerade, "del", "Stop translating; its sessions end",
                            "  sluice nat masquerade del --source 10.0.0.0/24 --uplink eth0");
    add_masquerade_identity(del, *arguments);
    on_run(del, invocation, [arguments](const Target& target) -> Result<Document> {
        SL_TRY(rule, masquerade_spec(*arguments));
        SL_TRY(outcome, remove_masquerade(target, rule.source, rule.uplink));
        return outcome_view(
            "sluice.nat.masquerade.del/1", target, outcome,
            fmt::format("{} is not masqueraded on {} any more", rule.source.text(), rule.uplink));
    });

    auto* list =
        add_command(*masquerade, "list", "List the masquerades", "  sluice nat masquerade list");
    on_run(list, invocation, [](const Target& target) -> Result<Document> {
        SL_TRY(rules, list_masquerades(target));
        return masquerades_view(rules);
    });
}

struct ForwardArguments {
    std::string protocol, external, internal;
};

void add_forward_identity(CLI::App* command, ForwardArguments& arguments) {
    command->add_option("--proto", arguments.protocol, "Protocol")
        ->type_name("tcp|udp")
        ->required();
    command->add_option("--external", arguments.external, "Outside address and port or range")
        ->type_name("IP:PORT[-PORT]")
        ->required();
}

void add_forward_commands(CLI::App& nat, Invocation& invocation) {
    auto* forward = add_object(nat, "forward", "Outside ports that lead to an inside host");

    auto* add = add_command(
        *forward, "add", "Let connections to an outside port reach an inside host",
        "  sluice nat forward add --proto tcp --external 198.51.100.2:80 --internal 10.0.0.5:8080\n"
        "  sluice nat forward add --proto udp --external 198.51.100.2:5000-5099 \\\n"
        "      --internal 10.0.0.5:5000-5099");
    auto arguments = std::make_shared<ForwardArguments>();
    add_forward_identity(add, *arguments);
    add->add_option("--internal", arguments->internal, "Inside address, as many ports")
        ->type_name("IP:PORT[-PORT]")
        ->required();
    on_run(add, invocation, [arguments](const Target& target) -> Result<Document> {
        ForwardSpec rule;
        SL_TRY(protocol, parse_protocol(arguments->protocol));
        SL_TRY(external, Endpoint::parse(arguments->external));
        SL_TRY(internal, Endpoint::parse(arguments->internal));
        rule = {protocol, external, internal};
        SL_TRY(outcome, add_forward(target, rule));
        return outcome_view("sluice.nat.forward.add/1", target, outcome,
                            fmt::format("{} {} is forwarded to {}", protocol_text(protocol),
                                        external.text(), internal.text()));
    });

    auto* del = add_command(*forward, "del", "Stop forwarding; sessions that came this way end",
                            "  sluice nat forward del --proto tcp --external 198.51.100.2:80");
    add_forward_identity(del, *arguments);
    on_run(del, invocation, [arguments](const Target& target) -> Result<Document> {
        SL_TRY(protocol, parse_protocol(arguments->protocol));
        SL_TRY(external, Endpoint::parse(arguments->external));
        SL_TRY(outcome, remove_forward(target, protocol, external));
        return outcome_view("sluice.nat.forward.del/1", target, outcome,
                            fmt::format("{} {} is not forwarded any more", protocol_text(protocol),
                                        external.text()));
    });

    auto* list = add_command(*forward, "list", "List the forwards", "  sluice nat forward list");
    on_run(list, invocation, [](const Target& target) -> Result<Document> {
        SL_TRY(rules, list_forwards(target));
        return forwards_view(rules);
    });
}

void add_pool_commands(CLI::App& nat, Invocation& invocation) {
    auto* pool = add_object(nat, "pool", "Outside ports that masquerades hand out");
    auto* show = add_command(*pool, "show", "Show the use of each address and protocol",
                             "  sluice nat pool show");
    on_run(show, invocation, [](const Target& target) -> Result<Document> {
        SL_TRY(pools, list_pools(target));
        return pools_view(pools);
    });
}

}  // namespace

void add_nat_commands(CLI::App& app, Invocation& invocation) {
    auto* nat = add_object(app, "nat", "Network address translation");
    add_masquerade_commands(*nat, invocation);
    add_forward_commands(*nat, invocation);
    add_pool_commands(*nat, invocation);
    add_session_commands(*nat, invocation);
}

}  // namespace sluice::cli
