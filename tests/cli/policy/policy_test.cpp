// SPDX-License-Identifier: GPL-2.0-or-later
// sluice policy: documents, usage errors, and each command live.
#include "cli/view/policy.hpp"

#include <gmock/gmock.h>

#include <fstream>

#include "tests/cli/golden.hpp"
#include "tests/cli/live.hpp"

namespace sluice::cli {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::SizeIs;

const std::string small_policy =
    "groups:\n"
    "  web: [port:tap0, 10.0.1.0/24]\n"
    "defaults:\n"
    "  - {direction: in, action: deny, port: tap0}\n"
    "network-policy:\n"
    "  - name: db-tier\n"
    "    action: allow\n"
    "    source: web\n"
    "    destination: [192.168.1.0/24, '2001:db8::/32']\n"
    "    protocol: tcp\n"
    "    ports: 3306,5432\n"
    "  - {name: ping, action: log, icmp-types: echo-request, expires: 2026-12-01T00:00:00Z}\n"
    "  - {name: rest, action: reject, vlans: '10,20-30', source-macs: '02:00:00:00:00:01'}\n";

LoadedPolicy loaded_policy() {
    LoadedPolicy policy;
    policy.spec = {.text = small_policy, .name = "p.yaml", .loaded = 1'790'000'000'000};
    policy.file = parse_policy_file(small_policy, "p.yaml").value();
    policy.resolved = resolve_policy(policy.file, policy.spec, {});
    policy.generation = 7;
    return policy;
}

PolicyTest explained_test() {
    PolicyTest test;
    test.action = PolicyAction::log;
    test.rule = 2;
    test.name = "ping";
    test.asks = properties_of(loaded_policy().file.rules[1]);
    test.near_misses = {{1, "db-tier", PolicyAction::allow, "protocol"}};
    return test;
}

TEST(PolicyGolden, Documents) {
    expect_golden("policy-list.json", policy_list_view(loaded_policy(), 1'790'000'000'000));
    expect_golden("policy-hits.json",
                  policy_hits_view({{1, "db-tier", PolicyAction::allow, {5, 0, 0, 0}},
                                    {0, "in port:tap0", PolicyAction::deny, {0, 9, 0, 0}},
                                    {0, "", PolicyAction::allow, {3, 0, 0, 0}}}));
    expect_golden("policy-diff.json", policy_diff_view({{PolicyChange::changed, "group web"},
                                                        {PolicyChange::removed, "rule old", 4, 0},
                                                        {PolicyChange::moved, "rule ping", 2, 1}}));
    expect_golden("policy-test.json", policy_test_view(explained_test(), true));
}

TEST(PolicyText, SaysWhichRuleDecides) {
    const auto text_of = [](const PolicyTest& test, bool explain) {
        return capture(Mode::text,
                       [&](Output& output) { output.print(policy_test_view(test, explain)); })
            .out;
    };
    EXPECT_THAT(text_of(explained_test(), true),
                AllOf(HasSubstr("log: rule 2 (ping)"), HasSubstr("icmp-types echo-request"),
                      HasSubstr("db-tier"), HasSubstr("protocol")));
    EXPECT_THAT(text_of(explained_test(), false), testing::Not(HasSubstr("db-tier")));
    PolicyTest by_default;
    by_default.action = PolicyAction::deny;
    by_default.name = "in vm:web1";
    EXPECT_THAT(text_of(by_default, false), HasSubstr("deny: default in vm:web1"));
    EXPECT_THAT(text_of({}, false), HasSubstr("allow: no rule fits, and no default"));
}

TEST(PolicyUsage, ErrorsExitWith2) {
    for (const auto& arguments : std::vector<std::vector<std::string>>{{"policy"},
                                                                       {"policy", "load"},
                                                                       {"policy", "diff"},
                                                                       {"policy", "test"},
                                                                       {"policy", "list", "x"}})
        EXPECT_EQ(run_captured(arguments).code, 2) << testing::PrintToString(arguments);
}

class PolicyLive : public Live {
protected:
    void SetUp() override {
        Live::SetUp();
        bring_up();
        add_ports();
    }
    std::string write_policy(const std::string& text) const {
        const auto path = state_ + "/policy.yaml";
        std::ofstream(path) << text;
        return path;
    }
    static std::string rule(const std::string& name, const std::string& more) {
        return "network-policy:\n  - {name: " + name + ", action: deny" + more + "}\n";
    }
};

TEST_F(PolicyLive, IsLoadedListedTestedAndCleared) {
    refused(3, "policy list", "no policy is loaded");
    refused(3, "policy clear", "no policy is loaded");
    done("policy load " + write_policy(small_policy));
    EXPECT_EQ(done("status")["drift"], Json::array());
    const auto list = done("policy list");
    EXPECT_THAT(list["rules"], SizeIs(3));
    EXPECT_GT(list["generation"].get<int>(), 0);
    const auto test = done("policy test src=10.9.9.9 dst=192.168.1.1 proto=tcp dport=5432 in=tap0");
    EXPECT_EQ(test["rule"], 1);
    EXPECT_EQ(test["action"], "allow");
    EXPECT_EQ(done("policy test src=10.9.9.9 dst=192.168.1.1 dport=1 out=tap0")["default"],
              "in port:tap0");
    EXPECT_EQ(done("policy test src=10.9.9.9 dst=192.168.1.1 dport=5432 --explain")["near_misses"]
                                                                                   [0]["misfit"],
              "source");
    EXPECT_THAT(done("policy hits")["hits"], SizeIs(5));
    done("policy clear");
    EXPECT_EQ(done("status")["drift"], Json::array());
}

TEST_F(PolicyLive, ChangesAreEvents) {
    const auto before = done("status")["map_bytes"].get<std::uint64_t>();
    done("policy load " + write_policy(small_policy));
    EXPECT_GT(done("status")["map_bytes"].get<std::uint64_t>(), before) << "its image counts";
    const auto events = done("events --kind changed")["events"];
    ASSERT_GE(events.size(), 2u);
    EXPECT_THAT(events[0]["text"], testing::HasSubstr(" is up"));
    EXPECT_THAT(events.back()["text"], testing::HasSubstr("load the policy "));
    EXPECT_EQ(events.back()["frame"], nullptr);
    EXPECT_EQ(events.back()["direction"], nullptr);
    done("--dry-run policy clear");
    EXPECT_EQ(done("events --kind changed")["events"].size(), events.size());
}

TEST_F(PolicyLive, WhatIsWrongChangesNothing) {
    done("policy load " + write_policy(small_policy));
    const auto in_force = done("policy list")["generation"];
    refused(2, "policy load " + write_policy("network-policy:\n  - {name: a, acton: deny}\n"),
            ":2:15: unknown key");
    refused(3, "policy load " + write_policy(rule("a", ", source: vm:nobody")),
            ":2:37: VM nobody has no lease");
    refused(3, "policy load " + write_policy(rule("a", ", source: port:tap9")),
            "did you mean port:tap0?");
    refused(1, "policy load /no/such/file", "/no/such/file");
    refused(3, "policy test src=10.0.0.1 dst=10.0.0.2 in=tap9", "tap9 is not a port");
    EXPECT_THAT(done("policy list")["rules"], SizeIs(3));
    EXPECT_EQ(done("policy list")["generation"], in_force);
}

TEST_F(PolicyLive, DryRunAndDiffChangeNothing) {
    const auto file = write_policy(rule("a", ""));
    EXPECT_THAT(done("--dry-run policy load " + file).dump(), HasSubstr("load the policy"));
    refused(3, "policy list", "no policy is loaded");
    EXPECT_EQ(done("policy diff " + file)["differences"][0]["change"], "added");
    EXPECT_EQ(done("policy test --file " + file + " src=::1 dst=::2")["rule"], 1);
    refused(3, "policy list", "no policy is loaded");
}

TEST_F(PolicyLive, FollowsLeasesAndComesBack) {
    done("mac pool add p --prefix 02:1a:2b");
    done("mac alloc web1 --pool p --port tap0 --ip 10.0.0.5");
    done("policy load " + write_policy(rule("a", ", source: vm:web1")));
    const std::string from_web = "policy test src=10.0.0.5 dst=192.168.1.1 proto=udp";
    EXPECT_EQ(done(from_web)["rule"], 1);
    const auto generation = done("policy list")["generation"].get<int>();
    done("mac release web1");
    EXPECT_EQ(done(from_web)["rule"], nullptr);
    EXPECT_GT(done("policy list")["generation"].get<int>(), generation);
    EXPECT_EQ(done("status")["drift"], Json::array());
    done("down");
    done("up");
    EXPECT_THAT(done("policy list")["rules"], SizeIs(1));
    EXPECT_EQ(done("status")["drift"], Json::array());
}

}  // namespace
}  // namespace sluice::cli
