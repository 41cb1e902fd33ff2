// SPDX-License-Identifier: GPL-2.0-or-later
// The binary against the kernel, in a network namespace of its own: every command once, in the
// order of a first day, and that what is refused changes nothing. Needs root.
#include "tests/cli/live.hpp"

#include <gmock/gmock.h>

#include <fstream>

namespace sluice::cli {
namespace {

using testing::HasSubstr;

TEST_F(Live, AFirstDay) {
    EXPECT_EQ(sluice("status").code, 3);
    bring_up();
    EXPECT_EQ(done("status")["state"], "up");
    EXPECT_EQ(done("status")["flows_ipv4"]["capacity"], 1000);
    add_ports();
    const auto ports = done("port list")["ports"];
    ASSERT_EQ(ports.size(), 2u);
    EXPECT_EQ(ports[0]["name"], "tap0");
    EXPECT_FALSE(ports[0]["tc_ingress"].is_null());
    EXPECT_EQ(done("port show up0")["port"]["role"], "uplink");
    EXPECT_EQ(done("port set tap0 --hook tc")["schema"], "sluice.port.set/1");

    done("nat masquerade add --source 10.0.0.0/24 --uplink up0 --ports 2000-5000");
    EXPECT_EQ(done("nat masquerade list")["masquerades"][0]["addresses"], Json({"192.0.2.1"}));
    EXPECT_EQ(done("nat pool show")["pools"][0]["free"], 3001);
    done("nat forward add --proto tcp --external 192.0.2.1:2080 --internal 10.0.0.2:80");
    EXPECT_EQ(done("nat forward list")["forwards"].size(), 1u);
    EXPECT_EQ(done("nat pool show")["pools"][0]["reserved"], 1) << "the forward's port";

    EXPECT_EQ(done("nat session count")["sessions"], 0);
    EXPECT_EQ(done("nat session list")["sessions"], Json::array());
    EXPECT_EQ(done("nat session flush proto=tcp")["sessions"], 0);
    EXPECT_EQ(done("stats")["consistent"], true);
    EXPECT_EQ(done("drops")["drops"], Json::array());
    EXPECT_EQ(done("status")["drift"], Json::array());
    EXPECT_EQ(done("restore")["actions"], Json::array());

    done("nat forward del --proto tcp --external 192.0.2.1:2080");
    EXPECT_EQ(done("nat pool show")["pools"][0]["free"], 3001);
    done("nat masquerade del --source 10.0.0.0/24 --uplink up0");
    EXPECT_EQ(done("nat pool show")["pools"], Json::array());
    done("port del up0");
    done("down");
    EXPECT_EQ(done("status")["state"], "down");
}

TEST_F(Live, RefusalsChangeNothing) {
    bring_up();
    add_ports();
    done("nat masquerade add --source 10.0.0.0/24 --uplink up0 --ports 2000-5000");
    done(
        "nat forward add --proto tcp --external 192.0.2.1:8000-8100 --internal 10.0.0.2:8000-8100");

    refused(4, "up", "is up");
    refused(3, "port add tap1 --role access", "did you mean tap0");
    refused(2, "port add interface-too-long --role access", "1 to 15 bytes");
    refused(4, "port add tap0 --role access", "already");
    refused(5, "port add lo --role access", "not an Ethernet");
    refused(3, "port del tap9", "not a port");
    refused(4, "port del up0", "masquerade");
    refused(4, "port set up0 --role access", "masquerade");
    refused(4, "nat masquerade add --source 10.0.0.0/24 --uplink up0", "there already");
    refused(4, "nat masquerade add --source 10.1.0.0/24 --uplink up0 --ports 4000-6000", "overlap");
    refused(4, "nat masquerade add --source 10.1.0.0/24 --uplink tap0", "not uplink");
    refused(5, "nat masquerade add --source 2001:db8::/32 --uplink up0", "IPv6");
    refused(3, "nat masquerade del --source 10.1.0.0/24 --uplink up0", "not masqueraded");
    refused(4, "nat forward add --proto tcp --external 192.0.2.1:8050 --internal 10.0.0.2:80",
            "forwarded already");
    refused(4, "nat forward del --proto tcp --external 192.0.2.1:8050", "not the whole");
    refused(3, "nat forward del --proto udp --external 192.0.2.1:8000", "not forwarded");
}

TEST_F(Live, PoolInsideTheHostsOwnPorts) {
    bring_up();
    add_ports();
    refused(4, "nat masquerade add --source 10.0.0.0/24 --uplink up0 --ports 40000-40100",
            "the host's own");
    const auto added =
        done("nat masquerade add --source 10.0.0.0/24 --uplink up0 --ports 32000-40000");
    EXPECT_THAT(added["warnings"][0].get<std::string>(), HasSubstr("left out"));
}

TEST_F(Live, DryRunSaysWhatItWouldDo) {
    bring_up();
    const auto planned = done("--dry-run port add tap0 --role access");
    EXPECT_EQ(planned["dry_run"], true);
    EXPECT_FALSE(planned["actions"].empty());
    EXPECT_EQ(done("port list")["ports"], Json::array());
}

TEST_F(Live, InterfacesAreLeftAsTheyWereFound) {
    const std::string settings =
        "sysctl net.ipv4.conf.tap0.forwarding net.ipv6.conf.tap0.forwarding "
        "net.ipv6.conf.tap0.accept_ra";
    const auto before = in_netns(settings) + in_netns("tc qdisc show dev tap0");
    bring_up();
    add_ports();
    EXPECT_NE(in_netns(settings) + in_netns("tc qdisc show dev tap0"), before);
    done("port del tap0");
    EXPECT_EQ(in_netns(settings) + in_netns("tc qdisc show dev tap0"), before);
}

TEST_F(Live, ALostInterfaceIsReportedAndMended) {
    bring_up();
    add_ports();
    must("ip -n " + name_ + " link del tap0");
    EXPECT_EQ(done("port show tap0")["port"]["state"], "absent");
    EXPECT_EQ(done("status")["state"], "drifted");
    must("ip -n " + name_ + " link add tap0 type veth peer name vm0");
    must("ip -n " + name_ + " link set tap0 up");
    done("port add tap0 --role access");
    EXPECT_EQ(done("status")["state"], "up");
}

TEST_F(Live, PinsThatAreGoneAreRestored) {
    bring_up();
    add_ports();
    done("nat masquerade add --source 10.0.0.0/24 --uplink up0 --ports 2000-5000");
    std::filesystem::remove_all("/sys/fs/bpf/sluice/" + name_);
    EXPECT_EQ(sluice("port del tap0").code, 4);
    done("restore");
    EXPECT_EQ(done("status")["state"], "up");
    EXPECT_EQ(done("nat pool show")["pools"][0]["free"], 3001);
}

TEST_F(Live, ACorruptDatabaseIsSaidToBeOne) {
    bring_up();
    for (const auto* suffix : {"", "-wal", "-shm"})
        std::filesystem::remove(state_ + "/" + name_ + "/state.db" + suffix);
    std::ofstream(state_ + "/" + name_ + "/state.db") << std::string(8192, 'x');
    const auto result = sluice("status");
    EXPECT_EQ(result.code, 1);
    EXPECT_THAT(result.out, HasSubstr("state.db"));
    EXPECT_NE(Json::parse(result.out)["error"]["hint"], "");
    std::filesystem::remove_all(state_);
    std::filesystem::remove_all("/sys/fs/bpf/sluice/" + name_);
}

TEST_F(Live, APortBelongsToOneInstance) {
    bring_up();
    add_ports();
    const auto other =
        "SLUICE_STATE_DIR=" + state_ + " " SLUICE_BINARY " --json --instance " + name_ + "-b ";
    must(other + "--netns " + name_ + " up --max-flows 100 --max-flows6 100");
    const auto result = shell(other + "port add tap0 --role access");
    EXPECT_EQ(result.code, 4);
    EXPECT_THAT(result.out, HasSubstr("is a port of instance " + name_));
    must(other + "down --purge");
}

}  // namespace
}  // namespace sluice::cli
