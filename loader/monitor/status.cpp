// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/monitor/status.hpp"

#include <fmt/format.h>

#include "loader/instance/reconcile.hpp"
#include "loader/kernel/lock.hpp"
#include "loader/store/found.hpp"
#include "loader/store/paths.hpp"

namespace sluice {
namespace {

/// A session is two flow entries.
Result<> read_use(InstanceStatus& status, const Maps& maps) {
    SL_TRY(live, maps.live.lookup(0));
    const auto now = live.value_or(sl_live{});
    status.flows4 = {2 * now.sessions4, status.settings.max_flows};
    status.flows6 = {2 * now.sessions6, status.settings.max_flows6};
    status.bindings = {now.bindings, maps.bindings.info().max_entries};
    return {};
}

/// What reconciling would do is what has drifted.
Result<std::vector<std::string>> find_drift(const Target& target, const Opened& opened) {
    const auto& desired = opened.desired;
    SL_TRY(folder, state_folder(target.instance));
    std::vector<std::string> drift;
    SL_TRY(interrupted, WriterLock::left_interrupted(folder));
    if (interrupted) drift.emplace_back("a command was interrupted");
    if (!desired.up) return drift;

    const auto datapath = open_running(target, desired);
    if (!datapath) {
        drift.push_back(datapath.error().message);
        return drift;
    }
    SL_TRY(found, FoundInterfaces::open(folder));
    Journal journal(Effect::plan);
    const auto planned = reconcile(*datapath, opened.database, desired, found, journal);
    if (!planned && planned.error().code != ErrorCode::refused)
        return std::unexpected(planned.error());
    if (!planned) drift.push_back(planned.error().message);
    for (const auto& warning : journal.outcome().warnings) drift.push_back(warning);
    for (const auto& action : journal.outcome().actions)
        drift.push_back(fmt::format("to do: {}", action));
    return drift;
}

}  // namespace

Result<InstanceStatus> instance_status(const Target& target) {
    SL_TRY(opened, open_instance(target));
    InstanceStatus status;
    status.instance = target.instance;
    status.up = opened.desired.up;
    status.running = opened.datapath.has_value();
    status.settings = opened.desired.settings;
    status.netns = opened.desired.settings.netns;
    status.masquerades = opened.desired.masquerades.size();
    status.forwards = opened.desired.forwards.size();
    if (opened.datapath) {
        status.abi_version = opened.datapath->stamp().abi_version;
        status.since = opened.datapath->stamp().created;
        SL_CHECK(read_use(status, opened.datapath->maps()));
        SL_TRY(memory, memory_of_maps(opened.datapath->pins().map("")));
        SL_TRY(listed, opened.datapath->maps().block.memory());
        SL_TRY(judged, policy_image_memory(opened.datapath->maps().policy));
        status.memory = memory + listed + judged;
    }
    SL_TRY(door, door_of(opened));
    status.door = std::move(door);
    SL_TRY(ports, port_statuses(opened));
    status.ports = std::move(ports);
    SL_TRY(drift, find_drift(target, opened));
    status.drift = std::move(drift);
    return status;
}

}  // namespace sluice
