// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/policy/diff.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

#include "tests/unit/policy/sample.hpp"

namespace sluice {
namespace {

using sample::policy_of;
using testing::ElementsAre;
using testing::IsEmpty;

std::vector<std::string> changes(const PolicyFile& before, const PolicyFile& after) {
    constexpr std::array<std::string_view, 4> names{"added", "removed", "changed", "moved"};
    std::vector<std::string> texts;
    for (const auto& it : compare_policies(before, after))
        texts.push_back(fmt::format("{} {} {}>{}", names[static_cast<std::size_t>(it.change)],
                                    it.what, it.before, it.after));
    return texts;
}

const std::string rule_a = "- {name: a, action: allow, ports: 80}\n";
const std::string rule_b = "- {name: b, action: deny}\n";
const std::string rule_c = "- {name: c, action: log, vlans: 7}\n";

TEST(PolicyDiff, RulesAreKnownByTheirNames) {
    const auto before = policy_of(rule_a + rule_b);
    EXPECT_THAT(changes(before, before), IsEmpty());
    EXPECT_THAT(changes(before, policy_of(rule_a)), ElementsAre("removed rule b 2>0"));
    EXPECT_THAT(changes(before, policy_of(rule_c + rule_a + rule_b)),
                ElementsAre("added rule c 0>1"));
    EXPECT_THAT(changes(before, policy_of("- {name: a, action: allow, ports: 81}\n" + rule_b)),
                ElementsAre("changed rule a 1>1"));
    EXPECT_THAT(changes(before, policy_of("- {name: a, action: deny, ports: 80}\n" + rule_b)),
                ElementsAre("changed rule a 1>1"));
}

TEST(PolicyDiff, OfRulesInAnotherOrderAsFewAsPossibleHaveMoved) {
    EXPECT_THAT(changes(policy_of(rule_a + rule_b + rule_c), policy_of(rule_c + rule_a + rule_b)),
                ElementsAre("moved rule c 3>1"));
    EXPECT_THAT(changes(policy_of(rule_a + rule_b), policy_of(rule_b + rule_a)).size(), 1u);
}

TEST(PolicyDiff, GroupsAndDefaultsToo) {
    const auto with = [](const std::string& text) { return parse_policy_file(text, "p").value(); };
    const auto before = with("groups: {a: [vm:x], b: [vm:x]}\n");
    EXPECT_THAT(changes(before, with("groups: {a: [vm:y], c: [vm:x]}\n")),
                ElementsAre("removed group b 0>0", "changed group a 0>0", "added group c 0>0"));
    EXPECT_THAT(changes(with("defaults: [{direction: in, action: deny}]\n"),
                        with("defaults: [{direction: out, action: deny}]\n")),
                ElementsAre("changed defaults 0>0"));
}

}  // namespace
}  // namespace sluice
