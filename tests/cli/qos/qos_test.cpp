// SPDX-License-Identifier: GPL-2.0-or-later
// sluice qos: documents, usage errors, and each command live.
#include "cli/view/qos.hpp"

#include <gmock/gmock.h>

#include <fstream>

#include "loader/qos/match.hpp"
#include "tests/cli/golden.hpp"
#include "tests/cli/live.hpp"

namespace sluice::cli {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::SizeIs;

QosClassSpec voice_class() {
    QosClassSpec spec{.name = "voice", .id = 1, .priority = 0, .max_percent = 20, .dscp = 46};
    spec.matches = {*parse_qos_match("app=voip"), *parse_qos_match("vm=pbx proto=udp port=4569")};
    return spec;
}

QosPortStatus shaped_port() {
    QosPortStatus port;
    port.present = true;
    port.spec.port = "tap0";
    port.spec.latency = std::chrono::milliseconds(2);
    port.spec.pps = 20'000;
    port.spec.dscp = 0;
    port.shaper = Shaper::htb;
    port.in = {100'000'000, 5'000'000, 99.5e6, 8'200, {1'000, 1'514'000}, {10, 15'140}, 1.5};
    port.out = {1'000'000'000, 1'250'000, 0, 0, {2'000, 3'028'000}, {0, 0}, 0};
    port.marked = {20, 30'280};
    port.late = {2, 3'028};
    port.queue = {12'000, 8, 0.000'096, 3};
    QosClassStatus voice{.spec = voice_class(), .assured = 200'000'000, .most = 200'000'000};
    voice.counts.sent = {5, 1'000};
    voice.rate = 64'000;
    port.classes = {voice,
                    {.spec = {.name = "default"}, .assured = 800'000'000, .most = 1'000'000'000}};
    return port;
}

QosPortStatus absent_port() {
    QosPortStatus port;
    port.spec.port = "tap1";
    port.spec.egress_rate = 0;
    port.out.rate = 0;
    port.shaper = Shaper::police;
    return port;
}

TEST(QosGolden, Documents) {
    expect_golden("qos-list.json", qos_ports_view({shaped_port(), absent_port()}));
    expect_golden("qos-show.json", qos_port_view(shaped_port()));
    expect_golden("qos-class-list.json", qos_classes_view({voice_class(), {.name = "default"}}));
}

TEST(QosText, SaysWhatIsBlockedAndHowLongFramesWait) {
    const auto list = capture(Mode::text, [](Output& output) {
        output.print(qos_ports_view({shaped_port(), absent_port()}));
    });
    EXPECT_THAT(list.out, AllOf(HasSubstr("100mbit  20kpps  99.5 Mbit/s"), HasSubstr("96 us"),
                                HasSubstr("99.9 %"), HasSubstr("blocked")));
    const auto show =
        capture(Mode::text, [](Output& output) { output.print(qos_port_view(shaped_port())); });
    EXPECT_THAT(show.out, AllOf(HasSubstr("clear"), HasSubstr("64 kbit/s"), HasSubstr("voice")));
}

/// All of these are refused before anything is opened.
TEST(QosUsage, ErrorsExitWith2AndTellTheMend) {
    const std::vector<std::pair<std::vector<std::string>, std::string>> wrong{
        {{"set"}, ""},
        {{"set", "tap0"}, "option"},
        {{"set", "tap0", "--ingress-rate", "100mb"}, "100mbit"},
        {{"set", "tap0", "--ingress-rate", "100"}, ""},
        {{"set", "tap0", "--ingress-rate=-5mbit"}, "100mbit"},
        {{"set", "tap0", "--egress-rate", "63kbit"}, "64kbit"},
        {{"set", "tap0", "--egress-rate", "101gbit"}, ""},
        {{"set", "tap0", "--egress-rate", "99999999999999999999gbit"}, ""},
        {{"set", "tap0", "--ingress-burst", "64kbit"}, "64kb"},
        {{"set", "tap0", "--pps", "fast"}, "pps"},
        {{"set", "tap0", "--shaper", "tbf"}, "htb"},
        {{"set", "tap0", "--latency", "11s"}, "100us to 10s"},
        {{"set", "tap0", "--latency", "5"}, ""},
        {{"set", "tap0", "--classes", "yes"}, "on or off"},
        {{"set", "tap0", "--dscp", "64"}, ""},
        {{"set", "tap0", "--dscp", "af44"}, ""},
        {{"set", "tap0", "--pcp-from-dscp", "46:8"}, ""},
        {{"show"}, ""},
        {{"show", "tap0", "--interval", "1ms"}, "10ms to 1h"},
        {{"load"}, ""},
        {{"class", "add", "web", "--match", "colour=red"}, "port"},
        {{"class", "add", "web", "--match", "port=0"}, ""},
        {{"class", "add", "web", "--match", "app=voip port=80"}, "app"},
        {{"class", "add", "web", "--match", "proto=icmp port=80"}, "proto=tcp"},
        {{"class", "add", "web", "--match", "port=80", "--priority", "8"}, ""},
        {{"class", "add", "web", "--match", "port=80", "--weight", "0"}, ""},
        {{"class", "add", "web", "--match", "port=80", "--max", "0%"}, "1% to 100%"},
        {{"class", "add", "web", "--match", "port=80", "--max", "2x"}, "1% to 100%"},
    };
    for (auto [arguments, mend] : wrong) {
        arguments.insert(arguments.begin(), "qos");
        const auto result = run_captured(arguments);
        EXPECT_EQ(result.code, 2) << testing::PrintToString(arguments) << result.err;
        EXPECT_THAT(result.err, HasSubstr(mend)) << testing::PrintToString(arguments);
    }
}

class QosLive : public Live {
protected:
    void SetUp() override {
        Live::SetUp();
        bring_up();
        add_ports();
    }
    std::string qdisc() const { return in_netns("tc qdisc show dev tap0 root"); }
    std::string write_file(const std::string& text) const {
        const auto path = state_ + "/qos.yaml";
        std::ofstream(path) << text;
        return path;
    }
};

TEST_F(QosLive, RatesAreSetShownAndTakenAway) {
    const auto before = qdisc();
    done("qos set tap0 --ingress-rate 100mbit --egress-rate 50mbit --pps 20kpps --latency 10ms");
    EXPECT_THAT(qdisc(), HasSubstr("qdisc htb 51ce: root"));
    const auto port = done("qos show tap0 --interval 10ms")["port"];
    EXPECT_EQ(port["in"]["rate"], 100'000'000);
    EXPECT_EQ(port["in"]["burst"], 5'000'000);
    EXPECT_EQ(port["in"]["pps"], 20'000);
    EXPECT_EQ(port["out"]["rate"], 50'000'000);
    EXPECT_EQ(port["out"]["shaper"], "htb");
    EXPECT_EQ(port["out"]["latency"]["target"], 0.01);
    EXPECT_EQ(done("stats")["latencies"][0]["port"], "tap0");
    EXPECT_THAT(done("qos list --interval 10ms")["ports"], SizeIs(1));
    EXPECT_EQ(done("status")["drift"], Json::array());
    done("qos set tap0 --egress-rate unlimited");
    EXPECT_EQ(qdisc(), before);
    done("qos set tap0 --egress-rate 0");
    EXPECT_EQ(done("qos show tap0 --interval 10ms")["port"]["out"]["shaper"], "police");
    done("qos del tap0");
    EXPECT_EQ(done("qos list --interval 10ms")["ports"], Json::array());
    EXPECT_EQ(done("status")["drift"], Json::array());
}

TEST_F(QosLive, RefusalsChangeNothing) {
    refused(3, "qos set tap9 --egress-rate 1mbit", "tap9 is not a port");
    refused(3, "qos del tap0", "no QoS is set");
    refused(3, "qos show tap0", "no QoS is set");
    refused(4, "qos set tap0 --ingress-burst 64kb", "without a rate");
    refused(4, "qos set tap0 --egress-rate 1mbit --egress-burst 1kb", "up to 1522 bytes");
    refused(4, "qos set tap0 --egress-rate 1mbit --shaper police --latency 5ms", "queue");
    refused(4, "qos set tap0 --latency 5ms", "without a rate");
    refused(4, "qos set tap0 --egress-rate 0 --latency 5ms", "without a rate");
    refused(3, "qos class set gold --weight 2", "no class gold");
    refused(4, "qos class add voice --match app=voip --priority 0", "--max");
    refused(4, "qos class add gold --priority 7", "matches nothing");
    refused(4, "qos class set default --match port=80", "default has no match");
    done("qos class add voice --match app=voip --priority 0 --max 60%");
    refused(4, "qos class add other --match port=80 --priority 1 --max 40%",
            "(voice 60 %, other 40 %), at most 90 %");
    refused(4, "qos class add other --match app=voip", "of class other is class voice's already");
    refused(4, "qos class add voice --match port=80", "voice");
    must("ip netns exec " + name_ +
         " tc qdisc add dev tap0 root tbf rate 1mbit burst 10k latency 9ms");
    refused(4, "qos set tap0 --egress-rate 1mbit", "has a qdisc already: tbf");
    EXPECT_THAT(qdisc(), HasSubstr("tbf"));
    done("qos set tap0 --egress-rate 1mbit --shaper police");
    EXPECT_THAT(qdisc(), HasSubstr("tbf"));
}

TEST_F(QosLive, ClassesAreAddedChangedAndRemoved) {
    done("qos set tap0 --egress-rate 100mbit");
    done(
        "qos class add voice --match app=voip --match 'if=up0 vlan=7' --priority 0 --max 20% "
        "--dscp ef");
    done("qos class add web --match 'proto=tcp port=80,443' --weight 4");
    done("qos class set default --weight 2");
    const auto classes = done("qos class list")["classes"];
    ASSERT_THAT(classes, SizeIs(3));
    EXPECT_EQ(classes[0]["matches"], Json::array({"app=voip", "if=up0 vlan=7"}));
    EXPECT_EQ(classes[0]["dscp"], "ef");
    EXPECT_EQ(classes[2]["name"], "default");
    const auto shares = done("qos show tap0 --interval 10ms")["port"]["classes"];
    EXPECT_EQ(shares[0]["assured"], 20'000'000);
    EXPECT_EQ(shares[1]["assured"], 53'333'333);
    EXPECT_EQ(shares[2]["assured"], 26'666'666);
    EXPECT_THAT(in_netns("tc class show dev tap0"), HasSubstr("51ce:12 parent 51ce:1"));
    EXPECT_EQ(done("status")["drift"], Json::array());
    done("qos class del web");
    done("qos set tap0 --classes off");
    EXPECT_EQ(done("qos show tap0 --interval 10ms")["port"]["classes"], Json::array());
    EXPECT_EQ(done("status")["drift"], Json::array());
}

TEST_F(QosLive, AFileIsTakenWhollyOrNotAtAll) {
    const std::string good =
        "vms:\n"
        "  - port: tap0\n"
        "    bandwidth: 1Gbps\n"
        "    latency: 2ms\n"
        "classes:\n"
        "  - {name: voice, match: app=voip, priority: 0, max: 20%}\n";
    done("qos load " + write_file(good));
    EXPECT_EQ(done("qos show tap0 --interval 10ms")["port"]["in"]["rate"], 1'000'000'000);
    refused(2, "qos load " + write_file(good + "  - {name: web, color: red}\n"), ":7:");
    refused(2, "qos load " + write_file("vms:\n  - port: tap0\n    bandwidth: 1Gb\n"), ":3:16:");
    refused(3,
            "qos load " + write_file("vms:\n  - port: tap0\n    ingress: 1mbit\n  - name: nobody\n"
                                     "    egress: 1mbit\n"),
            "nobody");
    EXPECT_EQ(done("qos show tap0 --interval 10ms")["port"]["in"]["rate"], 1'000'000'000);
    refused(1, "qos load /no/such/file", "/no/such/file");
}

TEST_F(QosLive, DryRunShowsWhatItWouldDo) {
    const auto planned = done("--dry-run qos set tap0 --egress-rate 1mbit");
    EXPECT_THAT(planned.dump(), HasSubstr("queue what leaves by tap0 by htb"));
    EXPECT_EQ(done("qos list --interval 10ms")["ports"], Json::array());
}

TEST_F(QosLive, TopIsADocumentALine) {
    done("qos set tap0 --egress-rate 1mbit");
    const auto top = sluice("qos top --interval 10ms --count 2").out;
    EXPECT_EQ(std::ranges::count(top, '\n'), 2);
    EXPECT_EQ(Json::parse(top.substr(0, top.find('\n')))["schema"], "sluice.qos.list/1");
}

}  // namespace
}  // namespace sluice::cli
