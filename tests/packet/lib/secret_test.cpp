// SPDX-License-Identifier: GPL-2.0-or-later
// What others choose is hashed with the instance's secret: where the same packet leaves its traces
// is another place for each secret.
#include <algorithm>
#include <cstdint>
#include <set>
#include <vector>

#include "sluice/abi/detect.h"
#include "sluice/abi/flow.h"
#include "sluice/abi/hash.h"
#include "tests/packet/scenario.hpp"

namespace sluice::test {
namespace {

class Secret : public GateTest {
protected:
    void TearDown() override {
        gate().map<__u32, sl_detect_rule>("sl_detect_rules").put(SL_DETECT_UDP_FLOOD_TO, {});
        gate().set_seed(test_seed);
        GateTest::TearDown();
    }
    /// Starts anew with another secret.
    static void begin(std::uint64_t number) {
        gate().reset();
        gate().set_seed({{number, number << 7, number * 3, ~number, number << 40}});
    }
    template <class Value>
    static std::set<__u32> used(const char* map, __u32 slots, auto&& is_used) {
        std::set<__u32> all;
        for (__u32 slot = 0; slot < slots; ++slot)
            if (is_used(gate().map<__u32, Value>(map).get(slot).value())) all.insert(slot);
        return all;
    }
};

TEST_F(Secret, PlacesDependOnIt) {
    std::set<std::set<__u32>> nexthops, detected;
    constexpr std::uint64_t secrets = 2;
    for (std::uint64_t secret = 1; secret <= secrets; ++secret) {
        begin(secret * 0x9e3779b97f4a7c15);
        for (__u32 slot = 0; slot < SL_NEXTHOP_SLOTS; ++slot)
            gate().map<__u32, sl_nexthop>("sl_nexthops").put(slot, {});
        for (__u32 slot = 0; slot < SL_DETECT_SLOTS; ++slot)
            gate().map<__u32, sl_detect>("sl_detect").put(slot, {});
        sl_detect_rule rule{};
        rule.threshold = rule.window = 60'000;
        rule.action = SL_DETECT_REPORT;
        gate().map<__u32, sl_detect_rule>("sl_detect_rules").put(SL_DETECT_UDP_FLOOD_TO, rule);
        const Packet packet = a_to_server4() / udp / payload(20);
        expect_forward(Hook::tc, lan0, packet, routed(packet, wan0, router));
        nexthops.insert(used<sl_nexthop>("sl_nexthops", SL_NEXTHOP_SLOTS,
                                         [](const sl_nexthop& hop) { return hop.gen != 0; }));
        detected.insert(used<sl_detect>("sl_detect", SL_DETECT_SLOTS,
                                        [](const sl_detect& slot) { return slot.tag != 0; }));
        EXPECT_EQ(nexthops.rbegin()->size(), 1u);
        EXPECT_EQ(detected.rbegin()->size(), 1u);
    }
    EXPECT_EQ(nexthops.size(), secrets);
    EXPECT_EQ(detected.size(), secrets);
}

// Nobody chooses an inside address to share a neighbour's external one.
TEST_F(Secret, SoDoesTheExternalAddressThatAHostBeginsWith) {
    std::vector<sl_addr> pool;
    for (std::uint8_t i = 1; i <= 16; ++i) {
        pool.push_back(ip("198.51.100.0"));
        pool.back().b[15] = i;
    }
    std::set<std::vector<std::uint16_t>> choices;
    constexpr std::uint64_t secrets = 4;
    for (std::uint64_t secret = 1; secret <= secrets; ++secret) {
        begin(secret * 0x9e3779b97f4a7c15);
        gate().masquerade(ip("10.0.0.0"), 24, wan0, pool, 1024, 65535);
        std::vector<std::uint16_t> chosen;
        for (std::uint8_t host = 2; host < 10; ++host) {
            sl_addr inside = vm_a.v4;
            inside.b[15] = host;
            const Packet packet =
                to_gateway(vm_a, lan0) / Ip4{.src = inside, .dst = server.v4} / udp / payload(20);
            EXPECT_EQ(send(Hook::tc, lan0, serialise(packet)).verdict, Verdict::forward);
            for (const auto& [found, binding] : gate().bindings().entries())
                if (std::ranges::equal(found.addr.b, inside.b)) chosen.push_back(binding.external);
        }
        EXPECT_EQ(chosen.size(), 8u);
        choices.insert(chosen);
    }
    EXPECT_EQ(choices.size(), secrets);
}

}  // namespace
}  // namespace sluice::test
