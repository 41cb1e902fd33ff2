// SPDX-License-Identifier: GPL-2.0-or-later
// The guard, refusal by refusal, on both hooks. Each frame breaks one rule: it is dropped with
// that rule's reason, also when no other rule is on, and goes its way as if there were no guard
// when that rule is off or the guard only looks on.
#include <netinet/in.h>

#include <optional>
#include <ostream>
#include <vector>

#include "tests/harness/dissect.hpp"
#include "tests/packet/claims.hpp"
#include "tests/packet/scenario.hpp"

namespace sluice::test {
namespace {

enum class OnXdp : std::uint8_t { drops, leaves };

struct AttackCase {
    const char* name;
    sl_drop reason;
    std::uint32_t check;
    Packet in;
    OnXdp xdp = OnXdp::drops;
};

void PrintTo(const AttackCase& row, std::ostream* out) { *out << row.name; }

const sl_addr victim4 = ip("10.0.0.77");
const sl_addr victim6 = ip("fd00:a::77");

Packet udp4_from(const Mac& mac, const sl_addr& source) {
    return Eth{.dst = lan0.mac, .src = mac} / Ip4{.src = source, .dst = server.v4} / udp /
           payload(20);
}
Packet udp6_from(const Mac& mac, const sl_addr& source) {
    return Eth{.dst = lan0.mac, .src = mac} / Ip6{.src = source, .dst = server.v6} / udp /
           payload(20);
}

std::vector<AttackCase> mac_cases() {
    const auto row = [](const char* name, const Mac& mac) {
        return AttackCase{name, SL_DROP_GUARD_MAC, SL_GUARD_MAC, udp4_from(mac, vm_a.v4)};
    };
    return {
        row("AnotherMac4", stranger_mac),
        row("OneBitOff", {2, 0, 0, 0, 0x0a, 3}),
        row("HostsOwnMac", lan0.mac),
        {"AnotherMac6", SL_DROP_GUARD_MAC, SL_GUARD_MAC, udp6_from(stranger_mac, vm_a.v6)},
        {"AnotherMacOfUnknownType", SL_DROP_GUARD_MAC, SL_GUARD_MAC,
         Eth{.dst = everybody, .src = stranger_mac, .type = 0x0806} /
             arp_body({.sender_mac = stranger_mac, .sender = vm_a.v4})},
    };
}

Packet igmp_from_nobody(std::uint8_t type, const sl_addr& dst) {
    Raw body = payload(16);
    body.bytes[0] = type;
    return to({1, 0, 0x5e, 0, 0, 0x16}) /
           Ip4{.src = ip("0.0.0.0"), .dst = dst, .ttl = 1, .protocol = 2} / body;
}

std::vector<AttackCase> address_cases() {
    const auto row = [](const char* name, const Packet& in) {
        return AttackCase{name, SL_DROP_GUARD_IP, SL_GUARD_IP, in};
    };
    Packet gre = udp4_from(vm_a.mac, victim4);
    gre.get<Ip4>().protocol = 47;
    const std::vector<Packet> parts =
        fragments(to(lan0.mac) / Ip4{.src = victim4, .dst = server.v4} / udp / payload(64), 24);
    const std::vector<Packet> parts6 =
        fragments(to(lan0.mac) / Ip6{.src = victim6, .dst = server.v6} / udp / payload(64), 24);
    return {
        row("Udp4", udp4_from(vm_a.mac, victim4)),
        row("Udp6", udp6_from(vm_a.mac, victim6)),
        row("ServersAddress", udp4_from(vm_a.mac, server.v4)),
        row("Tcp4", to(lan0.mac) / Ip4{.src = victim4, .dst = server.v4} /
                        Tcp{.sport = 4000, .dport = 80, .flags = SYN}),
        row("Echo4", to(lan0.mac) / Ip4{.src = victim4, .dst = server.v4} / echo_request4(4000)),
        row("Echo6", to(lan0.mac) / Ip6{.src = victim6, .dst = server.v6} / echo_request6(1)),
        row("OtherProtocol", gre),
        row("Options4",
            to(lan0.mac) / Ip4{.src = victim4, .dst = server.v4, .options = Bytes(8, 1)} / udp),
        row("Extensions6", to(lan0.mac) / Ip6{.src = victim6, .dst = server.v6} /
                               Ip6Extension{.type = 0, .body = Bytes(6)} /
                               Ip6Extension{.type = 43, .body = Bytes(6)} / udp),
        row("FirstFragment4", parts[0]),
        row("LaterFragment4", parts[1]),
        row("FirstFragment6", parts6[0]),
        row("LaterFragment6", parts6[1]),
        row("Broadcast", to(everybody) / Ip4{.src = victim4, .dst = ip("10.0.0.255")} / udp),
        row("Nobody4", udp4_from(vm_a.mac, ip("0.0.0.0"))),
        row("Nobody6", udp6_from(vm_a.mac, unspecified)),
        row("NobodyAsksOtherPort", to(everybody) /
                                       Ip4{.src = ip("0.0.0.0"), .dst = ip("255.255.255.255")} /
                                       Udp{.sport = 68, .dport = 69}),
        row("Loopback6", udp6_from(vm_a.mac, ip("::1"))),
        row("LinkLocalOfAnother", udp6_from(vm_a.mac, link_local(vm_b.mac))),
        row("LinkLocalOfNoMac", udp6_from(vm_a.mac, ip("fe80::1"))),
        row("LinkLocalOfAnotherNetwork", udp6_from(vm_a.mac, ip("fe80:0:0:1:0:ff:fe00:a02"))),
        row("Mapped4InIpv6", udp6_from(vm_a.mac, ip("::ffff:10.0.0.2"))),
        row("EchoFromNobody6",
            to(all_nodes) / Ip6{.src = unspecified, .dst = ip("ff02::1")} / echo_request6(1)),
        row("IgmpQueryFromNobody", igmp_from_nobody(0x11, ip("224.0.0.1"))),
        row("IgmpReportFromNobodyToAHost", igmp_from_nobody(0x22, server.v4)),
        row("IgmpCut", to({1, 0, 0x5e, 0, 0, 0x16}) /
                           Ip4{.src = ip("0.0.0.0"), .dst = ip("224.0.0.22"), .protocol = 2} /
                           Raw{{0x22, 0, 0, 0}}),
        row("SolicitsRouters4OfAHost",
            to(lan0.mac) / Ip4{.src = ip("0.0.0.0"), .dst = server.v4} / Icmp{.type = 10}),
        row("EchoFromNobody4",
            to(everybody) / Ip4{.src = ip("0.0.0.0"), .dst = ip("224.0.0.1")} / echo_request4(1)),
        row("MldQueryFromNobody", nd_ip(vm_a.mac, unspecified) / Icmp{.type = 130} / payload(20)),
        row("FragmentOfNobodysReport",
            fragments(nd_ip(vm_a.mac, unspecified) / Icmp{.type = 143} / payload(40), 24)[0]),
        row("Igmp", to({1, 0, 0x5e, 0, 0, 0x16}) /
                        Ip4{.src = victim4, .dst = ip("224.0.0.22"), .protocol = 2} / payload(16)),
    };
}

std::vector<AttackCase> arp_cases() {
    const auto row = [](const char* name, Arp arp) {
        return AttackCase{name, SL_DROP_GUARD_ARP, SL_GUARD_ARP, arp_frame(vm_a.mac, arp)};
    };
    const auto rarp = [](const char* name, Arp arp) {
        return AttackCase{name, SL_DROP_GUARD_ARP, SL_GUARD_ARP, rarp_frame(vm_a.mac, arp)};
    };
    const sl_addr nobody = ip("0.0.0.0");
    const Mac own = vm_a.mac;
    const Packet cut = to(everybody, 0x0806) / Raw{Bytes(20, 0)};
    return {
        row("Request", {.sender_mac = own, .sender = victim4, .target = vm_a.v4}),
        row("Reply", {.operation = 2, .sender_mac = own, .sender = victim4}),
        row("Gratuitous", {.sender_mac = own, .sender = victim4, .target = victim4}),
        row("GratuitousReply",
            {.operation = 2, .sender_mac = own, .sender = victim4, .target = victim4}),
        row("OwnAddressAnothersMac",
            {.operation = 2, .sender_mac = stranger_mac, .sender = vm_a.v4}),
        row("GatewaysAddress",
            {.operation = 2, .sender_mac = own, .sender = ip("10.0.0.1"), .target = vm_a.v4}),
        row("Probe", {.sender_mac = own, .sender = nobody, .target = victim4}),
        row("ProbeForTheGateways", {.sender_mac = own, .sender = nobody, .target = ip("10.0.0.1")}),
        row("ProbeAsReply",
            {.operation = 2, .sender_mac = own, .sender = nobody, .target = victim4}),
        row("Hardware", {.sender_mac = own, .sender = vm_a.v4, .hardware = 6}),
        row("Protocol", {.sender_mac = own, .sender = vm_a.v4, .protocol = 0x86dd}),
        row("HardwareLength", {.sender_mac = own, .sender = vm_a.v4, .hardware_length = 8}),
        row("ProtocolLength", {.sender_mac = own, .sender = vm_a.v4, .protocol_length = 16}),
        {"Cut", SL_DROP_GUARD_ARP, SL_GUARD_ARP, cut},
        rarp("RarpForAnother",
             {.operation = 3, .sender_mac = own, .sender = nobody, .target_mac = stranger_mac}),
        rarp("RarpFromAnother",
             {.operation = 3, .sender_mac = stranger_mac, .sender = nobody, .target_mac = own}),
        rarp("RarpClaims",
             {.operation = 4, .sender_mac = own, .sender = victim4, .target_mac = own}),
        rarp("RarpGives", {.operation = 4,
                           .sender_mac = own,
                           .sender = nobody,
                           .target_mac = own,
                           .target = victim4}),
    };
}

std::vector<AttackCase> nd_cases() {
    const auto row = [](const char* name, const Packet& in) {
        return AttackCase{name, SL_DROP_GUARD_ND, SL_GUARD_ND, in};
    };
    const Packet own = nd_ip(vm_a.mac, vm_a.v6);
    const Bytes source = nd_option(1, stranger_mac), target = nd_option(2, stranger_mac);
    Bytes endless = nd_option(14, stranger_mac), cut = nd_option(1, vm_a.mac), longer = cut;
    endless[1] = 0;
    cut.resize(4);
    longer[1] = 2;
    longer.resize(16);
    Bytes many;
    for (int i = 0; i < 17; ++i) many.insert(many.end(), {14, 1, 0, 0, 0, 0, 0, 0});
    const Packet whole = nd(own, NA, vm_a.v6);
    Packet atomic = own / Ip6Fragment{} / Icmp{.type = NA} / Raw{Bytes(16, 0)};
    return {
        row("AdvertisesAnothers", nd(own, NA, victim6)),
        row("AdvertisesIpv4sPlaceInIpv6", nd(own, NA, ip("::ffff:10.0.0.2"))),
        row("AdvertisesAnothersByUnicast",
            nd(to(lan0.mac) / Ip6{.src = vm_a.v6, .dst = ip("fd00:a::1"), .hop_limit = 255}, NA,
               victim6)),
        row("AnothersMacForOwn", nd(own, NA, vm_a.v6, target)),
        row("AnothersMacAfterAnOption", nd(own, NA, vm_a.v6,
                                           [&] {
                                               Bytes both = nd_option(14, stranger_mac);
                                               both.insert(both.end(), target.begin(),
                                                           target.end());
                                               return both;
                                           }())),
        row("SolicitsWithAnothersMac", nd(own, NS, victim6, source)),
        row("SolicitsRoutersWithAnothersMac", nd(own, RS, std::nullopt, source)),
        row("DadOfAnothers", nd(nd_ip(vm_a.mac, unspecified), NS, victim6)),
        row("OptionOfLength0", nd(own, NA, vm_a.v6, endless)),
        row("OptionCut", nd(own, NA, vm_a.v6, cut)),
        row("OptionOfTwoUnits", nd(own, NA, vm_a.v6, longer)),
        row("TooManyOptions", nd(own, NA, vm_a.v6, many)),
        row("TargetCut", own / Icmp{.type = NA} / Raw{Bytes(12, 0)}),
        row("BehindExtensions", nd(own / Ip6Extension{.type = 0, .body = Bytes(6)} /
                                       Ip6Extension{.type = 60, .body = Bytes(14)},
                                   NA, victim6)),
        row("Fragmented", fragments(nd(own, NS, victim6, nd_option(1, vm_a.mac)), 24)[0]),
        row("AtomicFragment", atomic),
    };
}

std::vector<AttackCase> router_cases() {
    const auto row = [](const char* name, const Packet& in) {
        return AttackCase{name, SL_DROP_GUARD_RA, SL_GUARD_RA, in};
    };
    const sl_addr own = link_local(vm_a.mac);
    const Packet below = nd_ip(vm_a.mac, own);
    return {
        row("Advertisement", nd(below, RA, std::nullopt, nd_option(1, vm_a.mac))),
        row("AdvertisementBehindExtensions",
            nd(below / Ip6Extension{.type = 60, .body = Bytes(6)}, RA, std::nullopt)),
        row("Redirect6", nd(below, REDIRECT, victim6)),
        row("Redirect4", to(lan0.mac) / Ip4{.src = vm_a.v4, .dst = server.v4} /
                             Icmp{.type = 5, .code = 1} / payload(28)),
        row("Advertisement4", to({1, 0, 0x5e, 0, 0, 1}) /
                                  Ip4{.src = vm_a.v4, .dst = ip("224.0.0.1")} / Icmp{.type = 9} /
                                  payload(8)),
    };
}

std::vector<AttackCase> dhcp_cases() {
    const auto server_row = [](const char* name, const Packet& in) {
        return AttackCase{name, SL_DROP_GUARD_DHCP_SERVER, SL_GUARD_DHCP_SERVER, in};
    };
    const auto client_row = [](const char* name, const Packet& in) {
        return AttackCase{name, SL_DROP_GUARD_DHCP_CLIENT, SL_GUARD_DHCP_CLIENT, in};
    };
    const Ip4 ip4{.src = vm_a.v4, .dst = ip("255.255.255.255")};
    const Ip6 ip6{.src = vm_a.v6, .dst = ip("ff02::1")};
    const Raw offer = bootp_body({.op = 2, .chaddr = vm_b.mac, .given = victim4, .message = 2});
    const Raw own = bootp_body({.chaddr = vm_a.mac});
    Packet cut = to(everybody) / ip4 / Udp{.sport = 68, .dport = 67} /
                 Raw{Bytes(own.bytes.begin(), own.bytes.begin() + 30)};
    const Packet short_udp =
        to(everybody) / ip4 / Udp{.sport = 68, .dport = 67, .length = 30} / own;
    Packet padded = cut;
    padded.get<Udp>().length = 38;
    padded.get<Ip4>().total_length = 58;
    padded /= Raw{Bytes(vm_a.mac.begin() + 2, vm_a.mac.end())};
    padded /= Raw{Bytes(10, 0)};
    return {
        server_row("Offer", to(everybody) / ip4 / Udp{.sport = 67, .dport = 68} / offer),
        server_row("OfferFromAnotherPort",
                   to(everybody) / ip4 / Udp{.sport = 1067, .dport = 68} / offer),
        server_row("OfferToAnotherPort",
                   to(everybody) / ip4 / Udp{.sport = 67, .dport = 1068} / offer),
        server_row("FirstFragmentOfAnOffer",
                   fragments(to(everybody) / ip4 / Udp{.sport = 67, .dport = 68} / offer, 64)[0]),
        server_row("Advertise6", to(all_nodes) / ip6 / Udp{.sport = 547, .dport = 546} / offer),
        server_row("Advertise6FromAnotherPort",
                   to(all_nodes) / ip6 / Udp{.sport = 1547, .dport = 546} / offer),
        server_row("Relay6", to(all_nodes) / ip6 / Udp{.sport = 547, .dport = 547} / offer),
        client_row("ForAnother", dhcp_request(vm_a.mac, {.chaddr = vm_b.mac})),
        client_row("HardwareLength",
                   dhcp_request(vm_a.mac, {.chaddr = vm_a.mac, .hardware_length = 16})),
        client_row("AReply", dhcp_request(vm_a.mac, {.op = 2, .chaddr = vm_a.mac})),
        client_row("CutBeforeTheMac", cut),
        client_row("MacInThePadding", padded),
        client_row("MacBeyondUdpsLength", short_udp),
        client_row("FirstFragment",
                   fragments(to(everybody) / ip4 / Udp{.sport = 68, .dport = 67} / own, 128)[0]),
    };
}

std::vector<AttackCase> frame_cases() {
    const auto type_row = [](const char* name, std::uint16_t type) {
        return AttackCase{name, SL_DROP_GUARD_ETHERTYPE, SL_GUARD_ETHERTYPE,
                          to(everybody, type) / payload(50)};
    };
    const auto tag_row = [](const char* name, const Packet& in) {
        return AttackCase{name, SL_DROP_GUARD_TAG, SL_GUARD_TAG, in};
    };
    const auto llc_row = [](const char* name, const Packet& in) {
        return AttackCase{name, SL_DROP_GUARD_LLC, SL_GUARD_TAG, in};
    };
    const Ip4 ip4{.src = vm_a.v4, .dst = server.v4};
    const Ip6 ip6{.src = vm_a.v6, .dst = server.v6};
    const Packet ra = nd(nd_ip(vm_a.mac, link_local(vm_a.mac)), RA, std::nullopt);
    const Bytes ra_bytes = serialise(ra);
    Raw tagged_arp{{0, 7, 0x08, 0x06}};
    const Bytes arp = arp_body({.sender_mac = vm_a.mac, .sender = vm_a.v4}).bytes;
    tagged_arp.bytes.insert(tagged_arp.bytes.end(), arp.begin(), arp.end());
    // LLC/SNAP with an Ethernet type: AA AA 03, OUI 0, type, packet.
    Raw snap{{0xaa, 0xaa, 3, 0, 0, 0, 0x86, 0xdd}};
    snap.bytes.insert(snap.bytes.end(), ra_bytes.begin() + 14, ra_bytes.end());
    const auto length = static_cast<std::uint16_t>(snap.bytes.size());
    Raw vlan0_snap{
        {0, 0, static_cast<std::uint8_t>(length >> 8), static_cast<std::uint8_t>(length)}};
    vlan0_snap.bytes.insert(vlan0_snap.bytes.end(), snap.bytes.begin(), snap.bytes.end());
    return {
        type_row("Lldp", 0x88cc),
        type_row("Experimental", 0x88b5),
        type_row("Mpls", 0x8847),
        type_row("Pppoe", 0x8864),
        type_row("OldQinq", 0x9100),
        type_row("FirstType", 0x0600),
        tag_row("Tagged", to(lan0.mac) / Vlan{.vid = 30} / ip4 / udp),
        tag_row("Tagged6", to(lan0.mac) / Vlan{.vid = 30} / ip6 / udp),
        tag_row("PriorityTagged", to(lan0.mac) / Vlan{.vid = 0, .pcp = 5} / ip4 / udp),
        tag_row("ServiceTagged", to(lan0.mac) / Vlan{.vid = 30, .tpid = 0x88a8} / ip4 / udp),
        tag_row("QinQ",
                to(lan0.mac) / Vlan{.vid = 30, .tpid = 0x88a8} / Vlan{.vid = 40} / ip4 / udp),
        tag_row("TwoPriorityTags", to(lan0.mac) / Vlan{.vid = 0} / Vlan{.vid = 0} / ip4 / udp),
        tag_row("TaggedArp", to(everybody, 0x8100) / tagged_arp),
        llc_row("BridgeProtocol", to({1, 0x80, 0xc2, 0, 0, 0}, 38) / payload(46)),
        llc_row("LlcSnap", to(all_nodes, length) / snap),
        llc_row("LlcSnapWrongLength", to(all_nodes, 0x05ff) / snap),
        llc_row("LengthZero", to(all_nodes, 0) / snap),
        llc_row("Cve_2021_27861", to(all_nodes, 0x8100) / vlan0_snap),
    };
}

std::vector<AttackCase> fragment_cases() {
    const auto row = [](const char* name, const Packet& in, sl_drop reason) {
        return AttackCase{name, reason, SL_GUARD_FRAGMENT, in, OnXdp::leaves};
    };
    const Eth eth = to(lan1.mac);
    Packet tiny4 = eth / Ip4{.src = vm_a.v4, .dst = server.v4, .mf = true} / payload(8);
    tiny4.get<Ip4>().protocol = IPPROTO_TCP;
    Packet tiny6 = eth / Ip6{.src = vm_a.v6, .dst = server.v6} /
                   Ip6Fragment{.more = true, .next = IPPROTO_UDP};
    Packet chain_cut = eth / Ip6{.src = vm_a.v6, .dst = server.v6} /
                       Ip6Fragment{.more = true, .next = 60} / Raw{{IPPROTO_ICMPV6, 3, 0, 0, 0, 0}};
    Packet nested = eth / Ip6{.src = vm_a.v6, .dst = server.v6} / Ip6Fragment{} / Ip6Fragment{} /
                    udp / payload(8);
    Packet chain = eth / Ip6{.src = vm_a.v6, .dst = server.v6};
    for (int i = 0; i < 7; ++i) chain /= Ip6Extension{.type = 60, .body = Bytes(6)};
    Packet cut = eth / Ip4{.src = vm_a.v4, .dst = server.v4} / payload(4);
    cut.get<Ip4>().protocol = IPPROTO_UDP;
    Packet lies = eth / Ip4{.src = vm_a.v4, .dst = server.v4} / udp / payload(20);
    lies.get<Ip4>().total_length = 500;
    return {
        row("TinyFirstFragment4", tiny4, SL_DROP_GUARD_FRAGMENT),
        row("TinyFirstFragment6", tiny6, SL_DROP_GUARD_FRAGMENT),
        row("ChainCutByFragment", chain_cut, SL_DROP_GUARD_FRAGMENT),
        row("FragmentOfAFragment", nested, SL_DROP_GUARD_FRAGMENT),
        row("LongChain", chain / udp, SL_DROP_GUARD_FRAGMENT),
        row("CutHeader", cut, SL_DROP_MALFORMED),
        row("LengthBeyondTheFrame", lies, SL_DROP_MALFORMED),
    };
}

class Guard : public GateTest, public testing::WithParamInterface<AttackCase> {
protected:
    void SetUp() override {
        frame_ = serialise(GetParam().in);
        begin(std::nullopt);
    }

