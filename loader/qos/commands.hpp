// SPDX-License-Identifier: GPL-2.0-or-later
// QoS: rates of ports, classes of traffic.
#pragma once

#include <array>
#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "loader/instance/target.hpp"
#include "sluice/abi/qos.h"
#include "sluice/model/qos.hpp"

namespace sluice {

/// What `qos set` changes; the rest stays.
struct QosChange {
    std::optional<std::uint64_t> ingress_rate, ingress_burst, pps, egress_rate, egress_burst;
    std::optional<Shaper> shaper;
    std::optional<std::chrono::microseconds> latency;
    std::optional<bool> classes, ecn;
    std::optional<std::uint8_t> dscp;
    std::optional<std::optional<PcpOfDscp>> pcp_of_dscp;
    std::optional<std::optional<DscpOfPcp>> dscp_of_pcp;

    void apply_to(QosPortSpec& spec) const;
};

/// Errors: not_found (no such port), refused (what contradicts itself, or a qdisc of somebody else
/// on the interface), unsupported (the kernel has not the shaper asked for).
[[nodiscard]] Result<Outcome> set_qos(const Target& target, const std::string& port,
                                      const QosChange& wanted);
/// Takes all of a port's QoS away. Errors: not_found (no such port, or nothing is set for it).
[[nodiscard]] Result<Outcome> remove_qos(const Target& target, const std::string& port);
/// Sets what the YAML file says (loader/qos/file.hpp), all of it or nothing.
[[nodiscard]] Result<Outcome> load_qos(const Target& target, const std::string& file);

/// What `qos class set` changes; the rest stays.
struct QosClassChange {
    std::optional<std::uint8_t> priority, max_percent, dscp;
    std::optional<std::uint16_t> weight;
    std::optional<std::vector<QosMatch>> matches;

    void apply_to(QosClassSpec& spec) const;
};

/// @param spec its id is given by the database. Errors: refused (there is one of that name, or 15)
[[nodiscard]] Result<Outcome> add_qos_class(const Target& target, QosClassSpec spec);
/// Errors: not_found. The class `default` is always there.
[[nodiscard]] Result<Outcome> set_qos_class(const Target& target, const std::string& name,
                                            const QosClassChange& wanted);
[[nodiscard]] Result<Outcome> remove_qos_class(const Target& target, const std::string& name);
/// Lists classes by id, `default` last.
[[nodiscard]] Result<std::vector<QosClassSpec>> list_qos_classes(const Target& target);

/// The queue of what leaves, as it is now.
struct QueueStatus {
    std::uint64_t bytes = 0, packets = 0;
    double delay = 0;           ///< seconds until what comes now would leave
    std::uint64_t dropped = 0;  ///< frames that found it full
};

struct QosClassStatus {
    QosClassSpec spec;
    std::uint64_t assured = 0, most = 0;  ///< bits a second; of a port without a queue 0
    sl_qos_class_stats counts = {};
    double rate = 0;  ///< bits a second, over the interval
    QueueStatus queue = {};
    std::uint64_t over_limits = 0;  ///< times that it had to wait for its rate
};

struct QosDirectionStatus {
    std::uint64_t rate = unlimited;  ///< configured; bits a second
    std::uint64_t burst = 0;         ///< bytes in force; 0 without a rate
    double achieved = 0;             ///< bits a second, over the interval
    double achieved_pps = 0;         ///< frames a second, likewise
    sl_counter conformed = {}, exceeded = {};
    double throttled = 0;  ///< seconds in which frames came that were over the rate
};

struct QosPortStatus {
    QosPortSpec spec;
    bool present = false;  ///< its interface is there, and attached; else nothing is in force
    std::optional<Shaper> shaper = {};  ///< in force for what leaves; none: not limited
    QosDirectionStatus in = {}, out = {};
    sl_counter marked = {}, late = {};  ///< of out.conformed
    QueueStatus queue = {};
    std::vector<QosClassStatus> classes = {};  ///< empty if what leaves is not classified
};

/// What every port with QoS does. Looks twice, so it takes as long as the interval.
/// @param interval over which rates are measured, 10 ms to 1 h
/// @param port none = all that have QoS. Errors: not_found (no such port, or nothing is set for it)
[[nodiscard]] Result<std::vector<QosPortStatus>> watch_qos(const Target& target,
                                                           const std::optional<std::string>& port,
                                                           std::chrono::milliseconds interval);

}  // namespace sluice
