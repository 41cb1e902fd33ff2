// SPDX-License-Identifier: GPL-2.0-or-later
// `nat pool show`: the port spaces of each pool, as the datapath has them.
#include "loader/nat/commands.hpp"
#include "loader/nat/plan.hpp"

namespace sluice {
namespace {

std::vector<std::string> uplinks_of(const DesiredState& state, std::uint16_t pool) {
    std::vector<std::string> uplinks;
    for (const auto& rule : state.masquerades)
        if (rule.pool == pool && (uplinks.empty() || uplinks.back() != rule.uplink))
            uplinks.push_back(rule.uplink);
    return uplinks;
}

Result<PoolStatus> status_of(const Maps& maps, std::uint32_t external, sl_l4 l4,
                             const PortRange& range) {
    const auto space = port_space(external, l4);
    SL_TRY(stats, maps.pool_stats.lookup(space));
    SL_TRY(address, maps.externals.lookup(external));
    const auto now = stats.value_or(sl_pool_stats{});
    PoolStatus status;
    status.address = Address(address.value_or(sl_addr{}));
    status.protocol = protocol_of(l4);
    status.range = range;
    status.used = now.in_use;
    status.free =
        static_cast<std::uint32_t>((~taken_ports(maps.port_bits.entries()[space])).count());
    // Ports come and go between the reads: never below zero.
    status.reserved = range.size() - std::min(range.size(), status.used + status.free);
    status.highest = now.highest;
    status.allocated = now.allocated;
    status.refused = now.refused;
    status.retries = now.retries;
    return status;
}

}  // namespace

Result<std::vector<PoolStatus>> list_pools(const Target& target) {
    SL_TRY(instance, open_instance(target));
    SL_TRY(datapath, open_running(target, instance.desired));
    SL_TRY(host, Host::read(&datapath, instance.desired.ports));
    const auto& maps = datapath.maps();
    std::vector<PoolStatus> pools;
    for (const auto& [number, pool] : plan_nat(instance.desired, host).pools) {
        SL_TRY(slots, maps.pools.lookup(number));
        if (!slots) continue;
        for (std::uint32_t i = 0; i < slots->count; ++i)
            for (const auto l4 : {SL_L4_TCP, SL_L4_UDP, SL_L4_ICMP}) {
                SL_TRY(status, status_of(maps, slots->first + i, l4, pool.ports));
                status.pool = number;
                status.uplinks = uplinks_of(instance.desired, number);
                pools.push_back(std::move(status));
            }
    }
    return pools;
}

}  // namespace sluice
