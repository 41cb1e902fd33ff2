// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/view/metrics.hpp"

#include <algorithm>
#include <map>

namespace sluice::cli {
namespace {

template <class Row>
Labels port_label(const Row& row) {
    return {{"port", row.port}};
}

void add_instance(Families& families, const Target& target, const Result<Metrics>& reading) {
    families.gauge("sluice_up", "1 if the instance is up; else 0, and nothing else is told of it");
    families.add({}, reading ? 1 : 0);
    families.gauge("sluice_build_info", "The version of sluice, and of its map layouts");
    families.add({{"version", SLUICE_VERSION}, {"abi", std::to_string(SL_ABI_VERSION)}}, 1);
    families.gauge("sluice_instance_info", "The instance that all this is about");
    families.add({{"name", target.instance}, {"netns", reading ? reading->netns : ""}}, 1);
}

void add_usage(Families& families, const std::string& name, const std::string& help,
               const std::vector<std::pair<Labels, Usage>>& usages) {
    const auto labels = [](const auto& it) { return it.first; };
    families.gauge(name, help);
    families.add_each(usages, labels, [](const auto& it) { return it.second.used; });
    families.gauge(name + "_limit", "Room for: " + help);
    families.add_each(usages, labels, [](const auto& it) { return it.second.capacity; });
}

void add_tables(Families& families, const Metrics& metrics) {
    families.gauge("sluice_start_time_seconds", "When the instance was brought up, Unix time");
    families.add({}, static_cast<double>(metrics.since));
    add_usage(
        families, "sluice_sessions", "Sessions there are",
        {{{{"family", "ipv4"}}, metrics.sessions4}, {{{"family", "ipv6"}}, metrics.sessions6}});
    add_usage(families, "sluice_nat_bindings", "Internal endpoints that have an external one",
              {{{}, metrics.bindings}});
    add_usage(families, "sluice_switch_macs", "MACs that the switch has learned",
              {{{}, metrics.macs}});
    families.counter("sluice_events_total", "Events, as `sluice events` shows them");
    families.add({}, static_cast<double>(metrics.events));
    families.counter("sluice_events_overwritten_total",
                     "Events no longer in the ring: lost to those who have not read them");
    families.add({}, static_cast<double>(metrics.events -
                                         std::min<std::uint64_t>(metrics.events, SL_EVENTS)));
}

/// What a port counts in one direction.
struct DirectionRow {
    std::string port;
    const char* direction;
    const sl_counter* counts;  ///< by enum sl_count

    [[nodiscard]] Labels labels() const { return {{"port", port}, {"direction", direction}}; }
};

/// One of the three that add up to what was observed.
struct FateRow {
    DirectionRow of;
    const char* fate;
    sl_count count;
};

void add_ports(Families& families, const Metrics& metrics) {
    families.gauge("sluice_port_info", "A port: its role, and its VM if it has one");
    for (const auto& it : metrics.ports)
        families.add({{"port", it.port}, {"role", std::string(role_text(it.role))}, {"vm", it.vm}},
                     1);

    std::vector<DirectionRow> directions;
    for (const auto& it : metrics.counters) {
        directions.push_back({it.port, "rx", it.stats.rx});
        directions.push_back({it.port, "tx", it.stats.tx});
    }
    families.add_counts("sluice_port_observed", "that entered (rx) or left (tx) by a port",
                        directions, &DirectionRow::labels,
                        [](const DirectionRow& it) { return it.counts[SL_COUNT_OBSERVED]; });

    std::vector<FateRow> fates;
    for (const auto& it : directions) {
        fates.push_back({it, "forwarded", SL_COUNT_FORWARDED});
        fates.push_back({it, "passed", SL_COUNT_PASSED});
        fates.push_back({it, "dropped", SL_COUNT_DROPPED});
    }
    const auto labels = [](const FateRow& it) {
        auto labels = it.of.labels();
        labels.push_back({"fate", it.fate});
        return labels;
    };
    families.add_counts("sluice_port",
                        "of a port by what became of them; all fates make the observed", fates,
                        labels, [](const FateRow& it) { return it.of.counts[it.count]; });
    families.add_counts("sluice_port_unattributed", "of a port without a flow: the table was full",
                        metrics.counters, port_label<PortCounters>,
                        [](const PortCounters& it) { return it.stats.unattributed; });
}

struct ReasonRow {
    std::string port;
    std::string_view reason;
    sl_counter count{};

