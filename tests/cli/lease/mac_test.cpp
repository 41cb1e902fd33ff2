// SPDX-License-Identifier: GPL-2.0-or-later
// sluice mac: documents, usage errors, and every command live.
#include "cli/view/mac.hpp"

#include <gmock/gmock.h>

#include <fstream>

#include "tests/cli/golden.hpp"
#include "tests/cli/live.hpp"

namespace sluice::cli {
namespace {

using testing::HasSubstr;
using testing::MatchesRegex;

Lease web() {
    Lease lease;
    lease.mac = *MacAddress::parse("02:1a:2b:00:00:07");
    lease.vm = "web1";
    lease.uuid = "123e4567-e89b-12d3-a456-426614174000";
    lease.port = "tap0";
    lease.domain = 10;
    lease.pinned = true;
    lease.given = 1'700'000'000;
    lease.addresses = {*Address::parse("10.0.0.7"), *Address::parse("2001:db8::7")};
    return lease;
}

Lease released() {
    Lease lease;
    lease.mac = *MacAddress::parse("02:1a:2b:00:00:08");
    lease.vm = "db1";
    lease.nic = 1;
    lease.given = 1'700'000'000;
    lease.released = 1'700'000'100;
    return lease;
}

LeaseStatus seen() {
    sl_lease entry{};
    entry.last_seen = 100;
    entry.duplicates = 3;
    return {.lease = web(),
            .pool = "vms",
            .state = LeaseState::active,
            .seen = entry,
            .silent = std::chrono::milliseconds(2147),
            .seen_port = "tap0"};
}

LeaseStatus unseen() {
    auto lease = released();
    lease.standby = "tap1";
    lease.moving_to = "host2";
    return {
        .lease = lease, .pool = {}, .state = LeaseState::quarantine, .seen = {}, .seen_port = {}};
}

MacPoolStatus pool() {
    MacPoolStatus status;
    status.pool.name = "vms";
    status.pool.range = *MacRange::parse_prefix("02:1a:2b");
    status.pool.domain = 10;
    status.pool.quarantine = true;
    status.pool.address_pools = {*AddressRange::parse("10.0.0.0/24")};
    status.usable = 1 << 24;
    status.held = 2;
    status.released = 1;
    status.free = (1 << 24) - 3;
    status.states = {{LeaseState::active, 2}, {LeaseState::quarantine, 1}};
    return status;
}

TEST(MacGolden, Leases) {
    const auto printed = capture(Mode::json, [&](Output& output) {
        output.begin(lease_stream());
        output.row(lease_status_json(seen()));
        output.row(lease_status_json(unseen()));
        output.end({{"count", 2}});
    });
    expect_golden("mac-list.json", printed.out);
    expect_golden("mac-show.json", leases_view({seen(), unseen()}));
    const LeaseOutcome outcome{{web()}, {{"give it"}, {"tap0 is not a port yet"}}};
    expect_golden("mac-alloc.json", given_view("sluice.mac.alloc/1", Target{}, outcome));
}

TEST(MacGolden, Pools) {
    expect_golden("mac-pool-list.json", mac_pools_view({pool()}));
    expect_golden("mac-pool-show.json", mac_pool_view(pool()));
}

TEST(MacGolden, Transfer) {
    ImportOutcome outcome;
    outcome.imported = 1;
    outcome.unchanged = 2;
    ImportedMac clash{.request = {}, .where = "vms.csv line 3"};
    clash.request.mac = web().mac;
    clash.request.who.vm = "web2";
    outcome.clashes = {{clash, "it is held"}};
    expect_golden("mac-import.json", import_view(Target{}, outcome));
    expect_golden("mac-export-csv.json",
                  export_view("csv", export_text(ExportFormat::csv, {web(), released()})));
    expect_golden("mac-export-json.json", export_json_view({web()}));
    expect_golden("mac-dhcp-show.json", dhcp_view(DhcpSettings{"/run/hosts", ""}));
    expect_golden("mac-dhcp-show-off.json", dhcp_view(std::nullopt));
}

TEST(MacText, TheFirstLineIsTheMac) {
    const auto text = capture(Mode::text, [&](Output& output) {
        output.print(given_view("sluice.mac.alloc/1", Target{}, {{web()}, {}}));
    });
    EXPECT_EQ(text.out, "02:1a:2b:00:00:07\n10.0.0.7\n2001:db8::7\n");
}

TEST(MacHelp, EveryCommandHasExamples) {
    const std::vector<std::vector<std::string>> commands{
        {"pool", "add"}, {"pool", "del"}, {"pool", "list"}, {"pool", "show"}, {"alloc"}, {"bind"},
        {"release"},     {"move"},        {"activate"},     {"list"},         {"show"},  {"import"},
        {"export"},      {"dhcp", "set"}, {"dhcp", "off"},  {"dhcp", "show"}};
    for (auto command : commands) {
        command.insert(command.begin(), "mac");
        command.emplace_back("--help");
        testing::internal::CaptureStdout();
        const auto result = run_captured(command);
        EXPECT_EQ(result.code, 0);
        EXPECT_THAT(testing::internal::GetCapturedStdout(), HasSubstr("Examples:\n  sluice "))
            << testing::PrintToString(command);
    }
}

/// All of these are refused before anything is opened.
TEST(MacUsage, ErrorsExitWith2) {
    const std::vector<std::vector<std::string>> wrong{
        {"mac"},
        {"mac", "pool", "add", "a"},
        {"mac", "pool", "add", "a", "--prefix", "02", "--range", "x-y"},
        {"mac", "pool", "add", "a", "--prefix", "02:1g"},
        {"mac", "pool", "add", "a b", "--prefix", "02"},
        {"mac", "pool", "add", "a", "--prefix", "02", "--strategy", "best"},
        {"mac", "pool", "add", "a", "--prefix", "02", "--ttl", "0s"},
        {"mac", "pool", "add", "a", "--prefix", "02", "--ttl", "300"},
        {"mac", "pool", "add", "a", "--prefix", "02", "--cooldown", "9999d"},
        {"mac", "pool", "add", "a", "--prefix", "02", "--vlan", "4095"},
        {"mac", "pool", "add", "a", "--prefix", "02", "--ip-pool", "10.0.0.1/24"},
        {"mac", "pool", "add", "a", "--prefix", "02", "--on-duplicate", "shout"},
        {"mac", "alloc"},
        {"mac", "alloc", "a b"},
        {"mac", "alloc", "a", "--uuid", "x"},
        {"mac", "alloc", "a", "--nic", "64"},
        {"mac", "alloc", "a", "--ip", "10.0.0.0/24"},
        {"mac", "alloc", "a", "--ip", "10.0.0.1", "--ip", "10.0.0.2"},
        {"mac", "alloc", "a", "--batch", "-"},
        {"mac", "bind", "02:00", "--vm", "a"},
        {"mac", "bind", "02:00:00:00:00:01", "--vm", "a", "--vlan", "4095"},
        {"mac", "bind", "02:00:00:00:00:01", "--vm", "a", "--standby"},
        {"mac", "list", "colour=red"},
        {"mac", "list", "state=asleep"},
        {"mac", "move", "a"},
        {"mac", "move", "a", "--to", "a b"},
        {"mac", "import", "--from", "csv"},
        {"mac", "import", "--from", "links", "file"},
        {"mac", "import", "--from", "nowhere"},
        {"mac", "export", "--format", "yaml"},
        {"mac", "dhcp", "set", "--hosts-file", "hosts"},
    };
    for (const auto& arguments : wrong) {
        const auto result = run_captured(arguments);
        EXPECT_EQ(result.code, 2) << testing::PrintToString(arguments) << result.err;
    }
}

class MacLive : public Live {
protected:
    void add_pool(const std::string& options = "") const {
        done("mac pool add vms --prefix 02:1a:2b " + options);
    }
    Json lease(const std::string& vm) const { return done("mac show " + vm)["leases"][0]; }
    std::string state(const std::string& vm) const { return lease(vm)["state"]; }
    std::string file(const std::string& name, const std::string& text) const {
        const auto path = state_ + "/" + name;
        std::ofstream(path) << text;
        return path;
    }
    static std::string content(const std::string& path) {
        std::ostringstream text;
        text << std::ifstream(path).rdbuf();
        return text.str();
    }
    void refused_leases(int code, const std::string& arguments, const std::string& message) const {
        const auto before = done("mac list")["leases"];
        refused(code, arguments, message);
        const auto after = done("mac list")["leases"];
        ASSERT_EQ(after.size(), before.size()) << arguments;
        for (std::size_t i = 0; i < after.size(); ++i)
            for (const auto* member : {"mac", "vm", "nic", "port", "addresses", "released"})
                EXPECT_EQ(after[i][member], before[i][member]) << arguments;
    }
};

TEST_F(MacLive, AFirstDay) {
    bring_up();
    add_ports();
    add_pool("--ip-pool 10.0.0.0/24");
    EXPECT_EQ(done("mac pool list")["pools"][0]["usable"], 1 << 24);
    const auto given = done("mac alloc web1 --port tap0")["leases"][0];
    EXPECT_THAT(given["mac"].get<std::string>(), MatchesRegex("02:1a:2b:.*"));
    EXPECT_EQ(given["port"], "tap0");
    EXPECT_EQ(given["addresses"].size(), 1u);
    EXPECT_EQ(done("mac alloc web1")["leases"][0]["mac"], given["mac"]);
    EXPECT_EQ(state("web1"), "reserved");
    EXPECT_EQ(done("mac list vm=web1 state=reserved port=tap0 pool=vms ip=10.0.0.0/24")["count"],
              1);
    EXPECT_EQ(done("mac list vm=other")["count"], 0);

    done("mac bind 06:00:00:00:00:01 --vm db1 --vlan 10 --pin");
    EXPECT_EQ(lease("06:00:00:00:00:01")["vm"], "db1");
    done("mac move web1 --to host2 --port up0");
    EXPECT_EQ(state("web1"), "migrating");
    EXPECT_EQ(lease("web1")["standby_port"], "up0");
    done("mac activate web1");
    EXPECT_EQ(lease("web1")["port"], "up0");
    EXPECT_EQ(state("web1"), "reserved");
    done("mac release web1");
    EXPECT_EQ(state("web1"), "quarantine");
    EXPECT_EQ(done("mac alloc web1")["leases"][0]["mac"], given["mac"]);
    EXPECT_EQ(done("mac pool show vms")["pool"]["states"]["reserved"], 1);
    EXPECT_EQ(done("status")["drift"], Json::array());
    EXPECT_EQ(done("restore")["actions"], Json::array());
    done("mac release web1");
    done("mac pool del vms");
    EXPECT_EQ(done("mac pool list")["pools"], Json::array());
}

TEST_F(MacLive, RefusalsChangeNothing) {
    bring_up();
    add_ports();
    add_pool();
    done("mac bind 02:1a:2b:00:00:01 --vm web1 --ip 10.0.0.1");
    refused_leases(4, "mac pool add more --prefix 02:1a:2b:07", "overlaps with pool vms");
    refused_leases(4, "mac pool add vms --prefix 06", "there is a MAC pool vms");
    refused_leases(4, "mac pool add odd --prefix 03:00", "multicast");
    refused_leases(4, "mac pool add one --prefix 06:00:00:00:00:01", "too small");
    refused_leases(4, "mac pool del vms", "1 leases of MAC pool vms are held");
    refused_leases(3, "mac pool del none", "no MAC pool");
    refused_leases(3, "mac pool show none", "no MAC pool");
    refused_leases(3, "mac alloc web2 --pool none", "no MAC pool");
    refused_leases(4, "mac alloc web2 --ip 10.0.0.1", "belongs to");
    refused_leases(4, "mac bind 02:1a:2b:00:00:01 --vm web2", "is held");
    refused_leases(4, "mac bind 02:1a:2b:00:00:02 --vm web1", "NIC 0 of web1 has");
    refused_leases(2, "mac bind 01:00:5e:00:00:01 --vm web2", "not an address");
    refused_leases(3, "mac release web2", "holds no lease");
    refused_leases(3, "mac release web1 --nic 1", "holds no lease");
    refused_leases(3, "mac show web2", "has no lease");
    refused_leases(4, "mac activate web1", "is not migrating");
    refused_leases(4, "mac dhcp set --hosts-file /nowhere/hosts", "no folder");
}

TEST_F(MacLive, WithoutAnInstanceUpToo) {
    bring_up();
    add_pool();
    done("down");
    const auto mac = done("mac alloc web1 --port tap0")["leases"][0]["mac"];
    done("mac alloc web2");
    done("mac release web2");
    EXPECT_EQ(state("web1"), "reserved");
    EXPECT_TRUE(lease("web1")["seen"].is_null());
    bring_up();
    EXPECT_EQ(lease("web1")["mac"], mac);
    EXPECT_EQ(lease("web1")["seen"]["ever"], false);
    EXPECT_EQ(done("status")["drift"], Json::array());
}

TEST_F(MacLive, DryRunGivesNothing) {
    bring_up();
    add_pool();
    EXPECT_EQ(done("--dry-run mac alloc web1")["dry_run"], true);
    done("--dry-run mac bind 06:00:00:00:00:01 --vm web1");
    done("--dry-run mac pool add more --prefix 06");
    EXPECT_EQ(done("mac list")["count"], 0);
    EXPECT_EQ(done("mac pool list")["pools"].size(), 1u);
}

TEST_F(MacLive, ABatchIsGivenWholeOrNotAtAll) {
    bring_up();
    done("mac pool add few --prefix 02:00:00:00:00:10-12");
    const auto names =
        file("names", "a\n\nb   # a remark\nc 123e4567-e89b-12d3-a456-426614174000\n");
    const auto given = done("mac alloc --batch " + names);
    EXPECT_EQ(given["count"], 3);
    EXPECT_EQ(given["leases"][2]["uuid"], "123e4567-e89b-12d3-a456-426614174000");
    EXPECT_EQ(done("mac alloc --batch " + names)["leases"], given["leases"]);
    for (const auto* vm : {"a", "b", "c"}) done(std::string("mac release ") + vm);
    refused_leases(4, "mac alloc --batch " + file("more", "d\ne\n"), "no free address");
    refused_leases(2, "mac alloc --batch " + file("bad", "d\ne f g\n"), "bad line 2");
    refused_leases(2, "mac alloc --batch " + file("empty", "# none\n"), "names no VM");
}

TEST_F(MacLive, UniversalAddressesAreWarnedAbout) {
    bring_up();
    const auto added = done("mac pool add vcenter --prefix 00:50:56:80-bf");
    EXPECT_THAT(added["warnings"][0].get<std::string>(), HasSubstr("not locally administered"));
    EXPECT_FALSE(done("mac pool add local --prefix 52:54:00").contains("warnings"));
}

TEST_F(MacLive, ImportListsEveryClash) {
    bring_up();
    done("mac bind 02:00:00:00:00:01 --vm web1");
    const auto table = file("vms.csv",
                            "mac,vm,nic,addresses\n"
                            "02:00:00:00:00:01,web1,0,\n"
                            "02:00:00:00:00:01,web2,0,\n"
                            "02:00:00:00:00:02,db1,0,10.0.0.2\n"
                            "02:00:00:00:00:03,db2,0,10.0.0.2\n"
                            "02:00:00:00:00:04,db1,0,\n"
                            "01:00:00:00:00:05,db3,0,\n");
    const auto result = sluice("mac import --from csv " + table);
    EXPECT_EQ(result.code, 4);
    for (const auto* part : {"line 3", "line 5", "line 6", "line 7"})
        EXPECT_THAT(result.out, HasSubstr(part));
    EXPECT_EQ(done("mac list")["count"], 1) << "nothing was imported";
    const auto imported = done("mac import --from csv --skip-clashes " + table);
    EXPECT_EQ(imported["imported"], 1);
    EXPECT_EQ(imported["unchanged"], 1);
    EXPECT_EQ(imported["clashes"].size(), 4u);
    EXPECT_EQ(done("mac list")["count"], 2);

    const auto xml = done("mac export --format libvirt")["text"].get<std::string>();
    EXPECT_EQ(done("mac import --from libvirt " + file("vms.xml", xml))["unchanged"], 2);
    const auto csv = done("mac export --format csv")["text"].get<std::string>();
    EXPECT_EQ(done("mac import --from csv " + file("all.csv", csv))["unchanged"], 2);
    EXPECT_EQ(done("mac export --format json")["leases"].size(), 2u);
}

TEST_F(MacLive, ImportOfInterfacesAndBridges) {
    bring_up();
    must("ip -n " + name_ + " link add br0 type bridge");
    must("ip -n " + name_ + " link set br0 up");
    must("ip -n " + name_ + " link set tap0 master br0");
    must("ip -n " + name_ + " link set tap0 type bridge_slave learning off");  // of what vm0 sends
    must("bridge -n " + name_ + " fdb add 02:00:00:00:00:07 dev tap0 master dynamic");
    EXPECT_EQ(done("mac import --from fdb")["imported"], 1);
    EXPECT_EQ(lease("02:00:00:00:00:07")["vm"], "tap0");
    done("mac release tap0");
    const auto links = done("mac import --from links --skip-clashes");
    EXPECT_EQ(links["imported"].get<int>() + static_cast<int>(links["clashes"].size()), 5)
        << "tap0, vm0, up0, out0, and the bridge with the address of its port";
    EXPECT_EQ(lease("up0")["pinned"], true);
}

TEST_F(MacLive, TheHostsFileFollows) {
    bring_up();
    done("mac bind 02:00:00:00:00:01 --vm web1 --ip 10.0.0.1 --ip 2001:db8::1");
    const auto hosts = state_ + "/hosts";
    done("mac dhcp set --hosts-file " + hosts);
    EXPECT_THAT(content(hosts), HasSubstr("02:00:00:00:00:01,10.0.0.1,[2001:db8::1],web1\n"));
    EXPECT_EQ(done("mac dhcp show")["dhcp"]["hosts_file"], hosts);
    done("mac bind 02:00:00:00:00:02 --vm web2 --ip 10.0.0.2");
    EXPECT_THAT(content(hosts), HasSubstr("02:00:00:00:00:02,10.0.0.2,web2\n"));
    done("mac release web1");
    EXPECT_THAT(content(hosts), testing::Not(HasSubstr("web1")));
    done("down");
    done("mac release web2");
    EXPECT_THAT(content(hosts), testing::Not(HasSubstr("web2")));
    done("mac dhcp off");
    EXPECT_FALSE(std::filesystem::exists(hosts));
    EXPECT_TRUE(done("mac dhcp show")["dhcp"].is_null());
    const auto foreign = file("foreign", "02:00:00:00:00:09,10.0.0.9\n");
    const auto result = sluice("mac dhcp set --hosts-file " + foreign);
    EXPECT_EQ(result.code, 4);
    EXPECT_THAT(content(foreign), HasSubstr("10.0.0.9"));
}

}  // namespace
}  // namespace sluice::cli
