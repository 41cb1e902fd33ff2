// SPDX-License-Identifier: GPL-2.0-or-later
// Which VLAN a frame is in, and what tag it has where it leaves: a table of every kind of port and
// tag, on both hooks.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/packet/switch/scenario.hpp"

namespace sluice::test {
namespace {

struct IngressCase {
    std::string name;
    Switched port;
    std::vector<Vlan> tags;             ///< the outermost first
    std::optional<std::uint16_t> vlan;  ///< that it is in; nullopt: dropped
    sl_drop reason = SL_DROP_NONE;
    std::uint8_t pcp = 0;         ///< as it leaves by a trunk
    std::vector<Vlan> kept = {};  ///< tags that stay in the frame
    friend void PrintTo(const IngressCase& entry, std::ostream* out) { *out << entry.name; }
};

constexpr std::uint16_t stag = 0x88a8;

Switched translating(std::vector<Translation> translations) {
    Switched port = trunk({10, 20});
    port.translations = std::move(translations);
    return port;
}

Switched mapping(Switched port, std::array<std::uint8_t, 8> pcp) {
    port.flags |= SL_SWITCH_PCP_MAP;
    port.pcp = pcp;
    return port;
}

const std::vector<IngressCase> ingress_cases{
    {"AccessUntagged", access(10), {}, 10},
    {"AccessPriorityTagged", access(10), {{.vid = 0, .pcp = 5}}, 10, {}, 5},
    {"AccessPriorityTagHidesATag", access(10), {{.vid = 0}, {.vid = 20}}, {}, SL_DROP_VLAN_TAGGED},
    {"AccessPriorityServiceTag", access(10), {{.vid = 0, .tpid = stag}}, {}, SL_DROP_VLAN_TAGGED},
    {"AccessOwnVlan", access(10), {{.vid = 10}}, {}, SL_DROP_VLAN_TAGGED},
    {"AccessOtherVlan", access(10), {{.vid = 20}}, {}, SL_DROP_VLAN_TAGGED},
    {"AccessDoubleTagged", access(10), {{.vid = 10}, {.vid = 20}}, {}, SL_DROP_VLAN_TAGGED},
    {"AccessServiceTag", access(10), {{.vid = 10, .tpid = stag}}, {}, SL_DROP_VLAN_TAGGED},
    {"AccessReserved", access(10), {{.vid = 4095}}, {}, SL_DROP_VLAN_RESERVED},
    {"TrunkFirst", trunk({10, 20}), {{.vid = 10}}, 10},
    {"TrunkSecondWithPriority", trunk({10, 20}), {{.vid = 20, .pcp = 7}}, 20, {}, 7},
    {"TrunkHighestVlan", trunk({4094}), {{.vid = 4094}}, 4094},
    {"TrunkLowestVlan", trunk({1}), {{.vid = 1}}, 1},
    {"TrunkForeign", trunk({10}), {{.vid = 20}}, {}, SL_DROP_VLAN_TAGGED},
    {"TrunkReserved", trunk({10}), {{.vid = 4095}}, {}, SL_DROP_VLAN_RESERVED},
    {"TrunkUntagged", trunk({10}), {}, {}, SL_DROP_VLAN_UNTAGGED},
    {"TrunkPriorityTagged", trunk({10}), {{.vid = 0, .pcp = 3}}, {}, SL_DROP_VLAN_UNTAGGED},
    {"TrunkNative", trunk({10}, 20), {}, 20},
    {"TrunkNativePriorityTagged", trunk({10}, 20), {{.vid = 0, .pcp = 3}}, 20, {}, 3},
    {"TrunkNativeTagged", trunk({10}, 20), {{.vid = 20}}, 20},
    {"TrunkServiceTag", trunk({10}), {{.vid = 10, .tpid = stag}}, {}, SL_DROP_VLAN_TAGGED},
    {"TrunkInnerTagStays",
     trunk({10}),
     {{.vid = 10, .pcp = 2}, {.vid = 99, .pcp = 1}},
     10,
     {},
     2,
     {{.vid = 99, .pcp = 1}}},
    {"TrunkInnerTagIsNotLookedAt",
     trunk({10}),
     {{.vid = 20}, {.vid = 10}},
     {},
     SL_DROP_VLAN_TAGGED},
    {"ServiceTrunk",
     trunk({10}, 0, SL_SWITCH_STAG),
     {{.vid = 10, .pcp = 4, .tpid = stag}},
     10,
     {},
     4},
    {"ServiceTrunkCustomerTag",
     trunk({10}, 0, SL_SWITCH_STAG),
     {{.vid = 10}},
     {},
     SL_DROP_VLAN_TAGGED},
    {"ServiceTrunkInnerTagStays",
     trunk({10}, 0, SL_SWITCH_STAG),
     {{.vid = 10, .tpid = stag}, {.vid = 77, .pcp = 6}},
     10,
     {},
     0,
     {{.vid = 77, .pcp = 6}}},
    {"TunnelUntagged", tunnel(10), {}, 10},
    {"TunnelKeepsTagAndPriority",
     tunnel(10),
     {{.vid = 20, .pcp = 3}},
     10,
     {},
     3,
     {{.vid = 20, .pcp = 3}}},
    {"TunnelKeepsBothTags",
     tunnel(10),
     {{.vid = 20, .tpid = stag}, {.vid = 30}},
     10,
     {},
     0,
     {{.vid = 20, .tpid = stag}, {.vid = 30}}},
    {"Translated", translating({{200, 20}}), {{.vid = 200, .pcp = 1}}, 20, {}, 1},
    {"TranslatedSwap", translating({{10, 20}, {20, 10}}), {{.vid = 10}}, 20},
    {"TranslatedOthersStay", translating({{200, 20}}), {{.vid = 10}}, 10},
    {"TranslatedIsNotCalledByItsOwnId",
     translating({{200, 20}}),
     {{.vid = 20}},
     {},
     SL_DROP_VLAN_TAGGED},
    {"TranslatedOutOfList", translating({{200, 30}}), {{.vid = 200}}, {}, SL_DROP_VLAN_TAGGED},
    {"PriorityMapped",
     mapping(trunk({10}), {0, 7, 6, 5, 4, 3, 2, 1}),
     {{.vid = 10, .pcp = 2}},
     10,
     {},
     6},
    {"PriorityOfUntaggedSet", mapping(access(10), {5, 5, 5, 5, 5, 5, 5, 5}), {}, 10, {}, 5},
    {"PriorityTagMapped",
     mapping(access(10), {0, 0, 0, 0, 0, 0, 0, 1}),
     {{.vid = 0, .pcp = 7}},
     10,
     {},
     1},
};

Packet with_tags(Packet packet, const std::vector<Vlan>& tags) {
    for (auto tag = tags.rbegin(); tag != tags.rend(); ++tag) packet = tagged(packet, *tag);
    return packet;
}

class SwitchIngress : public SwitchTest, public testing::WithParamInterface<IngressCase> {
protected:
    /// A frame to nobody known comes out by a trunk of its VLAN, tagged, and by no other.
    static void flooded(Way way) {
        const IngressCase& entry = GetParam();
        const Packet in = with_tags(frame(vm, unknown), entry.tags);
        if (!entry.vlan) return expect_drop(way, 0, in, entry.reason);
        const Packet out = tagged(with_tags(frame(vm, unknown), entry.kept),
                                  {.vid = *entry.vlan, .pcp = entry.pcp});
        expect_copies(way, 0, in, {{1, out}});
        EXPECT_EQ(learned_on(vm, *entry.vlan), rig().id(0));
        EXPECT_EQ(rig().vlan_count(*entry.vlan, SL_VLAN_FLOODED), 1u);
    }
    static void known(Way way) {
        const IngressCase& entry = GetParam();
        if (!entry.vlan) return;
        rig().add_station(unknown, *entry.vlan, 1);
        const Packet out = tagged(with_tags(frame(vm, unknown), entry.kept),
                                  {.vid = *entry.vlan, .pcp = entry.pcp});
        for (int i = 0; i < 2; ++i)
            expect_copies(way, 0, with_tags(frame(vm, unknown), entry.tags), {{1, out}});
        EXPECT_EQ(rig().vlan_count(*entry.vlan, SL_VLAN_SWITCHED), 2u);
    }
    void SetUp() override {
        SwitchTest::SetUp();
        rig().set(0, GetParam().port);
        rig().set(1, trunk({1, 10, 20, 30, 200, 4094}));
        std::size_t other = 2;
        for (const std::uint16_t vlan : {1, 10, 20, 30, 200, 4094})
            if (vlan != GetParam().vlan) rig().set(other++, access(vlan));
    }
};

TEST_P(SwitchIngress, FloodedByTc) { flooded(Way::tc); }
TEST_P(SwitchIngress, FloodedByXdp) { flooded(Way::xdp); }
TEST_P(SwitchIngress, KnownByTc) { known(Way::tc); }
TEST_P(SwitchIngress, KnownByXdp) { known(Way::xdp); }

INSTANTIATE_TEST_SUITE_P(Table, SwitchIngress, testing::ValuesIn(ingress_cases), name_of);

/// From a port of VLAN 10, what leaves by another.
struct ExitCase {
    std::string name;
    Switched in;
    std::vector<Vlan> in_tags;
    Switched out;
    std::vector<Vlan> out_tags;
    friend void PrintTo(const ExitCase& exit, std::ostream* out) { *out << exit.name; }
};

Switched translating_out() {
    Switched port = trunk({10});
    port.translations = {{1000, 10}};
    return port;
}

const Switched service_trunk = trunk({10}, 0, SL_SWITCH_STAG);

const std::vector<ExitCase> exit_cases{
    {"AccessToAccess", access(10), {}, access(10), {}},
    {"PriorityTagEndsAtAccess", access(10), {{.vid = 0, .pcp = 5}}, access(10), {}},
    {"AccessToTrunk", access(10), {}, trunk({10}), {{.vid = 10}}},
    {"AccessToNative", access(10), {}, trunk({20}, 10), {}},
    {"AccessToServiceTrunk", access(10), {}, service_trunk, {{.vid = 10, .tpid = stag}}},
    {"AccessToTunnel", access(10), {}, tunnel(10), {}},
    {"AccessToTranslated", access(10), {}, translating_out(), {{.vid = 1000}}},
    {"PriorityTagToTranslated",
     access(10),
     {{.vid = 0, .pcp = 6}},
     translating_out(),
     {{.vid = 1000, .pcp = 6}}},
    {"TrunkToAccess", trunk({10}), {{.vid = 10, .pcp = 3}}, access(10), {}},
    {"TrunkToNative", trunk({10}), {{.vid = 10, .pcp = 3}}, trunk({}, 10), {}},
    {"TrunkToTrunk", trunk({10}), {{.vid = 10, .pcp = 3}}, trunk({10}), {{.vid = 10, .pcp = 3}}},
    {"NativeToTrunk", trunk({20}, 10), {}, trunk({10}), {{.vid = 10}}},
    {"NativeToAccess", trunk({20}, 10), {}, access(10), {}},
    {"TrunkToServiceTrunk",
     trunk({10}),
     {{.vid = 10, .pcp = 1}},
     service_trunk,
     {{.vid = 10, .pcp = 1, .tpid = stag}}},
    {"ServiceTrunkToTrunk",
     service_trunk,
     {{.vid = 10, .pcp = 1, .tpid = stag}},
     trunk({10}),
     {{.vid = 10, .pcp = 1}}},
    {"ServiceTrunkToAccess", service_trunk, {{.vid = 10, .tpid = stag}}, access(10), {}},
    {"TrunkToTranslated",
     trunk({10}),
     {{.vid = 10, .pcp = 2}},
     translating_out(),
     {{.vid = 1000, .pcp = 2}}},
    {"TranslatedToTrunk",
     translating_out(),
     {{.vid = 1000, .pcp = 2}},
     trunk({10}),
     {{.vid = 10, .pcp = 2}}},
    {"TunnelIntoServiceTrunk",
     tunnel(10),
     {{.vid = 20, .pcp = 3}},
     service_trunk,
     {{.vid = 10, .pcp = 3, .tpid = stag}, {.vid = 20, .pcp = 3}}},
    {"ServiceTrunkIntoTunnel",
     service_trunk,
     {{.vid = 10, .pcp = 7, .tpid = stag}, {.vid = 20, .pcp = 3}},
     tunnel(10),
     {{.vid = 20, .pcp = 3}}},
    {"TunnelToTunnel", tunnel(10), {{.vid = 20, .pcp = 3}}, tunnel(10), {{.vid = 20, .pcp = 3}}},
    {"TunnelToTunnelOfItsOwnVlan", tunnel(10), {{.vid = 10}}, tunnel(10), {{.vid = 10}}},
    {"TunnelToTunnelUntagged", tunnel(10), {}, tunnel(10), {}},
    {"TunnelServiceTagToTunnel",
     tunnel(10),
     {{.vid = 20, .tpid = stag}, {.vid = 30}},
     tunnel(10),
     {{.vid = 20, .tpid = stag}, {.vid = 30}}},
    // Untagged, the next switch would take the inner tag for the frame's own ("double tagging").
    {"DoubleTaggedKeepsItsTagOnTheNative",
     trunk({10}),
     {{.vid = 10, .pcp = 1}, {.vid = 20}},
     trunk({20}, 10),
     {{.vid = 10, .pcp = 1}, {.vid = 20}}},
    {"DoubleTaggedTrunkToAccess",
     trunk({10}),
     {{.vid = 10}, {.vid = 20, .pcp = 1}},
     access(10),
     {{.vid = 20, .pcp = 1}}},
};

class SwitchExit : public SwitchTest, public testing::WithParamInterface<ExitCase> {
protected:
    static void expect(Way way, bool known) {
        rig().set(0, GetParam().in);
        rig().set(1, GetParam().out);
        if (known) rig().add_station(unknown, 10, 1);
        expect_copies(way, 0, with_tags(frame(vm, unknown), GetParam().in_tags),
                      {{1, with_tags(frame(vm, unknown), GetParam().out_tags)}});
    }
};

TEST_P(SwitchExit, FloodedByTc) { expect(Way::tc, false); }
TEST_P(SwitchExit, FloodedByXdp) { expect(Way::xdp, false); }
TEST_P(SwitchExit, KnownByTc) { expect(Way::tc, true); }
TEST_P(SwitchExit, KnownByXdp) { expect(Way::xdp, true); }
// The source is known as well: XDP may do it alone.
TEST_P(SwitchExit, BothKnownByXdp) {
    rig().add_station(vm, 10, 0);
    expect(Way::xdp, true);
}

INSTANTIATE_TEST_SUITE_P(Table, SwitchExit, testing::ValuesIn(exit_cases), name_of);

// Six copies of one frame, a different head on each.
TEST_F(SwitchTest, EachCopyHasItsPortsOwnTag) {
    rig().set(0, access(10));
    rig().set(1, access(10));
    rig().set(2, trunk({10, 20}));
    rig().set(3, trunk({20}, 10));
    rig().set(4, service_trunk);
    rig().set(5, translating_out());
    rig().set(6, tunnel(10));
    rig().set(7, access(20));
    const Packet plain = frame(vm, everybody);
    for (const Way way : {Way::tc, Way::xdp})
        expect_copies(way, 0, plain,
                      {{1, plain},
                       {2, tagged(plain, {.vid = 10})},
                       {3, plain},
                       {4, tagged(plain, {.vid = 10, .tpid = stag})},
                       {5, tagged(plain, {.vid = 1000})},
                       {6, plain}});
    // And from a trunk, whose tag comes off, changes or stays.
    for (const Way way : {Way::tc, Way::xdp})
        expect_copies(way, 2, tagged(plain, {.vid = 10, .pcp = 4}),
                      {{0, plain},
                       {1, plain},
                       {3, plain},
                       {4, tagged(plain, {.vid = 10, .pcp = 4, .tpid = stag})},
                       {5, tagged(plain, {.vid = 1000, .pcp = 4})},
                       {6, plain}});
}

}  // namespace
}  // namespace sluice::test
