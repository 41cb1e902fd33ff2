// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/monitor/counters.hpp"

#include <algorithm>

#include "loader/model/ports.hpp"

namespace sluice {
namespace {

bool adds_up(const sl_counter (&counts)[SL_COUNT_MAX]) {
    const auto sum = [&](__u64 sl_counter::* field) {
        return counts[SL_COUNT_FORWARDED].*field + counts[SL_COUNT_PASSED].*field +
               counts[SL_COUNT_DROPPED].*field;
    };
    return counts[SL_COUNT_OBSERVED].packets == sum(&sl_counter::packets) &&
           counts[SL_COUNT_OBSERVED].bytes == sum(&sl_counter::bytes);
}

/// Under traffic a copy may catch a CPU between two of its counts; a second look does not find
/// it there again.
Result<PortCounters> read_one(const Datapath& datapath, const PortSpec& port) {
    constexpr int looks = 5;
    PortCounters counters{.port = port.name};
    for (int look = 0; look < looks && !counters.consistent; ++look) {
        SL_TRY(stats, datapath.maps().port_stats.read(port.id));
        counters.stats = stats;
        counters.consistent = adds_up(stats.rx) && adds_up(stats.tx);
    }
    return counters;
}

}  // namespace

Result<std::vector<PortCounters>> read_port_counters(const Target& target) {
    SL_TRY(instance, open_instance(target));
    SL_TRY(datapath, open_running(target, instance.desired));
    std::vector<PortCounters> all;
    for (const auto& port : instance.desired.ports) {
        SL_TRY(counters, read_one(datapath, port));
        all.push_back(std::move(counters));
    }
    return all;
}

Result<std::vector<LatencyCounters>> read_latencies(const Target& target) {
    SL_TRY(instance, open_instance(target));
    SL_TRY(datapath, open_running(target, instance.desired));
    std::vector<LatencyCounters> all;
    for (const auto& spec : instance.desired.qos_ports) {
        if (spec.latency.count() == 0) continue;
        const auto* port = find_port(instance.desired.ports, spec.port);
        if (port == nullptr) continue;
        SL_TRY(stats, datapath.maps().qos_stats.read(port->id));
        all.push_back({spec.port, spec.latency, stats.counts[SL_QOS_OUT_CONFORMED],
                       stats.counts[SL_QOS_OUT_LATE], stats.counts[SL_QOS_OUT_EXCEEDED]});
    }
    return all;
}

Result<std::vector<DropCounter>> read_drops(const Target& target) {
    SL_TRY(instance, open_instance(target));
    SL_TRY(datapath, open_running(target, instance.desired));
    std::vector<DropCounter> drops;
    for (const auto& port : instance.desired.ports)
        for (const auto& reason : drop_reasons()) {
            SL_TRY(count, datapath.maps().drops.read(port.id * SL_DROP_MAX + reason.reason));
            drops.push_back({port.name, &reason, count});
        }
    return drops;
}

}  // namespace sluice
