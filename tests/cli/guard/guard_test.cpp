// SPDX-License-Identifier: GPL-2.0-or-later
// sluice guard and sluice events: documents, usage errors, and every command live.
#include "cli/view/guard.hpp"

#include <gmock/gmock.h>

#include <sstream>

#include "cli/view/events.hpp"
#include "loader/guard/plan.hpp"
#include "loader/kernel/bpffs.hpp"
#include "loader/kernel/map.hpp"
#include "loader/model/guard_switches.hpp"
#include "tests/cli/golden.hpp"
#include "tests/cli/live.hpp"

namespace sluice::cli {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

MacAddress mac(const char* text) { return *MacAddress::parse(text); }
Address address(const char* text) { return *Address::parse(text); }

GuardStatus guard() {
    GuardSpec spec;
    spec.port = "tap0";
    spec.ra_block = false;
    spec.snoop = true;
    spec.learn = 8;
    spec.macs = {mac("52:54:00:00:00:01")};
    spec.addresses = {*Prefix::parse("10.0.0.2"), *Prefix::parse("fe80::/64")};
    spec.ethertypes = {0x88cc};
    PortLease waiting;
    waiting.mac = mac("52:54:00:00:00:02");
    waiting.port = "tap0";
    waiting.standby = true;
    const auto plan = plan_guard(spec, 7, {waiting});

    GuardStatus status;
    status.port = "tap0";
    status.enforced = true;
    status.entry = plan->entry;
    status.prefixes = plan->prefixes;
    status.learned = {{mac("52:54:00:00:00:03"), 12.3}};
    status.changed = LearnedMac{mac("52:54:00:00:00:04"), 1};
    status.snooped = {{address("10.0.0.77"), mac("52:54:00:00:00:01"), 600}};
    for (const auto& reason : drop_reasons())
        if (reason.reason == SL_DROP_GUARD_MAC || reason.reason == SL_DROP_GUARD_IP)
            status.counts.push_back({.reason = &reason,
                                     .drops = {reason.reason == SL_DROP_GUARD_MAC ? 5ull : 0, 300},
                                     .audits = {0, 0}});
    status.duplicates = 2;
    status.foreign = 1;
    status.drift = {"address 10.0.0.3 is missing"};
    return status;
}

GuardStatus missing() {
    GuardStatus status;
    status.port = "tap1";
    status.drift = {"the kernel has no guard on this port"};
    return status;
}

Event spoofed_arp() {
    Event event;
    event.number = 42;
    event.time = WallTime(std::chrono::milliseconds(1'700'000'000'123));
    event.kind = event_kinds().data();  // drop
    event.reason = &drop_reasons()[SL_DROP_GUARD_ARP - 1];
    event.port = "tap0";
    event.vm = "web1";
    event.repeats = 17;
    event.frame_len = 42;
    event.header = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02, 0, 0,    0, 0,  0x01, 0x08, 0x06,
                    0,    1,    8,    0,    6,    4,    0,    2, 0x02, 0, 0,  0,    0,    0x01,
                    10,   0,    0,    1,    0,    0,    0,    0, 0,    0, 10, 0,    0,    2};
    return event;
}

Event duplicate() {
    auto event = spoofed_arp();
    event.kind = &event_kinds()[SL_EVENT_MAC_DUPLICATE - 1];
    event.reason = nullptr;
    event.other_port = "tap1";
    event.header.resize(10);
    return event;
}

TEST(GuardGolden, Guards) {
    expect_golden("guard-list.json", guards_view({guard(), missing()}));
    expect_golden("guard-show.json", guard_view(guard()));
    expect_golden("guard-show-missing.json", guard_view(missing()));
}

TEST(Events, OnALineForLogs) {
    EXPECT_EQ(event_line(spoofed_arp()),
              "time=2023-11-14T22:13:20.123Z severity=warning kind=drop reason=guard-arp vm=web1 "
              "port=tap0 direction=in repeats=17 length=42 "
              "text=\"02:00:00:00:00:01 > ff:ff:ff:ff:ff:ff ARP reply 10.0.0.1 is at "
              "02:00:00:00:00:01\"");
    auto odd = duplicate();
    odd.port = "a\nb=\"c\"\xff";
    odd.other_port.clear();
    EXPECT_EQ(event_line(odd),
              "time=2023-11-14T22:13:20.123Z severity=error kind=mac-duplicate vm=web1 "
              "port=\"a\\nb=\\\"c\\\"\\ufffd\" direction=in repeats=17 length=42 "
              "text=\"10 bytes\"");
}

TEST(GuardGolden, Events) {
    const auto printed = capture(Mode::json, [&](Output& output) {
        output.begin(event_stream(false));
        output.row(event_json(spoofed_arp()));
        output.row(event_json(duplicate()));
        output.end({{"lost", 3}});
    });
    expect_golden("events.json", printed.out);
}

