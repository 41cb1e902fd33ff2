// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/packet/scenario.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>

#include "tests/harness/dissect.hpp"

namespace sluice::test {
namespace {

void expect_balanced(const char* direction, std::uint16_t port,
                     const sl_counter (&counts)[SL_COUNT_MAX]) {
    const auto& [observed, forwarded, passed, dropped] = counts;
    EXPECT_EQ(observed.packets, forwarded.packets + passed.packets + dropped.packets)
        << direction << " packets of port " << port;
    EXPECT_EQ(observed.bytes, forwarded.bytes + passed.bytes + dropped.bytes)
        << direction << " bytes of port " << port;
}

std::uint64_t drops_of(const Gate& gate, std::uint16_t port) {
    std::uint64_t sum = 0;
    for (int reason = 0; reason < SL_DROP_COUNT; ++reason)
        sum += gate.drops(port, static_cast<sl_drop>(reason)).packets;
    return sum;
}

void set_echo_id(Packet& packet, std::uint16_t id) {
    auto& icmp = packet.get<Icmp>();
    icmp.rest = std::uint32_t{id} << 16 | (icmp.rest & 0xffff);
}

}  // namespace

Gate& shared_gate() {
    static const std::unique_ptr<Gate> gate = [] {
        auto loaded = Gate::load();
        if (!loaded) {
            std::cerr << "can't load the datapath: " << loaded.error().message << "\n";
            std::exit(1);
        }
        return std::move(*loaded);
    }();
    return *gate;
}

bool can_be_skb(View frame) {
    const unsigned type = static_cast<unsigned>(frame[12] << 8 | frame[13]);
    return frame.size() >= 14u + (type == 0x0800 ? 20 : type == 0x86dd ? 40 : 0);
}

void expect_balanced(const Gate& gate) {
    std::uint64_t rx = 0, tx = 0, sent_on = 0;
    for (std::uint16_t port = 0; port <= ports.size(); ++port) {
        const sl_port_stats stats = gate.port_stats(port);
        expect_balanced("rx", port, stats.rx);
        expect_balanced("tx", port, stats.tx);
        EXPECT_EQ(drops_of(gate, port),
                  stats.rx[SL_COUNT_DROPPED].packets + stats.tx[SL_COUNT_DROPPED].packets)
            << "reasons of port " << port;
        rx += stats.rx[SL_COUNT_OBSERVED].packets;
        sent_on += stats.rx[SL_COUNT_FORWARDED].packets;
        tx += stats.tx[SL_COUNT_OBSERVED].packets;
    }
    EXPECT_EQ(rx + gate.held(), gate.tally().rx) << "frames fed to the ingress programs";
    EXPECT_EQ(tx, gate.tally().tx + sent_on) << "frames fed to egress or sent on by ingress";
}

void GateTest::SetUp() { gate().reset(); }

void GateTest::TearDown() { expect_balanced(gate()); }

Gate& GateTest::gate() { return shared_gate(); }

void GateTest::masquerade_a(std::uint16_t first, std::uint16_t last) {
    gate().masquerade(ip("10.0.0.0"), 24, wan0, {external}, first, last);
}

void GateTest::track(const Link& link) {
    auto port = port_entry(link);
    port.flags |= SL_PORT_TRACK;
    gate().set_port(link, port);
}

void GateTest::ask_each_time() {
    auto settings = gate().map<__u32, sl_settings>("sl_settings").get(0).value();
    settings.nexthop_ttl = 0;
    gate().set_settings(settings);
}

Outcome GateTest::send(Hook hook, const Link& by, View frame, const FrameContext& context) {
    auto outcome = gate().run(hook, by, frame, context);
    if (!outcome) {
        ADD_FAILURE() << outcome.error().message;
        return {};
    }
    return std::move(*outcome);
}

void GateTest::expect_forward(Hook hook, const Link& by, const Packet& in, const Packet& out,
                              const FrameContext& context) {
    const Bytes expected = serialise(out);
    const Outcome got = send(hook, by, serialise(in), context);
    EXPECT_EQ(got.verdict, Verdict::forward) << hook_text(hook) << " on " << by.name;
    EXPECT_EQ(difference(expected, got.packet), "") << hook_text(hook) << " on " << by.name;
}

void GateTest::expect_pass(Hook hook, const Link& by, View frame, const FrameContext& context) {
    const Outcome got = send(hook, by, frame, context);
    EXPECT_EQ(got.verdict, Verdict::pass) << hook_text(hook) << " on " << by.name;
    EXPECT_EQ(difference(frame, got.packet), "") << hook_text(hook) << " on " << by.name;
}

void GateTest::expect_pass(Hook hook, const Link& by, const Packet& in) {
    expect_pass(hook, by, serialise(in));
}

void GateTest::expect_drop(Hook hook, const Link& by, const Packet& in, sl_drop reason) {
    const auto before = gate().drops(by.id, reason);
    const Bytes frame = serialise(in);
    EXPECT_EQ(send(hook, by, frame).verdict, Verdict::drop) << hook_text(hook) << " on " << by.name;
    const auto after = gate().drops(by.id, reason);
    EXPECT_EQ(after.packets, before.packets + 1) << "reason " << reason;
    EXPECT_EQ(after.bytes, before.bytes + frame.size()) << "reason " << reason;
}

Outcome GateTest::send_alone(Hook hook, const Link& by, View frame) {
    const auto observed = gate().port_stats(by.id).rx[SL_COUNT_OBSERVED].packets;
    const Outcome outcome = send(hook, by, frame);
    if (hook == Hook::tc && outcome.verdict == Verdict::drop &&
        gate().port_stats(by.id).rx[SL_COUNT_OBSERVED].packets == observed)
        gate().forget_held();
    return outcome;
}

void GateTest::expect_held(const Link& by, const Packet& in) {
    const auto before = gate().drops(by.id, SL_DROP_FRAGMENT_ORPHAN);
    EXPECT_EQ(send(Hook::tc, by, serialise(in)).verdict, Verdict::drop) << by.name;
    EXPECT_EQ(gate().drops(by.id, SL_DROP_FRAGMENT_ORPHAN).packets, before.packets);
}

void GateTest::expect_both(const Link& by, const Packet& in, const Packet& out,
                           const FrameContext& context) {
    FrameContext whole = context;
    whole.linear = 0;
    expect_forward(Hook::tc, by, in, out, whole);
    expect_forward(Hook::tc, by, in, out, whole);
    expect_forward(Hook::xdp, by, in, out, context);
}

Eth to(const Mac& mac, std::optional<std::uint16_t> type) {
    return Eth{.dst = mac, .src = vm_a.mac, .type = type};
}

Packet a_to_server4() { return to_gateway(vm_a, lan0) / Ip4{.src = vm_a.v4, .dst = server.v4}; }

Packet a_to_server6() { return to_gateway(vm_a, lan0) / Ip6{.src = vm_a.v6, .dst = server.v6}; }

Packet server_to(const sl_addr& address) {
    const Eth eth = to_gateway(router, wan0);
    const bool v4 = address.w[0] == 0 && address.w[1] == 0;
    if (v4) return eth / Ip4{.src = server.v4, .dst = address, .ttl = 57};
    return eth / Ip6{.src = server.v6, .dst = address, .hop_limit = 57};
}

Packet routed(Packet packet, const Link& out, const Host& next) {
    packet.get<Eth>() = from_gateway(out, next);
    if (packet.has<Ip4>())
        packet.get<Ip4>().ttl -= 1;
    else
        packet.get<Ip6>().hop_limit -= 1;
    return packet;
}

Packet with_source(Packet packet, const sl_addr& address, std::uint16_t port) {
    packet.get<Ip4>().src = address;
    if (packet.has<Tcp>()) packet.get<Tcp>().sport = port;
    if (packet.has<Udp>()) packet.get<Udp>().sport = port;
    if (packet.has<Icmp>()) set_echo_id(packet, port);
    return packet;
}

Packet with_destination(Packet packet, const sl_addr& address, std::uint16_t port) {
    packet.get<Ip4>().dst = address;
    if (packet.has<Tcp>()) packet.get<Tcp>().dport = port;
    if (packet.has<Udp>()) packet.get<Udp>().dport = port;
    if (packet.has<Icmp>()) set_echo_id(packet, port);
    return packet;
}

}  // namespace sluice::test
