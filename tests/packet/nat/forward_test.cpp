// SPDX-License-Identifier: GPL-2.0-or-later
// One table, both hooks: a session's first packet and its later ones on TC,
// established packets on XDP. Each row is bytes in, whole frame out.
#include <netinet/in.h>

#include <functional>
#include <initializer_list>
#include <ostream>
#include <vector>

#include "tests/packet/scenario.hpp"

namespace sluice::test {
namespace {

struct Step {
    const Link* by;
    Packet in, out;
};

struct ForwardCase {
    const char* name;
    std::function<void(Gate&)> rules;
    std::vector<Step> steps;  ///< in the order of the conversation
};

void PrintTo(const ForwardCase& row, std::ostream* out) { *out << row.name; }

void no_rules(Gate&) {}

void masquerade(Gate& gate) { gate.masquerade(ip("10.0.0.0"), 24, wan0, {external}, 1024, 65535); }

void masquerade_and_forward(Gate& gate) {
    masquerade(gate);
    gate.forward(IPPROTO_TCP, external, 8080, vm_b.v4, 80, wan0);
    gate.forward(IPPROTO_UDP, external, 5000, vm_a.v4, 6000, wan0, 10);
}

/// A conversation of vm_a with the server through the masquerade: request out,
/// reply in.
ForwardCase masqueraded(const char* name, const Layer& request, const Layer& reply,
                        std::uint16_t port, std::size_t length = 24) {
    Packet out = a_to_server4();
    Packet in = server_to(external);
    out /= request;
    out /= payload(length);
    in /= reply;
    in /= payload(length, 2);
    return {name,
            masquerade,
            {{&lan0, out, with_source(routed(out, wan0, router), external, port)},
             {&wan0, in, with_destination(routed(in, lan0, vm_a), vm_a.v4, port)}}};
}

/// The same without translation, by whatever layers are given above the IP
/// header.
ForwardCase routed_only(const char* name, const Packet& request, const Packet& reply) {
    return {name,
            no_rules,
            {{&lan0, request, routed(request, wan0, router)},
             {&wan0, reply, routed(reply, lan0, vm_a)}}};
}

std::vector<ForwardCase> masquerade_cases() {
    const Bytes timestamps{1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2};
    return {
        masqueraded("SnatTcp", Tcp{.sport = 40000, .dport = 443, .options = timestamps},
                    Tcp{.sport = 443, .dport = 40000, .flags = ACK | PSH, .options = timestamps},
                    40000),
        masqueraded("SnatUdp", Udp{.sport = 5353, .dport = 53}, Udp{.sport = 53, .dport = 5353},
                    5353),
        masqueraded("SnatEcho", echo_request4(0x4242, 9), echo_reply4(0x4242, 9), 0x4242, 56),
        masqueraded("SnatUdpEmpty", Udp{.sport = 5353, .dport = 53},
                    Udp{.sport = 53, .dport = 5353}, 5353, 0),
        masqueraded("SnatUdpNoChecksum", Udp{.sport = 5353, .dport = 53, .sum = Sum::none},
                    Udp{.sport = 53, .dport = 5353, .sum = Sum::none}, 5353),
    };
}

std::vector<ForwardCase> forward_cases() {
    // The server opens; the answers leave with the external address and port.
    const Packet to_web = server_to(external) / Tcp{.sport = 50000, .dport = 8080} / payload(90);
    const Packet web_answer = to_gateway(vm_b, lan1) / Ip4{.src = vm_b.v4, .dst = server.v4} /
                              Tcp{.sport = 80, .dport = 50000, .flags = FIN | ACK};
    const Packet last_of_range =
        server_to(external) / Udp{.sport = 7000, .dport = 5009} / payload(11);
    const Packet range_answer = a_to_server4() / Udp{.sport = 6009, .dport = 7000} / payload(9);
    // Inside to inside through the external address: the client is translated as
    // well, or the answer would go straight to it and not be recognised (RFC 4787
    // REQ-9).
    const Packet hairpin = to_gateway(vm_a, lan0) / Ip4{.src = vm_a.v4, .dst = external} /
                           Tcp{.sport = 41000, .dport = 8080};
    Packet at_b = with_source(routed(hairpin, lan1, vm_b), external, 41000);
    at_b = with_destination(at_b, vm_b.v4, 80);
    const Packet hairpin_answer = to_gateway(vm_b, lan1) / Ip4{.src = vm_b.v4, .dst = external} /
                                  Tcp{.sport = 80, .dport = 41000, .flags = PSH | ACK};
    Packet at_a = with_source(routed(hairpin_answer, lan0, vm_a), external, 8080);
    at_a = with_destination(at_a, vm_a.v4, 41000);
    return {
        {"DnatTcp",
         masquerade_and_forward,
         {{&wan0, to_web, with_destination(routed(to_web, lan1, vm_b), vm_b.v4, 80)},
          {&lan1, web_answer, with_source(routed(web_answer, wan0, router), external, 8080)}}},
        {"DnatRangeUdp",
         masquerade_and_forward,
         {{&wan0, last_of_range,
           with_destination(routed(last_of_range, lan0, vm_a), vm_a.v4, 6009)},
          {&lan0, range_answer, with_source(routed(range_answer, wan0, router), external, 5009)}}},
        {"Hairpin",
         masquerade_and_forward,
         {{&lan0, hairpin, at_b}, {&lan1, hairpin_answer, at_a}}},
    };
}

std::vector<ForwardCase> routed_cases() {
    const Packet a4 = a_to_server4(), s4 = server_to(vm_a.v4);
    const Packet a6 = a_to_server6(), s6 = server_to(vm_a.v6);
    const Packet between = to_gateway(vm_a, lan0) / Ip4{.src = vm_a.v4, .dst = vm_b.v4} /
                           Udp{.sport = 1, .dport = 2} / payload(5);
    const Packet between_answer = to_gateway(vm_b, lan1) / Ip4{.src = vm_b.v4, .dst = vm_a.v4} /
                                  Udp{.sport = 2, .dport = 1} / payload(6);
    Packet options4 = a4;
    options4.get<Ip4>().options = {7, 7, 4, 0, 0, 0, 0, 0};  // record route, full
    Packet marked4 = a4, marked6 = a6;
    marked4.get<Ip4>().tos = 0xb9;
    marked6.get<Ip6>().traffic_class = 0xb9;
    marked6.get<Ip6>().flow_label = 0xabcde;
    const Ip6Extension hop_by_hop{.type = 0, .body = {5, 2, 0, 0}};
    const Ip6Extension destination{.type = 60, .body = Bytes(22)};
    return {
        routed_only("RouteTcp4", a4 / Tcp{.sport = 1000, .dport = 22} / payload(100),
                    s4 / Tcp{.sport = 22, .dport = 1000} / payload(7)),
        routed_only("RouteUdp4", a4 / Udp{.sport = 1000, .dport = 22} / payload(33),
                    s4 / Udp{.sport = 22, .dport = 1000} / payload(7)),
        routed_only("RouteEcho4", a4 / echo_request4(3) / payload(56),
                    s4 / echo_reply4(3) / payload(56)),
        routed_only("RouteOptions4", options4 / Udp{.sport = 1000, .dport = 22} / payload(3),
                    s4 / Udp{.sport = 22, .dport = 1000} / payload(7)),
        routed_only("RouteTos4", marked4 / Udp{.sport = 1000, .dport = 22} / payload(3),
                    s4 / Udp{.sport = 22, .dport = 1000} / payload(7)),
        routed_only("RouteTcp6", a6 / Tcp{.sport = 1000, .dport = 22} / payload(100),
                    s6 / Tcp{.sport = 22, .dport = 1000} / payload(7)),
        routed_only("RouteUdp6", marked6 / Udp{.sport = 1000, .dport = 22} / payload(33),
                    s6 / Udp{.sport = 22, .dport = 1000} / payload(7)),
        routed_only("RouteEcho6", a6 / echo_request6(3) / payload(56),
                    s6 / echo_reply6(3) / payload(56)),
        routed_only("RouteExtensions6",
                    a6 / hop_by_hop / destination / Udp{.sport = 1000, .dport = 22} / payload(3),
                    s6 / destination / Udp{.sport = 22, .dport = 1000} / payload(7)),
        {"RouteBetweenPorts",
         no_rules,
         {{&lan0, between, routed(between, lan1, vm_b)},
          {&lan1, between_answer, routed(between_answer, lan0, vm_a)}}},
    };
}

std::vector<ForwardCase> all_cases() {
    std::vector<ForwardCase> all = masquerade_cases();
    for (auto& more : {forward_cases(), routed_cases()})
        all.insert(all.end(), more.begin(), more.end());
    return all;
}

class Forwarding : public GateTest, public testing::WithParamInterface<ForwardCase> {
protected:
    /// Goes through the conversation once on each of the hooks, and holds the flow entries
    /// against what was sent.
    static void converse(const std::vector<Step>& steps, std::initializer_list<Hook> hooks) {
        std::int64_t packets = 0, bytes = 0;
        for (const Hook hook : hooks) {
            for (const Step& step : steps) {
                expect_forward(hook, *step.by, step.in, step.out);
                ++packets;
                bytes += static_cast<std::int64_t>(serialise(step.in).size());
            }
        }
        const auto flows4 = gate().flows4().entries();
        const auto flows6 = gate().flows6().entries();
        const bool v4 = steps.front().in.has<Ip4>();
        EXPECT_EQ(flows4.size(), v4 ? 2u : 0u);
        EXPECT_EQ(flows6.size(), v4 ? 0u : 2u);
        for (const auto& [key, flow] : flows4) {
            packets -= static_cast<std::int64_t>(flow.packets);
            bytes -= static_cast<std::int64_t>(flow.bytes);
        }
        for (const auto& [key, flow] : flows6) {
            packets -= static_cast<std::int64_t>(flow.packets);
            bytes -= static_cast<std::int64_t>(flow.bytes);
        }
        EXPECT_EQ(packets, 0) << "sent, but not counted";
        EXPECT_EQ(bytes, 0) << "sent, but not counted";
    }
};

TEST_P(Forwarding, OpenedOnTc) {
    GetParam().rules(gate());
    converse(GetParam().steps, {Hook::tc, Hook::xdp, Hook::tc, Hook::xdp});
}

TEST_P(Forwarding, OpenedOnXdp) {
    GetParam().rules(gate());
    auto steps = GetParam().steps;
    if (steps.front().in.has<Tcp>()) {  // only a SYN opens a connection there
        Step syn = steps.front();
        syn.in.get<Tcp>().flags = syn.out.get<Tcp>().flags = SYN;
        expect_pass(Hook::xdp, *syn.by, steps.front().in);
        expect_forward(Hook::xdp, *syn.by, syn.in, syn.out);
        for (const Hook hook : {Hook::xdp, Hook::tc, Hook::xdp})
            for (const Step& step : steps) expect_forward(hook, *step.by, step.in, step.out);
        return;
    }
    converse(steps, {Hook::xdp, Hook::xdp, Hook::tc, Hook::xdp});
}

INSTANTIATE_TEST_SUITE_P(Table, Forwarding, testing::ValuesIn(all_cases()), name_of);

}  // namespace
}  // namespace sluice::test
