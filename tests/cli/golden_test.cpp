// SPDX-License-Identifier: GPL-2.0-or-later
// The documents of every listing, of values made by hand, against golden/. They are the schema
// that docs/reference/json.md describes: a change here is a change of the contract.
#include "tests/cli/golden.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>

#include <algorithm>

#include "cli/view/detect.hpp"
#include "cli/view/flow.hpp"
#include "cli/view/views.hpp"
#include "tests/cli/capture.hpp"

namespace sluice::cli {
namespace {

PortStatus tap() {
    Link link;
    link.name = "tap0";
    link.ifindex = 7;
    link.mac = *MacAddress::parse("02:00:00:00:00:07");
    link.ethernet = link.up = link.carrier = true;
    link.mtu = 1500;
    link.kind = link.driver = "tun";
    link.master_name = "br0";
    PortStatus port;
    port.spec.name = "tap0";
    port.spec.id = 1;
    port.spec.vlan = 10;
    port.link = link;
    port.ingress = TcAttachment{TcMethod::tcx, 100};
    port.egress = TcAttachment{TcMethod::tcx, 101};
    return port;
}

PortStatus nic() {
    auto port = tap();
    port.spec = {};
    port.spec.name = "eth0";
    port.spec.role = Role::uplink;
    port.spec.id = 2;
    port.link->name = "eth0";
    port.link->physical = true;
    port.link->kind.clear();
    port.link->driver = "ixgbe";
    port.link->master_name.clear();
    port.xdp = XdpAttachment{XdpMethod::dispatcher, 102};
    port.xdp_without_tcp = port.xdp_target = true;
    return port;
}

PortStatus absent_trunk() {
    PortStatus port;
    port.spec.name = "tap1";
    port.spec.role = Role::trunk;
    port.spec.vlans = {{10, 10}, {20, 30}};
    port.spec.native_vlan = 5;
    port.spec.id = 3;
    port.note = "there is no such interface now";
    return port;
}

Session session(const char* source, const char* destination, const char* after) {
    const auto end = [](const char* text) {
        const auto endpoint = *Endpoint::parse(text);
        return SocketAddress{endpoint.address, endpoint.ports.first};
    };
    Session made;
    made.protocol = IPPROTO_TCP;
    made.source = end(source);
    made.destination = made.translated_destination = end(destination);
    made.translated_source = end(after);
    made.state = SessionState::established;
    made.sent = {10, 1000};
    made.received = {8, 9000};
    made.age = 12.5;
    made.idle = 0.25;
    made.expires_in = 7439.75;
    made.in_port = "tap0";
    return made;
}

TEST(Golden, Status) {
    InstanceStatus status;
    status.instance = "default";
    status.up = status.running = true;
    status.abi_version = 1;
    status.netns = "/run/netns/blue";
    status.since = 1'700'000'000;
    status.flows4 = {12, 1'000'000};
    status.flows6 = {2, 250'000};
    status.bindings = {5, 262'144};
    status.memory = 210'000'000;
    status.masquerades = 1;
    status.forwards = 2;
    status.door = Door{no_door_sets(), {7, 420}, {1, 60}};
    status.ports = {tap(), nic()};
    status.drift = {"to do: attach TC ingress to tap0"};
    expect_golden("status.json", status_view(status));

    InstanceStatus down;
    down.instance = "lab";
    expect_golden("status-down.json", status_view(down));
}

TEST(Golden, Ports) {
    expect_golden("port-list.json", ports_view({tap(), nic(), absent_trunk()}));
    expect_golden("port-show.json", port_view(nic()));
}

TEST(Golden, Nat) {
    MasqueradeStatus follows{.spec = {.source = *Prefix::parse("10.0.0.0/24"),
                                      .uplink = "eth0",
                                      .addresses = {},
                                      .ports = {2000, 5000}},
                             .addresses = {*Address::parse("192.0.2.1")}};
    auto fixed = follows;
    fixed.spec.source = *Prefix::parse("10.1.0.0/16");
    fixed.spec.addresses =
        fixed.addresses = {*Address::parse("198.51.100.7"), *Address::parse("198.51.100.8")};
    fixed.spec.pool = 1;
    expect_golden("masquerade-list.json", masquerades_view({follows, fixed}));
    expect_golden("forward-list.json",
                  forwards_view({{IPPROTO_TCP, *Endpoint::parse("192.0.2.1:80"),
                                  *Endpoint::parse("10.0.0.5:8080")},
                                 {IPPROTO_UDP, *Endpoint::parse("192.0.2.1:5000-5009"),
                                  *Endpoint::parse("10.0.0.5:6000-6009")}}));
    PoolStatus pool;
    pool.uplinks = {"eth0"};
    pool.address = *Address::parse("192.0.2.1");
    pool.protocol = IPPROTO_UDP;
    pool.range = {2000, 5000};
    pool.reserved = 1;
    pool.used = 10;
    pool.free = 2990;
    pool.highest = 20;
    pool.allocated = 100;
    pool.refused = 3;
    pool.retries = 4;
    expect_golden("pool-show.json", pools_view({pool}));
}

TEST(Golden, Sessions) {
    auto web = session("10.0.0.2:4000", "198.51.100.9:443", "192.0.2.1:2000");
    web.nat = NatKind::snat;
    auto routed = session("[2001:db8::2]:4000", "[2001:db8:1::9]:443", "[2001:db8::2]:4000");
    routed.domain = 10;
    routed.path = FlowPath::switched;
    routed.out_port = "tap1";
    routed.vm = "web1";
    routed.dscp = 46;
    routed.handshake = 0.000321;
    routed.sent_flags = SL_TCP_SYN | SL_TCP_ACK;
    routed.received_flags = SL_TCP_SYN | SL_TCP_ACK | SL_TCP_FIN;
    routed.flushed = true;
    const auto printed = capture(Mode::json, [&](Output& output) {
        output.begin(session_stream());
        output.row(session_json(web));
        output.row(session_json(routed));
        output.end({{"count", 2}});
    });
    expect_golden("session-list.json", printed.out);
    expect_golden("flow-top.json", flow_top_view({{{routed, 81920}}, {3, 1}, 90000}));
    const auto watched = capture(Mode::json, [&](Output& output) {
        output.begin(flow_watch_stream());
        output.row(flow_record_json({WallTime{std::chrono::seconds(1'700'000'000)}, true, web}));
    });
    expect_golden("flow-watch.json", watched.out);
    expect_golden("session-count.json",
                  session_count_view("sluice.nat.session.count/1", {3, 1}, "4"));
}

TEST(Golden, SessionLinesOfIpv4Align) {
    auto web = session("10.0.0.2:4000", "198.51.100.9:443", "192.0.2.1:2000");
    web.nat = NatKind::snat;
    const auto text = capture(Mode::text, [&](Output& output) {
        output.begin(session_stream());
        output.row(session_json(web));
        output.end({});
    });
    const auto heading = text.out.substr(0, text.out.find('\n'));
    const auto row = text.out.substr(heading.size() + 1);
    for (const auto* title : {"SOURCE", "DESTINATION", "TRANSLATED TO", "STATE", "IN "}) {
        const auto column = heading.find(title);
        EXPECT_EQ(row[column - 1], ' ') << title;
        EXPECT_NE(row[column], ' ') << title;
    }
    EXPECT_EQ(row.size(), heading.size() + 1) << "numbers end where their titles do";
}

TEST(Golden, Detectors) {
    const std::vector<DetectorSpec> set{
        {SL_DETECT_PORT_SCAN, 20, std::chrono::minutes(5), DetectAction::limit},
        {SL_DETECT_HOST_SCAN, 60, std::chrono::minutes(1), DetectAction::block,
         std::chrono::hours(1)}};
    expect_golden("detect-list.json", detectors_view(all_detectors(set)));
}

TEST(Golden, Counters) {
    PortCounters counters{.port = "tap0"};
    counters.consistent = true;
    counters.stats.rx[SL_COUNT_OBSERVED] = {6, 600};
    counters.stats.rx[SL_COUNT_FORWARDED] = {3, 300};
    counters.stats.rx[SL_COUNT_PASSED] = {2, 200};
    counters.stats.rx[SL_COUNT_DROPPED] = {1, 100};
    expect_golden("stats.json", stats_view({counters}, {}));

    std::vector<DropCounter> drops;
    for (const auto* port : {"tap0", "eth0"})
        for (const auto& reason : drop_reasons())
            drops.push_back({port, &reason, {reason.reason == SL_DROP_MALFORMED ? 2ull : 0, 120}});
    Event event;
    event.kind = &event_kinds()[SL_EVENT_DROP - 1];
    event.port = "eth0";
    event.vm = "web1";
    event.time = WallTime(std::chrono::seconds(1'700'000'000));
    auto newer = event;
    for (auto* it : {&event, &newer}) it->reason = &drop_reasons()[SL_DROP_MALFORMED - 1];
    newer.header = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02, 0, 0, 0, 0, 0x01};
    auto other = newer;
    other.reason = &drop_reasons()[SL_DROP_TOO_BIG - 1];
    const std::vector events{event, newer, other};
    expect_golden("drops.json", drops_view(drops, events, false, false));
    expect_golden("drops-by-port.json", drops_view(drops, events, true, false));
    EXPECT_EQ(drops_view(drops, events, false, true).body["drops"].size(), drop_reasons().size());
    const auto text = capture(
        Mode::text, [&](Output& output) { output.print(drops_view(drops, events, true, false)); });
    EXPECT_THAT(text.out, testing::HasSubstr("last 2023-11-14T22:13:20.000Z at eth0: "
                                             "02:00:00:00:00:01 > ff:ff:ff:ff:ff:ff cut off\n"));
    EXPECT_EQ(std::ranges::count(text.out, '\n'), 6) << "tap0 has no last one: " << text.out;
}

TEST(Golden, Outcome) {
    const Outcome outcome{{"attach TC ingress to tap0", "add port tap0"}, {"tap0 is down"}};
    expect_golden("port-add.json",
                  outcome_view("sluice.port.add/1", Target{}, outcome, "port tap0 added"));
    Target planned;
    planned.effect = Effect::plan;
    expect_golden("port-add-dry-run.json",
                  outcome_view("sluice.port.add/1", planned, outcome, "port tap0 added"));
}

}  // namespace
}  // namespace sluice::cli
