// SPDX-License-Identifier: GPL-2.0-or-later
// sluice switch and the port options of the switch: documents, usage errors, and each command live.
#include "cli/view/switch.hpp"

#include <gmock/gmock.h>

#include "loader/model/switch_flags.hpp"
#include "tests/cli/golden.hpp"
#include "tests/cli/live.hpp"

namespace sluice::cli {
namespace {

using testing::HasSubstr;

SwitchPortStatus open_port() {
    SwitchPortStatus port;
    port.spec.port = "tap0";
    port.spec.mac_limit = 4;
    port.spec.community = 7;
    port.spec.storm[SL_STORM_BROADCAST] = 100;
    port.learned = 3;
    return port;
}

SwitchPortStatus looped_port() {
    SwitchPortStatus port;
    port.spec.port = "eth1";
    port.spec.learn = port.spec.flood = false;
    port.spec.isolated = port.spec.locked = true;
    port.spec.bpdu = BpduPolicy::forward;
    port.role = Role::trunk;
    port.closed = SL_CLOSED_LOOP;
    port.closed_by = "tap0";
    port.opens_in = 12.4;
    return port;
}

SwitchPortStatus shut_port() {
    auto port = open_port();
    port.closed = SL_CLOSED_BPDU;
    return port;
}

VlanStatus vlan_with_gateway() {
    VlanStatus vlan;
    vlan.vlan = 10;
    vlan.vni = 5010;
    vlan.ports = {"eth1", "tap0", "vlan10"};
    vlan.gateway = "vlan10";
    vlan.learned = 3;
    vlan.counts = {{{1, 100}, {2, 200}, {3, 300}, {4, 400}}};
    return vlan;
}

VlanStatus vlan_without() {
    VlanStatus vlan;
    vlan.vlan = 20;
    return vlan;
}

TEST(SwitchGolden, Documents) {
    expect_golden("switch-port-list.json",
                  switch_ports_view({looped_port(), open_port(), shut_port()}));
    expect_golden("switch-port-show.json", switch_port_view(looped_port()));
    expect_golden("switch-vlan-list.json", vlans_view({vlan_with_gateway(), vlan_without()}));
    expect_golden("switch-vlan-show.json", vlan_view(vlan_with_gateway()));
    expect_golden("switch-fdb-flush.json", flushed_macs_view(12, "12 MACs forgotten"));
}

TEST(SwitchGolden, KnownMacs) {
    const auto mac = *MacAddress::parse("02:00:00:00:00:07");
    const auto printed = capture(Mode::json, [&](Output& output) {
        output.begin(known_mac_stream());
        output.row(known_mac_json({mac, 10, "tap0", false, 2.6}));
        output.row(known_mac_json({mac, 20, "", true, {}}));
        output.end({{"count", 2}});
    });
    expect_golden("switch-fdb-list.json", printed.out);
}

/// All of these are refused before anything is opened.
TEST(SwitchUsage, ErrorsExitWith2) {
    const std::vector<std::vector<std::string>> wrong{
        {"switch"},
        {"switch", "port"},
        {"switch", "port", "set"},
        {"switch", "port", "open"},
        {"switch", "port", "show"},
        {"switch", "port", "set", "tap0", "--learn", "yes"},
        {"switch", "port", "set", "tap0", "--isolation", "private"},
        {"switch", "port", "set", "tap0", "--isolation", "community:0"},
        {"switch", "port", "set", "tap0", "--isolation", "community:65536"},
        {"switch", "port", "set", "tap0", "--isolation", "community:7x"},
        {"switch", "port", "set", "tap0", "--mac-limit", "0"},
        {"switch", "port", "set", "tap0", "--mac-limit", "off"},
        {"switch", "port", "set", "tap0", "--bpdu", "pass"},
        {"switch", "port", "set", "tap0", "--loop", "open"},
        {"switch", "port", "set", "tap0", "--storm-broadcast", "none"},
        {"switch", "port", "set", "tap0", "--storm-unknown", "-1"},
        {"switch", "fdb", "list", "vlan=4095"},
        {"switch", "fdb", "list", "kind=sticky"},
        {"switch", "fdb", "list", "colour=red"},
        {"switch", "fdb", "flush", "mac=02:00"},
        {"switch", "fdb", "add", "02:00:00:00:00:01", "--vlan", "10"},
        {"switch", "fdb", "add", "02:00:00:00:00:01", "--port", "tap0"},
        {"switch", "fdb", "add", "01:00:5e:00:00:01", "--vlan", "10", "--port", "tap0"},
        {"switch", "fdb", "add", "02:00:00:00:00", "--vlan", "10", "--port", "tap0"},
        {"switch", "fdb", "del", "02:00:00:00:00:01"},
        {"switch", "vlan", "show"},
        {"switch", "vlan", "set", "10"},
        {"switch", "vlan", "set", "0", "--vni", "1"},
        {"switch", "vlan", "set", "4095", "--vni", "1"},
        {"switch", "vlan", "set", "10", "--vni", "0"},
        {"switch", "vlan", "set", "10", "--vni", "16777216"},
        {"port", "set", "tap0", "--qinq", "maybe"},
        {"port", "set", "tap0", "--shortcut", "yes"},
        {"port", "set", "tap0", "--pcp", "8"},
        {"port", "set", "tap0", "--pcp", "0:8"},
        {"port", "set", "tap0", "--translate", "100"},
        {"port", "set", "tap0", "--translate", "100:4095"},
        {"port", "set", "tap0", "--translate", "100:10,100:20"},
        {"port", "set", "vlan10", "--address", "10.0.0.1/33"},
        {"up", "--max-macs", "1"},
        {"up", "--mac-age", "5"},
    };
    for (const auto& arguments : wrong) {
        const auto result = run_captured(arguments);
        EXPECT_EQ(result.code, 2) << testing::PrintToString(arguments) << result.err;
    }
}

TEST(SwitchHelp, EveryCommandHasExamples) {
    const std::vector<std::vector<std::string>> switch_commands{
        {"switch", "port", "set"},  {"switch", "port", "open"}, {"switch", "port", "show"},
        {"switch", "port", "list"}, {"switch", "fdb", "list"},  {"switch", "fdb", "add"},
        {"switch", "fdb", "del"},   {"switch", "fdb", "flush"}, {"switch", "vlan", "set"},
        {"switch", "vlan", "show"}, {"switch", "vlan", "list"},
    };
    for (auto command : switch_commands) {
        command.emplace_back("--help");
        testing::internal::CaptureStdout();
        const auto result = run_captured(command);
        const auto help = testing::internal::GetCapturedStdout();
        EXPECT_EQ(result.code, 0);
        EXPECT_THAT(help, HasSubstr("Examples:\n  sluice ")) << command[1] << command[2];
    }
}

/// tap0 is an access port in VLAN 10, up0 a trunk with VLANs 10 and 20.
class SwitchLive : public Live {
protected:
    void SetUp() override {
        Live::SetUp();
        if (IsSkipped()) return;
        for (const auto* end : {"vm0", "out0"})
            in_netns(std::string("sysctl -q net.ipv6.conf.") + end + ".disable_ipv6=1");
        bring_up();
        done("port add tap0 --role access --vlan 10");
        done("port add up0 --role trunk --vlans 10,20");
    }
    [[nodiscard]] Json shown(const std::string& port) const {
        return done("switch port show " + port)["port"];
    }
    [[nodiscard]] Json macs(const std::string& filter = "") const {
        return done("switch fdb list " + filter)["macs"];
    }
    /// A broadcast of this MAC from the VM's end of tap0.
    void send_from(const std::string& mac) const {
        std::string hex = "ffffffffffff" + mac + "88b6" + std::string(92, '0');
        std::erase(hex, ':');
        in_netns(
            "python3 -c 'import socket; s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW); "
            "s.bind((\"vm0\", 0)); s.send(bytes.fromhex(\"" +
            hex + "\"))'");
    }
};

TEST_F(SwitchLive, EverySettingIsReadBack) {
    auto port = shown("tap0");
    EXPECT_EQ(port["state"], "open");
    EXPECT_EQ(port["isolation"], "promiscuous");
    EXPECT_EQ(port["loop"], "block");
    EXPECT_EQ(port["bpdu"], "drop");
    EXPECT_EQ(port["mac_limit"], nullptr);
    for (const auto& it : switch_flags) {
        if (it.flag == SL_SWITCH_ISOLATED) continue;
        const std::string name(it.name);
        for (const bool on : {false, true}) {
            done("switch port set tap0 --" + name + (on ? " on" : " off"));
            EXPECT_EQ(shown("tap0")[name], on) << name;
        }
    }
    done(
        "switch port set tap0 --isolation community:7 --mac-limit 4 --bpdu shut --loop report "
        "--storm-broadcast 100 --storm-multicast 2k --storm-unknown 3");
    port = shown("tap0");
    EXPECT_EQ(port["isolation"], "community:7");
    EXPECT_EQ(port["mac_limit"], 4);
    EXPECT_EQ(port["bpdu"], "shut");
    EXPECT_EQ(port["loop"], "report");
    EXPECT_EQ(port["storm"], Json({{"broadcast", 100}, {"multicast", 2000}, {"unknown", 3}}));

    done("switch port set tap0 --isolation isolated --mac-limit none --storm-broadcast off");
    port = shown("tap0");
    EXPECT_EQ(port["isolation"], "isolated");
    EXPECT_EQ(port["mac_limit"], nullptr);
    EXPECT_EQ(port["storm"]["broadcast"], nullptr);
    EXPECT_EQ(port["storm"]["unknown"], 3) << "what is not given stays";
    EXPECT_EQ(shown("up0")["isolation"], "promiscuous") << "the other port's are its own";
    EXPECT_EQ(done("restore")["actions"], Json::array()) << "nothing was left to do";
}

TEST_F(SwitchLive, StaticMacsAreListedAndSurviveAFlush) {
    done("switch fdb add 02:00:00:00:00:07 --vlan 10 --port tap0");
    done("switch fdb add 02:00:00:00:00:07 --vlan 20 --port up0");
    send_from("02:00:00:00:00:08");
    EXPECT_EQ(macs().size(), 3u);
    EXPECT_EQ(macs("vlan=20"), Json::array({{{"mac", "02:00:00:00:00:07"},
                                             {"vlan", 20},
                                             {"port", "up0"},
                                             {"kind", "static"},
                                             {"age", nullptr}}}));
    const auto learned = macs("kind=learned port=tap0");
    ASSERT_EQ(learned.size(), 1u);
    EXPECT_EQ(learned[0]["mac"], "02:00:00:00:00:08");
    EXPECT_EQ(learned[0]["vlan"], 10);
    EXPECT_LE(learned[0]["age"].get<int>(), 10);
    EXPECT_EQ(shown("tap0")["macs"], 1);

    EXPECT_EQ(done("--dry-run switch fdb flush")["macs"], 1);
    EXPECT_EQ(macs().size(), 3u) << "a dry run forgets nothing";
    EXPECT_EQ(done("switch fdb flush port=up0")["macs"], 0);
    EXPECT_EQ(done("switch fdb flush port=tap0")["macs"], 1);
    EXPECT_EQ(macs("kind=learned"), Json::array());
    EXPECT_EQ(macs("kind=static").size(), 2u);

    done("switch fdb del 02:00:00:00:00:07 --vlan 10");
    EXPECT_EQ(macs("kind=static").size(), 1u);
    EXPECT_EQ(done("status")["drift"], Json::array());
}

TEST_F(SwitchLive, VlansShowTheirPortsGatewayAndNetwork) {
    done("port add vlan10 --role internal --vlan 10 --address 10.0.10.1/24");
    done("switch vlan set 10 --vni 5010");
    auto vlan = done("switch vlan show 10")["vlan"];
    EXPECT_EQ(vlan["ports"], Json({"tap0", "up0", "vlan10"}));
    EXPECT_EQ(vlan["gateway"], "vlan10");
    EXPECT_EQ(vlan["vni"], 5010);
    const auto before = vlan["flooded"]["packets"].get<int>();
    send_from("02:00:00:00:00:08");
    vlan = done("switch vlan show 10")["vlan"];
    EXPECT_GT(vlan["flooded"]["packets"].get<int>(), before);
    EXPECT_GE(vlan["macs"].get<int>(), 1);

    const auto all = done("switch vlan list")["vlans"];
    ASSERT_EQ(all.size(), 2u);
    EXPECT_EQ(all[1]["vlan"], 20);
    EXPECT_EQ(all[1]["ports"], Json({"up0"}));
    EXPECT_EQ(all[1]["gateway"], nullptr);
    done("switch vlan set 10 --vni none");
    EXPECT_EQ(done("switch vlan show 10")["vlan"]["vni"], nullptr);
}

TEST_F(SwitchLive, PortOptionsAreShown) {
    done("port set up0 --translate 100:10 --pcp 0:1,5:7 --native-vlan 20");
    auto port = done("port show up0")["port"];
    EXPECT_EQ(port["switched"], true);
    EXPECT_EQ(port["translations"], Json::array({{{"wire", 100}, {"vlan", 10}}}));
    EXPECT_EQ(port["pcp"], Json({1, 1, 2, 3, 4, 7, 6, 7}));
    EXPECT_EQ(port["native_vlan"], 20);
    done("port set up0 --translate none --pcp keep --native-vlan 0 --qinq on");
    port = done("port show up0")["port"];
    EXPECT_EQ(port["translations"], Json::array());
    EXPECT_EQ(port["pcp"], Json({0, 1, 2, 3, 4, 5, 6, 7}));
    EXPECT_EQ(port["native_vlan"], nullptr);
    EXPECT_EQ(port["qinq"], true);
    EXPECT_EQ(done("restore")["actions"], Json::array()) << "nothing was left to do";
}

TEST_F(SwitchLive, RefusalsChangeNothing) {
    done("switch vlan set 20 --vni 5020");
    const auto before = shown("tap0");
    refused(3, "switch port set tap9 --learn off", "not a port");
    refused(3, "switch port open tap9", "not a port");
    refused(3, "switch port show tap9", "not a switched port");
    refused(3, "switch fdb add 02:00:00:00:00:07 --vlan 10 --port tap9", "not a port");
    refused(4, "switch fdb add 02:00:00:00:00:07 --vlan 20 --port tap0", "not in VLAN 20");
    refused(3, "switch fdb del 02:00:00:00:00:07 --vlan 10", "not a static entry");
    refused(3, "switch vlan show 30", "no port is in VLAN 30");
    refused(4, "switch vlan set 10 --vni 5020", "VLAN 20 has VNI 5020");
    EXPECT_EQ(shown("tap0"), before);
    EXPECT_EQ(macs("kind=static"), Json::array());
}

TEST_F(SwitchLive, APortWithoutVlanIsNotSwitched) {
    done("port del tap0");
    done("port add tap0 --role access");
    refused(4, "switch port set tap0 --learn off", "not a switched port");
    EXPECT_EQ(done("switch port list")["ports"].size(), 1u);
}

TEST_F(SwitchLive, DryRunWritesNothing) {
    const auto planned = done("--dry-run switch port set tap0 --learn off");
    EXPECT_EQ(planned["dry_run"], true);
    EXPECT_FALSE(planned["actions"].empty());
    EXPECT_EQ(shown("tap0")["learn"], true);
    done("--dry-run switch fdb add 02:00:00:00:00:07 --vlan 10 --port tap0");
    EXPECT_EQ(macs("kind=static"), Json::array());
}

/// The settings of a port that is gone are not those of the one that has its name later.
TEST_F(SwitchLive, DownAndUpKeepsSettingsAndDelForgetsThem) {
    done("switch port set tap0 --isolation isolated");
    done("switch fdb add 02:00:00:00:00:07 --vlan 10 --port tap0");
    done("down");
    bring_up();
    EXPECT_EQ(shown("tap0")["isolation"], "isolated");
    EXPECT_EQ(macs("kind=static").size(), 1u);
    done("port del tap0");
    done("port add tap0 --role access --vlan 10");
    EXPECT_EQ(shown("tap0")["isolation"], "promiscuous");
    EXPECT_EQ(macs(), Json::array());
}

/// A BPDU closes the port; `open` opens it.
TEST_F(SwitchLive, AClosedPortIsOpened) {
    done("switch port set tap0 --bpdu shut");
    in_netns(
        "python3 -c 'import socket; s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW); "
        "s.bind((\"vm0\", 0)); s.send(bytes.fromhex(\"0180c200000002000000000900264242030000\" + "
        "\"00\" * 41))'");
    auto port = shown("tap0");
    EXPECT_EQ(port["state"], "closed");
    EXPECT_EQ(port["closed_because"], "bpdu");
    EXPECT_EQ(port["opens_in"], nullptr);
    EXPECT_FALSE(done("--dry-run switch port open tap0")["actions"].empty());
    EXPECT_EQ(shown("tap0")["state"], "closed");
    done("switch port open tap0");
    EXPECT_EQ(shown("tap0")["state"], "open");
    EXPECT_EQ(done("switch port open tap0")["actions"], Json::array()) << "it is open already";
}

}  // namespace
}  // namespace sluice::cli
