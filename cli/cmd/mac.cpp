// SPDX-License-Identifier: GPL-2.0-or-later
// mac alloc, bind, release, move, activate, list, show.
#include "cli/view/mac.hpp"

#include <fmt/format.h>

#include <sstream>

#include "cli/command.hpp"
#include "loader/base/text_file.hpp"

namespace sluice::cli {
namespace {

/// As typed: parsed by our own functions when the command runs, so that errors are ours.
struct LeaseArguments {
    std::string vm, pool, uuid, port, mac, batch, host;
    std::optional<std::uint16_t> nic;
    std::uint16_t vlan = 0;
    std::vector<std::string> addresses;
    bool pin = false, standby = false;
};
using Arguments = std::shared_ptr<LeaseArguments>;

void add_vm(CLI::App* command, const Arguments& arguments) {
    command->add_option("VM", arguments->vm, "Name of the VM")->required();
}

void add_nic(CLI::App* command, const Arguments& arguments, const char* description) {
    add_number(command, "--nic", arguments->nic, 0, last_nic, description);
}

void add_who(CLI::App* command, const Arguments& arguments) {
    command->add_option("--uuid", arguments->uuid, "UUID of the VM; it stays when it is renamed")
        ->type_name("UUID");
    add_nic(command, arguments, "number of the VM's NIC, 0 to 63 (default 0)");
    command
        ->add_option("--port", arguments->port,
                     "port the VM is at: its guard lets this address in, and on another port it "
                     "is a duplicate")
        ->type_name("IF");
    command
        ->add_option("--ip", arguments->addresses,
                     "its IPv4 or IPv6 address, one of each (default: of the pool's --ip-pool)")
        ->type_name("ADDRESS")
        ->expected(1)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
    command->add_flag("--pin", arguments->pin, "Never let it expire");
}

Result<LeaseRequest> request_of(const LeaseArguments& arguments) {
    LeaseRequest request{.vm = arguments.vm,
                         .uuid = {},
                         .nic = arguments.nic.value_or(0),
                         .port = arguments.port,
                         .addresses = {},
                         .pin = arguments.pin};
    if (!arguments.uuid.empty()) {
        SL_TRY(uuid, parse_uuid(arguments.uuid));
        request.uuid = uuid;
    }
    for (const auto& text : arguments.addresses) {
        SL_TRY(address, Address::parse(text));
        request.addresses.push_back(address);
    }
    return request;
}

/// One VM a line, its UUID behind it if it has one; empty lines and what follows a # are nothing.
Result<std::vector<LeaseRequest>> requests_of(const std::string& batch,
                                              const LeaseArguments& arguments) {
    std::vector<LeaseRequest> requests;
    std::istringstream lines(batch);
    std::string line;
    for (int number = 1; std::getline(lines, line); ++number) {
        std::istringstream words(line.substr(0, line.find('#')));
        LeaseArguments one;
        std::string more;
        if (!(words >> one.vm)) continue;
        words >> one.uuid;
        one.nic = arguments.nic;
        one.pin = arguments.pin;
        auto request = request_of(one);
        if (words >> more)
            request = fail(ErrorCode::usage, fmt::format("there is a \"{}\" too many", more),
                           "write VM or VM UUID");
        if (request)
            if (auto checked = check_request(*request); !checked)
                request = std::unexpected(checked.error());
        if (!request)
            return fail(
                request.error().code,
                fmt::format("{} line {}: {}", arguments.batch, number, request.error().message),
                request.error().hint);
        requests.push_back(std::move(*request));
    }
    if (requests.empty())
        return fail(ErrorCode::usage, fmt::format("{} names no VM", arguments.batch),
                    "write one VM a line");
    return requests;
}

Result<std::vector<LeaseRequest>> read_batch(const LeaseArguments& arguments) {
    if (!arguments.vm.empty() || !arguments.port.empty() || !arguments.uuid.empty() ||
        !arguments.addresses.empty())
        return fail(ErrorCode::usage, "--batch goes with --pool, --nic and --pin alone",
                    "VMs and their UUIDs stand in the file, one VM a line");
    SL_TRY(batch, read_text(arguments.batch, "give the path of a file with one VM a line"));
    return requests_of(batch, arguments);
}

/// Rows as they come: there may be a million.
Result<> alloc_batch(const Target& target, const LeaseArguments& arguments, Output& output) {
    SL_TRY(requests, read_batch(arguments));
    SL_TRY(given, allocate_macs(target, requests, arguments.pool));
    output.begin({"sluice.mac.alloc/1",
                  "leases",
                  {{"MAC", "/mac", Format::plain, 17},
                   {"VM", "/vm", Format::plain, 16},
                   {"ADDRESSES", "/addresses"}},
                  ""});
    for (const auto& lease : given.leases) output.row(lease_json(lease));
    output.end({{"instance", target.instance},
                {"dry_run", target.effect == Effect::plan},
                {"count", given.leases.size()},
                {"warnings", given.outcome.warnings}});
    return {};
}

Result<> alloc(const Target& target, const LeaseArguments& arguments, Output& output) {
    if (!arguments.batch.empty()) return alloc_batch(target, arguments, output);
    if (arguments.vm.empty())
        return fail(ErrorCode::usage, "mac alloc: VM is missing",
                    "`sluice mac alloc VM`, or --batch FILE for many");
    SL_TRY(request, request_of(arguments));
    SL_TRY(given, allocate_macs(target, {request}, arguments.pool));
    output.print(given_view("sluice.mac.alloc/1", target, given));
    return {};
}

void add_alloc(CLI::App& mac, Invocation& invocation) {
    auto* command =
        add_command(mac, "alloc", "Give a VM's NIC an address; asked again, the same one",
                    "  sluice mac alloc web1\n"
                    "  read -r mac < <(sluice mac alloc web1)   # first line: the MAC\n"
                    "  sluice mac alloc web1 --json | jq -r '.leases[0].addresses[0]'\n"
                    "  sluice mac alloc web1 --nic 1 --port tap1 --ip 10.0.0.7 --pin\n"
                    "  virsh list --name | sluice mac alloc --batch - --pool vms");
    auto arguments = std::make_shared<LeaseArguments>();
    command->add_option("VM", arguments->vm, "Name of the VM");
    command->add_option("--pool", arguments->pool, "MAC pool (default: the only one, or `default`)")
        ->type_name("NAME");
    add_who(command, arguments);
    command
        ->add_option("--batch", arguments->batch,
                     "give many at once, all or none: VM or VM UUID, one a line; - = stdin")
        ->type_name("FILE|-");
    command->callback([&invocation, arguments] {
        invocation.action = [&invocation, arguments](Output& output) {
            return alloc(invocation.target, *arguments, output);
        };
    });
}

void add_bind(CLI::App& mac, Invocation& invocation) {
    auto* command = add_command(mac, "bind", "Give a VM's NIC an address of your choice",
                                "  sluice mac bind 02:00:00:00:00:07 --vm web1 --pin\n"
                                "  sluice mac bind 02:00:00:00:00:07 --vm web1 --port tap0 "
                                "--standby   # it migrates here");
    auto arguments = std::make_shared<LeaseArguments>();
    command->add_option("MAC", arguments->mac, "The address")->required();
    command->add_option("--vm", arguments->vm, "name of the VM")->type_name("VM")->required();
    add_who(command, arguments);
    add_number(command, "--vlan", arguments->vlan, 0, last_vlan, "L2 domain of the address");
    command->add_flag("--standby", arguments->standby,
                      "--port may receive, but not send until `mac activate`");
    on_run(command, invocation, [arguments](const Target& target) -> Result<Document> {
        SL_TRY(who, request_of(*arguments));
        SL_TRY(address, MacAddress::parse(arguments->mac));
        SL_TRY(given, bind_mac(target, {who, address, arguments->vlan, arguments->standby}));
        return given_view("sluice.mac.bind/1", target, given);
    });
}

VmNics which(const LeaseArguments& arguments) { return {arguments.vm, arguments.nic}; }

std::string counted(const LeaseOutcome& outcome, const std::string& vm, std::string_view done) {
    return fmt::format("{} {} of {} {}", outcome.leases.size(),
                       outcome.leases.size() == 1 ? "lease" : "leases", vm, done);
}

void add_release(CLI::App& mac, Invocation& invocation) {
    auto* command = add_command(mac, "release",
                                "Take a VM's addresses back; it gets the same ones when it asks "
                                "again, as long as nobody else has them",
                                "  sluice mac release web1\n"
                                "  sluice mac release web1 --nic 1");
    auto arguments = std::make_shared<LeaseArguments>();
    add_vm(command, arguments);
    add_nic(command, arguments, "of this NIC alone");
    on_run(command, invocation, [arguments](const Target& target) -> Result<Document> {
        SL_TRY(done, release_macs(target, which(*arguments)));
        return leases_changed_view("sluice.mac.release/1", target, done,
                                   counted(done, arguments->vm, "released"));
    });
}

void add_move(CLI::App& mac, Invocation& invocation) {
    auto* command = add_command(
        mac, "move", "Mark a VM as migrating: it may be seen at two places, and does not expire",
        "  sluice mac move web1 --to host2\n"
        "  sluice mac move web1 --to here --port tap7   # tap7 receives, and sends after "
        "`activate`");
    auto arguments = std::make_shared<LeaseArguments>();
    add_vm(command, arguments);
    command->add_option("--to", arguments->host, "where it goes")->type_name("HOST")->required();
    command->add_option("--port", arguments->port, "port of this host where it will arrive")
        ->type_name("IF");
    add_nic(command, arguments, "this NIC alone");
    on_run(command, invocation, [arguments](const Target& target) -> Result<Document> {
        SL_TRY(done, move_macs(target, which(*arguments), arguments->host, arguments->port));
        return leases_changed_view("sluice.mac.move/1", target, done,
                                   counted(done, arguments->vm, "migrating"));
    });
}

void add_activate(CLI::App& mac, Invocation& invocation) {
    auto* command =
        add_command(mac, "activate", "End a migration: the VM runs here now, at its standby port",
                    "  sluice mac activate web1");
    auto arguments = std::make_shared<LeaseArguments>();
    add_vm(command, arguments);
    add_nic(command, arguments, "this NIC alone");
    on_run(command, invocation, [arguments](const Target& target) -> Result<Document> {
        SL_TRY(done, activate_macs(target, which(*arguments)));
        return leases_changed_view("sluice.mac.activate/1", target, done,
                                   counted(done, arguments->vm, "active here"));
    });
}

Result<> list_leases(const Target& target, const std::vector<std::string>& terms, Output& output) {
    SL_TRY(filter, parse_lease_filter(terms));
    std::uint64_t count = 0;
    output.begin(lease_stream());
    SL_CHECK(for_each_lease(target, filter, [&](const LeaseStatus& lease) {
        output.row(lease_status_json(lease));
        ++count;
        return true;
    }));
    output.end({{"count", count}});
    return {};
}

void add_mac_list(CLI::App& mac, Invocation& invocation) {
    auto* command = add_command(mac, "list", "List leases",
                                "  sluice mac list\n"
                                "  sluice mac list pool=vms state=active\n"
                                "  sluice mac list ip=10.0.0.0/24 --json\n"
                                "\nFILTER (all terms must match):\n" +
                                    lease_filter_help());
    auto terms = std::make_shared<std::vector<std::string>>();
    command->add_option("FILTER", *terms, "KEY=VALUE terms")->type_name("");
    command->callback([&invocation, terms] {
        invocation.action = [&invocation, terms](Output& output) {
            return list_leases(invocation.target, *terms, output);
        };
    });
}

void add_mac_show(CLI::App& mac, Invocation& invocation) {
    auto* command = add_command(mac, "show", "Show the leases of a VM, or who has a MAC",
                                "  sluice mac show web1\n"
                                "  sluice mac show 02:1a:2b:3c:4d:5e");
    auto name = std::make_shared<std::string>();
    command->add_option("VM|MAC", *name, "VM or MAC")->required();
    on_run(command, invocation, [name](const Target& target) -> Result<Document> {
        SL_TRY(leases, show_leases(target, *name));
        return leases_view(leases);
    });
}

}  // namespace

void add_mac_commands(CLI::App& app, Invocation& invocation) {
    auto* mac = add_object(app, "mac", "MAC addresses of VMs: pools, and leases of them");
    add_mac_pool_commands(*mac, invocation);
    add_alloc(*mac, invocation);
    add_bind(*mac, invocation);
    add_release(*mac, invocation);
    add_move(*mac, invocation);
    add_activate(*mac, invocation);
    add_mac_list(*mac, invocation);
    add_mac_show(*mac, invocation);
    add_mac_transfer_commands(*mac, invocation);
}

}  // namespace sluice::cli
