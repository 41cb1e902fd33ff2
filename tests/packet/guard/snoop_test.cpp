// SPDX-License-Identifier: GPL-2.0-or-later
// DHCP snooping: whose answers give a guarded port an address, which address, and for how long.
#include <netinet/in.h>

#include <algorithm>
#include <cstdint>
#include <optional>

#include "tests/packet/claims.hpp"
#include "tests/packet/switch/scenario.hpp"

namespace sluice::test {
namespace {

auto snooped() { return shared_gate().map<sl_port_addr, sl_learned_addr>("sl_learned_addrs"); }

/// @param from of the server
Packet answer_packet(const Bootp& bootp, const Mac& to, const Mac& from, const sl_addr& server) {
    return Eth{.dst = to, .src = from} / Ip4{.src = server, .dst = bootp.given} /
           Udp{.sport = 67, .dport = 68} / bootp_body(bootp);
}

Packet ack(const Bootp& bootp, const Mac& to = everybody) {
    return answer_packet(bootp, to, lan0.mac, ip("10.0.0.1"));
}

class Snooping : public GateTest {
protected:
    void SetUp() override {
        GateTest::SetUp();
        guard({.macs = {vm_a.mac}}, SL_GUARD_SNOOP);
        ask();
    }
    static void guard(GuardConfig config, std::uint32_t more_checks) {
        config.checks |= more_checks;
        gate().set_guard(lan0, config, SL_PORT_GUARD_EGRESS);
    }
    static void ask(const Bootp& bootp = {.chaddr = vm_a.mac}) {
        expect_pass(Hook::xdp, lan0, dhcp_request(vm_a.mac, bootp));
        expect_pass(Hook::tc, lan0, dhcp_request(vm_a.mac, bootp));
    }
    static Bootp answer() {
        return {.op = 2, .chaddr = vm_a.mac, .given = vm_a.v4, .message = 5, .seconds = 600};
    }
    static Bootp answer_of(const sl_addr& address) {
        Bootp bootp = answer();
        bootp.given = address;
        return bootp;
    }
    static Verdict sent() {
        const Packet in = Eth{.dst = stranger_mac, .src = vm_a.mac} /
                          Ip4{.src = vm_a.v4, .dst = server.v4} / Udp{.sport = 1, .dport = 2};
        const Verdict xdp = send(Hook::xdp, lan0, serialise(in)).verdict;
        const Verdict tc = send(Hook::tc, lan0, serialise(in)).verdict;
        EXPECT_EQ(xdp, tc);
        return tc;
    }
    static void expect_nothing_learned(const Packet& in, const Link* came_by = nullptr) {
        expect_pass(Hook::egress, lan0, serialise(in), {.came_by = came_by});
        EXPECT_TRUE(snooped().entries().empty());
        EXPECT_EQ(sent(), Verdict::drop);
    }
    static std::size_t events(sl_event_kind kind) {
        std::size_t count = 0;
        for (const sl_event& event : gate().events()) count += event.kind == kind;
        return count;
    }
    /// Of the port that has the address, as the only refusal tells.
    static std::uint16_t refused_for() {
        std::uint16_t port = 0xffff;
        for (const sl_event& event : gate().events())
            if (event.kind == SL_EVENT_ADDRESS_REFUSED) port = event.other_port;
        return port;
    }
};

TEST_F(Snooping, AnAckGivesTheAddressForAsLongAsItsLease) {
    EXPECT_EQ(sent(), Verdict::drop);
    const std::uint32_t before = epoch_now();
    expect_pass(Hook::egress, lan0, ack(answer()));
    const auto learned = snooped().get({vm_a.v4, lan0.id});
    ASSERT_TRUE(learned);
    const std::uint32_t length = 600'000'000'000 >> SL_EPOCH_SHIFT;
    EXPECT_GE(learned->expires, before + length);
    EXPECT_LE(learned->expires, epoch_now() + length + 1);
    EXPECT_TRUE(std::equal(vm_a.mac.begin(), vm_a.mac.end(), learned->mac));
    EXPECT_EQ(sent(), Verdict::pass);
    EXPECT_EQ(events(SL_EVENT_ADDRESS_SNOOPED), 1u);
    EXPECT_EQ(events(SL_EVENT_ADDRESS_REFUSED), 0u);
    sl_learned_addr ended = *learned;
    ended.expires = before;
    snooped().put({vm_a.v4, lan0.id}, ended);
    EXPECT_EQ(sent(), Verdict::drop);
}

TEST_F(Snooping, OptionsInAnyPlace) {
    Bootp padded = answer();
    padded.more_options = {0, 0, 54, 4, 10, 0, 0, 1, 12, 3, 'v', 'm', '1', 0};
    expect_pass(Hook::egress, lan0, ack(padded, vm_a.mac));
    EXPECT_EQ(sent(), Verdict::pass);
}

TEST_F(Snooping, ForEver) {
    Bootp forever = answer();
    forever.seconds = 0xffffffff;
    expect_pass(Hook::egress, lan0, ack(forever));
    EXPECT_EQ(snooped().get({vm_a.v4, lan0.id})->expires, 0xffffffffu);
}

TEST_F(Snooping, OtherAnswersTeachNothing) {
    Bootp offer = answer(), others = answer(), timeless = answer(), inform = answer(),
          request = answer(), long_address = answer();
    offer.message = 2;
    others.chaddr = vm_b.mac;
    timeless.seconds = std::nullopt;
    inform.given = ip("0.0.0.0");
    request.op = 1;
    long_address.hardware_length = 16;
    for (const Bootp& each : {offer, others, timeless, inform, request, long_address})
        expect_nothing_learned(ack(each));
    Packet other_port = ack(answer());
    other_port.get<Udp>().sport = 68;
    expect_nothing_learned(other_port);
    other_port.get<Udp>() = {.sport = 67, .dport = 67};
    expect_nothing_learned(other_port);
    expect_nothing_learned(fragments(ack(answer()), 256)[0]);
    // What is behind the packet's end is padding.
    Bytes cut = serialise(ack(answer()));
    cut.resize(cut.size() - 7);
    cut[16] = 1;
    cut[17] = static_cast<std::uint8_t>(cut.size() - 14 - 256);
    cut.resize(cut.size() + 7);
    send(Hook::egress, lan0, cut);
    EXPECT_TRUE(snooped().entries().empty());
    EXPECT_EQ(events(SL_EVENT_ADDRESS_REFUSED), 0u);
}

// Only what the port has asked, and not long ago.
TEST_F(Snooping, AnAnswerToNobodysRequest) {
    Bootp other_id = answer();
    other_id.id ^= 1;
    expect_nothing_learned(ack(other_id));
    EXPECT_EQ(refused_for(), 0u);
    const auto states = gate().map<__u32, sl_guard_state>("sl_guard_states");
    sl_guard_state state = gate().guard_state(lan0);
    state.requests[0].tick -= 61 * 954;
    states.put(lan0.id, state);
    expect_nothing_learned(ack(answer()));
    state.requests[0].tick += 30 * 954;
    states.put(lan0.id, state);
    expect_pass(Hook::egress, lan0, ack(answer()));
    EXPECT_EQ(sent(), Verdict::pass);
}

// A VM that is refused as a client of its own has asked nothing.
TEST_F(Snooping, ARequestThatIsRefusedIsNone) {
    gate().map<__u32, sl_guard_state>("sl_guard_states").put(lan0.id, {});
    expect_drop(Hook::tc, lan0, dhcp_request(vm_a.mac, {.chaddr = vm_b.mac}),
                SL_DROP_GUARD_DHCP_CLIENT);
    expect_nothing_learned(ack(answer()));
    Bootp others = answer();
    others.chaddr = vm_b.mac;
    expect_nothing_learned(ack(others));
}

// Where clients are not looked at, a request for another MAC gives that MAC nothing, either.
TEST_F(Snooping, WithoutTheCheckOfClients) {
    GuardConfig config{.macs = {vm_a.mac}};
    config.checks &= ~SL_GUARD_DHCP_CLIENT;
    guard(config, SL_GUARD_SNOOP);
    gate().map<__u32, sl_guard_state>("sl_guard_states").put(lan0.id, {});
    ask({.chaddr = vm_b.mac});
    EXPECT_EQ(gate().guard_state(lan0).requests[0].mac, 0u);
    expect_nothing_learned(ack(answer()));
    ask();
    expect_pass(Hook::egress, lan0, ack(answer()));
    EXPECT_EQ(sent(), Verdict::pass);
}

// A few clients behind one port may ask at once; the next takes the oldest one's place.
TEST_F(Snooping, RequestsAreFew) {
    GuardConfig config{.macs = {vm_a.mac}};
    config.learn = 8;
    guard(config, SL_GUARD_SNOOP);
    const auto states = gate().map<__u32, sl_guard_state>("sl_guard_states");
    const auto client = [](std::uint8_t number) { return Mac{2, 0xaa, 0, 0, 0, number}; };
    for (std::uint8_t i = 0; i < SL_DHCP_REQUESTS; ++i) {
        expect_pass(Hook::tc, lan0, dhcp_request(client(i), {.chaddr = client(i), .id = i}));
        // Time goes by.
        sl_guard_state state = gate().guard_state(lan0);
        for (sl_dhcp_request& request : state.requests) request.tick -= 100;
        states.put(lan0.id, state);
    }
    for (const sl_dhcp_request& request : gate().guard_state(lan0).requests)
        EXPECT_NE(request.mac, mac_number(vm_a.mac)) << "it was the oldest";
    // One that asks again keeps its place, with the new transaction.
    expect_pass(Hook::tc, lan0, dhcp_request(client(1), {.chaddr = client(1), .id = 77}));
    for (std::uint8_t i = 0; i < SL_DHCP_REQUESTS; ++i) {
        Bootp bootp = answer_of({});
        bootp.chaddr = client(i);
        bootp.id = i == 1 ? 77 : i;
        bootp.given = ip("10.0.0.50");
        bootp.given.b[15] = static_cast<std::uint8_t>(50 + i);
        expect_pass(Hook::egress, lan0, ack(bootp));
        EXPECT_TRUE(snooped().get({bootp.given, lan0.id})) << int{i};
    }
}

TEST_F(Snooping, WhatIsGivenBackIsNoLongerThePorts) {
    for (const std::uint8_t message : {std::uint8_t{7}, std::uint8_t{4}}) {
        expect_pass(Hook::egress, lan0, ack(answer()));
        EXPECT_EQ(sent(), Verdict::pass);
        Bootp back{.chaddr = vm_a.mac, .message = message};
        if (message == 7)
            back.had = vm_a.v4;
        else
            back.more_options = {50, 4, 10, 0, 0, 2};
        ask(back);
        EXPECT_EQ(sent(), Verdict::drop) << int{message};
        EXPECT_TRUE(snooped().entries().empty());
    }
}

// Before it takes what it is offered a client may ask whether somebody has it: RFC 5227.
TEST_F(Snooping, ProbesForWhatIsOfferedOrGiven) {
    const auto probe = [](const sl_addr& address) {
        return arp_frame(vm_a.mac,
                         {.sender_mac = vm_a.mac, .sender = ip("0.0.0.0"), .target = address});
    };
    const auto is_let_in = [&](const sl_addr& address) {
        const Verdict tc = send(Hook::tc, lan0, serialise(probe(address))).verdict;
        EXPECT_EQ(send(Hook::xdp, lan0, serialise(probe(address))).verdict, tc);
        return tc == Verdict::pass;
    };
    EXPECT_FALSE(is_let_in(vm_a.v4));
    Bootp offer = answer();
    offer.message = 2;
    expect_pass(Hook::egress, lan0, serialise(ack(offer)), {.came_by = &wan0});
    EXPECT_FALSE(is_let_in(vm_a.v4)) << "offered by anybody";
    expect_pass(Hook::egress, lan0, ack(offer));
    EXPECT_TRUE(is_let_in(vm_a.v4));
    EXPECT_FALSE(is_let_in(ip("10.0.0.77")));
    EXPECT_EQ(sent(), Verdict::drop) << "it is not given yet";
    // The next transaction begins from nothing.
    ask({.chaddr = vm_a.mac, .id = 9});
    EXPECT_FALSE(is_let_in(vm_a.v4));
    Bootp given = answer();
    given.id = 9;
    expect_pass(Hook::egress, lan0, ack(given));
    EXPECT_TRUE(is_let_in(vm_a.v4));
}

TEST_F(Snooping, NeverWhatAnotherHas) {
    // In the same L2 domain: lan0's is 0, as is wan0's.
    GuardConfig neighbour = guard_of(vm_b);
    neighbour.addresses.push_back(ip("10.0.0.60"));
    gate().set_guard(wan0, neighbour);
    expect_pass(Hook::egress, lan0, ack(answer_of(ip("10.0.0.60"))));
    EXPECT_TRUE(snooped().entries().empty());
    EXPECT_EQ(refused_for(), wan0.id);
    sl_learned_addr others{};
    others.expires = epoch_now() + 60;
    snooped().put({ip("10.0.0.61"), wan0.id}, others);
    expect_pass(Hook::egress, lan0, ack(answer_of(ip("10.0.0.61"))));
    EXPECT_FALSE(snooped().get({ip("10.0.0.61"), lan0.id}));
    // What was another's is free again.
    others.expires = epoch_now();
    snooped().put({ip("10.0.0.61"), wan0.id}, others);
    expect_pass(Hook::egress, lan0, ack(answer_of(ip("10.0.0.61"))));
    EXPECT_TRUE(snooped().get({ip("10.0.0.61"), lan0.id}));
    // Another domain is another network.
    GuardConfig elsewhere = guard_of(vm_b);
    elsewhere.addresses.push_back(ip("10.0.0.62"));
    gate().set_guard(lan1, elsewhere);
    expect_pass(Hook::egress, lan0, ack(answer_of(ip("10.0.0.62"))));
    EXPECT_TRUE(snooped().get({ip("10.0.0.62"), lan0.id}));
}

TEST_F(Snooping, NeverTheHostsOwnNorWhatNoHostCanHave) {
    for (const char* address : {"10.0.0.1", "192.0.2.1", "192.0.2.10", "10.0.9.1", "10.0.0.255",
                                "127.0.0.1", "224.0.0.1", "255.255.255.255", "0.0.0.5"})
        expect_nothing_learned(ack(answer_of(ip(address))));
    EXPECT_EQ(refused_for(), 0u);
    expect_pass(Hook::egress, lan0, ack(answer_of(ip("10.0.0.99"))));
    expect_pass(Hook::egress, lan0, ack(answer_of(ip("172.31.1.1"))));
    EXPECT_EQ(snooped().entries().size(), 2u);
}

// What is routed comes from anywhere: sluice's router sends it past the egress program, and the
// kernel's is known by where it entered.
TEST_F(Snooping, RoutedAnswersTeachNothing) {
    const Packet in = server_to(vm_a.v4) / Udp{.sport = 67, .dport = 68} / bootp_body(answer());
    expect_both(wan0, in, routed(in, lan0, vm_a));
    EXPECT_EQ(gate().port_stats(lan0.id).tx[SL_COUNT_FORWARDED].packets, 3u);
    EXPECT_TRUE(snooped().entries().empty());
    expect_nothing_learned(routed(in, lan0, vm_a), &wan0);
    expect_nothing_learned(routed(in, lan0, vm_a), &spare0);
}

// Past a Linux bridge: from a port of the same one behind which a server may be.
class SnoopingBridged : public Snooping {
protected:
    void SetUp() override {
        Snooping::SetUp();
        GuardConfig config{.macs = {vm_a.mac}};
        config.checks |= SL_GUARD_SNOOP;
        enslave(lan0, SL_ROLE_ACCESS, gate().make_guard(lan0.id, config));
    }
    static void enslave(const Link& link, sl_role role, std::uint16_t guard = 0) {
        sl_port entry = port_entry(link);
        entry.l3_ifindex = ifindex(spare0);
        entry.role = static_cast<__u8>(role);
        entry.guard = guard;
        if (link.id == lan0.id) entry.flags |= SL_PORT_GUARD_EGRESS;
        gate().set_port(link, entry);
    }
    static bool learns(const Link& from) {
        snooped().clear();
        expect_pass(Hook::egress, lan0, serialise(ack(answer())), {.came_by = &from});
        return snooped().get({vm_a.v4, lan0.id}).has_value();
    }
};

TEST_F(SnoopingBridged, FromWhereAServerMayBe) {
    for (const sl_role role : {SL_ROLE_UPLINK, SL_ROLE_TRUNK}) {
        enslave(wan0, role);
        EXPECT_TRUE(learns(wan0));
    }
    enslave(wan0, SL_ROLE_ACCESS);
    EXPECT_FALSE(learns(wan0)) << "a VM";
    GuardConfig allowed{.macs = {vm_b.mac}}, refused = allowed;
    allowed.checks &= ~SL_GUARD_DHCP_SERVER;
    enslave(wan0, SL_ROLE_ACCESS, gate().make_guard(wan0.id, allowed));
    EXPECT_TRUE(learns(wan0));
    enslave(wan0, SL_ROLE_UPLINK, gate().make_guard(wan0.id, refused));
    EXPECT_FALSE(learns(wan0)) << "its guard says that none is there";
}

TEST_F(SnoopingBridged, NotFromAnotherSegment) {
    EXPECT_FALSE(learns(wan0)) << "an uplink by which the kernel routes";
    EXPECT_FALSE(learns(spare0)) << "what the bridge itself got";
    sl_port bridge = port_entry(spare0);
    bridge.role = SL_ROLE_SEGMENT;
    bridge.flags = 0;
    gate().set_port(spare0, bridge);
    EXPECT_FALSE(learns(spare0));
    bridge.role = SL_ROLE_UPLINK;
    gate().set_port(spare0, bridge);
    EXPECT_FALSE(learns(spare0));
}

TEST_F(Snooping, NotWithoutTheCheck) {
    guard({.macs = {vm_a.mac}}, SL_GUARD_DELIVERY);
    expect_nothing_learned(ack(answer()));
    // Nor does what was learned count any longer.
    sl_learned_addr entry{};
    entry.expires = epoch_now() + 60;
    snooped().put({vm_a.v4, lan0.id}, entry);
    EXPECT_EQ(sent(), Verdict::drop);
}

// The same on the switch, where all ways into a VLAN are to be told from each other.
class SwitchSnooping : public SwitchWays {
protected:
    void SetUp() override {
        SwitchTest::SetUp();
        config_.checks |= SL_GUARD_SNOOP;
        config_.macs = {gateway_10.vm_mac};
        vm_port_ = access(10);
        vm_port_.guard = &config_;
        vm_port_.port_flags = SL_PORT_GUARD_EGRESS;
        host_ = rig().set_gateway(gateway_10);
        rig().set(0, vm_port_);
        rig().set(1, access(10));
        rig().set(2, trunk({10}));
        rig().add_station(gateway_10.vm_mac, 10, 0);
        (void)pass(GetParam(), 0, dhcp_request(gateway_10.vm_mac, {.chaddr = gateway_10.vm_mac}));
    }
    static Bootp answer() {
        return {.op = 2,
                .chaddr = gateway_10.vm_mac,
                .given = ip(gateway_10.vm_v4),
                .message = 5,
                .seconds = 600};
    }
    /// To the VM alone, and to everybody in the VLAN.
    bool learns(std::size_t port, Packet in) {
        const bool host = port == host_;
        bool both[2] = {};
        for (const bool broadcast : {false, true}) {
            snooped().clear();
            if (broadcast) in.get<Eth>().dst = everybody;
            const auto arrivals =
                pass(host ? Way::tc : GetParam(), port, port == 2 ? tagged(in, {.vid = 10}) : in);
            EXPECT_TRUE(std::ranges::any_of(arrivals, [](const Arrival& each) {
                return each.port == 0;
            })) << "it is delivered in any case";
            both[broadcast] = snooped().get({ip(gateway_10.vm_v4), rig().id(0)}).has_value();
        }
        EXPECT_EQ(both[0], both[1]);
        return both[0] && both[1];
    }
    static Packet from(const Mac& mac, const char* address) {
        return answer_packet(answer(), gateway_10.vm_mac, mac, ip(address));
    }

