// SPDX-License-Identifier: GPL-2.0-or-later
// What is exported is read back as it was.
#include "loader/lease/import.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/lease/sample.hpp"

namespace sluice {
namespace {

using sample::held;
using testing::HasSubstr;

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
