// SPDX-License-Identifier: GPL-2.0-or-later
// mac import, export, dhcp.
#include <fmt/format.h>

#include "cli/command.hpp"
#include "cli/view/mac.hpp"
#include "cli/view/views.hpp"
#include "loader/base/text_file.hpp"

namespace sluice::cli {
namespace {

struct ImportArguments {
    std::string from;
    std::vector<std::string> files;
    bool skip_clashes = false;
};

Result<std::vector<ImportedMac>> macs_of_files(const ImportArguments& arguments) {
    if (arguments.files.empty())
        return fail(ErrorCode::usage, fmt::format("--from {}: FILE is missing", arguments.from));
    std::vector<ImportedMac> macs;
    for (const auto& name : arguments.files) {
        SL_TRY(text, read_text(name, "give the path of a file"));
        SL_TRY(more,
               arguments.from == "csv" ? macs_of_csv(text, name) : macs_of_libvirt(text, name));
        macs.insert(macs.end(), more.begin(), more.end());
    }
    return macs;
}

Result<std::vector<ImportedMac>> macs_to_import(const Target& target,
                                                const ImportArguments& arguments) {
    if (arguments.from == "csv" || arguments.from == "libvirt") return macs_of_files(arguments);
    if (arguments.from != "links" && arguments.from != "fdb")
        return fail(ErrorCode::usage, fmt::format("--from {} is unknown", arguments.from),
                    "it is one of links, fdb, libvirt, csv");
    if (!arguments.files.empty())
        return fail(ErrorCode::usage, fmt::format("--from {} takes no FILE", arguments.from));
    SL_CHECK(open_instance(target));  // in its network namespace are the interfaces
    SL_TRY(links, list_links());
    if (arguments.from == "links") return macs_of_links(links);
    return macs_of_bridges(links);
}

void add_import(CLI::App& mac, Invocation& invocation) {
    auto* command = add_command(
        mac, "import", "Take over addresses that are in use; clashes are listed",
        "  sluice mac import --from links\n"
        "  sluice mac import --from fdb --skip-clashes\n"
        "  sluice --dry-run mac import --from libvirt /etc/libvirt/qemu/*.xml\n"
        "  sluice mac import --from csv vms.csv     # columns: mac,vm,nic,uuid,vlan,port,"
        "addresses,pinned");
    auto arguments = std::make_shared<ImportArguments>();
    command
        ->add_option("--from", arguments->from,
                     "links: interfaces; fdb: what bridges have learned; libvirt: files of "
                     "`virsh dumpxml`; csv: tables")
        ->type_name("links|fdb|libvirt|csv")
        ->required();
    command->add_option("FILE", arguments->files, "Files of libvirt or csv");
    command->add_flag("--skip-clashes", arguments->skip_clashes,
                      "Import the others; without it, one clash and nothing is imported");
    on_run(command, invocation, [arguments](const Target& target) -> Result<Document> {
        SL_TRY(macs, macs_to_import(target, *arguments));
        SL_TRY(outcome, import_macs(target, macs, arguments->skip_clashes));
        return import_view(target, outcome);
    });
}

Result<> export_leases(const Target& target, const std::string& format, Output& output) {
    SL_TRY(parsed, parse_export_format(format));
    std::vector<Lease> leases;
    SL_CHECK(for_each_lease(target, {}, [&](const LeaseStatus& status) {
        if (status.lease.held()) leases.push_back(status.lease);
        return true;
    }));
    if (parsed == ExportFormat::json)
        output.print(export_json_view(leases));
    else
        output.print(export_view(format, export_text(parsed, std::move(leases))));
    return {};
}

void add_export(CLI::App& mac, Invocation& invocation) {
    auto* command = add_command(mac, "export", "Write the leases that are held in another format",
                                "  sluice mac export --format dnsmasq >dhcp-hosts\n"
                                "  sluice mac export --format libvirt\n"
                                "  sluice mac export --format csv >vms.csv");
    auto format = std::make_shared<std::string>();
    command->add_option("--format", *format, "dnsmasq: a dhcp-hostsfile; libvirt: domain XML")
        ->type_name("dnsmasq|libvirt|csv|json")
        ->required();
    command->callback([&invocation, format] {
        invocation.action = [&invocation, format](Output& output) {
            return export_leases(invocation.target, *format, output);
        };
    });
}

void add_dhcp_set(CLI::App& dhcp, Invocation& invocation) {
    auto* command = add_command(
        dhcp, "set", "Write leases with addresses for dnsmasq, now and whenever they change",
        "  sluice mac dhcp set --hosts-file /run/sluice/dhcp-hosts --pid-file "
        "/run/dnsmasq.pid\n"
        "  dnsmasq --dhcp-hostsfile=/run/sluice/dhcp-hosts --dhcp-range=10.0.0.0,static ...");
    auto settings = std::make_shared<DhcpSettings>();
    command
        ->add_option("--hosts-file", settings->hosts_file,
                     "what dnsmasq has as --dhcp-hostsfile; sluice owns all of it")
        ->type_name("PATH")
        ->required();
    command
        ->add_option("--pid-file", settings->pid_file,
                     "of the dnsmasq that is to read it again at once")
        ->type_name("PATH");
    on_run(command, invocation, [settings](const Target& target) -> Result<Document> {
        SL_TRY(outcome, set_dhcp(target, *settings));
        return outcome_view("sluice.mac.dhcp.set/1", target, outcome,
                            fmt::format("leases are written to {}", settings->hosts_file));
    });
}

void add_dhcp_off(CLI::App& dhcp, Invocation& invocation) {
    auto* command = add_command(dhcp, "off", "Write no file for dnsmasq, and remove the one there",
                                "  sluice mac dhcp off");
    on_run(command, invocation, [](const Target& target) -> Result<Document> {
        SL_TRY(outcome, set_dhcp(target, std::nullopt));
        return outcome_view("sluice.mac.dhcp.off/1", target, outcome,
                            "leases are not written for dnsmasq any more");
    });
}

void add_dhcp_show(CLI::App& dhcp, Invocation& invocation) {
    auto* command = add_command(dhcp, "show", "Show which file is written for dnsmasq",
                                "  sluice mac dhcp show");
    on_run(command, invocation, [](const Target& target) -> Result<Document> {
        SL_TRY(settings, show_dhcp(target));
        return dhcp_view(settings);
    });
}

}  // namespace

void add_mac_transfer_commands(CLI::App& mac, Invocation& invocation) {
    add_import(mac, invocation);
    add_export(mac, invocation);
    auto* dhcp = add_object(mac, "dhcp", "Leases for dnsmasq");
    add_dhcp_set(*dhcp, invocation);
    add_dhcp_off(*dhcp, invocation);
    add_dhcp_show(*dhcp, invocation);
}

}  // namespace sluice::cli