    /// A gate that has seen nothing yet.
    static void begin(std::optional<std::uint32_t> checks) {
        gate().reset();
        masquerade_a();
        if (checks) gate().set_guard(lan0, guard_of(vm_a, *checks));
    }

    void expect_refused(std::uint32_t checks) const {
        const AttackCase& row = GetParam();
        begin(checks);
        expect_drop(Hook::tc, lan0, row.in, row.reason);
        if (row.xdp == OnXdp::drops)
            expect_drop(Hook::xdp, lan0, row.in, row.reason);
        else
            expect_pass(Hook::xdp, lan0, frame_);
        EXPECT_TRUE(gate().flows4().entries().empty());
        EXPECT_TRUE(gate().flows6().entries().empty());
        EXPECT_TRUE(gate().bindings().entries().empty());
    }

    /// On XDP a frame may also pass untouched, for TC to judge.
    void expect_as_unguarded(Hook hook, std::uint32_t checks) const {
        begin(std::nullopt);
        const Outcome unguarded = send(hook, lan0, frame_);
        begin(checks);
        const Outcome got = send(hook, lan0, frame_);
        const bool left_to_tc = hook == Hook::xdp && got.verdict == Verdict::pass;
        EXPECT_EQ(difference(left_to_tc ? frame_ : unguarded.packet, got.packet), "")
            << hook_text(hook);
        const Verdict expected = left_to_tc ? Verdict::pass : unguarded.verdict;
        EXPECT_EQ(got.verdict, expected) << hook_text(hook) << ": " << verdict_text(got.verdict);
    }