    GuardConfig config_;
    Switched vm_port_;
    std::size_t host_ = 0;
};

TEST_P(SwitchSnooping, FromPortsBehindWhichAServerMayBe) {
    EXPECT_FALSE(learns(1, from(station(1), "10.10.0.9"))) << "a VM";
    EXPECT_FALSE(learns(1, from(station(1), "10.10.0.1"))) << "a VM as the host";
    EXPECT_TRUE(learns(2, from(station(2), "10.10.0.9")));
    GuardConfig server;
    server.checks &= ~SL_GUARD_DHCP_SERVER;
    server.macs = {station(1)};
    server.addresses = {ip("10.10.0.9")};
    Switched port = access(10);
    port.guard = &server;
    rig().set(1, port);
    EXPECT_TRUE(learns(1, from(station(1), "10.10.0.9")));
}

TEST_P(SwitchSnooping, TheHostsOwnAndNotWhatItRoutes) {
    EXPECT_TRUE(learns(host_, from(gateway_10.mac, gateway_10.v4 ? "10.10.0.1" : "")));
    EXPECT_FALSE(learns(host_, from(gateway_10.mac, "10.10.0.9")));
    EXPECT_FALSE(learns(host_, from(gateway_10.mac, "203.0.113.5"))) << "routed by the kernel";
}

TEST_P(SwitchSnooping, NotWhatTheRouterSendsIntoTheVlan) {
    const std::size_t wan = rig().join(wan0);
    for (const sl_addr& source : {server.v4, ip("10.10.0.1"), ip("10.10.0.9")}) {
        snooped().clear();
        Packet in =
            server_to(ip(gateway_10.vm_v4)) / Udp{.sport = 67, .dport = 68} / bootp_body(answer());
        in.get<Ip4>().src = source;
        for (int i = 0; i < 2; ++i) (void)pass(GetParam(), wan, in);
        EXPECT_TRUE(snooped().entries().empty());
    }
}

SWITCH_WAYS(SwitchSnooping);

}  // namespace
}  // namespace sluice::test
