// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/packet/switch/scenario.hpp"

#include <algorithm>

#include "tests/harness/dissect.hpp"

namespace sluice::test {
namespace {

std::string list_of(const std::vector<Arrival>& arrivals) {
    std::string out;
    for (const Arrival& each : arrivals)
        out += "  by port " + std::to_string(each.port) + ":\n" + hex_dump(each.frame) + "\n";
    return out.empty() ? "  nothing\n" : out;
}

}  // namespace

Mac station(std::size_t port, std::uint8_t number) {
    return {2, 0, 0, 0x51, static_cast<std::uint8_t>(port), number};
}

Packet frame(const Mac& from, const Mac& to, unsigned seed) {
    return Eth{.dst = to, .src = from} / Ip4{.src = ip("10.1.0.1"), .dst = ip("10.1.0.2")} /
           Udp{.sport = 4000, .dport = 4001} / payload(30, seed);
}

Packet tagged(const Packet& packet, const Vlan& tag) {
    Packet out;
    for (const Layer& layer : packet.layers()) {
        out /= layer;
        if (std::holds_alternative<Eth>(layer)) out /= tag;
    }
    return out;
}

Copies by(std::initializer_list<std::size_t> ports, const Packet& packet) {
    Copies copies;
    for (const std::size_t port : ports) copies.push_back({port, packet});
    return copies;
}

Rig& SwitchTest::rig() {
    static Rig rig(shared_gate());
    return rig;
}

void SwitchTest::SetUp() {
    // What the queues hold of a frame is in order on one CPU alone.
    sched_getaffinity(0, sizeof(before_), &before_);
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(static_cast<std::size_t>(sched_getcpu()), &one);
    sched_setaffinity(0, sizeof(one), &one);
    gate().reset();
    rig().reset();
}

void SwitchTest::TearDown() {
    rig().expect_balanced();
    // The other suites have the lab's ports alone.
    rig().reset();
    sched_setaffinity(0, sizeof(before_), &before_);
}

std::vector<Arrival> SwitchTest::pass(Way way, std::size_t port, const Packet& in) {
    rig().send(way, port, serialise(in));
    return rig().receive();
}

void SwitchTest::expect_copies(Way way, std::size_t port, const Packet& in, const Copies& out) {
    std::vector<Arrival> expected;
    for (const Copy& copy : out) expected.push_back({copy.port, serialise(copy.packet)});
    std::ranges::sort(expected);
    const auto got = pass(way, port, in);
    if (got == expected) return;
    if (got.size() == 1 && expected.size() == 1 && got[0].port == expected[0].port)
        ADD_FAILURE() << way_text(way) << ", in by port " << port << ", out by " << got[0].port
                      << ":\n"
                      << difference(expected[0].frame, got[0].frame);
    else
        ADD_FAILURE() << way_text(way) << ", in by port " << port << ", expected\n"
                      << list_of(expected) << "got\n"
                      << list_of(got);
}

void SwitchTest::expect_drop(Way way, std::size_t port, const Packet& in, sl_drop reason) {
    const auto before = rig().drops(port, reason);
    expect_copies(way, port, in, {});
    EXPECT_EQ(rig().drops(port, reason), before + 1)
        << way_text(way) << ", in by port " << port << ": reason " << reason;
}

std::vector<sl_event> SwitchTest::events_of(sl_event_kind kind) {
    auto events = gate().events();
    std::erase_if(events, [kind](const sl_event& event) { return event.kind != kind; });
    return events;
}

std::uint16_t SwitchTest::learned_on(const Mac& mac, std::uint16_t vlan) {
    const auto entry = rig().fdb(mac, vlan);
    return entry ? entry->port : std::uint16_t{0};
}

}  // namespace sluice::test
