// SPDX-License-Identifier: GPL-2.0-or-later
// QoS as it should be in the kernel, from the desired state and the host; touches nothing.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "loader/instance/host.hpp"
#include "loader/kernel/qdisc.hpp"
#include "sluice/abi/qos.h"
#include "sluice/model/state.hpp"

namespace sluice {

/// What the plan depends on of the kernel.
struct QosKernel {
    bool has_fq = false;
    std::chrono::nanoseconds jiffy{4'000'000};  ///< the step of the datapath's cheap clock
    std::size_t cpus = 1;                       ///< that may take from a bucket
};

/// The root qdisc of an interface.
struct PlannedQueue {
    std::string port;            ///< interface name of the port
    std::optional<HtbTree> htb;  ///< none: fq
};

/// Matches of all classes. Large, so it is kept apart.
struct QosTables {
    sl_qos_rules rules;
    sl_qos_intervals intervals;
};

struct QosPlan {
    std::map<std::uint16_t, sl_qos> ports;         ///< by id
    std::map<std::uint16_t, std::uint16_t> flags;  ///< sl_port.qos, by id
    std::map<std::uint32_t, PlannedQueue> queues;  ///< by ifindex
    std::unique_ptr<QosTables> tables;

    [[nodiscard]] std::uint16_t flags_of(std::uint16_t port) const;
};

/// Ports whose interfaces are absent are not in it.
[[nodiscard]] QosPlan plan_qos(const DesiredState& desired, const Host& host,
                               const QosKernel& kernel);

/// What holds back what leaves by the port; none: nothing does.
[[nodiscard]] std::optional<Shaper> shaper_in_force(const QosPortSpec& spec,
                                                    const DesiredState& desired, bool has_fq);

/// Whether what leaves by the port is classified.
[[nodiscard]] bool is_classified(const QosPortSpec& spec, const DesiredState& desired);

/// Bytes in force: as asked, or by the rate, but enough for the largest GSO frame: what is queued
/// needs 10 ms of it. Who drops what is too much must have patience with TCP, which learns of lost
/// segments by a timeout of 200 ms or more where the round trip is short (RFC 6298; Linux'
/// TCP_RTO_MIN): 400 ms.
[[nodiscard]] std::uint64_t policer_burst(std::uint64_t rate, std::uint64_t asked);
[[nodiscard]] std::uint64_t queue_burst(std::uint64_t rate, std::uint64_t asked);
/// The burst of what leaves, in bytes. @param shaper in force
[[nodiscard]] std::uint64_t egress_burst(const QosPortSpec& spec, std::optional<Shaper> shaper);

/// How long a frame may wait in the port's queue.
[[nodiscard]] std::chrono::microseconds patience_of(const QosPortSpec& spec);

/// A bucket of `rate` bits a second. @param fine its times are those of the precise clock
[[nodiscard]] sl_bucket byte_bucket(std::uint64_t rate, std::uint64_t burst,
                                    std::chrono::nanoseconds jiffy, bool fine);
/// A bucket of `rate` frames a second.
[[nodiscard]] sl_bucket frame_bucket(std::uint64_t rate, std::chrono::nanoseconds jiffy);

/// Lets each CPU take some of a policer's burst in advance, out of what all may have together: a
/// sixteenth, so that one CPU alone has nearly all of it.
void give_credit(sl_bucket& bucket, std::size_t cpus);

/// A duration as buckets count it.
[[nodiscard]] std::uint64_t bucket_time(std::chrono::nanoseconds duration);

/// What a class has of a port's rate, in bits a second.
struct ClassShare {
    std::uint64_t assured = 0, most = 0;
};
/// @param classes all there are, class 0 among them. In their order.
[[nodiscard]] std::vector<ClassShare> class_shares(std::span<const QosClassSpec> classes,
                                                   std::uint64_t rate);
/// The classes with class 0 first, whether anything is set for it or not.
[[nodiscard]] std::vector<QosClassSpec> with_default(std::span<const QosClassSpec> classes);

/// Counts the matches of all classes; more than SL_QOS_MATCHES_MAX do not fit.
[[nodiscard]] std::size_t count_matches(std::span<const QosClassSpec> classes);

}  // namespace sluice
