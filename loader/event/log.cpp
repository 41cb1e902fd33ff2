// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/event/log.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <ctime>

#include "loader/model/detectors.hpp"
#include "loader/model/ports.hpp"
#include "sluice/units.hpp"

namespace sluice {
namespace {

template <class List>
auto* row_of(const List& list, std::size_t value) {
    return value >= 1 && value <= list.size() ? &list[value - 1] : nullptr;
}

/// The end of an Ethernet header that is a VM's: who sent the frame, or is to get it.
std::optional<MacAddress> mac_of_vm(const Event& event) {
    constexpr std::size_t source = 6, both = 12;
    if (event.header.size() < both) return std::nullopt;
    MacAddress mac;
    std::copy_n(event.header.begin() + (event.egress ? 0 : source), mac.bytes.size(),
                mac.bytes.begin());
    return mac;
}

}  // namespace

Result<WallTime> parse_since(std::string_view text, WallTime now) {
    if (const auto duration = parse_duration(text)) return now - *duration;
    if (const auto time = parse_rfc3339(text)) return *time;
    return fail(ErrorCode::usage,
                fmt::format("--since {}: it is neither a duration nor a time", text),
                "write `5m`, or a time as events have it: `2026-11-22T20:48:42Z`");
}

bool EventFilter::matches(const Event& event) const {
    return (port.empty() || event.port == port) && (!kind || event.kind->kind == *kind) &&
           (!since || event.time >= *since);
}

EventLog::EventLog(Target target, EventFilter filter, Datapath datapath)
    : target_(std::move(target)),
      filter_(std::move(filter)),
      datapath_(std::move(datapath)),
      reader_(datapath_.maps().events.entries(), datapath_.maps().event_head.entries()[0].newest) {}

Result<EventLog> EventLog::open(const Target& target, EventFilter filter) {
    SL_TRY(datapath, open_datapath(target));
    EventLog log(target, std::move(filter), std::move(datapath));
    SL_CHECK(log.read_names());
    const auto is_it = [&](const auto& name) { return name.second == log.filter_.port; };
    if (!log.filter_.port.empty() && std::ranges::none_of(log.names_, is_it))
        return not_a_port(log.filter_.port);
    return log;
}

Result<EventPage> EventLog::next() {
    const auto batch = reader_.read();
    EventPage page;
    page.lost = batch.lost;
    for (const auto& raw : batch.records) {
        SL_TRY(event, named(raw));
        if (event.kind != nullptr && filter_.matches(event))
            page.events.push_back(std::move(event));
    }
    return page;
}

Result<> EventLog::keep_up() {
    const auto now = Datapath::open(target_.instance);
    const auto& ours = datapath_.maps().events.info();
    if (now && now->maps().events.info().id == ours.id) return read_names();
    return fail(
        ErrorCode::refused,
        fmt::format("instance {} {}", target_.instance, now ? "was brought up anew" : "went down"),
        now ? "start `sluice events --follow` again" : "`sluice up` brings it up");
}

Result<> EventLog::read_names() {
    SL_TRY(instance, open_instance(target_));
    for (const auto& port : instance.desired.ports) names_[port.id] = port.name;
    vms_ = VmNames(instance.desired);
    rules_ = instance.desired.policy ? instance.desired.policy->rules : std::vector<std::string>{};
    return {};
}

/// Ports may have come since we looked; one that has gone keeps its number.
Result<std::string> EventLog::name_of(std::uint16_t port) {
    if (port == 0) return "";
    if (!names_.contains(port)) SL_CHECK(read_names());
    return names_.try_emplace(port, fmt::format("#{}", port)).first->second;
}

/// What the event is about besides: a rule of the policy, or another port.
Result<> EventLog::name_other(const sl_event& raw, Event& event) {
    const bool is_drop = raw.kind == SL_EVENT_DROP &&
                         (raw.reason == SL_DROP_POLICY_DENY || raw.reason == SL_DROP_POLICY_REJECT);
    if (is_drop || raw.kind == SL_EVENT_POLICY_LOG) {
        if (raw.other_port > rules_.size()) SL_CHECK(read_names());
        if (raw.other_port != 0 && raw.other_port <= rules_.size())
            event.rule = rules_[raw.other_port - 1];
        return {};
    }
    SL_TRY(other_port, name_of(raw.other_port));
    event.other_port = other_port;
    return {};
}

Result<Event> EventLog::named(const sl_event& raw) {
    Event event;
    event.number = raw.number;
    event.time = wall_time(raw.time);
    event.kind = row_of(event_kinds(), raw.kind);
    if (raw.kind == SL_EVENT_DROP || raw.kind == SL_EVENT_AUDIT)
        event.reason = row_of(drop_reasons(), raw.reason);
    if (raw.kind == SL_EVENT_SOURCE_BLOCKED) event.detector = detector_name(raw.reason);
    SL_TRY(port, name_of(raw.port));
    event.port = port;
    SL_CHECK(name_other(raw, event));
    event.egress = raw.egress != 0;
    event.repeats = raw.repeats;
    event.frame_len = raw.frame_len;
    const auto length = std::min<std::size_t>(raw.header_len, SL_EVENT_HEADER);
    if (raw.kind == SL_EVENT_CHANGED) {
        event.change.assign(reinterpret_cast<const char*>(raw.header), length);
        return event;
    }
    event.header.assign(raw.header, raw.header + length);
    const auto mac = mac_of_vm(event);
    event.vm = mac ? vms_.of(event.port, *mac) : vms_.at(event.port);
    return event;
}

}  // namespace sluice
