// SPDX-License-Identifier: GPL-2.0-or-later
// Detection: what each detector counts, what it forgives, when it reports, and what it drops on
// `limit`.
#include "sluice/abi/detect.h"

#include <algorithm>
#include <chrono>
#include <thread>

#include "sluice/abi/block.h"
#include "sluice/net.hpp"
#include "tests/packet/scenario.hpp"
#include "tests/packet/switch/scenario.hpp"

namespace sluice::test {
namespace {

constexpr std::uint32_t detect_minute = 60'000;  // ticks

/// Sets one detector, and no other.
void only(const Gate& gate, sl_detector detector, std::uint32_t threshold,
          sl_detect_action action = SL_DETECT_REPORT, std::uint32_t window = detect_minute) {
    const auto rules = gate.map<__u32, sl_detect_rule>("sl_detect_rules");
    for (__u32 i = 0; i < SL_DETECTOR_COUNT; ++i) rules.put(i, {});
    sl_detect_rule rule{};
    rule.threshold = threshold;
    rule.window = window;
    rule.action = action;
    rule.block = detect_minute;
    rules.put(detector, rule);
    const auto slots = gate.map<__u32, sl_detect>("sl_detect");
    for (__u32 i = 0; i < SL_DETECT_SLOTS; ++i) slots.put(i, {});
}

std::size_t reports_of(const Gate& gate, sl_detector detector) {
    std::size_t count = 0;
    for (const auto& event : gate.events())
        if (event.kind == static_cast<int>(SL_EVENT_SYN_FLOOD) + static_cast<int>(detector))
            count += 1 + event.repeats;
    return count;
}

/// The kinds of events and the detectors are in the same order.
static_assert(static_cast<int>(SL_EVENT_ARP_SCAN) - static_cast<int>(SL_EVENT_SYN_FLOOD) ==
              static_cast<int>(SL_DETECT_ARP_SCAN));

class Detect : public GateTest, public testing::WithParamInterface<Hook> {
protected:
    void TearDown() override {
        for (__u32 i = 0; i < SL_DETECTOR_COUNT; ++i)
            gate().map<__u32, sl_detect_rule>("sl_detect_rules").put(i, {});
        gate().map<sl_block_key, sl_block_until>("sl_block_until").clear();
        gate().map<__u32, sl_block_state>("sl_block_state").put(0, {});
        GateTest::TearDown();
    }
    /// So that TC asks the block list: it does not where XDP has.
    static void one_hook() {
        for (const Link& link : ports) {
            auto entry = port_entry(link);
            if (GetParam() == Hook::tc) entry.flags &= static_cast<__u16>(~SL_PORT_XDP);
            gate().set_port(link, entry);
        }
    }
    static std::size_t reports(sl_detector detector) { return reports_of(gate(), detector); }
    /// On the hook, and if it leaves the frame, on TC.
    static Verdict send_by(const Packet& in, const Link& by = lan0) {
        const Bytes frame = serialise(in);
        const Outcome got = send(GetParam(), by, frame);
        if (GetParam() == Hook::tc || got.verdict != Verdict::pass) return got.verdict;
        return send(Hook::tc, by, frame).verdict;
    }
    static Packet tcp(std::uint16_t sport, std::uint16_t dport, std::uint8_t flags = SYN) {
        return a_to_server4() / Tcp{.sport = sport, .dport = dport, .flags = flags};
    }
    static Packet host(std::uint8_t last, std::uint16_t dport) {
        sl_addr address = server.v4;
        address.b[15] = last;
        return to_gateway(vm_a, lan0) / Ip4{.src = vm_a.v4, .dst = address} /
               Tcp{.sport = static_cast<std::uint16_t>(1000 + last), .dport = dport, .flags = SYN};
    }
};
INSTANTIATE_TEST_SUITE_P(Hooks, Detect, testing::Values(Hook::tc, Hook::xdp),
                         [](const auto& info) { return hook_text(info.param); });

TEST_P(Detect, SynFloodCountsWhatIsNotCompleted) {
    only(gate(), SL_DETECT_SYN_FLOOD, 3);
    for (std::uint16_t port = 1; port <= 20; ++port) {
        EXPECT_EQ(send_by(tcp(port, 80)), Verdict::forward);
        EXPECT_EQ(send_by(tcp(port, 80, ACK)), Verdict::forward);
    }
    EXPECT_EQ(reports(SL_DETECT_SYN_FLOOD), 0u) << "connections that are completed are none";
    for (std::uint16_t port = 101; port <= 103; ++port) (void)send_by(tcp(port, 80));
    EXPECT_EQ(reports(SL_DETECT_SYN_FLOOD), 0u);
    EXPECT_EQ(send_by(tcp(104, 80)), Verdict::forward) << "it is only reported";
    EXPECT_EQ(reports(SL_DETECT_SYN_FLOOD), 1u);
}

/// A SYN that comes again begins nothing.
TEST_P(Detect, ASynThatComesAgainIsOne) {
    only(gate(), SL_DETECT_SYN_FLOOD, 3);
    for (int i = 0; i < 20; ++i) EXPECT_EQ(send_by(tcp(1, 80)), Verdict::forward);
    EXPECT_EQ(reports(SL_DETECT_SYN_FLOOD), 0u);
}

TEST_P(Detect, LimitDropsWhatIsOver) {
    only(gate(), SL_DETECT_SYN_FLOOD, 3, SL_DETECT_LIMIT);
    for (std::uint16_t port = 1; port <= 3; ++port)
        EXPECT_EQ(send_by(tcp(port, 80)), Verdict::forward);
    EXPECT_EQ(send_by(tcp(4, 80)), Verdict::drop);
    EXPECT_EQ(gate().drops(lan0.id, SL_DROP_DETECTED).packets, 1u);
    EXPECT_EQ(send_by(tcp(1, 80, ACK)), Verdict::forward) << "what is established goes on";
    EXPECT_EQ(send_by(host(9, 80)), Verdict::forward) << "another destination";
    EXPECT_EQ(gate().flows4().entries().size(), 8u) << "what is dropped leaves no flow";
}

std::size_t blocked(const Gate& gate) {
    return gate.map<sl_block_key, sl_block_until>("sl_block_until").entries().size();
}

TEST_P(Detect, BlockCutsTheSourceOff) {
    one_hook();
    only(gate(), SL_DETECT_PORT_SCAN, 3, SL_DETECT_BLOCK);
    for (std::uint16_t port = 1; port <= 3; ++port)
        EXPECT_EQ(send_by(tcp(9, port)), Verdict::forward);
    EXPECT_EQ(blocked(gate()), 0u);
    EXPECT_EQ(send_by(tcp(9, 4)), Verdict::drop);
    EXPECT_EQ(gate().drops(lan0.id, SL_DROP_DETECTED).packets, 1u);
    for (const Packet& in : {tcp(9, 1, ACK), tcp(9, 5), Packet(a_to_server4() / udp)})
        EXPECT_EQ(send_by(in), Verdict::drop) << "what was established, too";
    EXPECT_EQ(gate().drops(lan0.id, SL_DROP_BLOCKED).packets, 3u);
    EXPECT_EQ(send_by(to_gateway(vm_b, lan1) / Ip4{.src = vm_b.v4, .dst = server.v4} / udp, lan1),
              Verdict::forward);
    EXPECT_EQ(send_by(a_to_server6() / udp), Verdict::forward) << "another address";

    const auto found = gate().map<sl_block_key, sl_block_until>("sl_block_until").entries();
    ASSERT_EQ(found.size(), 1u);
    const auto& [key, entry] = *found.begin();
    EXPECT_EQ(Address(key.addr), Address(vm_a.v4));
    EXPECT_EQ(key.length, 128u);
    EXPECT_EQ(entry.given, 0u);
    EXPECT_EQ(entry.by, static_cast<__u32>(SL_DETECT_PORT_SCAN));
    const auto events = gate().events();
    const auto told = std::ranges::find(events, SL_EVENT_SOURCE_BLOCKED,
                                        [](const sl_event& it) { return it.kind; });
    ASSERT_NE(told, events.end());
    EXPECT_EQ(told->reason, SL_DETECT_PORT_SCAN);
    EXPECT_EQ(told->port, lan0.id);
}

TEST_P(Detect, BlocksTheSourceOfPacketsOfIpv6AndOfFlowsThatAreThere) {
    one_hook();
    only(gate(), SL_DETECT_UDP_FLOOD_TO, 600, SL_DETECT_BLOCK);
    for (int i = 0; i < 900; ++i) (void)send_by(a_to_server6() / udp);
    EXPECT_EQ(send_by(a_to_server6() / udp), Verdict::drop);
    EXPECT_GT(gate().drops(lan0.id, SL_DROP_BLOCKED).packets, 0u);
    EXPECT_EQ(blocked(gate()), 1u);
}

TEST_P(Detect, TheHostIsNeverBlocked) {
    only(gate(), SL_DETECT_UDP_FLOOD_FROM, 2, SL_DETECT_BLOCK);
    const auto spoofed = [](std::uint8_t last, std::uint16_t port) {
        sl_addr source = vm_a.v4;
        source.b[15] = last;
        return to_gateway(vm_a, lan0) / Ip4{.src = source, .dst = server.v4} /
               Udp{.sport = port, .dport = 7};
    };
    for (std::uint16_t port = 1; port <= 9; ++port) (void)send_by(spoofed(1, port));
    EXPECT_EQ(blocked(gate()), 0u) << "lan0's own address";
    for (std::uint16_t port = 1; port <= 9; ++port) (void)send_by(spoofed(77, port));
    EXPECT_EQ(blocked(gate()), 1u);
}

TEST_P(Detect, TheWindowEnds) {
    only(gate(), SL_DETECT_CONNECTION_RATE, 2, SL_DETECT_LIMIT, 50);
    EXPECT_EQ(send_by(tcp(1, 80)), Verdict::forward);
    EXPECT_EQ(send_by(tcp(2, 80)), Verdict::forward);
    EXPECT_EQ(send_by(tcp(3, 80)), Verdict::drop);
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    EXPECT_EQ(send_by(tcp(3, 80)), Verdict::forward);
}

TEST_P(Detect, PortScanCountsPortsThatDoNotAnswer) {
    only(gate(), SL_DETECT_PORT_SCAN, 10);
    for (std::uint16_t i = 0; i < 50; ++i) {
        (void)send_by(tcp(static_cast<std::uint16_t>(1000 + i), 443));
        (void)send_by(tcp(static_cast<std::uint16_t>(2000 + i), static_cast<std::uint16_t>(i + 1)));
        (void)send_by(
            tcp(static_cast<std::uint16_t>(2000 + i), static_cast<std::uint16_t>(i + 1), ACK));
    }
    EXPECT_EQ(reports(SL_DETECT_PORT_SCAN), 0u) << "one port often, and fifty that answer";
    for (std::uint16_t i = 0; i < 20; ++i)
        (void)send_by(tcp(4000, static_cast<std::uint16_t>(5000 + i)));
    EXPECT_GE(reports(SL_DETECT_PORT_SCAN), 1u);
}

TEST_P(Detect, HostScanCountsHostsThatDoNotAnswer) {
    only(gate(), SL_DETECT_HOST_SCAN, 10);
    for (std::uint8_t last = 1; last <= 30; ++last) (void)send_by(host(last, last));
    EXPECT_EQ(reports(SL_DETECT_HOST_SCAN), 0u) << "another port each";
    for (std::uint8_t last = 1; last <= 30; ++last) (void)send_by(host(last, 22));
    EXPECT_GE(reports(SL_DETECT_HOST_SCAN), 1u);
}

/// Both new flows and many packets of one.
TEST_P(Detect, UdpAndIcmpFloods) {
    for (const auto& [to, from, packet] :
         {std::tuple{SL_DETECT_UDP_FLOOD_TO, SL_DETECT_UDP_FLOOD_FROM,
                     Packet(a_to_server4() / udp)},
          {SL_DETECT_ICMP_FLOOD_TO, SL_DETECT_ICMP_FLOOD_FROM,
           Packet(a_to_server4() / Icmp{.type = 8, .rest = 7})}})
        for (const auto detector : {to, from}) {
            gate().reset();
            only(gate(), detector, 600);
            for (int i = 0; i < 600; ++i) (void)send_by(packet);
            EXPECT_EQ(reports(detector), 0u) << detector;
            for (int i = 0; i < 256; ++i) (void)send_by(packet);
            EXPECT_EQ(reports(detector), 1u) << detector;
            EXPECT_EQ(send_by(packet), Verdict::forward);
        }
}

TEST_P(Detect, OffSeesNothing) {
    only(gate(), SL_DETECT_CONNECTION_RATE, 1, SL_DETECT_OFF);
    for (std::uint16_t port = 1; port <= 9; ++port)
        EXPECT_EQ(send_by(tcp(port, 80)), Verdict::forward);
    EXPECT_EQ(reports(SL_DETECT_CONNECTION_RATE), 0u);
}

Packet arp_for(std::uint8_t last) {
    sl_addr target = vm_a.v4;
    target.b[15] = last;
    return arp_frame(vm, {.sender_mac = vm, .sender = vm_a.v4, .target = target});
}

class DetectSwitched : public SwitchTest, public testing::WithParamInterface<sl_detect_action> {
protected:
    void SetUp() override {
        SwitchTest::SetUp();
        rig().set(0, access(10));
        rig().set(1, access(10));
        const auto limits = gate().map<__u32, sl_event_limit>("sl_event_limits");
        for (__u32 i = 0; i < SL_EVENT_SUBJECTS; ++i)
            limits.put(rig().id(0) * SL_EVENT_SUBJECTS + i, {});
    }
    void TearDown() override {
        for (__u32 i = 0; i < SL_DETECTOR_COUNT; ++i)
            gate().map<__u32, sl_detect_rule>("sl_detect_rules").put(i, {});
        SwitchTest::TearDown();
    }
    static bool limits() { return GetParam() == SL_DETECT_LIMIT; }
    static std::size_t arrivals(const Packet& in) { return pass(Way::tc, 0, in).size(); }
};
INSTANTIATE_TEST_SUITE_P(Actions, DetectSwitched,
                         testing::Values(SL_DETECT_REPORT, SL_DETECT_LIMIT), [](const auto& info) {
                             return info.param == SL_DETECT_LIMIT ? "limit" : "report";
                         });

TEST_P(DetectSwitched, MacFlood) {
    only(gate(), SL_DETECT_MAC_FLOOD, 5, GetParam());
    std::size_t arrived = 0;
    for (int round = 0; round < 2; ++round)
        for (std::uint8_t i = 1; i <= 5; ++i) arrived += arrivals(frame(station(0, i), everybody));
    EXPECT_EQ(arrived, 10u);
    EXPECT_EQ(reports_of(gate(), SL_DETECT_MAC_FLOOD), 0u);
    for (std::uint8_t i = 6; i <= 9; ++i) arrived += arrivals(frame(station(0, i), everybody));
    EXPECT_EQ(arrived, limits() ? 10u : 14u);
    EXPECT_EQ(reports_of(gate(), SL_DETECT_MAC_FLOOD), 1u) << "the others are its repeats";
}

TEST_P(DetectSwitched, ArpScan) {
    only(gate(), SL_DETECT_ARP_SCAN, 5, GetParam());
    std::size_t arrived = 0;
    for (int round = 0; round < 2; ++round)
        for (std::uint8_t i = 1; i <= 5; ++i) arrived += arrivals(arp_for(i));
    EXPECT_EQ(arrived, 10u) << "asking again is no scan";
    EXPECT_EQ(reports_of(gate(), SL_DETECT_ARP_SCAN), 0u);
    for (std::uint8_t i = 6; i <= 9; ++i) arrived += arrivals(arp_for(i));
    EXPECT_EQ(arrived, limits() ? 10u : 14u);
    EXPECT_EQ(reports_of(gate(), SL_DETECT_ARP_SCAN), 1u);
}

}  // namespace
}  // namespace sluice::test
