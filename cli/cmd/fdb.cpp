// SPDX-License-Identifier: GPL-2.0-or-later
// switch fdb list, add, del, flush.
#include <fmt/format.h>

#include "cli/command.hpp"
#include "cli/view/switch.hpp"
#include "cli/view/views.hpp"

namespace sluice::cli {
namespace {

struct FdbArguments {
    std::string mac, port;
    std::uint16_t vlan = 0;
    std::vector<std::string> terms;
};

using FdbArgumentsPtr = std::shared_ptr<FdbArguments>;

CLI::App* add_fdb_filter(CLI::App* command, FdbArguments& arguments) {
    command->footer(command->get_footer() + "\nFILTER (all terms must match):\n" +
                    known_mac_filter_help());
    command->add_option("FILTER", arguments.terms, "KEY=VALUE terms")->type_name("");
    return command;
}

Result<> list_macs(const Target& target, const FdbArguments& arguments, Output& output) {
    SL_TRY(filter, parse_known_mac_filter(arguments.terms));
    std::uint64_t count = 0;
    output.begin(known_mac_stream());
    SL_CHECK(for_each_known_mac(target, filter, [&](const KnownMac& mac) {
        output.row(known_mac_json(mac));
        ++count;
    }));
    output.end({{"count", count}});
    return {};
}

void add_fdb_list(CLI::App& fdb, Invocation& invocation) {
    auto arguments = std::make_shared<FdbArguments>();
    auto* command = add_command(fdb, "list", "List the MACs that the switch knows",
                                "  sluice switch fdb list\n"
                                "  sluice switch fdb list vlan=10 port=tap0 --json\n");
    add_fdb_filter(command, *arguments);
    command->callback([&invocation, arguments] {
        invocation.action = [&invocation, arguments](Output& output) {
            return list_macs(invocation.target, *arguments, output);
        };
    });
}

void add_fdb_place(CLI::App* command, FdbArguments& arguments) {
    command->add_option("MAC", arguments.mac, "Address of a station")->required();
    add_number(command, "--vlan", arguments.vlan, 0, last_vlan, "its VLAN")->required();
}

void add_fdb_add(CLI::App& fdb, Invocation& invocation) {
    auto arguments = std::make_shared<FdbArguments>();
    auto* command = add_command(fdb, "add", "Say where a MAC is; it neither ages nor moves",
                                "  sluice switch fdb add 02:1a:2b:00:00:07 --vlan 10 --port tap0");
    add_fdb_place(command, *arguments);
    command->add_option("--port", arguments->port, "the port it is behind")
        ->type_name("IF")
        ->required();
    on_run(command, invocation, [arguments](const Target& target) -> Result<Document> {
        SL_TRY(mac, MacAddress::parse(arguments->mac));
        SL_TRY(outcome, add_static_mac(target, {mac, arguments->vlan, arguments->port}));
        return outcome_view("sluice.switch.fdb.add/1", target, outcome,
                            fmt::format("{} is on {}", mac.text(), arguments->port));
    });
}

void add_fdb_del(CLI::App& fdb, Invocation& invocation) {
    auto arguments = std::make_shared<FdbArguments>();
    auto* command = add_command(fdb, "del", "Remove a static MAC",
                                "  sluice switch fdb del 02:1a:2b:00:00:07 --vlan 10");
    add_fdb_place(command, *arguments);
    on_run(command, invocation, [arguments](const Target& target) -> Result<Document> {
        SL_TRY(mac, MacAddress::parse(arguments->mac));
        SL_TRY(outcome, remove_static_mac(target, mac, arguments->vlan));
        return outcome_view("sluice.switch.fdb.del/1", target, outcome,
                            fmt::format("{} removed", mac.text()));
    });
}

void add_fdb_flush(CLI::App& fdb, Invocation& invocation) {
    auto arguments = std::make_shared<FdbArguments>();
    auto* command = add_command(fdb, "flush", "Forget learned MACs at once; static ones stay",
                                "  sluice switch fdb flush port=tap0\n"
                                "  sluice switch fdb flush           # all of them\n");
    add_fdb_filter(command, *arguments);
    on_run(command, invocation, [arguments](const Target& target) -> Result<Document> {
        SL_TRY(filter, parse_known_mac_filter(arguments->terms));
        SL_TRY(count, flush_known_macs(target, filter));
        const bool planned = target.effect == Effect::plan;
        return flushed_macs_view(
            count, fmt::format("{} MACs {}", count, planned ? "would be forgotten" : "forgotten"));
    });
}

}  // namespace

void add_fdb_commands(CLI::App& object, Invocation& invocation) {
    auto* fdb = add_object(object, "fdb", "The MAC table: who is behind which port");
    add_fdb_list(*fdb, invocation);
    add_fdb_add(*fdb, invocation);
    add_fdb_del(*fdb, invocation);
    add_fdb_flush(*fdb, invocation);
}

}  // namespace sluice::cli
