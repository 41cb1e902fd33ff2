// SPDX-License-Identifier: GPL-2.0-or-later
// The one ordered list of an instance's features, and the only file that knows all rooms.
#include "loader/block/apply.hpp"
#include "loader/detect/apply.hpp"
#include "loader/event/apply.hpp"
#include "loader/guard/apply.hpp"
#include "loader/instance/feature.hpp"
#include "loader/instance/settings.hpp"
#include "loader/lease/apply.hpp"
#include "loader/lease/dnsmasq.hpp"
#include "loader/nat/apply.hpp"
#include "loader/policy/apply.hpp"
#include "loader/port/apply.hpp"
#include "loader/port/door.hpp"
#include "loader/port/internal.hpp"
#include "loader/qos/apply.hpp"
#include "loader/switch/apply.hpp"

namespace sluice {

/// Closed first, open last: the door shuts to ports that come, go or are made anew before anything
/// of them changes, and opens when all of it stands. NAT, guards, VLANs, rates and the policy come
/// before ports: a port that forwards must know what is to be translated, who may enter, where it
/// is, how fast it may be, and what is allowed.
Features features() {
    Features list;
    list.push_back(dnsmasq_feature());
    list.push_back(door_feature());
    list.push_back(internal_port_feature());
    list.push_back(settings_feature());
    list.push_back(detect_feature());
    list.push_back(block_feature());
    list.push_back(nat_feature());
    list.push_back(lease_feature());
    list.push_back(guard_feature());
    list.push_back(switch_feature());
    list.push_back(qos_feature());
    list.push_back(policy_feature());
    list.push_back(event_feature());
    list.push_back(port_feature());
    return list;
}

}  // namespace sluice
