// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/monitor/metrics.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>

#include "loader/flow/talkers.hpp"
#include "loader/model/vm_names.hpp"

namespace sluice {
namespace {

using namespace std::chrono_literals;

constexpr auto qos_look = 10ms;  // rates are the monitoring system's to compute, from counters

/// A session is two flow entries.
Result<> read_tables(Metrics& metrics, const Maps& maps, const Settings& settings) {
    SL_TRY(live, maps.live.lookup(0));
    const auto now = live.value_or(sl_live{});
    metrics.sessions4 = {now.sessions4, settings.max_flows / 2};
    metrics.sessions6 = {now.sessions6, settings.max_flows6 / 2};
    metrics.bindings = {now.bindings, maps.bindings.info().max_entries};
    metrics.macs.used = now.macs;
    metrics.events = std::atomic_ref(maps.event_head.entries()[0].newest).load();
    return {};
}

Result<> read_talkers(Metrics& metrics, const Datapath& datapath, const DesiredState& desired,
                      const VmNames& vms, std::size_t count) {
    SL_TRY(talkers, top_talkers(datapath, count));
    for (const auto& it : talkers) {
        const auto port = std::ranges::find(desired.ports, it.port, &PortSpec::id);
        const auto name = port == desired.ports.end() ? "" : port->name;
        metrics.talkers.push_back(
            {name, std::string(vms.of(name, it.address)), it.address.text(), it.bytes});
    }
    return {};
}

Result<> read_instance(Metrics& metrics, const Target& target, std::size_t talkers) {
    SL_TRY(instance, open_instance(target));
    SL_TRY(datapath, open_running(target, instance.desired));
    const VmNames vms(instance.desired);
    metrics.netns = instance.desired.settings.netns;
    metrics.since = datapath.stamp().created;
    metrics.macs.capacity = instance.desired.settings.max_macs;
    for (const auto& port : instance.desired.ports)
        metrics.ports.push_back({port.name, port.role, std::string(vms.at(port.name))});
    SL_CHECK(read_tables(metrics, datapath.maps(), instance.desired.settings));
    return read_talkers(metrics, datapath, instance.desired, vms, talkers);
}

}  // namespace

Result<Metrics> read_metrics(const Target& target, std::size_t talkers) {
    Metrics metrics;
    SL_CHECK(read_instance(metrics, target, talkers));
    SL_TRY(counters, read_port_counters(target));
    SL_TRY(drops, read_drops(target));
    SL_TRY(guards, list_guards(target));
    SL_TRY(switch_ports, list_switch_ports(target));
    SL_TRY(qos_ports, watch_qos(target, std::nullopt, qos_look));
    SL_TRY(nat_pools, list_pools(target));
    SL_TRY(mac_pools, list_mac_pools(target));
    metrics.counters = std::move(counters);
    metrics.drops = std::move(drops);
    metrics.guards = std::move(guards);
    metrics.switch_ports = std::move(switch_ports);
    metrics.qos_ports = std::move(qos_ports);
    metrics.nat_pools = std::move(nat_pools);
    metrics.mac_pools = std::move(mac_pools);
    return metrics;
}

}  // namespace sluice
