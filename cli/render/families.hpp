// SPDX-License-Identifier: GPL-2.0-or-later
// Builds metric families of Prometheus.
#pragma once

#include <prometheus/metric_family.h>

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "sluice/abi/stats.h"

namespace sluice::cli {

using Labels = std::vector<prometheus::ClientMetric::Label>;

/// A family is one name, with its help; its samples differ in their labels.
class Families {
public:
    /// What add() adds to from now on. One that gets no sample is left out.
    /// @param name as Prometheus's guide has it: base units, and counters end in `_total`
    void counter(const std::string& name, const std::string& help);
    void gauge(const std::string& name, const std::string& help);

    void add(Labels labels, double value);

    /// A sample for each row.
    /// @param labels_of, value_of of a row: functions, or pointers to members
    template <class Rows, class LabelsOf, class ValueOf>
    void add_each(const Rows& rows, LabelsOf labels_of, ValueOf value_of) {
        for (const auto& row : rows)
            add(std::invoke(labels_of, row), static_cast<double>(std::invoke(value_of, row)));
    }

    /// Two families: `NAME_packets_total` and `NAME_bytes_total`.
    /// @param help "Packets" or "Bytes" stands before it
    /// @param count_of a row's sl_counter
    template <class Rows, class LabelsOf, class CountOf>
    void add_counts(const std::string& name, const std::string& help, const Rows& rows,
                    LabelsOf labels_of, CountOf count_of) {
        counter(name + "_packets_total", "Packets " + help);
        add_each(rows, labels_of,
                 [&](const auto& row) { return std::invoke(count_of, row).packets; });
        counter(name + "_bytes_total", "Bytes " + help);
        add_each(rows, labels_of,
                 [&](const auto& row) { return std::invoke(count_of, row).bytes; });
    }

    [[nodiscard]] std::vector<prometheus::MetricFamily> take();

private:
    std::vector<prometheus::MetricFamily> families_;
};

}  // namespace sluice::cli
