// SPDX-License-Identifier: GPL-2.0-or-later
// Whose events are, and since when.
#include "loader/event/log.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/expect_error.hpp"

namespace sluice {
namespace {

PortLease lease_at(const char* port, const char* mac, const char* vm, const char* address) {
    return {.mac = *MacAddress::parse(mac),
            .port = port,
            .addresses = {*Address::parse(address)},
            .vm = vm};
}

TEST(VmNames, ByPortMacAndAddress) {
    DesiredState state;
    state.port_leases = {lease_at("tap0", "02:00:00:00:00:01", "web1", "10.0.0.1"),
                         lease_at("tap0", "02:00:00:00:00:02", "web1", "10.0.0.2"),
                         lease_at("trunk0", "02:00:00:00:00:03", "db1", "10.0.0.3"),
                         lease_at("trunk0", "02:00:00:00:00:04", "db2", "10.0.0.4")};
    const VmNames vms(state);
    const auto stranger = *MacAddress::parse("02:00:00:00:00:99");
    EXPECT_EQ(vms.at("tap0"), "web1");
    EXPECT_EQ(vms.at("trunk0"), "") << "several";
    EXPECT_EQ(vms.at("eth0"), "");
    EXPECT_EQ(vms.of("tap0", stranger), "web1") << "who else could have sent it?";
    EXPECT_EQ(vms.of("trunk0", stranger), "");
    EXPECT_EQ(vms.of("trunk0", *MacAddress::parse("02:00:00:00:00:04")), "db2");
    EXPECT_EQ(vms.of("tap0", *MacAddress::parse("02:00:00:00:00:04")), "web1") << "not there";
    EXPECT_EQ(vms.of("trunk0", *Address::parse("10.0.0.3")), "db1");
    EXPECT_EQ(vms.of("trunk0", *Address::parse("10.0.0.9")), "");
    EXPECT_EQ(vms.of("eth0", *Address::parse("10.0.0.3")), "");
}

TEST(Since, ADurationOrATime) {
    const WallTime now(std::chrono::seconds(1'700'000'000));
    EXPECT_EQ(*parse_since("5m", now), now - std::chrono::minutes(5));
    EXPECT_EQ(*parse_since("2023-11-14T22:13:20Z", now), now);
    EXPECT_EQ(*parse_since("2023-11-14T22:13:20.250Z", now), now + std::chrono::milliseconds(250));
    for (const auto* wrong :
         {"", "5", "yesterday", "2023-11-14", "2023-11-14T22:13:20", "2023-11-14T22:13:20.Z",
          "2023-11-14T22:13:20.5", "2023-11-14T22:13:20Zx", "2023-11-14T22:13:20.1e3Z",
          "2023-13-14T22:13:20Z"})
        expect_error(parse_since(wrong, now), ErrorCode::usage, "neither a duration nor a time");
}

}  // namespace
}  // namespace sluice