/// Whoever follows reads a line at a time: each is a document.
TEST(Events, EndlessJsonIsADocumentALine) {
    const auto printed = capture(Mode::json, [&](Output& output) {
        output.begin(event_stream(true));
        output.row(event_json(spoofed_arp()));
        output.remark({{"lost", 3}}, "3 events were lost");
        output.print(Error{ErrorCode::refused, "went down", ""});
    });
    std::istringstream lines(printed.out);
    std::vector<Json> documents;
    for (std::string line; std::getline(lines, line);) documents.push_back(Json::parse(line));
    ASSERT_EQ(documents.size(), 3u);
    for (const auto& document : documents) EXPECT_EQ(document["schema"], "sluice.events/1");
    EXPECT_EQ(documents[0]["number"], 42);
    EXPECT_EQ(documents[1]["lost"], 3);
    EXPECT_EQ(documents[2]["error"]["code"], "refused");
}

TEST(Events, TextSaysTheFrameAndWhatWasLost) {
    const auto printed = capture(Mode::text, [&](Output& output) {
        output.begin(event_stream(true));
        output.remark({{"lost", 3}}, "3 events were lost");
        output.row(event_json(spoofed_arp()));
        output.row(event_json(duplicate()));
    });
    EXPECT_THAT(printed.out, HasSubstr("2023-11-14T22:13:20.123Z"));
    EXPECT_THAT(printed.out, HasSubstr("ARP reply 10.0.0.1 is at 02:00:00:00:00:01"));
    EXPECT_THAT(printed.out, HasSubstr("10 bytes, known from tap1"));
    EXPECT_EQ(printed.err, "warning: 3 events were lost\n");
}

/// All of these are refused before anything is opened.
TEST(GuardUsage, ErrorsExitWith2) {
    const std::vector<std::vector<std::string>> wrong{
        {"guard"},
        {"guard", "set"},
        {"guard", "show"},
        {"guard", "set", "tap0", "--mac", "yes"},
        {"guard", "set", "tap0", "--ra", "off"},
        {"guard", "set", "tap0", "--audit", "maybe"},
        {"guard", "set", "tap0", "--forged-transmits", "on"},
        {"guard", "set", "tap0", "--forged-transmits", "accept", "--mac", "on"},
        {"guard", "set", "tap0", "--macs", "52:54:00"},
        {"guard", "set", "tap0", "--macs", "01:00:5e:00:00:01"},
        {"guard", "set", "tap0", "--macs", "52:54:00:00:00:01,none"},
        {"guard", "set", "tap0", "--address", "10.0.0.1/24"},
        {"guard", "set", "tap0", "--address", "224.0.0.1"},
        {"guard", "set", "tap0", "--ethertypes", "fish"},
        {"guard", "set", "tap0", "--ethertypes", "0x0800"},
        {"guard", "set", "tap0", "--ethertypes", "0x8100"},
        {"guard", "set", "tap0", "--learn", "1025"},
        {"guard", "set", "tap0", "--learn", "-1"},
        {"guard", "set", "tap0", "--dhcp-rate", "0"},
        {"guard", "set", "tap0", "--dhcp-rate", "65536"},
        {"events", "--kind", "fish"},
        {"events", "--since", "5"},
        {"events", "tap0"},
    };
    for (const auto& arguments : wrong) {
        const auto result = run_captured(arguments);
        EXPECT_EQ(result.code, 2) << testing::PrintToString(arguments) << result.err;
    }
}

class GuardLive : public Live {
protected:
    /// The VM's end says only what the test makes it say.
    void SetUp() override {
        Live::SetUp();
        if (!IsSkipped()) in_netns("sysctl -q net.ipv6.conf.vm0.disable_ipv6=1");
    }
    [[nodiscard]] Json shown(const std::string& port = "tap0") const {
        return done("guard show " + port)["guard"];
    }
    /// A frame from the VM's end of tap0, as hex.
    void send(const std::string& hex) const {
        in_netns(
            "python3 -c 'import socket; s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW); "
            "s.bind((\"vm0\", 0)); s.send(bytes.fromhex(\"" +
            hex + "\"))'");
    }
    /// Of the reason that foreign_frame has.
    [[nodiscard]] int count_of_frames(const char* which) const {
        const auto rows = shown()["refused"];
        for (const auto& row : rows)
            if (row["reason"] == "guard-ethertype") return row[which];
        return 0;
    }
    [[nodiscard]] Json events_of_frames(const std::string& options) const {
        Json events = Json::array();
        const auto all = done("events " + options)["events"];
        for (const auto& event : all)
            if (event["reason"] == "guard-ethertype") events.push_back(event);
        return events;
    }
    static std::vector<std::string> column(const Json& rows, const char* name) {
        std::vector<std::string> values;
        for (const auto& row : rows) values.push_back(row[name]);
        return values;
    }
};

