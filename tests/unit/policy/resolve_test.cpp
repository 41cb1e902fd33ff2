// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/policy/resolve.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/policy/sample.hpp"

namespace sluice {
namespace {

using sample::two_ports;
using testing::ElementsAre;
using testing::IsEmpty;

TEST(PolicyResolve, NamesBecomeAddressesAndPorts) {
    const auto file = parse_policy_file(
                          "groups: {all: [inner, 10.9.0.0/16], inner: [vm:web, port:eth0]}\n"
                          "defaults: [{direction: in, action: deny, vm: web}]\n"
                          "network-policy:\n"
                          "- {name: a, action: allow, source: all, in: 2h}\n"
                          "- {name: b, action: allow, destination: [vm:gone, port:gone]}\n",
                          "p")
                          .value();
    PolicySpec spec{.text = {}, .name = {}, .loaded = 1'000};
    spec.vms = {{"web", {Address::parse("10.0.0.5").value()}, {"tap0", "gone"}}};
    const auto policy = resolve_policy(file, spec, two_ports);
    const auto& source = policy.rules[0].source;
    EXPECT_FALSE(source.any);
    EXPECT_THAT(source.ports, ElementsAre(3, 9));
    EXPECT_THAT(source.prefixes, ElementsAre(Prefix::parse("10.0.0.5").value(),
                                             Prefix::parse("10.9.0.0/16").value()));
    EXPECT_TRUE(policy.rules[0].destination.any);
    EXPECT_EQ(policy.rules[0].expires, 1'000 + 2 * 3'600'000);
    EXPECT_FALSE(policy.rules[1].destination.any) << "who is not there is nobody";
    EXPECT_THAT(policy.rules[1].destination.prefixes, IsEmpty());
    ASSERT_EQ(policy.in_defaults.size(), 1u);
    EXPECT_THAT(policy.in_defaults[0].destination.ports, ElementsAre(3));
    EXPECT_THAT(policy.out_defaults, IsEmpty());
}

}  // namespace
}  // namespace sluice
