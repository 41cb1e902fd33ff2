// mac import, export, dhcp.
#include <fmt/format.h>

#include "cli/command.hpp"
#include "cli/view/mac.hpp"
#include "cli/view/views.hpp"

namespace sluice::cli {
namespace {

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
    auto* dhcp = add_object(mac, "dhcp", "Leases for dnsmasq");
    add_dhcp_set(*dhcp, invocation);
    add_dhcp_off(*dhcp, invocation);
    add_dhcp_show(*dhcp, invocation);
}

}  // namespace sluice::cli
