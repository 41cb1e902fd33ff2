// SPDX-License-Identifier: GPL-2.0-or-later
// example INSTANCE NETNS VM-PORT UPLINK CIDR: brings an instance up in a network namespace, adds
// two ports, masquerades a network behind the uplink, and lists the sessions there are.
#include <fmt/format.h>

#include <cstdlib>
#include <sluice/loader/flow/session.hpp>
#include <sluice/loader/instance/lifecycle.hpp>
#include <sluice/loader/nat/commands.hpp>
#include <sluice/loader/port/commands.hpp>

namespace {

using sluice::Result;

/// What was done to the kernel, and what somebody should know.
void tell(const sluice::Outcome& outcome) {
    for (const auto& action : outcome.actions) fmt::print("{}\n", action);
    for (const auto& warning : outcome.warnings) fmt::print("warning: {}\n", warning);
}

Result<> add(const sluice::Target& target, const char* name, sluice::Role role) {
    sluice::PortSpec port;
    port.name = name;
    port.role = role;
    SL_TRY(outcome, sluice::add_port(target, port));
    tell(outcome);
    return {};
}

Result<> masquerade(const sluice::Target& target, const char* network, const char* uplink) {
    sluice::MasqueradeSpec rule;
    SL_TRY(source, sluice::Prefix::parse(network));
    rule.source = source;
    rule.uplink = uplink;
    SL_TRY(outcome, sluice::add_masquerade(target, rule));
    tell(outcome);
    return {};
}

Result<> list_sessions(const sluice::Target& target) {
    SL_TRY(table, sluice::SessionTable::open(target, sluice::SessionScope::nat));
    table.for_each({}, [](const sluice::Session& session) {
        fmt::print("{} > {}\n", session.source.address.text(), session.destination.address.text());
        return true;
    });
    SL_TRY(count, table.count({}));
    fmt::print("{} sessions\n", count.ipv4 + count.ipv6);
    return {};
}

Result<> run(char** arguments) {
    sluice::Target target;
    target.instance = arguments[1];
    target.netns = arguments[2];
    SL_TRY(outcome, sluice::bring_up(target, {}));
    tell(outcome);
    SL_CHECK(add(target, arguments[3], sluice::Role::access));
    SL_CHECK(add(target, arguments[4], sluice::Role::uplink));
    SL_CHECK(masquerade(target, arguments[5], arguments[4]));
    return list_sessions(target);
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 6) {
        fmt::print(stderr, "usage: example INSTANCE NETNS VM-PORT UPLINK CIDR\n");
        return EXIT_FAILURE;
    }
    if (const auto done = run(argv); !done) {
        fmt::print(stderr, "{}\n{}\n", done.error().message, done.error().hint);
        return static_cast<int>(done.error().code);
    }
    return EXIT_SUCCESS;
}