/// Broadcast, an ethertype that nobody listed, from 02:00:00:00:00:09.
const std::string foreign_frame = "ffffffffffff02000000000988b5" + std::string(92, '0');

TEST_F(GuardLive, WhatIsSetIsWhatTheKernelEnforces) {
    bring_up();
    add_ports();
    EXPECT_EQ(done("guard list")["guards"], Json::array());
    EXPECT_EQ(done("port show tap0")["port"]["guard"], nullptr);
    done(
        "guard set tap0 --macs 52:54:00:00:00:02,52:54:00:00:00:01 --address "
        "10.0.0.2,2001:db8::2,10.1.0.0/24 --ethertypes lldp --ra allow --learn 4 --dhcp-rate 3");
    auto guard = shown();
    EXPECT_EQ(guard["state"], "on");
    EXPECT_EQ(column(guard["macs"], "mac"),
              (std::vector<std::string>{"52:54:00:00:00:01", "52:54:00:00:00:02"}));
    EXPECT_EQ(column(guard["addresses"], "address"),
              (std::vector<std::string>{"10.0.0.2", "2001:db8::2", "10.1.0.0/24"}));
    EXPECT_EQ(guard["settings"]["ra"], "allow");
    EXPECT_EQ(guard["settings"]["mac"], "on");
    EXPECT_EQ(guard["settings"]["learn"], 4);
    EXPECT_EQ(guard["settings"]["dhcp_rate"], 3);
    EXPECT_EQ(guard["settings"]["ethertypes"], Json({"0x88cc"}));
    EXPECT_EQ(guard["deviations"], Json({"ra=allow"}));
    EXPECT_EQ(guard["drift"], Json::array());
    EXPECT_EQ(done("port show tap0")["port"]["guard"], "on");

    // Later only what is given changes.
    done("guard set tap0 --audit --macs none");
    guard = shown();
    EXPECT_EQ(guard["state"], "audit");
    EXPECT_EQ(guard["macs"], Json::array());
    EXPECT_EQ(guard["address_count"], 3);
    EXPECT_EQ(guard["settings"]["ra"], "allow");
    EXPECT_EQ(done("port show tap0")["port"]["guard"], "audit");
    EXPECT_EQ(done("restore")["actions"], Json::array()) << "nothing was left to do";

    done("guard del tap0");
    EXPECT_EQ(sluice("guard show tap0").code, 3);
    EXPECT_EQ(done("status")["drift"], Json::array());
}

TEST_F(GuardLive, EverySwitchIsReadBack) {
    bring_up();
    add_ports();
    for (const auto& it : guard_switches) {
        std::string option(it.name);
        std::ranges::replace(option, '_', '-');
        for (const auto word : {it.yes, it.no}) {
            done("guard set tap0 --" + option + " " + std::string(word));
            EXPECT_EQ(shown()["settings"][it.name], word) << it.name;
        }
    }
    done("guard set tap0 --forged-transmits accept");
    EXPECT_EQ(shown()["settings"]["mac"], "off");
}

TEST_F(GuardLive, ALeaseOfThePortIsInItsGuard) {
    bring_up();
    add_ports();
    done("guard set tap0 --macs 52:54:00:00:00:01");
    done("mac bind 52:54:00:00:00:05 --vm web --port tap0 --ip 10.0.0.5");
    EXPECT_EQ(column(shown()["macs"], "mac"),
              (std::vector<std::string>{"52:54:00:00:00:01", "52:54:00:00:00:05"}));
    EXPECT_EQ(column(shown()["addresses"], "address"), std::vector<std::string>{"10.0.0.5"});
    EXPECT_EQ(done("restore")["actions"], Json::array());
    done("mac release web");
    EXPECT_EQ(shown()["mac_count"], 1);
    EXPECT_EQ(shown()["address_count"], 0);
}

TEST_F(GuardLive, RefusalsChangeNothing) {
    bring_up();
    add_ports();
    done("guard set tap0 --macs 52:54:00:00:00:01");
    done("mac bind 52:54:00:00:00:05 --vm web --port up0");
    const auto before = shown();
    refused(3, "guard set tap9", "not a port");
    refused(3, "guard show tap9", "not a port");
    refused(3, "guard show up0", "no guard");
    refused(3, "guard del up0", "no guard");
    refused(4, "guard set tap0 --macs 52:54:00:00:00:05", "leased to web on up0");
    refused(3, "events --port tap9", "not a port");
    EXPECT_EQ(shown(), before);
}

