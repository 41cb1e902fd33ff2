// SPDX-License-Identifier: GPL-2.0-or-later
// The egress hook: what the host sends, or the kernel forwards past sluice.
#include "tests/packet/scenario.hpp"

namespace sluice::test {
namespace {

using Egress = GateTest;

Packet leaving_wan(const sl_addr& source) {
    return from_gateway(wan0, router) / Ip4{.src = source, .dst = server.v4} /
           Udp{.sport = 4000, .dport = 53} / payload(20);
}

TEST_F(Egress, UntranslatedSourceOfAMasqueradeIsDropped) {
    masquerade_a();
    const Packet tcp = from_gateway(wan0, router) / Ip4{.src = vm_a.v4, .dst = server.v4} /
                       Tcp{.sport = 4000, .dport = 80};
    Packet gre = from_gateway(wan0, router) / Ip4{.src = vm_a.v4, .dst = server.v4} / payload(30);
    gre.get<Ip4>().protocol = 47;
    const Packet later = fragments(leaving_wan(vm_a.v4), 8)[1];
    const Packet tagged = from_gateway(wan0, router) / Vlan{.vid = 7} /
                          Ip4{.src = vm_a.v4, .dst = server.v4} / Udp{.sport = 1, .dport = 2};
    for (const Packet& in : {leaving_wan(vm_a.v4), tcp, gre, later, tagged})
        expect_drop(Hook::egress, wan0, in, SL_DROP_UNTRANSLATED);
}

TEST_F(Egress, DamagedPacketsOfAMasqueradedSourceDoNotLeaveEither) {
    masquerade_a();
    Packet cut = from_gateway(wan0, router) / Ip4{.src = vm_a.v4, .dst = server.v4} / payload(4);
    cut.get<Ip4>().protocol = 6;
    EXPECT_EQ(send(Hook::egress, wan0, serialise(cut)).verdict, Verdict::drop);
}

TEST_F(Egress, HostsOwnTrafficPasses) {
    masquerade_a();
    expect_pass(Hook::egress, wan0, leaving_wan(ip("192.0.2.1")));
    expect_pass(Hook::egress, wan0, leaving_wan(external));
    expect_pass(Hook::egress, wan0,
                from_gateway(wan0, router) / Ip6{.src = ip("2001:db8:1::1"), .dst = server.v6} /
                    Tcp{.sport = 1, .dport = 2});
    expect_pass(
        Hook::egress, wan0,
        Eth{.dst = {255, 255, 255, 255, 255, 255}, .src = wan0.mac, .type = 0x0806} / payload(28));
}

TEST_F(Egress, OtherSourcesAndOtherPortsPass) {
    masquerade_a();
    expect_pass(Hook::egress, wan0, leaving_wan(vm_b.v4));
    const Packet to_b = from_gateway(lan1, vm_b) / Ip4{.src = vm_a.v4, .dst = vm_b.v4} /
                        Udp{.sport = 1, .dport = 2};
    expect_pass(Hook::egress, lan1, to_b);
}

/// By an uplink that does not know the network it leaves only if it is routable there.
TEST_F(Egress, AMasqueradedSourceLeavesNoOtherUplink) {
    masquerade_a();
    const Packet thin = from_gateway(thin0, thin_host) / Ip4{.src = vm_a.v4, .dst = thin_host.v4} /
                        Udp{.sport = 1, .dport = 2};
    expect_drop(Hook::egress, thin0, thin, SL_DROP_UNTRANSLATED);
    gate().routable(ip("10.0.0.0"), 24, thin0);
    expect_pass(Hook::egress, thin0, thin);
}

TEST_F(Egress, WithoutMasqueradeEverythingPasses) {
    expect_pass(Hook::egress, wan0, leaving_wan(vm_a.v4));
}

}  // namespace
}  // namespace sluice::test
