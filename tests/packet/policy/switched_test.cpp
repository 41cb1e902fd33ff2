// SPDX-License-Identifier: GPL-2.0-or-later
// The policy between ports of the switch.
#include "tests/packet/policy/scenario.hpp"
#include "tests/packet/switch/scenario.hpp"

namespace sluice::test {
namespace {

class SwitchedPolicy : public WithPolicy<SwitchWays> {
protected:
    void SetUp() override {
        WithPolicy::SetUp();
        for (const std::size_t port : {0, 1}) rig().set(port, tracked(access(10)));
    }
    static Packet datagram(const Mac& from, const Mac& to, const char* source,
                           const char* destination, const Udp& ports) {
        return Eth{.dst = to, .src = from} / Ip4{.src = ip(source), .dst = ip(destination)} /
               ports / payload(30);
    }
    const Mac peer_ = station(1);
    const Packet there_ = datagram(vm, peer_, "10.9.0.1", "10.9.0.2", {.sport = 40, .dport = 53});
    const Packet back_ = datagram(peer_, vm, "10.9.0.2", "10.9.0.1", {.sport = 53, .dport = 40});
};
SWITCH_WAYS(SwitchedPolicy);

TEST_P(SwitchedPolicy, JudgesWhatBegins) {
    pass(GetParam(), 0, frame(vm, peer_));
    pass(GetParam(), 1, frame(peer_, vm));
    auto inward = rule(PolicyAction::deny);
    inward.destination = at_port(rig().id(0));
    maps().put({.rules = {inward}});
    expect_drop(GetParam(), 1, back_, SL_DROP_POLICY_DENY);
    expect_copies(GetParam(), 0, there_, by({1}, there_));
    expect_copies(GetParam(), 1, back_, by({0}, back_));
    expect_copies(GetParam(), 0, there_, by({1}, there_));
    // Another policy cuts it at once.
    auto outward = rule(PolicyAction::deny);
    outward.source = at_port(rig().id(0));
    maps().put({.rules = {outward}});
    expect_drop(GetParam(), 1, back_, SL_DROP_POLICY_DENY);
    expect_drop(GetParam(), 0, there_, SL_DROP_POLICY_DENY);
    maps().clear();
    expect_copies(GetParam(), 1, back_, by({0}, back_));
}

TEST_P(SwitchedPolicy, RejectsInTheNameOfTheDestination) {
    pass(GetParam(), 0, frame(vm, peer_));
    pass(GetParam(), 1, frame(peer_, vm));
    maps().put({.rules = {rule(PolicyAction::reject)}});
    const auto cause = serialise(there_);
    const Packet error = Eth{.dst = vm, .src = peer_} /
                         Ip4{.src = ip("10.9.0.2"), .dst = ip("10.9.0.1"), .tos = 0xc0, .id = 0} /
                         Icmp{.type = 3, .code = 13} /
                         Raw{Bytes(cause.begin() + eth_header, cause.end())};
    expect_copies(GetParam(), 0, there_, by({0}, error));
}

TEST_P(SwitchedPolicy, RejectsInSilenceWhatIsForGroups) {
    maps().put({.rules = {rule(PolicyAction::reject)}});
    const Mac group4{1, 0, 0x5e, 0, 0, 0xfb}, group6{0x33, 0x33, 0, 0, 0, 0xfb};
    const Tcp syn{.sport = 4000, .dport = 80, .flags = SYN};
    const auto to4 = [](const Mac& mac, const char* address) {
        return Eth{.dst = mac, .src = vm} / Ip4{.src = ip("10.9.0.1"), .dst = ip(address)};
    };
    const auto to6 =
        Eth{.dst = group6, .src = vm} / Ip6{.src = ip("fd09::1"), .dst = ip("ff02::fb")};
    for (const Packet& head : {to4(group4, "224.0.0.251"), to4(everybody, "10.9.0.255"),
                               to4(everybody, "10.9.0.2"), to4(unknown, "224.0.0.251"), to6}) {
        expect_drop(GetParam(), 0, head / udp / payload(9), SL_DROP_POLICY_REJECT);
        expect_drop(GetParam(), 0, head / syn, SL_DROP_POLICY_REJECT);
    }
}

}  // namespace
}  // namespace sluice::test