    [[nodiscard]] Labels labels() const { return {{"reason", std::string(reason)}}; }
    [[nodiscard]] Labels labels_with_port() const {
        return {{"port", port}, {"reason", std::string(reason)}};
    }
};

/// Every reason is there from the beginning, so that its first packet is an increase and not a new
/// series. There may be a thousand ports: theirs only if they occurred.
void add_drops(Families& families, const std::vector<DropCounter>& drops) {
    std::vector<ReasonRow> sums, occurred;
    for (const auto& it : drop_reasons()) sums.push_back({"", it.name});
    for (const auto& it : drops) {
        auto& sum = sums[it.reason->reason - 1].count;
        sum.packets += it.count.packets;
        sum.bytes += it.count.bytes;
        if (it.count.packets != 0) occurred.push_back({it.port, it.reason->name, it.count});
    }
    families.add_counts("sluice_dropped", "dropped, by reason", sums, &ReasonRow::labels,
                        &ReasonRow::count);
    families.add_counts("sluice_port_dropped", "dropped at a port, for reasons that occurred there",
                        occurred, &ReasonRow::labels_with_port, &ReasonRow::count);
}

void add_guards(Families& families, const std::vector<GuardStatus>& guards) {
    std::vector<ReasonRow> audits;
    for (const auto& guard : guards)
        for (const auto& it : guard.counts)
            if (it.audits.packets != 0) audits.push_back({guard.port, it.reason->name, it.audits});
    families.add_counts("sluice_port_audited", "that a guard on --audit would have dropped", audits,
                        &ReasonRow::labels_with_port, &ReasonRow::count);
    families.counter("sluice_port_duplicate_mac_packets_total",
                     "Packets with a MAC that is leased to another port");
    families.add_each(guards, port_label<GuardStatus>, &GuardStatus::duplicates);
    families.counter("sluice_port_foreign_mac_packets_total",
                     "Packets with a MAC of a pool that nobody was given");
    families.add_each(guards, port_label<GuardStatus>, &GuardStatus::foreign);
}

void add_switch_ports(Families& families, const std::vector<SwitchPortStatus>& ports) {
    const auto labels = [](const SwitchPortStatus& it) { return port_label(it.spec); };
    families.gauge("sluice_switch_port_macs", "MACs that the switch has learned at a port");
    families.add_each(ports, labels, &SwitchPortStatus::learned);
    families.gauge("sluice_switch_port_closed",
                   "1 if a port is closed because of a loop or a BPDU");
    families.add_each(ports, labels, [](const auto& it) { return it.closed == SL_OPEN ? 0 : 1; });
}

void add_nat_pools(Families& families, const std::vector<PoolStatus>& pools) {
    const auto labels = [](const PoolStatus& it) -> Labels {
        return {{"pool", std::to_string(it.pool)},
                {"address", it.address.text()},
                {"protocol", protocol_text(it.protocol)}};
    };
    families.gauge("sluice_nat_pool_ports", "External ports of a pool's address");
    families.add_each(pools, labels, [](const auto& it) { return it.range.size(); });
    families.gauge("sluice_nat_pool_used_ports", "External ports in use");
    families.add_each(pools, labels, &PoolStatus::used);
    families.gauge("sluice_nat_pool_free_ports", "External ports that can be given");
    families.add_each(pools, labels, &PoolStatus::free);
    families.counter("sluice_nat_pool_allocated_total", "Times that a port was given");
    families.add_each(pools, labels, &PoolStatus::allocated);
    families.counter("sluice_nat_pool_refused_total", "Times that no port was free");
    families.add_each(pools, labels, &PoolStatus::refused);
}

void add_mac_pools(Families& families, const std::vector<MacPoolStatus>& pools) {
    const auto labels = [](const MacPoolStatus& it) -> Labels { return {{"pool", it.pool.name}}; };
    families.gauge("sluice_mac_pool_addresses", "MACs that a pool may give");
    families.add_each(pools, labels, &MacPoolStatus::usable);
    families.gauge("sluice_mac_pool_leases", "MACs of a pool that VMs have");
    families.add_each(pools, labels, &MacPoolStatus::held);
    families.gauge("sluice_mac_pool_released", "MACs of a pool that are kept for their last VM");
    families.add_each(pools, labels, &MacPoolStatus::released);
}

void add_talkers(Families& families, const std::vector<NamedTalker>& talkers) {
    families.gauge("sluice_talker_sent_bytes",
                   "Bytes sent in the sessions there are, by those who sent most");
    const auto labels = [](const NamedTalker& it) -> Labels {
        return {{"port", it.port}, {"vm", it.vm}, {"address", it.address}};
    };
    families.add_each(talkers, labels, &NamedTalker::bytes);
}

}  // namespace

std::vector<prometheus::MetricFamily> metric_families(const Target& target,
                                                      const Result<Metrics>& reading) {
    Families families;
    add_instance(families, target, reading);
    if (!reading) return families.take();
    add_tables(families, *reading);
    add_ports(families, *reading);
    add_drops(families, reading->drops);
    add_guards(families, reading->guards);
    add_switch_ports(families, reading->switch_ports);
    add_qos_families(families, reading->qos_ports);
    add_nat_pools(families, reading->nat_pools);
    add_mac_pools(families, reading->mac_pools);
    add_talkers(families, reading->talkers);
    return families.take();
}

}  // namespace sluice::cli
