// SPDX-License-Identifier: GPL-2.0-or-later
// mac pool add, del, list, show.
#include <fmt/format.h>

#include "cli/command.hpp"
#include "cli/view/mac.hpp"
#include "cli/view/views.hpp"
#include "sluice/units.hpp"

namespace sluice::cli {
namespace {

/// As typed: parsed by our own functions when the command runs, so that errors are ours.
struct PoolArguments {
    std::string name, prefix, range, strategy, ttl, cooldown, on_duplicate;
    std::uint16_t vlan = 0;
    std::vector<std::string> address_pools;
};

Result<MacRange> range_of(const PoolArguments& arguments) {
    if (arguments.prefix.empty() == arguments.range.empty())
        return fail(ErrorCode::usage, "mac pool add: give either --prefix or --range",
                    "--prefix 02:1a:2b, or --range 02:00:00:00:00:10-02:00:00:00:00:ff");
    if (!arguments.range.empty()) return MacRange::parse(arguments.range);
    return MacRange::parse_prefix(arguments.prefix);
}

Result<MacPool> pool_of(const PoolArguments& arguments) {
    MacPool pool;
    pool.name = arguments.name;
    SL_TRY(range, range_of(arguments));
    pool.range = range;
    pool.next = range.first;
    pool.domain = arguments.vlan;
    if (!arguments.strategy.empty()) {
        SL_TRY(strategy, parse_mac_strategy(arguments.strategy));
        pool.strategy = strategy;
    }
    if (!arguments.ttl.empty()) {
        SL_TRY(ttl, parse_duration(arguments.ttl));
        pool.ttl = ttl;
    }
    if (!arguments.cooldown.empty()) {
        SL_TRY(cooldown, parse_duration(arguments.cooldown));
        pool.cooldown = cooldown;
    }
    for (const auto& text : arguments.address_pools) {
        SL_TRY(addresses, AddressRange::parse(text));
        pool.address_pools.push_back(addresses);
    }
    if (!arguments.on_duplicate.empty() && arguments.on_duplicate != "report" &&
        arguments.on_duplicate != "quarantine")
        return fail(ErrorCode::usage,
                    fmt::format("--on-duplicate {} is unknown", arguments.on_duplicate),
                    "report, or quarantine");
    pool.quarantine = arguments.on_duplicate == "quarantine";
    return pool;
}

void add_pool_add(CLI::App& object, Invocation& invocation) {
    auto* command =
        add_command(object, "add", "Add a pool of MAC addresses",
                    "  sluice mac pool add default --prefix 02:1a:2b\n"
                    "  sluice mac pool add vcenter --prefix 00:50:56:80-bf --strategy sequential\n"
                    "  sluice mac pool add lab --range 02:00:00:00:01:00-02:00:00:00:01:ff "
                    "--vlan 10 --ttl 1h\n"
                    "  sluice mac pool add web --prefix 52:54:00 --ip-pool 10.0.0.0/24 "
                    "--ip-pool 2001:db8::/64");
    auto arguments = std::make_shared<PoolArguments>();
    const auto add = [&](const char* name, std::string& value, const char* type,
                         const char* description) {
        command->add_option(name, value, description)->type_name(type);
    };
    command->add_option("NAME", arguments->name, "Name of the pool")->required();
    add("--prefix", arguments->prefix, "BYTES", "first bytes of all its addresses");
    add("--range", arguments->range, "MAC-MAC", "or first and last address");
    add("--strategy", arguments->strategy, "random|sequential|uuid|time",
        "how to choose (default random); uuid: the same VM gets the same on every host");
    add("--ttl", arguments->ttl, "TIME",
        "silence on the wire after which a lease expires (default 5m)");
    add("--cooldown", arguments->cooldown, "TIME",
        "time before another VM may have the address (default 5m)");
    add_number(command, "--vlan", arguments->vlan, 0, last_vlan, "L2 domain of the addresses");
    command
        ->add_option("--ip-pool", arguments->address_pools,
                     "addresses to give with each MAC, one of each family; may be repeated")
        ->type_name("CIDR|A-B")
        ->expected(1)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
    add("--on-duplicate", arguments->on_duplicate, "report|quarantine",
        "frames with an address of the pool from where it does not belong: only report them "
        "(default), or drop them too");
    on_run(command, invocation, [arguments](const Target& target) -> Result<Document> {
        SL_TRY(pool, pool_of(*arguments));
        SL_TRY(outcome, add_mac_pool(target, pool));
        return outcome_view(
            "sluice.mac.pool.add/1", target, outcome,
            fmt::format("MAC pool {} added: {} addresses", pool.name, usable_macs(pool.range)));
    });
}

void add_pool_del(CLI::App& object, Invocation& invocation) {
    auto* command = add_command(object, "del", "Remove a pool of which no lease is held",
                                "  sluice mac pool del lab");
    auto name = std::make_shared<std::string>();
    command->add_option("NAME", *name, "Name of the pool")->required();
    on_run(command, invocation, [name](const Target& target) -> Result<Document> {
        SL_TRY(outcome, remove_mac_pool(target, *name));
        return outcome_view("sluice.mac.pool.del/1", target, outcome,
                            fmt::format("MAC pool {} removed", *name));
    });
}

void add_pool_list(CLI::App& object, Invocation& invocation) {
    auto* command = add_command(object, "list", "List the pools", "  sluice mac pool list");
    on_run(command, invocation, [](const Target& target) -> Result<Document> {
        SL_TRY(pools, list_mac_pools(target));
        return mac_pools_view(pools);
    });
}

void add_pool_show(CLI::App& object, Invocation& invocation) {
    auto* command = add_command(object, "show",
                                "Show a pool, and how many leases are in which "
                                "state",
                                "  sluice mac pool show default");
    auto name = std::make_shared<std::string>();
    command->add_option("NAME", *name, "Name of the pool")->required();
    on_run(command, invocation, [name](const Target& target) -> Result<Document> {
        SL_TRY(pool, show_mac_pool(target, *name));
        return mac_pool_view(pool);
    });
}

}  // namespace

void add_mac_pool_commands(CLI::App& mac, Invocation& invocation) {
    auto* object = add_object(mac, "pool", "Ranges of MAC addresses to give to VMs");
    add_pool_add(*object, invocation);
    add_pool_del(*object, invocation);
    add_pool_list(*object, invocation);
    add_pool_show(*object, invocation);
}

}  // namespace sluice::cli
