// SPDX-License-Identifier: GPL-2.0-or-later
// What the packet tests share: the loaded gate, the expectations, and the usual
// packets.
#pragma once

#include <gtest/gtest.h>

#include <initializer_list>
#include <optional>
#include <string>

#include "tests/harness/gate.hpp"
#include "tests/harness/lab.hpp"
#include "tests/harness/packet.hpp"

namespace sluice::test {

/// Every test starts from empty maps and ends with balanced counters.
class GateTest : public testing::Test {
protected:
    void SetUp() override;
    void TearDown() override;

    [[nodiscard]] static Gate& gate();
    /// Vm_a's network leaves wan0 as `external`; ports as given.
    static void masquerade_a(std::uint16_t first = 1024, std::uint16_t last = 65535);
    /// The port counts flows, and is set up anew.
    static void track(const Link& link);
    /// The routes are asked with each packet.
    static void ask_each_time();

    static Outcome send(Hook hook, const Link& by, View frame, const FrameContext& context = {});
    /// The same of a frame that is to meet none that came before: nothing stays held.
    static Outcome send_alone(Hook hook, const Link& by, View frame);
    static void expect_forward(Hook hook, const Link& by, const Packet& in, const Packet& out,
                               const FrameContext& context = {});
    static void expect_pass(Hook hook, const Link& by, View frame,
                            const FrameContext& context = {});
    static void expect_pass(Hook hook, const Link& by, const Packet& in);
    /// On TC (or egress), where every drop is decided: counted once under
    /// `reason`.
    static void expect_drop(Hook hook, const Link& by, const Packet& in, sl_drop reason);
    /// TC takes it, and counts nothing: it waits for its first fragment.
    static void expect_held(const Link& by, const Packet& in);

    /// In and out on both hooks: the session's first packet and another one on
    /// TC, then one on XDP.
    static void expect_both(const Link& by, const Packet& in, const Packet& out,
                            const FrameContext& context = {});
};

/// The shared gate; loaded at the first call. For tests that are not GateTests.
[[nodiscard]] Gate& shared_gate();

/// BPF_PROG_TEST_RUN refuses to make an skb of a frame whose IP header is cut.
[[nodiscard]] bool can_be_skb(View frame);

/// observed = forwarded + passed + dropped for every port and direction, drops
/// have reasons, and as many packets were observed as were fed.
void expect_balanced(const Gate& gate);

/// A row's name, for INSTANTIATE_TEST_SUITE_P.
inline constexpr auto name_of = [](const auto& info) { return info.param.name; };

inline const sl_addr unspecified = ip("::");
inline constexpr Udp udp{.sport = 4000, .dport = 53};

/// The head of a frame of vm_a's own.
[[nodiscard]] Eth to(const Mac& mac, std::optional<std::uint16_t> type = {});

[[nodiscard]] Packet a_to_server4();
[[nodiscard]] Packet a_to_server6();
/// As the router delivers it to wan0.
[[nodiscard]] Packet server_to(const sl_addr& address);

/// The packet after the gateway routed it: new MACs, one hop less.
[[nodiscard]] Packet routed(Packet packet, const Link& out, const Host& next);
/// With another source (or destination): address and port or echo identifier.
[[nodiscard]] Packet with_source(Packet packet, const sl_addr& address, std::uint16_t port);
[[nodiscard]] Packet with_destination(Packet packet, const sl_addr& address, std::uint16_t port);

}  // namespace sluice::test
