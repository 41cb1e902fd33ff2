// SPDX-License-Identifier: GPL-2.0-or-later
// Routed ports of which each packet asks the policy, and packets that ask.
#pragma once

#include <arpa/inet.h>

#include "tests/harness/checksum.hpp"
#include "tests/harness/dissect.hpp"
#include "tests/packet/policy/scenario.hpp"
#include "tests/packet/scenario.hpp"

namespace sluice::test {

class Policy : public WithPolicy<GateTest> {
protected:
    void SetUp() override {
        WithPolicy::SetUp();
        ask_each_time();
        for (const auto& link : {lan0, lan1, wan0}) track(link);
    }
    static void put(std::vector<ResolvedRule> rules) { maps().put({.rules = std::move(rules)}); }

    static sl_flow flow_of(const sl_addr& from, const sl_addr& to, std::uint16_t sport,
                           std::uint16_t dport, std::uint8_t protocol) {
        sl_key4 key{};
        key.saddr = from.w[3];
        key.daddr = to.w[3];
        key.sport = htons(sport);
        key.dport = htons(dport);
        key.proto = protocol;
        return gate().flows4().get(key).value_or(sl_flow{});
    }
    static sl_flow udp_flow() { return flow_of(vm_a.v4, server.v4, 4000, 53, IPPROTO_UDP); }
    static void drops_by_xdp(const Packet& in, sl_drop reason) {
        const auto before = gate().drops(lan0.id, reason);
        EXPECT_EQ(send(Hook::xdp, lan0, serialise(in)).verdict, Verdict::drop);
        EXPECT_EQ(gate().drops(lan0.id, reason).packets, before.packets + 1);
    }
    /// What comes back by lan0.
    static void expect_answer(const Packet& in, const Packet& answer) {
        const auto before = gate().drops(lan0.id, SL_DROP_POLICY_REJECT);
        const auto got = send(Hook::tc, lan0, serialise(in));
        EXPECT_EQ(got.verdict, Verdict::forward);
        EXPECT_EQ(difference(serialise(answer), got.packet), "");
        EXPECT_EQ(checksum_fault(got.packet), "");
        EXPECT_EQ(gate().drops(lan0.id, SL_DROP_POLICY_REJECT).packets, before.packets + 1);
    }
};

inline const Packet ask4 = a_to_server4() / udp / payload(20);
inline const Packet ask6 = a_to_server6() / udp / payload(20);
inline const Packet answer4 = server_to(vm_a.v4) / Udp{.sport = 53, .dport = 4000} / payload(30);

inline Packet answer_at_a() {
    Packet out = answer4;
    out.get<Eth>() = from_gateway(lan0, vm_a);
    out.get<Ip4>().ttl -= 1;
    return out;
}

}  // namespace sluice::test
