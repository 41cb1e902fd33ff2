// SPDX-License-Identifier: GPL-2.0-or-later
// What the tests of the switch share: the rig, its stations, and expectations about every copy that
// leaves.
#pragma once

#include <gtest/gtest.h>
#include <sched.h>

#include <initializer_list>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tests/harness/rig.hpp"
#include "tests/packet/claims.hpp"
#include "tests/packet/scenario.hpp"

namespace sluice::test {

/// A MAC of a VM behind port `port`, its `number`th.
[[nodiscard]] Mac station(std::size_t port, std::uint8_t number = 0);

/// A VM behind port 0, and a MAC of nobody.
inline const Mac vm = station(0), unknown = station(9);

/// The same port, with flows of what is switched.
inline Switched tracked(Switched port) {
    port.port_flags |= SL_PORT_TRACK;
    return port;
}

/// A host in VLAN 10. As all gateways the same in every test, for its interface is made but once.
inline const Gateway gateway_10{.vlan = 10,
                                .mac = {2, 0, 0, 0, 0x10, 1},
                                .v4 = "10.10.0.1/24",
                                .v6 = "fd10::1/64",
                                .vm_mac = {2, 0, 0, 0, 0x10, 2},
                                .vm_v4 = "10.10.0.2",
                                .vm_v6 = "fd10::2"};

/// A small frame from one station to another (or to a group): a UDP packet.
/// @param seed distinguishes payloads
[[nodiscard]] Packet frame(const Mac& from, const Mac& to, unsigned seed = 1);
/// The same with a tag outside of all that it has.
[[nodiscard]] Packet tagged(const Packet& packet, const Vlan& tag);

/// One copy that is to leave.
struct Copy {
    std::size_t port;
    Packet packet;
};
using Copies = std::vector<Copy>;
/// The same packet by each of the ports.
[[nodiscard]] Copies by(std::initializer_list<std::size_t> ports, const Packet& packet);

/// Starts with no switched port and ends with balanced counters.
class SwitchTest : public testing::Test {
protected:
    void SetUp() override;
    void TearDown() override;

    [[nodiscard]] static Gate& gate() { return shared_gate(); }
    [[nodiscard]] static Rig& rig();

    /// `in` enters by `port`, and exactly these copies leave.
    static void expect_copies(Way way, std::size_t port, const Packet& in, const Copies& out);
    /// No copy leaves, and the frame is counted once under the reason.
    static void expect_drop(Way way, std::size_t port, const Packet& in, sl_drop reason);
    /// Sent, whatever becomes of it.
    static std::vector<Arrival> pass(Way way, std::size_t port, const Packet& in);

    /// Events of one kind, the oldest first.
    [[nodiscard]] static std::vector<sl_event> events_of(sl_event_kind kind);
    /// The port's id that the table has for a MAC; 0 = none.
    [[nodiscard]] static std::uint16_t learned_on(const Mac& mac, std::uint16_t vlan);

private:
    cpu_set_t before_{};
};

/// A test for each Way.
class SwitchWays : public SwitchTest, public testing::WithParamInterface<Way> {};

inline constexpr auto name_of_way = [](const auto& info) {
    return std::string(way_text(info.param));
};

#define SWITCH_WAYS(suite) \
    INSTANTIATE_TEST_SUITE_P(Ways, suite, testing::Values(Way::tc, Way::xdp), name_of_way)

}  // namespace sluice::test