    Bytes frame_;
};

TEST_P(Guard, Refuses) { expect_refused(all_checks); }

TEST_P(Guard, RefusesWithItsCheckAlone) { expect_refused(GetParam().check); }

TEST_P(Guard, LetsPassWithoutItsCheck) {
    for (const Hook hook : {Hook::xdp, Hook::tc})
        expect_as_unguarded(hook, all_checks & ~GetParam().check);
}

TEST_P(Guard, LooksOnInAudit) {
    constexpr std::uint32_t audit = all_checks | SL_GUARD_AUDIT;
    begin(audit);
    expect_pass(Hook::xdp, lan0, frame_);
    EXPECT_EQ(gate().audits(lan0.id, GetParam().reason).packets, 0u) << "it is TC that counts";
    expect_as_unguarded(Hook::tc, audit);
    const sl_counter audits = gate().audits(lan0.id, GetParam().reason);
    EXPECT_EQ(audits.packets, 1u);
    EXPECT_EQ(audits.bytes, frame_.size());
}

INSTANTIATE_TEST_SUITE_P(Mac, Guard, testing::ValuesIn(mac_cases()), name_of);
INSTANTIATE_TEST_SUITE_P(Address, Guard, testing::ValuesIn(address_cases()), name_of);
INSTANTIATE_TEST_SUITE_P(Arp, Guard, testing::ValuesIn(arp_cases()), name_of);
INSTANTIATE_TEST_SUITE_P(Nd, Guard, testing::ValuesIn(nd_cases()), name_of);
INSTANTIATE_TEST_SUITE_P(Router, Guard, testing::ValuesIn(router_cases()), name_of);
INSTANTIATE_TEST_SUITE_P(Dhcp, Guard, testing::ValuesIn(dhcp_cases()), name_of);
INSTANTIATE_TEST_SUITE_P(Frame, Guard, testing::ValuesIn(frame_cases()), name_of);
INSTANTIATE_TEST_SUITE_P(Fragment, Guard, testing::ValuesIn(fragment_cases()), name_of);

}  // namespace
}  // namespace sluice::test
