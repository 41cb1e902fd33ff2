// SPDX-License-Identifier: GPL-2.0-or-later
// policy load, list, hits, diff, clear, test.
#include "cli/view/policy.hpp"

#include <fmt/format.h>

#include <chrono>

#include "cli/command.hpp"
#include "cli/view/views.hpp"
#include "loader/base/clock.hpp"
#include "loader/policy/commands.hpp"
#include "loader/policy/question.hpp"

namespace sluice::cli {
namespace {

void add_policy_load(CLI::App& object, Invocation& invocation) {
    auto* command = add_command(
        object, "load", "Put the policy of a YAML file in force, all of it or nothing",
        "  sluice policy load policy.yaml\n"
        "  sluice --dry-run policy load policy.yaml     # only checks\n"
        "A file; the first rule that fits decides:\n"
        "  groups:\n"
        "    web-servers: [vm:web1, 10.0.0.0/24, port:tap0]\n"
        "  defaults:                     # of what no rule decides; without any it is allowed\n"
        "    - {direction: in, action: deny, vm: web1}     # or port:, group:, or everywhere\n"
        "  network-policy:\n"
        "    - name: db-tier\n"
        "      action: allow             # allow, deny, reject, log\n"
        "      source: [10.0.0.0/24, web-servers]\n"
        "      destination: 192.168.1.0/24\n"
        "      protocol: tcp             # tcp, udp, icmp, icmpv6, sctp, a number, or a list\n"
        "      ports: 3306,5432,8000-8080\n"
        "      in: 2h                    # or expires: 2026-12-01T00:00:00Z\n"
        "Also: source-ports, icmp-types, vlans, source-macs.");
    auto file = std::make_shared<std::string>();
    command->add_option("FILE", *file, "YAML; - is standard input")->required();
    on_run(command, invocation, [file](const Target& target) -> Result<Document> {
        SL_TRY(outcome, load_policy(target, *file));
        return outcome_view("sluice.policy.load/1", target, outcome,
                            (*file == "-" ? "standard input" : *file) + " loaded");
    });
}

void add_policy_clear(CLI::App& object, Invocation& invocation) {
    auto* command = add_command(object, "clear", "Take the policy away: everything is allowed",
                                "  sluice policy clear");
    on_run(command, invocation, [](const Target& target) -> Result<Document> {
        SL_TRY(outcome, clear_policy(target));
        return outcome_view("sluice.policy.clear/1", target, outcome,
                            "no policy is loaded any more");
    });
}

void add_policy_looks(CLI::App& object, Invocation& invocation) {
    auto* list = add_command(object, "list", "The rules that are loaded, in their order",
                             "  sluice policy list\n"
                             "  sluice --json policy list | jq '.rules[] | .name'");
    on_run(list, invocation, [](const Target& target) -> Result<Document> {
        SL_TRY(policy, list_policy(target));
        return policy_list_view(policy, now_wall_ms());
    });
    auto* hits =
        add_command(object, "hits",
                    "How many flows each rule has opened, and packets it has denied, since "
                    "the policy was loaded",
                    "  sluice policy hits\n"
                    "  sluice --json policy hits | jq '.hits[] | select(.denied > 0)'");
    on_run(hits, invocation, [](const Target& target) -> Result<Document> {
        SL_TRY(counts, policy_hits(target));
        return policy_hits_view(counts);
    });
}

void add_policy_diff(CLI::App& object, Invocation& invocation) {
    auto* command = add_command(object, "diff", "What loading a file would change",
                                "  sluice policy diff policy.yaml");
    auto file = std::make_shared<std::string>();
    command->add_option("FILE", *file, "YAML; - is standard input")->required();
    on_run(command, invocation, [file](const Target& target) -> Result<Document> {
        SL_TRY(differences, diff_policy(target, *file));
        return policy_diff_view(differences);
    });
}

struct TestArguments {
    std::vector<std::string> flow;
    std::string file;
    bool explain = false;
};

void add_policy_test(CLI::App& object, Invocation& invocation) {
    auto* command = add_command(
        object, "test", "Which rule decides about a flow, and why",
        "  sluice policy test src=10.0.0.5 dst=192.168.1.1 proto=tcp dport=3306 in=tap0\n"
        "  sluice policy test src=10.0.0.5 dst=10.0.0.6 proto=icmp --explain\n"
        "  sluice policy test --file new.yaml src=2001:db8::1 dst=2001:db8::2 dport=443\n"
        "\nFLOW:\n" +
            policy_flow_help());
    auto arguments = std::make_shared<TestArguments>();
    command->add_option("FLOW", arguments->flow, "KEY=VALUE terms")->type_name("")->required();
    command->add_option("--file", arguments->file, "Ask this file in place of what is loaded")
        ->type_name("FILE");
    command->add_flag("--explain", arguments->explain,
                      "Show the rules before it that fit but for one property");
    on_run(command, invocation, [arguments](const Target& target) -> Result<Document> {
        SL_TRY(test, test_policy(target, arguments->file, arguments->flow));
        return policy_test_view(test, arguments->explain);
    });
}

}  // namespace

void add_policy_commands(CLI::App& app, Invocation& invocation) {
    auto* object = add_object(app, "policy", "Which flows may be opened: a stateful firewall");
    add_policy_load(*object, invocation);
    add_policy_looks(*object, invocation);
    add_policy_diff(*object, invocation);
    add_policy_clear(*object, invocation);
    add_policy_test(*object, invocation);
}

}  // namespace sluice::cli
