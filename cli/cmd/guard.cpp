// SPDX-License-Identifier: GPL-2.0-or-later
// guard set, del, show, list.
#include "cli/view/guard.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "cli/command.hpp"
#include "cli/view/views.hpp"
#include "loader/model/guard_switches.hpp"
#include "sluice/units.hpp"

namespace sluice::cli {
namespace {

/// As typed: parsed by our own functions when the command runs, so that errors are ours.
struct GuardArguments {
    std::string port;
    std::map<std::string_view, std::string> switches;  ///< by GuardSwitch::name
    std::string forged_transmits, learn, dhcp_rate;
    std::vector<std::string> macs, addresses, ethertypes;
};

constexpr std::array<std::pair<std::string_view, const char*>, 14> descriptions{{
    {"mac", "Frames come from the port's MACs alone"},
    {"ip", "IP comes from the port's addresses alone; none listed = none allowed"},
    {"arp", "ARP and RARP claim the port's MACs and addresses alone"},
    {"nd", "IPv6 neighbour discovery claims the port's MACs and addresses alone"},
    {"ra", "Router advertisements and ICMP redirects"},
    {"dhcp_server", "Answers of a DHCP server"},
    {"dhcp_client", "DHCP requests ask for their own MAC, at most --dhcp-rate a second"},
    {"ethertype", "Only IPv4, IPv6, ARP, RARP and --ethertypes"},
    {"tags", "No VLAN tags the port has no use for, no 802.3 LLC"},
    {"fragments", "No fragments or header chains that hide what the packet is"},
    {"snoop", "Addresses that the real DHCP server gives the port are its own"},
    {"mac_change", "A VM that changes its MAC (VMware's MAC address changes)"},
    {"unknown_unicast", "Deliver frames for others' MACs (VMware's promiscuous mode)"},
    {"audit", "Count and report what would be dropped, drop nothing"},
}};

std::string option_of(std::string_view name) {
    std::string option = "--" + std::string(name);
    std::ranges::replace(option, '_', '-');
    return option;
}

void add_interface(CLI::App* command, GuardArguments& arguments) {
    command->add_option("IF", arguments.port, "Port")->required();
}

void add_switches(CLI::App* set, GuardArguments& arguments) {
    for (const auto& it : guard_switches) {
        const auto found =
            std::ranges::find(descriptions, it.name, &decltype(descriptions)::value_type::first);
        auto* option =
            set->add_option(option_of(it.name), arguments.switches[it.name], found->second);
        option->type_name(fmt::format("{}|{}", it.yes, it.no));
        if (it.check == SL_GUARD_AUDIT) option->expected(0, 1)->default_str(std::string(it.yes));
    }
    set->add_option("--forged-transmits", arguments.forged_transmits,
                    "VMware's word: reject is --mac on, accept is --mac off")
        ->type_name("accept|reject");
}

void add_lists(CLI::App* set, GuardArguments& arguments) {
    const auto add = [&](const char* name, std::vector<std::string>& value, const char* type,
                         const char* description) {
        set->add_option(name, value, description)
            ->type_name(type)
            ->delimiter(',')
            ->expected(1)
            ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
    };
    add("--macs", arguments.macs, "MAC,...|none",
        "MACs besides those leased to the port; all of them are listed anew");
    add("--address", arguments.addresses, "IP|CIDR,...|none",
        "Addresses and networks besides those of the port's leases; all of them are listed anew");
    add("--ethertypes", arguments.ethertypes, "0x88cc,...|default",
        "Ethertypes besides IP and ARP, by number or lldp, eapol, mpls, pppoe");
    set->add_option("--learn", arguments.learn,
                    "Other MACs accepted as they come, for VMs inside the VM (0 to 1024)")
        ->type_name("N");
    set->add_option("--dhcp-rate", arguments.dhcp_rate, "DHCP requests a second (default 10)")
        ->type_name("N");
}

Result<bool> parse_switch(const GuardSwitch& it, const std::string& text) {
    if (text == it.yes) return true;
    if (text == it.no) return false;
    return fail(ErrorCode::usage,
                fmt::format("{} {}: it is {} or {}", option_of(it.name), text, it.yes, it.no));
}

Result<> parse_forged_transmits(const std::string& text, GuardChange& change) {
    if (text.empty()) return {};
    if (text != "accept" && text != "reject")
        return fail(ErrorCode::usage,
                    fmt::format("--forged-transmits {}: it is accept or reject", text));
    const bool reject = text == "reject";
    for (const auto& [which, value] : change.switches)
        if (which == &GuardSpec::mac && value != reject)
            return fail(ErrorCode::usage,
                        fmt::format("--forged-transmits {} and --mac {} contradict each other",
                                    text, value ? "on" : "off"));
    change.switches.emplace_back(&GuardSpec::mac, reject);
    return {};
}

Result<std::optional<std::uint16_t>> parse_number(const char* option, const std::string& text) {
    if (text.empty()) return std::nullopt;
    SL_TRY(count, parse_count(text));
    if (count > 65535)
        return fail(ErrorCode::usage, fmt::format("{} {} is out of range", option, text));
    return static_cast<std::uint16_t>(count);
}

/// @param none the word for an empty list
template <class Value, class Parse>
Result<std::optional<std::vector<Value>>> parse_list(const std::vector<std::string>& texts,
                                                     std::string_view none, Parse&& parse) {
    if (texts.empty()) return std::nullopt;
    std::vector<Value> values;
    if (texts.size() == 1 && texts[0] == none) return values;
    for (const auto& text : texts) {
        SL_TRY(value, parse(text));
        values.push_back(value);
    }
    return values;
}

Result<GuardChange> guard_change(const GuardArguments& arguments) {
    GuardChange change;
    for (const auto& it : guard_switches) {
        const auto& text = arguments.switches.at(it.name);
        if (text.empty()) continue;
        SL_TRY(value, parse_switch(it, text));
        change.switches.emplace_back(it.asked, value);
    }
    SL_CHECK(parse_forged_transmits(arguments.forged_transmits, change));
    SL_TRY(learn, parse_number("--learn", arguments.learn));
    SL_TRY(dhcp_rate, parse_number("--dhcp-rate", arguments.dhcp_rate));
    SL_TRY(macs, parse_list<MacAddress>(arguments.macs, "none", MacAddress::parse));
    SL_TRY(addresses, parse_list<Prefix>(arguments.addresses, "none", Prefix::parse));
    SL_TRY(types, parse_list<std::uint16_t>(arguments.ethertypes, "default", parse_ethertype));
    change.learn = learn;
    change.dhcp_rate = dhcp_rate;
    change.macs = std::move(macs);
    change.addresses = std::move(addresses);
    change.ethertypes = std::move(types);
    return change;
}

void add_guard_set(CLI::App& guard, Invocation& invocation) {
    auto* command = add_command(
        guard, "set", "Guard a port: everything is on at first; later only what is given changes",
        "  sluice guard set tap0                        # its leases' MACs and addresses\n"
        "  sluice guard set tap0 --macs 52:54:00:00:00:01 --address 10.0.0.5,2001:db8::5\n"
        "  sluice guard set tap0 --audit                # look first, drop nothing\n"
        "  sluice guard set tap0 --audit off\n"
        "  sluice guard set tap0 --address 10.0.0.5,10.0.0.100,fe80::/64    # a VIP too\n"
        "  sluice guard set tap0 --snoop on             # addresses as DHCP gives them\n"
        "  sluice guard set tap0 --learn 8              # VMs inside the VM\n"
        "  sluice guard set tap0 --ra allow --dhcp-server allow   # the VM is a router\n"
        "  sluice guard set tap0 --forged-transmits accept --mac-change accept \\\n"
        "      --unknown-unicast on                     # VMware's port security, all off");
    auto arguments = std::make_shared<GuardArguments>();
    add_interface(command, *arguments);
    add_switches(command, *arguments);
    add_lists(command, *arguments);
    on_run(command, invocation, [arguments](const Target& target) -> Result<Document> {
        SL_TRY(change, guard_change(*arguments));
        SL_TRY(outcome, set_guard(target, arguments->port, change));
        return outcome_view("sluice.guard.set/1", target, outcome,
                            fmt::format("{} is guarded", arguments->port));
    });
}

void add_guard_del(CLI::App& guard, Invocation& invocation) {
    auto* command = add_command(guard, "del", "Take a port's guard away: everything may enter",
                                "  sluice guard del tap0");
    auto arguments = std::make_shared<GuardArguments>();
    add_interface(command, *arguments);
    on_run(command, invocation, [arguments](const Target& target) -> Result<Document> {
        SL_TRY(outcome, remove_guard(target, arguments->port));
        return outcome_view("sluice.guard.del/1", target, outcome,
                            fmt::format("{} is not guarded any more", arguments->port));
    });
}

void add_guard_show(CLI::App& guard, Invocation& invocation) {
    auto* command =
        add_command(guard, "show", "Show what the kernel enforces on a port, and what it refused",
                    "  sluice guard show tap0\n"
                    "  sluice guard show tap0 --json | jq .guard.refused");
    auto arguments = std::make_shared<GuardArguments>();
    add_interface(command, *arguments);
    on_run(command, invocation, [arguments](const Target& target) -> Result<Document> {
        SL_TRY(shown, show_guard(target, arguments->port));
        return guard_view(shown);
    });
}

void add_guard_list(CLI::App& guard, Invocation& invocation) {
    auto* command = add_command(guard, "list", "List the guarded ports", "  sluice guard list");
    on_run(command, invocation, [](const Target& target) -> Result<Document> {
        SL_TRY(guards, list_guards(target));
        return guards_view(guards);
    });
}

}  // namespace

void add_guard_commands(CLI::App& app, Invocation& invocation) {
    auto* guard = add_object(app, "guard", "What may enter by a port: nobody sends as another");
    add_guard_set(*guard, invocation);
    add_guard_del(*guard, invocation);
    add_guard_show(*guard, invocation);
    add_guard_list(*guard, invocation);
}

}  // namespace sluice::cli
