// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/instance/settings.hpp"

#include <gtest/gtest.h>

#include "tests/unit/expect_error.hpp"

namespace sluice {
namespace {

using namespace std::chrono_literals;

/// @param change makes good settings wrong
template <class Change>
void expect_out_of_range(const std::string& option, Change change) {
    Settings settings;
    change(settings);
    expect_error(check_settings(settings), ErrorCode::usage, option);
}

TEST(Settings, AreGoodByDefault) { EXPECT_TRUE(check_settings({})); }

TEST(Settings, HaveRoomForSomething) {
    expect_out_of_range("--max-flows", [](Settings& it) { it.max_flows = 1; });
    expect_out_of_range("--max-flows6", [](Settings& it) { it.max_flows6 = 0; });
    expect_out_of_range("--max-bindings", [](Settings& it) { it.max_bindings = 100'000'001; });
    expect_out_of_range("--max-leases", [](Settings& it) { it.max_leases = 0; });
    expect_out_of_range("--max-macs", [](Settings& it) { it.max_macs = 0; });
}

TEST(Settings, HaveTimesThatTicksCanTell) {
    expect_out_of_range("--udp-timeout 9ms", [](Settings& it) { it.udp_timeout = 9ms; });
    expect_out_of_range("--tcp-established-timeout",
                        [](Settings& it) { it.tcp_established_timeout = 15 * 24h; });
    expect_out_of_range("--tcp-transitory-timeout",
                        [](Settings& it) { it.tcp_transitory_timeout = 0ms; });
    expect_out_of_range("--icmp-timeout", [](Settings& it) { it.icmp_timeout = -1ms; });
    expect_out_of_range("--other-timeout", [](Settings& it) { it.other_timeout = 0ms; });
    expect_out_of_range("--mac-age", [](Settings& it) { it.mac_age = 0ms; });
}

TEST(Settings, LimitAHostToSomethingOrNotAtAll) {
    expect_out_of_range("--host-sessions", [](Settings& it) { it.host_sessions = 1; });
    expect_out_of_range("--host-ports", [](Settings& it) { it.host_ports = 1; });
    Settings settings;
    settings.host_sessions = settings.host_ports = 2;
    EXPECT_TRUE(check_settings(settings));
}

TEST(Settings, MarkByOneBit) {
    expect_out_of_range("--door-mark 0x3", [](Settings& it) { it.door_mark = 3; });
    Settings settings;
    settings.door_mark = 0;
    EXPECT_TRUE(check_settings(settings));
    settings.door_mark = 1u << 31;
    EXPECT_TRUE(check_settings(settings));
}

}  // namespace
}  // namespace sluice