TEST_F(GuardLive, DryRunWritesNothing) {
    bring_up();
    add_ports();
    const auto planned = done("--dry-run guard set tap0 --macs 52:54:00:00:00:01");
    EXPECT_EQ(planned["dry_run"], true);
    ASSERT_EQ(planned["actions"].size(), 2u);
    EXPECT_THAT(planned["actions"][0].get<std::string>(), StartsWith("write the guard of tap0"));
    EXPECT_EQ(sluice("guard show tap0").code, 3);
}

TEST_F(GuardLive, DropsAreCountedAndReported) {
    bring_up();
    add_ports();
    done("guard set tap0 --macs 02:00:00:00:00:09");
    send(foreign_frame);
    EXPECT_EQ(count_of_frames("dropped"), 1);
    const auto events = events_of_frames("--port tap0 --kind drop --since 1h");
    ASSERT_EQ(events.size(), 1u);
    EXPECT_EQ(events[0]["frame"]["source_mac"], "02:00:00:00:00:09");
    EXPECT_EQ(events[0]["frame"]["ethertype"], "0x88b5");
    EXPECT_THAT(events[0]["header"].get<std::string>(), StartsWith(foreign_frame.substr(0, 28)));
    EXPECT_EQ(events_of_frames("--kind audit"), Json::array());
    EXPECT_EQ(events_of_frames("--port up0"), Json::array());

    done("guard set tap0 --audit");
    send(foreign_frame);
    EXPECT_EQ(count_of_frames("audited"), 1);
    EXPECT_EQ(count_of_frames("dropped"), 1) << "on --audit nothing is";
}

/// The id of a port that is gone is given again: the next must not inherit.
TEST_F(GuardLive, APortThatComesAfterStartsClean) {
    bring_up();
    add_ports();
    done("guard set tap0 --macs 02:00:00:00:00:09 --address 10.1.0.0/24 --audit");
    send(foreign_frame);
    send(foreign_frame);
    EXPECT_EQ(count_of_frames("audited"), 2);
    // One, or two if a second has passed in between.
    const auto before = events_of_frames("--kind audit").size();
    done("port del tap0");
    done("port add tap0 --role access");
    EXPECT_EQ(sluice("guard show tap0").code, 3);
    done("guard set tap0 --audit");
    EXPECT_EQ(count_of_frames("audited"), 0);
    EXPECT_EQ(shown()["address_count"], 0);
    done("guard set tap0 --macs 02:00:00:00:00:09");
    send(foreign_frame);
    EXPECT_EQ(count_of_frames("audited"), 1);
    const auto events = events_of_frames("--kind audit");
    ASSERT_EQ(events.size(), before + 1) << "the former port's limit held this one's back";
    EXPECT_EQ(events.back()["repeats"], 0) << "those are the former port's";
}

TEST_F(GuardLive, WhatTheKernelLacksIsDrift) {
    bring_up();
    add_ports();
    done("guard set tap0 --macs 02:00:00:00:00:09 --address 10.1.0.0/24");
    const auto prefixes = Map<sl_guard_prefix, __u32>::open(Pins(name_).map("sl_guard_prefixes"));
    ASSERT_TRUE(prefixes);
    ASSERT_TRUE(prefixes->for_each([&](const sl_guard_prefix& key, const __u32&) {
        return prefixes->erase(key).has_value();
    }));
    EXPECT_EQ(shown()["drift"][0]["text"], "network 10.1.0.0/24 is missing");
    EXPECT_EQ(done("status")["state"], "drifted");
    done("restore");
    EXPECT_EQ(shown()["drift"], Json::array());
    EXPECT_EQ(shown()["address_count"], 1);
    EXPECT_EQ(done("status")["state"], "up");
}

TEST_F(GuardLive, FollowEndsWhenItIsInterrupted) {
    bring_up();
    add_ports();
    done("guard set tap0 --macs 02:00:00:00:00:09");
    const auto log = state_ + "/events";
    const auto pid = must("SLUICE_STATE_DIR=" + state_ + " " SLUICE_BINARY " --json --instance " +
                          name_ + " events --follow --since 1h >" + log + " & echo -n $!");
    send(foreign_frame);
    must("for i in $(seq 100); do grep -q 88b5 " + log + " && break; sleep 0.1; done");
    must("kill -INT " + pid + "; for i in $(seq 100); do kill -0 " + pid +
         " 2>/dev/null || exit 0; sleep 0.1; done; exit 1");
    const auto line = Json::parse(must("grep 88b5 " + log));
    EXPECT_EQ(line["schema"], "sluice.events/1");
    EXPECT_EQ(line["reason"], "guard-ethertype");
}

}  // namespace
}  // namespace sluice::cli
