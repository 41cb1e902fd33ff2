// QoS: desired state -> sl_qos and its tables, and the qdiscs of interfaces.
#pragma once

#include "loader/instance/journal.hpp"
#include "loader/kernel/datapath.hpp"
#include "loader/qos/plan.hpp"

namespace sluice {

/// Looks for fq only if it matters: a module may be loaded for the question.
[[nodiscard]] Result<QosPlan> plan_qos_here(const DesiredState& desired, const Host& host);

/// Rates, classes and qdiscs, before the ports that turn to them.
[[nodiscard]] Result<> prepare_qos(const Datapath& datapath, const QosPlan& plan, Journal& journal);

/// What no port turns to any more.
[[nodiscard]] Result<> clean_qos(const Datapath& datapath, const QosPlan& plan,
                                 const DesiredState& desired, const Host& host, Journal& journal);

}  // namespace sluice
