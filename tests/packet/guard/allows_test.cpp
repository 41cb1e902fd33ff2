// SPDX-License-Identifier: GPL-2.0-or-later
// What a guard lets through: the same frames on both hooks, with every check on, go their way as if
// there were no guard.
#include <netinet/in.h>

#include <ostream>
#include <vector>

#include "tests/harness/dissect.hpp"
#include "tests/packet/claims.hpp"
#include "tests/packet/scenario.hpp"

namespace sluice::test {
namespace {

struct AllowedCase {
    const char* name;
    Packet in;
};

void PrintTo(const AllowedCase& row, std::ostream* out) { *out << row.name; }

const Eth eth = to_gateway(vm_a, lan0);
const sl_addr nobody = ip("0.0.0.0");

std::vector<AllowedCase> ip_cases() {
    const Ip4 ip4{.src = vm_a.v4, .dst = server.v4};
    const Ip6 ip6{.src = vm_a.v6, .dst = server.v6};
    Ip4 options = ip4;
    options.options = Bytes(8, 1);
    Ip4 gre = ip4;
    gre.protocol = 47;
    const std::vector<Packet> parts = fragments(eth / ip4 / udp / payload(64), 24);
    const std::vector<Packet> parts6 = fragments(eth / ip6 / udp / payload(64), 24);
    return {
        {"Udp4", eth / ip4 / udp / payload(9)},
        {"Udp6", eth / ip6 / udp / payload(9)},
        {"Tcp4", eth / ip4 / Tcp{.sport = 4000, .dport = 80, .flags = SYN}},
        {"Tcp6", eth / ip6 / Tcp{.sport = 4000, .dport = 80, .flags = SYN}},
        {"Echo4", eth / ip4 / echo_request4(4000)},
        {"Echo6", eth / ip6 / echo_request6(4000)},
        {"Options4", eth / options / udp},
        {"Extensions6", eth / ip6 / Ip6Extension{.type = 0, .body = Bytes(6)} /
                            Ip6Extension{.type = 60, .body = Bytes(6)} / udp},
        {"Gre", eth / gre / payload(30)},
        {"First4", parts[0]},
        {"Later4", parts[1]},
        {"First6", parts6[0]},
        {"Later6", parts6[1]},
        {"TtlRunsOut", eth / Ip4{.src = vm_a.v4, .dst = server.v4, .ttl = 1} / udp},
        {"Unreachable4", eth / ip4 / Icmp{.type = 3, .code = 3} / payload(28)},
        {"ToANeighbour", to(stranger_mac) / ip4 / udp},
        {"ToTheGateway", eth / Ip4{.src = vm_a.v4, .dst = ip("10.0.0.1")} / udp},
        {"Broadcast", to(everybody) / Ip4{.src = vm_a.v4, .dst = ip("10.0.0.255")} / udp},
        {"Igmp", to({1, 0, 0x5e, 0, 0, 0x16}) /
                     Ip4{.src = vm_a.v4, .dst = ip("224.0.0.22"), .protocol = 2} / payload(16)},
        {"FromItsLinkLocal", eth / Ip6{.src = own_link_local, .dst = ip("fe80::1")} / udp},
    };
}

/// With the router alert that IGMP has.
Packet igmp_from_nobody(std::uint8_t type) {
    Raw body = payload(16);
    body.bytes[0] = type;
    return to({1, 0, 0x5e, 0, 0, 0x16}) /
           Ip4{.src = nobody,
               .dst = ip("224.0.0.22"),
               .ttl = 1,
               .options = {0x94, 4, 0, 0},
               .protocol = 2} /
           body;
}

std::vector<AllowedCase> claim_cases() {
    const Mac own = vm_a.mac;
    const Packet from_own = nd_ip(own, vm_a.v6), from_nobody = nd_ip(own, unspecified);
    const Bytes source = nd_option(1, own), target = nd_option(2, own);
    const Raw renewal = bootp_body({.chaddr = own, .message = 3});
    Bytes nonce = source;
    nonce.insert(nonce.end(), {14, 1, 1, 2, 3, 4, 5, 6});
    return {
        {"ArpRequest",
         arp_frame(own, {.sender_mac = own, .sender = vm_a.v4, .target = ip("10.0.0.1")})},
        {"ArpReply", arp_frame(own, {.operation = 2, .sender_mac = own, .sender = vm_a.v4})},
        {"ArpGratuitous",
         arp_frame(own, {.sender_mac = own, .sender = vm_a.v4, .target = vm_a.v4})},
        {"ArpProbe", arp_frame(own, {.sender_mac = own, .sender = nobody, .target = vm_a.v4})},
        {"ArpFromNobodyForNobody",
         arp_frame(own, {.sender_mac = own, .sender = nobody, .target = nobody})},
        {"RarpOfQemu", rarp_frame(own, {.operation = 3,
                                        .sender_mac = own,
                                        .sender = nobody,
                                        .target_mac = own,
                                        .target = nobody})},
        {"RarpWithOwnAddress", rarp_frame(own, {.operation = 3,
                                                .sender_mac = own,
                                                .sender = vm_a.v4,
                                                .target_mac = own,
                                                .target = vm_a.v4})},
        {"Solicits", nd(from_own, NS, ip("fd00:a::77"), source)},
        {"SolicitsWithNonce", nd(from_own, NS, ip("fd00:a::77"), nonce)},
        {"Advertises", nd(from_own, NA, vm_a.v6, target)},
        {"AdvertisesLinkLocal", nd(nd_ip(own, own_link_local), NA, own_link_local, target)},
        {"Dad", nd(from_nobody, NS, vm_a.v6)},
        {"DadOfLinkLocal", nd(from_nobody, NS, own_link_local)},
        {"SolicitsRouters", nd(nd_ip(own, own_link_local), RS, std::nullopt, source)},
        {"SolicitsRoutersFromNobody", nd(from_nobody, RS, std::nullopt)},
        {"MldReportFromNobody", from_nobody / Ip6Extension{.type = 0, .body = {5, 2, 0, 0, 1, 0}} /
                                    Icmp{.type = 143} / payload(20)},
        {"Mld1ReportFromNobody", from_nobody / Ip6Extension{.type = 0, .body = {5, 2, 0, 0, 1, 0}} /
                                     Icmp{.type = 131} / payload(16)},
        {"MldDoneFromNobody", from_nobody / Ip6Extension{.type = 0, .body = {5, 2, 0, 0, 1, 0}} /
                                  Icmp{.type = 132} / payload(16)},
        {"IgmpReportFromNobody", igmp_from_nobody(0x22)},
        {"Igmp2ReportFromNobody", igmp_from_nobody(0x16)},
        {"Igmp1ReportFromNobody", igmp_from_nobody(0x12)},
        {"IgmpLeaveFromNobody", igmp_from_nobody(0x17)},
        {"SolicitsRouters4FromNobody", to({1, 0, 0x5e, 0, 0, 2}) /
                                           Ip4{.src = nobody, .dst = ip("224.0.0.2"), .ttl = 1} /
                                           Icmp{.type = 10}},
        {"SolicitsRouters4ByBroadcast",
         to(everybody) / Ip4{.src = nobody, .dst = ip("255.255.255.255"), .ttl = 1} /
             Icmp{.type = 10}},
        {"MldReport", from_own / Icmp{.type = 131} / payload(16)},
        {"MldDone", from_own / Icmp{.type = 132} / payload(16)},
        {"DhcpDiscover", dhcp_request(own, {.chaddr = own})},
        {"DhcpRenewal",
         eth / Ip4{.src = vm_a.v4, .dst = server.v4} / Udp{.sport = 68, .dport = 67} / renewal},
        {"Dhcp6", Eth{.dst = {0x33, 0x33, 0, 1, 0, 2}, .src = own} /
                      Ip6{.src = own_link_local, .dst = ip("ff02::1:2")} /
                      Udp{.sport = 546, .dport = 547} / payload(30)},
    };
}

class Allowed : public GateTest, public testing::WithParamInterface<AllowedCase> {
protected:
    static Outcome alone(Hook hook, const Bytes& frame, bool guarded) {
        gate().reset();
        masquerade_a(1);  // so that every frame's own port can be kept
        if (guarded) gate().set_guard(lan0, guard_of(vm_a));
        return send(hook, lan0, frame);
    }
};

TEST_P(Allowed, OnBothHooks) {
    const Bytes frame = serialise(GetParam().in);
    for (const Hook hook : {Hook::xdp, Hook::tc}) {
        const Outcome unguarded = alone(hook, frame, false);
        const Outcome guarded = alone(hook, frame, true);
        const bool left_to_tc = hook == Hook::xdp && guarded.verdict == Verdict::pass;
        EXPECT_EQ(difference(left_to_tc ? frame : unguarded.packet, guarded.packet), "")
            << hook_text(hook);
        EXPECT_EQ(guarded.verdict, left_to_tc ? Verdict::pass : unguarded.verdict)
            << hook_text(hook);
    }
}

// The plain ones are finished by XDP and not left to TC.
TEST_F(Allowed, PlainPacketsAreForwardedByXdp) {
    for (const Packet& in : {a_to_server4() / udp, a_to_server6() / udp}) {
        masquerade_a();
        gate().set_guard(lan0, guard_of(vm_a));
        EXPECT_EQ(send(Hook::xdp, lan0, serialise(in)).verdict, Verdict::forward);
    }
}

INSTANTIATE_TEST_SUITE_P(Ip, Allowed, testing::ValuesIn(ip_cases()), name_of);
INSTANTIATE_TEST_SUITE_P(Claim, Allowed, testing::ValuesIn(claim_cases()), name_of);

/// Guards that allow more than one MAC and address.
class Sets : public GateTest {
protected:
    static void expect_from(const Mac& mac, const sl_addr& source, Verdict tc) {
        const bool v4 = source.w[0] == 0 && source.w[1] == 0;
        const Packet in =
            v4 ? Eth{.dst = stranger_mac, .src = mac} / Ip4{.src = source, .dst = server.v4} / udp
               : Eth{.dst = stranger_mac, .src = mac} / Ip6{.src = source, .dst = server.v6} / udp;
        for (const Hook hook : {Hook::xdp, Hook::tc})
            EXPECT_EQ(send(hook, lan0, serialise(in)).verdict, tc) << hook_text(hook);
    }
};

TEST_F(Sets, SixtyFourMacsAndAddresses) {
    GuardConfig config;
    for (std::uint8_t i = 0; i < 64; ++i) {
        config.macs.push_back({2, 0x1a, 0x2b, 7, static_cast<std::uint8_t>(i * 37), i});
        sl_addr address = i % 2 ? ip("10.0.0.0") : ip("fd00:a::");
        address.b[15] = static_cast<std::uint8_t>(10 + i);
        config.addresses.push_back(address);
    }
    gate().set_guard(lan0, config);
    for (std::size_t i = 0; i < 64; ++i)
        expect_from(config.macs[i], config.addresses[63 - i], Verdict::pass);
    for (std::size_t i = 0; i < 64; ++i) {
        Mac mac = config.macs[i];
        mac[3] = 8;
        expect_from(mac, config.addresses[i], Verdict::drop);
        sl_addr address = config.addresses[i];
        address.b[15] = static_cast<std::uint8_t>(address.b[15] + 100);
        expect_from(config.macs[i], address, Verdict::drop);
    }
    EXPECT_EQ(gate().drops(lan0.id, SL_DROP_GUARD_MAC).packets, 128u);
    EXPECT_EQ(gate().drops(lan0.id, SL_DROP_GUARD_IP).packets, 128u);
}

TEST_F(Sets, Networks) {
    GuardConfig config{.macs = {vm_a.mac},
                       .networks = {{ip("10.7.0.0"), 96 + 16}, {ip("fd00:77::"), 64}}};
    gate().set_guard(lan0, config);
    gate()
        .map<sl_guard_prefix, __u32>("sl_guard_prefixes")
        .put({32 + 96 + 24, 2u * lan0.id + 1, ip("10.7.9.0")}, 0);
    // Another port's networks are another's.
    gate().set_guard(lan1, {.macs = {vm_b.mac}, .networks = {{ip("10.8.0.0"), 96 + 16}}});
    for (const char* own : {"10.7.0.0", "10.7.255.255", "fd00:77::", "fd00:77::ffff:ffff:1:1"})
        expect_from(vm_a.mac, ip(own), Verdict::pass);
    for (const char* others :
         {"10.6.255.255", "10.8.0.1", "10.7.9.1", "fd00:77:0:1::1", "fd00:76::1"})
        expect_from(vm_a.mac, ip(others), Verdict::drop);
}

TEST_F(Sets, EmptyListsAllowNothing) {
    gate().set_guard(lan0, {.macs = {vm_a.mac}});
    expect_from(vm_a.mac, vm_a.v4, Verdict::drop);
    expect_from(vm_a.mac, vm_a.v6, Verdict::drop);
    gate().set_guard(lan0, {.addresses = {vm_a.v4}});
    expect_from(vm_a.mac, vm_a.v4, Verdict::drop);
}

// Groups and the all-zero MAC are nobody's, whatever is on.
TEST_F(Sets, NobodysMacs) {
    gate().set_guard(lan0, {.checks = SL_GUARD_RA});
    for (const Mac& mac : {everybody, Mac{}, Mac{1, 0, 0x5e, 0, 0, 1}, Mac{3, 0, 0, 0, 0, 2}})
        expect_from(mac, vm_a.v4, Verdict::drop);
    EXPECT_EQ(gate().drops(lan0.id, SL_DROP_GUARD_MAC).packets, 8u);
    expect_from(stranger_mac, vm_b.v4, Verdict::pass);
}

TEST_F(Sets, StandbyReceivesButDoesNotSend) {
    gate().set_guard(lan0, {.standby = {vm_a.mac}, .addresses = {vm_a.v4}});
    expect_from(vm_a.mac, vm_a.v4, Verdict::drop);
    EXPECT_EQ(gate().drops(lan0.id, SL_DROP_GUARD_STANDBY).packets, 2u);
    gate().set_guard(lan0, {.checks = SL_GUARD_RA, .standby = {vm_a.mac}});
    expect_from(vm_a.mac, vm_a.v4, Verdict::drop);
}

TEST_F(Sets, AllowedEthertypes) {
    GuardConfig config = guard_of(vm_a);
    config.ethertypes = {0x88cc, 0x8847};
    gate().set_guard(lan0, config);
    const auto frame = [](std::uint16_t type) {
        return Eth{.dst = everybody, .src = vm_a.mac, .type = type} / payload(50);
    };
    for (const Hook hook : {Hook::xdp, Hook::tc}) {
        expect_pass(hook, lan0, frame(0x88cc));
        expect_pass(hook, lan0, frame(0x8847));
        expect_drop(hook, lan0, frame(0x88cd), SL_DROP_GUARD_ETHERTYPE);
        expect_drop(hook, lan0, frame(0), SL_DROP_GUARD_LLC);
    }
}

TEST_F(Sets, TrunksTakeOneTag) {
    sl_port trunk = port_entry(lan0);
    gate().set_guard(lan0, guard_of(vm_a));
    trunk.guard = 2 * lan0.id + 1;
    trunk.role = SL_ROLE_TRUNK;
    gate().set_port(lan0, trunk);
    const Ip4 ip4{.src = vm_a.v4, .dst = server.v4};
    for (const Hook hook : {Hook::xdp, Hook::tc}) {
        for (const std::uint16_t vid : {1, 30, 4094})
            expect_pass(hook, lan0, eth / Vlan{.vid = vid} / ip4 / udp);
        expect_pass(hook, lan0, Eth{.dst = stranger_mac, .src = vm_a.mac} / ip4 / udp);
        for (const std::uint16_t vid : {0, 4095})
            expect_drop(hook, lan0, eth / Vlan{.vid = vid} / ip4 / udp, SL_DROP_GUARD_TAG);
        expect_drop(hook, lan0, eth / Vlan{.vid = 30} / Vlan{.vid = 30} / ip4 / udp,
                    SL_DROP_GUARD_TAG);
        expect_drop(hook, lan0, eth / Vlan{.vid = 1} / Vlan{.vid = 2} / Vlan{.vid = 3} / ip4,
                    SL_DROP_GUARD_TAG);
        Packet spoofed = eth / Vlan{.vid = 30} / ip4 / udp;
        spoofed.get<Ip4>().src = vm_b.v4;
        expect_drop(hook, lan0, spoofed, SL_DROP_GUARD_IP);
    }
}

// What `--dhcp-server allow` and `--ra allow` are for.
TEST_F(Sets, RoutersAndServers) {
    gate().set_guard(lan0, guard_of(vm_a, all_checks & ~(SL_GUARD_RA | SL_GUARD_DHCP_SERVER)));
    const Ip4 ip4{.src = vm_a.v4, .dst = ip("255.255.255.255")};
    expect_pass(Hook::tc, lan0,
                to(everybody) / ip4 / Udp{.sport = 67, .dport = 68} /
                    bootp_body({.op = 2, .chaddr = vm_b.mac, .message = 2}));
    expect_pass(
        Hook::tc, lan0,
        to(everybody) / ip4 / Udp{.sport = 67, .dport = 67} / bootp_body({.chaddr = vm_b.mac}));
    const Packet below = nd_ip(vm_a.mac, own_link_local);
    expect_pass(Hook::tc, lan0, nd(below, RA, std::nullopt, nd_option(1, vm_a.mac)));
    expect_drop(Hook::tc, lan0, nd(below, RA, std::nullopt, nd_option(1, vm_b.mac)),
                SL_DROP_GUARD_ND);
    expect_pass(Hook::tc, lan0, nd(below, REDIRECT, ip("fd00:a::9"), nd_option(2, vm_b.mac)));
}

}  // namespace
}  // namespace sluice::test
