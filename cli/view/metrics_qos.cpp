// SPDX-License-Identifier: GPL-2.0-or-later
// Rates, queues and classes of ports, for Prometheus.
#include <algorithm>
#include <iterator>

#include "cli/view/metrics.hpp"

namespace sluice::cli {
namespace {

struct RateRow {
    std::string port;
    const char* direction;
    const QosDirectionStatus* status;

    [[nodiscard]] Labels labels() const { return {{"port", port}, {"direction", direction}}; }
};

struct ClassRow {
    std::string port;
    const QosClassStatus* status;

    [[nodiscard]] Labels labels() const { return {{"port", port}, {"class", status->spec.name}}; }
};

Labels qos_port_labels(const QosPortStatus& it) { return {{"port", it.spec.port}}; }

void add_rates(Families& families, const std::vector<QosPortStatus>& ports) {
    std::vector<RateRow> rows, limited;
    for (const auto& it : ports) {
        rows.push_back({it.spec.port, "rx", &it.in});
        rows.push_back({it.spec.port, "tx", &it.out});
    }
    std::ranges::copy_if(rows, std::back_inserter(limited),
                         [](const RateRow& it) { return it.status->rate != unlimited; });
    families.gauge("sluice_qos_rate_bytes_per_second", "The rate of a port that has one");
    families.add_each(limited, &RateRow::labels,
                      [](const RateRow& it) { return static_cast<double>(it.status->rate) / 8; });
    families.add_counts("sluice_qos_conformed", "within the rate of a port", rows, &RateRow::labels,
                        [](const RateRow& it) { return it.status->conformed; });
    families.add_counts("sluice_qos_exceeded", "dropped for being over the rate of a port", rows,
                        &RateRow::labels, [](const RateRow& it) { return it.status->exceeded; });
    families.counter("sluice_qos_throttled_seconds_total",
                     "Time in which packets came that were over the rate");
    families.add_each(rows, &RateRow::labels,
                      [](const RateRow& it) { return it.status->throttled; });
}

void add_queues(Families& families, const std::vector<QosPortStatus>& ports) {
    families.add_counts("sluice_qos_marked", "sent with congestion experienced (ECN)", ports,
                        qos_port_labels, &QosPortStatus::marked);
    families.add_counts("sluice_qos_late", "sent that waited for longer than the port's latency",
                        ports, qos_port_labels, &QosPortStatus::late);
    families.gauge("sluice_qos_queue_bytes", "Bytes that wait to leave by a port");
    families.add_each(ports, qos_port_labels, [](const auto& it) { return it.queue.bytes; });
    families.gauge("sluice_qos_queue_packets", "Packets that wait to leave by a port");
    families.add_each(ports, qos_port_labels, [](const auto& it) { return it.queue.packets; });
    families.gauge("sluice_qos_queue_delay_seconds", "Time until what comes now would leave");
    families.add_each(ports, qos_port_labels, [](const auto& it) { return it.queue.delay; });
    families.counter("sluice_qos_queue_dropped_packets_total", "Packets that found the queue full");
    families.add_each(ports, qos_port_labels, [](const auto& it) { return it.queue.dropped; });
}

void add_classes(Families& families, const std::vector<QosPortStatus>& ports) {
    std::vector<ClassRow> rows;
    for (const auto& port : ports)
        for (const auto& it : port.classes) rows.push_back({port.spec.port, &it});
    families.add_counts("sluice_qos_class_sent", "sent of a class", rows, &ClassRow::labels,
                        [](const ClassRow& it) { return it.status->counts.sent; });
    families.add_counts("sluice_qos_class_marked", "sent of a class with congestion experienced",
                        rows, &ClassRow::labels,
                        [](const ClassRow& it) { return it.status->counts.marked; });
    families.gauge("sluice_qos_class_queue_bytes", "Bytes of a class that wait to leave");
    families.add_each(rows, &ClassRow::labels,
                      [](const ClassRow& it) { return it.status->queue.bytes; });
    families.counter("sluice_qos_class_queue_dropped_packets_total",
                     "Packets of a class that found its queue full");
    families.add_each(rows, &ClassRow::labels,
                      [](const ClassRow& it) { return it.status->queue.dropped; });
}

}  // namespace

void add_qos_families(Families& families, const std::vector<QosPortStatus>& ports) {
    // An interface that is gone has nothing to be read, and zeros would look like counters set
    // back.
    std::vector<QosPortStatus> present;
    std::ranges::copy_if(ports, std::back_inserter(present), &QosPortStatus::present);
    add_rates(families, present);
    add_queues(families, present);
    add_classes(families, present);
}

}  // namespace sluice::cli
