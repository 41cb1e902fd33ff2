// SPDX-License-Identifier: GPL-2.0-or-later
// States of leases, by clocks of the tests' own, and the choice of addresses.
#include "loader/model/lease.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "loader/lease/dnsmasq.hpp"
#include "loader/lease/import.hpp"
#include "loader/lease/strategy.hpp"

namespace sluice {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

constexpr std::uint32_t start = 5000;  // epoch second at which the loader entered it
constexpr double epoch_second = 1.073741824;

MacPool pool() {
    MacPool made;
    made.name = "lab";
    made.range = *MacRange::parse_prefix("02:00:00:00:01");
    made.ttl = 100s;
    made.cooldown = 50s;
    return made;
}

Lease held() {
    Lease lease;
    lease.mac = *MacAddress::parse("02:00:00:00:01:07");
    lease.vm = "web1";
    lease.given = 1'000'000;
    return lease;
}

sl_lease entry(std::uint32_t last_seen) {
    sl_lease made{};
    made.since = start;
    made.last_seen = last_seen;
    return made;
}

/// So many seconds after `start`, rounded up to the epoch.
LeaseClock after(double seconds) {
    return {1'000'000, start + static_cast<std::uint32_t>(seconds / epoch_second) + 1};
}

LeaseState state(const Lease& lease, const std::optional<sl_lease>& seen, const LeaseClock& now) {
    const auto its_pool = pool();
    return state_of(lease, &its_pool, seen, now);
}

TEST(LeaseState, ReservedUntilSeen) {
    EXPECT_EQ(state(held(), entry(0), after(0)), LeaseState::reserved);
    EXPECT_EQ(state(held(), entry(0), after(99)), LeaseState::reserved);
    EXPECT_EQ(state(held(), entry(start + 1), after(1)), LeaseState::active);
}

TEST(LeaseState, SilenceBeginsWithTheLastFrame) {
    const auto seen = entry(start + 1000);
    EXPECT_EQ(state(held(), seen, {0, start + 1001}), LeaseState::active);
    EXPECT_EQ(state(held(), seen, {0, start + 1000 + 94}), LeaseState::active) << "99.8 s";
    EXPECT_EQ(state(held(), seen, {0, start + 1000 + 95}), LeaseState::quarantine) << "100.9 s";
    EXPECT_EQ(state(held(), seen, {0, start + 1000 + 140}), LeaseState::quarantine) << "149.3 s";
    EXPECT_EQ(state(held(), seen, {0, start + 1000 + 141}), LeaseState::free) << "150.3 s";
}

TEST(LeaseState, NeverBeforeItIsOver) {
    // A frame at the end of its epoch second, a clock at the beginning of its own.
    EXPECT_EQ(silence(entry(start + 1), {0, start + 2}), 0ms);
    EXPECT_LE(silence(entry(start + 1), {0, start + 11}), 9 * 1074ms);
    EXPECT_EQ(silence(entry(start + 9), {0, start + 5}), 0ms) << "a frame that came meanwhile";
}

TEST(LeaseState, AnInstanceMadeAnewBeginsToCountAnew) {
    auto seen = entry(0);
    seen.since = start + 1000;
    EXPECT_EQ(state(held(), seen, {0, start + 1000 + 50}), LeaseState::reserved);
}

TEST(LeaseState, NothingExpiresWhileNobodyLooks) {
    EXPECT_EQ(state(held(), std::nullopt, {2'000'000'000, start + 100'000}), LeaseState::reserved);
}

TEST(LeaseState, PinnedAndMigratingNeverExpire) {
    auto lease = held();
    lease.pinned = true;
    EXPECT_EQ(state(lease, entry(start + 1), {0, start + 100'000}), LeaseState::reserved);
    EXPECT_EQ(state(lease, entry(start + 1), {0, start + 2}), LeaseState::active);
    lease = held();
    lease.moving_to = "host2";
    EXPECT_EQ(state(lease, entry(start + 1), {0, start + 100'000}), LeaseState::migrating);
    lease = held();
    lease.standby = "tap1";
    EXPECT_EQ(state(lease, entry(0), {0, start + 100'000}), LeaseState::migrating);
}

TEST(LeaseState, OutsideOfPoolsNothingExpires) {
    EXPECT_EQ(state_of(held(), nullptr, entry(start + 1), {0, start + 100'000}),
              LeaseState::active);
}

TEST(LeaseState, ReleasedCoolsDownByWallClock) {
    auto lease = held();
    lease.released = 1'000'000;
    EXPECT_EQ(state(lease, std::nullopt, {1'000'049, 0}), LeaseState::quarantine);
    EXPECT_EQ(state(lease, std::nullopt, {1'000'050, 0}), LeaseState::free);
    EXPECT_EQ(state_of(lease, nullptr, std::nullopt, {1'000'299, 0}), LeaseState::quarantine);
    EXPECT_EQ(state_of(lease, nullptr, std::nullopt, {1'000'300, 0}), LeaseState::free);
}

TEST(Uuid, IsKeptInLowerCase) {
    EXPECT_EQ(*parse_uuid("123E4567-e89b-12d3-a456-426614174000"),
              "123e4567-e89b-12d3-a456-426614174000");
    for (const auto* text :
         {"", "123e4567e89b12d3a456426614174000", "123e4567-e89b-12d3-a456-42661417400",
          "g23e4567-e89b-12d3-a456-"
          "426614174000"})
        EXPECT_FALSE(parse_uuid(text)) << text;
}

TEST(Strategy, UuidIsTheSameForEver) {
    // These numbers are a promise to every host that has given addresses by them.
    const auto range = *MacRange::parse_prefix("02:1a:2b");
    const std::string uuid = "123e4567-e89b-12d3-a456-426614174000";
    EXPECT_EQ(uuid_hash(uuid, 0, range, 0), 0x3702fa2a5d9190ebull);
    EXPECT_EQ(uuid_hash(uuid, 1, range, 0), 0x82468d22a2f58518ull);
    EXPECT_EQ(uuid_hash(uuid, 0, range, 1), 0x731ef5957fa77420ull);
}

TEST(Strategy, CandidatesAreInsideThePool) {
    for (const auto strategy :
         {MacStrategy::random, MacStrategy::sequential, MacStrategy::uuid, MacStrategy::time}) {
        auto its_pool = pool();
        its_pool.strategy = strategy;
        its_pool.next = its_pool.range.last + 1;
        for (int attempt = 0; attempt < 1000; ++attempt)
            EXPECT_TRUE(its_pool.range.contains(*candidate(its_pool, "u", 0, attempt)));
    }
}

TEST(Strategy, RandomReachesEveryAddress) {
    std::set<std::uint64_t> drawn;
    for (int i = 0; i < 20'000; ++i) drawn.insert(*candidate(pool(), "", 0, i));
    EXPECT_EQ(drawn.size(), 256u);
}

TEST(Strategy, SequentialGoesOnBehindTheLastOne) {
    auto its_pool = pool();
    its_pool.strategy = MacStrategy::sequential;
    its_pool.next = its_pool.range.first + 9;
    EXPECT_EQ(*candidate(its_pool, "", 0, 0), its_pool.range.first + 9);
    its_pool.next = its_pool.range.last + 1;
    EXPECT_EQ(*candidate(its_pool, "", 0, 0), its_pool.range.first) << "and begins anew";
}

TEST(HostsLine, NamesWhatIsAHostName) {
    auto lease = held();
    EXPECT_EQ(hosts_line(lease), "02:00:00:00:01:07,web1\n");
    lease.addresses = {*Address::parse("2001:db8::7"), *Address::parse("10.0.0.7")};
    EXPECT_EQ(hosts_line(lease), "02:00:00:00:01:07,10.0.0.7,[2001:db8::7],web1\n");
    lease.nic = 2;
    EXPECT_EQ(hosts_line(lease), "02:00:00:00:01:07,10.0.0.7,[2001:db8::7],web1-2\n");
    lease.vm = "web_1";
    EXPECT_EQ(hosts_line(lease), "02:00:00:00:01:07,10.0.0.7,[2001:db8::7]\n");
}

Lease full() {
    auto lease = held();
    lease.uuid = "123e4567-e89b-12d3-a456-426614174000";
    lease.port = "tap0";
    lease.domain = 10;
    lease.pinned = true;
    lease.addresses = {*Address::parse("10.0.0.7"), *Address::parse("2001:db8::7")};
    return lease;
}

void expect_read_back(const Result<std::vector<ImportedMac>>& macs, const Lease& lease) {
    ASSERT_TRUE(macs) << macs.error().message;
    ASSERT_EQ(macs->size(), 1u);
    const auto& request = macs->front().request;
    EXPECT_EQ(request.mac, lease.mac);
    EXPECT_EQ(request.domain, lease.domain);
    EXPECT_EQ(request.who.vm, lease.vm);
    EXPECT_EQ(request.who.uuid, lease.uuid);
    EXPECT_EQ(request.who.nic, lease.nic);
    EXPECT_EQ(request.who.port, lease.port);
    EXPECT_EQ(request.who.addresses, lease.addresses);
    EXPECT_EQ(request.who.pin, lease.pinned);
}

std::string exported(ExportFormat format, const Lease& lease) {
    return export_text(format, {lease});
}

TEST(Csv, ReadsWhatItWrites) {
    expect_read_back(macs_of_csv(exported(ExportFormat::csv, full()), "a.csv"), full());
    auto bare = held();
    expect_read_back(macs_of_csv(exported(ExportFormat::csv, bare), "a.csv"), bare);
}

TEST(Csv, ColumnsInAnyOrder) {
    auto lease = held();
    lease.nic = 3;
    expect_read_back(
        macs_of_csv("nic, vm ,mac\r\n\n# a remark\n3,web1, 02:00:00:00:01:07\r\n", "a.csv"), lease);
}

TEST(Csv, ErrorsNameTheLine) {
    const auto wrong = [](const char* text, const char* part) {
        const auto macs = macs_of_csv(text, "a.csv");
        ASSERT_FALSE(macs) << text;
        EXPECT_EQ(macs.error().code, ErrorCode::usage);
        EXPECT_THAT(macs.error().message, HasSubstr(part));
    };
    wrong("vm\nweb1\n", "a.csv line 1: missing column `mac`");
    wrong("mac,vm,colour\n", "a.csv line 1: unknown column `colour`");
    wrong("mac,vm\nweb1,02:00:00:00:01:07\n", "a.csv line 2: `web1` is not a MAC");
    wrong("mac,vm\n02:00:00:00:01:07,web1,9\n", "a.csv line 2: there are more cells");
    wrong("mac,vm,nic\n02:00:00:00:01:07,web1,-1\n", "`-1` is not a NIC");
    wrong("mac,vm,pinned\n02:00:00:00:01:07,web1,maybe\n", "pinned is yes or no");
}

TEST(Libvirt, ReadsWhatItWrites) {
    expect_read_back(macs_of_libvirt(exported(ExportFormat::libvirt, full()), "a.xml"), full());
}

TEST(Libvirt, NicsOfAVmAreInOneDomain) {
    auto second = full();
    second.nic = 1;
    second.mac = *MacAddress::parse("02:00:00:00:00:01");
    const auto macs =
        macs_of_libvirt(export_text(ExportFormat::libvirt, {second, full()}), "a.xml");
    ASSERT_TRUE(macs);
    ASSERT_EQ(macs->size(), 2u);
    EXPECT_EQ((*macs)[0].request.mac, full().mac);
    EXPECT_EQ((*macs)[1].request.mac, second.mac);
    EXPECT_EQ((*macs)[1].request.who.nic, 1);
}

TEST(Libvirt, ReadsADomainOfVirsh) {
    const auto macs = macs_of_libvirt(R"(<domain type='kvm' id='3'>
  <name>db1</name>
  <uuid>123E4567-E89B-12D3-A456-426614174000</uuid>
  <devices>
    <disk type='file'/>
    <interface type='bridge'>
      <mac address='52:54:00:aa:bb:01'/><source bridge='br0'/><target dev='vnet3'/>
      <vlan><tag id='42'/></vlan>
    </interface>
    <interface type='network'><mac address='52:54:00:aa:bb:02'/></interface>
  </devices>
</domain>)",
                                      "db1.xml");
    ASSERT_TRUE(macs) << macs.error().message;
    ASSERT_EQ(macs->size(), 2u);
    EXPECT_EQ((*macs)[0].request.who.port, "vnet3");
    EXPECT_EQ((*macs)[0].request.domain, 42);
    EXPECT_EQ((*macs)[1].request.who.nic, 1);
    EXPECT_EQ((*macs)[1].request.who.uuid, "123e4567-e89b-12d3-a456-426614174000");
    EXPECT_EQ((*macs)[1].request.mac.text(), "52:54:00:aa:bb:02");
}

TEST(Libvirt, ErrorsNameTheFile) {
    for (const auto* text : {"", "<network/>", "<domain>", "mac,vm\n",
                             "<domain><name>x</name><devices><interface><mac address='x'/>"
                             "</interface></devices></domain>"}) {
        const auto macs = macs_of_libvirt(text, "a.xml");
        ASSERT_FALSE(macs) << text;
        EXPECT_THAT(macs.error().message, HasSubstr("a.xml"));
    }
}

}  // namespace
}  // namespace sluice
