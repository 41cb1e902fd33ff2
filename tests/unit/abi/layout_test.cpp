// SPDX-License-Identifier: GPL-2.0-or-later
// The layout that user space and programs agree on. The sizes are asserted where the structs
// are; here stand the offsets that a raised SL_ABI_VERSION must go with.
#include <gtest/gtest.h>

#include <cstddef>

#include "sluice/abi/block.h"
#include "sluice/abi/event.h"
#include "sluice/abi/flow_table.h"
#include "sluice/abi/guard.h"
#include "sluice/abi/instance.h"
#include "sluice/abi/nat.h"
#include "sluice/abi/policy.h"
#include "sluice/abi/port.h"
#include "sluice/abi/qos.h"
#include "sluice/abi/stats.h"
#include "sluice/abi/switch.h"

namespace {

TEST(Abi, VersionGoesWithTheseOffsets) {
    ASSERT_EQ(SL_ABI_VERSION, 13u) << "the version was raised: bring the offsets below up to date";
    EXPECT_EQ(offsetof(sl_key4, sport), 8u);
    EXPECT_EQ(offsetof(sl_key4, domain), 12u);
    EXPECT_EQ(offsetof(sl_key6, sport), 32u);
    EXPECT_EQ(offsetof(sl_flow, last_seen), 16u);
    EXPECT_EQ(offsetof(sl_flow, saddr), 20u);
    EXPECT_EQ(offsetof(sl_flow, flags), 38u);
    EXPECT_EQ(offsetof(sl_flow4, key), 48u);
    EXPECT_EQ(offsetof(sl_flow6, birth), 88u);
    EXPECT_EQ(offsetof(sl_flow_record, flow), 56u);
    EXPECT_EQ(offsetof(sl_flow_record, birth), 152u);
    EXPECT_EQ(offsetof(sl_flow_record, kind), 160u);
    EXPECT_EQ(offsetof(sl_settings, tracked_until4), 36u);
    EXPECT_EQ(offsetof(sl_settings, flow_seed), 56u);
    EXPECT_EQ(offsetof(sl_settings, max_sessions4), 96u);
    EXPECT_EQ(offsetof(sl_port_stats, unattributed), 128u);
    EXPECT_EQ(offsetof(sl_port, flags), 12u);
    EXPECT_EQ(offsetof(sl_port, guard), 14u);
    EXPECT_EQ(offsetof(sl_port, mac), 16u);
    EXPECT_EQ(offsetof(sl_port, qos), 22u);
    EXPECT_EQ(offsetof(sl_port, role), 26u);
    EXPECT_EQ(offsetof(sl_port, addr6), 32u);
    EXPECT_EQ(offsetof(sl_nexthop, out_qos), 24u);
    EXPECT_EQ(offsetof(sl_qos, patience), 96u);
    EXPECT_EQ(offsetof(sl_qos, pcp), 128u);
    EXPECT_EQ(offsetof(sl_qos_state, out), 64u);
    EXPECT_EQ(offsetof(sl_qos_rules, by_interval), 43520u);
    EXPECT_EQ(offsetof(sl_guard, macs), 64u);
    EXPECT_EQ(offsetof(sl_event, header), 32u);
    EXPECT_EQ(offsetof(sl_policy_header, fingerprint), 40u);
    EXPECT_EQ(offsetof(sl_policy_node, child), 48u);
    EXPECT_EQ(offsetof(sl_policy_class, block), 32u);
    EXPECT_EQ(offsetof(sl_policy_query, rule), 52u);
    EXPECT_EQ(offsetof(sl_switch_port, pcp), 20u);
    EXPECT_EQ(offsetof(sl_switch_port, vlans), 64u);
    EXPECT_EQ(offsetof(sl_switch_state, learned), 16u);
    EXPECT_EQ(offsetof(sl_vlan, mac), 8u);
    EXPECT_EQ(offsetof(sl_vlan, addr6), 24u);
    EXPECT_EQ(offsetof(sl_fdb, port), 12u);
    EXPECT_EQ(offsetof(sl_probe, cookie), 8u);
    EXPECT_EQ(offsetof(sl_shortcut, port), 8u);
    EXPECT_EQ(offsetof(sl_masq_key, addr), 8u);
    EXPECT_EQ(offsetof(sl_binding_key, port), 16u);
    EXPECT_EQ(offsetof(sl_forward_key, uplink), 20u);
    EXPECT_EQ(offsetof(sl_forward, uplink), 20u);
    EXPECT_EQ(offsetof(sl_port_bits, used), 128u);
    EXPECT_EQ(offsetof(sl_stamp, netns_ino), 24u);
    EXPECT_EQ(offsetof(sl_port_stats, tx), 64u);
    EXPECT_EQ(offsetof(sl_block_bucket, keys), 8u);
    EXPECT_EQ(offsetof(sl_block_key, length), 16u);
    EXPECT_EQ(offsetof(sl_block_state, lengths), 8u);
    EXPECT_EQ(offsetof(sl_block_tables, slot), 295944u);
}

TEST(Abi, StampIsReadBeforeAnythingElseIsKnown) {
    EXPECT_EQ(offsetof(sl_stamp, magic), 0u);
    EXPECT_EQ(offsetof(sl_stamp, abi_version), 8u);
}

}  // namespace
