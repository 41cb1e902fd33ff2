// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/kernel/bpffs.hpp"

#include <gtest/gtest.h>

namespace sluice {
namespace {

TEST(Pins, StandInTheInstancesFolder) {
    const Pins pins("blue");
    EXPECT_EQ(pins.folder(), "/sys/fs/bpf/sluice/blue");
    EXPECT_EQ(pins.map("sl_flows4"), "/sys/fs/bpf/sluice/blue/maps/sl_flows4");
    EXPECT_EQ(pins.program("tc_ingress"), "/sys/fs/bpf/sluice/blue/progs/tc_ingress");
    EXPECT_EQ(pins.link("tap0", "xdp"), "/sys/fs/bpf/sluice/blue/links/tap0-xdp");
    EXPECT_EQ(pins.aside().folder(), "/sys/fs/bpf/sluice/new:blue");
}

TEST(Pins, HaveNoDots) {
    EXPECT_EQ(Pins("blue").link("eth0.10", "egress").filename(), "eth0:10-egress");
}

}  // namespace
}  // namespace sluice
