// SPDX-License-Identifier: GPL-2.0-or-later
#include <algorithm>
#include <map>

#include "cli/view/events.hpp"
#include "cli/view/views.hpp"

namespace sluice::cli {
namespace {

Json counts_json(const std::string& port, const std::string& direction,
                 const sl_counter (&counts)[SL_COUNT_MAX]) {
    return {{"port", port},
            {"direction", direction},
            {"observed", counter_json(counts[SL_COUNT_OBSERVED])},
            {"forwarded", counter_json(counts[SL_COUNT_FORWARDED])},
            {"passed", counter_json(counts[SL_COUNT_PASSED])},
            {"dropped", counter_json(counts[SL_COUNT_DROPPED])}};
}

/// The newest one for this reason. @param port empty = any
Json last_json(const std::vector<Event>& events, const DropReason& reason,
               const std::string& port) {
    const auto last = std::find_if(events.rbegin(), events.rend(), [&](const Event& event) {
        return event.reason == &reason && (port.empty() || event.port == port);
    });
    return last == events.rend() ? Json(nullptr) : event_json(*last);
}

Json drop_json(const DropReason& reason, const sl_counter& count, Json last) {
    return {{"reason", reason.name},     {"packets", count.packets}, {"bytes", count.bytes},
            {"meaning", reason.meaning}, {"mend", reason.mend},      {"last", std::move(last)}};
}

Json drops_by_port(const std::vector<DropCounter>& drops, const std::vector<Event>& events,
                   bool all) {
    Json list = Json::array();
    for (const auto& drop : drops) {
        if (!all && drop.count.packets == 0) continue;
        Json row{{"port", drop.port}};
        row.update(drop_json(*drop.reason, drop.count, last_json(events, *drop.reason, drop.port)));
        list.push_back(std::move(row));
    }
    return list;
}

Json drops_in_all(const std::vector<DropCounter>& drops, const std::vector<Event>& events,
                  bool all) {
    std::map<sl_drop, sl_counter> sums;
    for (const auto& drop : drops) {
        auto& sum = sums[drop.reason->reason];
        sum.packets += drop.count.packets;
        sum.bytes += drop.count.bytes;
    }
    Json list = Json::array();
    for (const auto& reason : drop_reasons()) {
        const auto& sum = sums[reason.reason];
        if (all || sum.packets != 0)
            list.push_back(drop_json(reason, sum, last_json(events, reason, "")));
    }
    return list;
}

Json unattributed_json(const std::vector<PortCounters>& ports) {
    Json list = Json::array();
    for (const auto& it : ports) {
        const auto& count = it.stats.unattributed;
        if (count.packets == 0) continue;
        list.push_back({{"port", it.port}, {"packets", count.packets}, {"bytes", count.bytes}});
    }
    return list;
}

Json latencies_json(const std::vector<LatencyCounters>& latencies) {
    Json list = Json::array();
    for (const auto& it : latencies)
        list.push_back({{"port", it.port},
                        {"target", static_cast<double>(it.target.count()) / 1e6},
                        {"sent", counter_json(it.sent)},
                        {"late", counter_json(it.late)},
                        {"dropped", counter_json(it.dropped)},
                        {"kept", kept_json(it.sent, it.late)}});
    return list;
}

Table latency_table() {
    return {"latency targets of what leaves",
            "/latencies",
            {{"PORT", "/port"},
             {"TARGET", "/target", Format::wait},
             {"SENT", "/sent/packets", Format::count},
             {"LATE", "/late/packets", Format::count},
             {"DROPPED", "/dropped/packets", Format::count},
             {"KEPT", "/kept", Format::percent}},
            ""};
}

}  // namespace

Json counter_json(const sl_counter& counter) {
    return {{"packets", counter.packets}, {"bytes", counter.bytes}};
}

Json kept_json(const sl_counter& sent, const sl_counter& late) {
    if (sent.packets == 0) return nullptr;
    return 1 - static_cast<double>(late.packets) / static_cast<double>(sent.packets);
}

Document stats_view(const std::vector<PortCounters>& ports,
                    const std::vector<LatencyCounters>& latencies) {
    Json list = Json::array();
    bool consistent = true;
    for (const auto& port : ports) {
        list.push_back(counts_json(port.port, "rx", port.stats.rx));
        list.push_back(counts_json(port.port, "tx", port.stats.tx));
        consistent &= port.consistent;
    }
    Document document{"sluice.stats/1",
                      {{"counters", std::move(list)},
                       {"consistent", consistent},
                       {"unattributed", unattributed_json(ports)},
                       {"latencies", latencies_json(latencies)}},
                      {Table{"",
                             "/counters",
                             {{"PORT", "/port"},
                              {"DIR", "/direction"},
                              {"OBSERVED", "/observed/packets", Format::count},
                              {"BYTES", "/observed/bytes", Format::bytes},
                              {"FORWARDED", "/forwarded/packets", Format::count},
                              {"BYTES", "/forwarded/bytes", Format::bytes},
                              {"PASSED", "/passed/packets", Format::count},
                              {"BYTES", "/passed/bytes", Format::bytes},
                              {"DROPPED", "/dropped/packets", Format::count},
                              {"BYTES", "/dropped/bytes", Format::bytes}},
                             "no ports; `sluice port add` adds one"}},
                      {}};
    if (!document.body["unattributed"].empty())
        document.layout.push_back(
            Table{"Without a flow: the table is full, see `sluice status` and `sluice up --help`",
                  "/unattributed",
                  {{"PORT", "/port"},
                   {"PACKETS", "/packets", Format::count},
                   {"BYTES", "/bytes", Format::bytes}},
                  ""});
    if (!latencies.empty()) document.layout.push_back(latency_table());
    if (!consistent)
        document.warnings.emplace_back(
            "observed is not forwarded + passed + dropped: a packet is being counted right now, "
            "or a count is missing");
    return document;
}

Document drops_view(const std::vector<DropCounter>& drops, const std::vector<Event>& events,
                    bool by_port, bool all) {
    std::vector<Field> columns{{"REASON", "/reason"},
                               {"PACKETS", "/packets", Format::count},
                               {"BYTES", "/bytes", Format::bytes},
                               {"MEANING, WHAT TO DO, AND THE LAST ONE", "/meaning"}};
    if (by_port) columns.insert(columns.begin(), {"PORT", "/port"});
    return {
        "sluice.drops/1",
        {{"drops", by_port ? drops_by_port(drops, events, all) : drops_in_all(drops, events, all)}},
        {Table{"",
               "/drops",
               std::move(columns),
               "nothing was dropped",
               {{"", "/mend"}, {"", "/last", Format::last_event}}}},
        {}};
}

}  // namespace sluice::cli
