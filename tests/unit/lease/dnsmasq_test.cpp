// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/lease/dnsmasq.hpp"

#include <gtest/gtest.h>

#include "tests/unit/lease/sample.hpp"

namespace sluice {
namespace {

using sample::held;

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

}  // namespace
}  // namespace sluice
