// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/view/qos.hpp"

#include <fmt/format.h>

#include "cli/view/views.hpp"
#include "loader/qos/match.hpp"
#include "sluice/dscp.hpp"
#include "sluice/units.hpp"

namespace sluice::cli {
namespace {

/// Null for none.
Json rate_json(std::uint64_t rate) { return rate == unlimited ? Json(nullptr) : Json(rate); }

Json queue_json(const QueueStatus& queue) {
    return {{"bytes", queue.bytes},
            {"packets", queue.packets},
            {"delay", queue.delay},
            {"dropped", queue.dropped}};
}

Json direction_json(const QosDirectionStatus& it) {
    return {{"rate", rate_json(it.rate)},
            {"burst", it.burst == 0 ? Json(nullptr) : Json(it.burst)},
            {"achieved", it.achieved},
            {"achieved_pps", it.achieved_pps},
            {"conformed", counter_json(it.conformed)},
            {"exceeded", counter_json(it.exceeded)},
            {"throttled", it.throttled}};
}

Json class_spec_json(const QosClassSpec& spec) {
    Json matches = Json::array();
    for (const auto& match : spec.matches) matches.push_back(qos_match_text(match));
    const bool shares = spec.priority == shared_priority;
    return {{"name", spec.name},
            {"priority", spec.priority},
            {"weight", shares ? Json(spec.weight) : Json(nullptr)},
            {"max", spec.max_percent == 0 ? Json(nullptr) : Json(spec.max_percent / 100.0)},
            {"dscp", spec.dscp == SL_DSCP_KEEP ? Json(nullptr) : Json(dscp_text(spec.dscp))},
            {"matches", std::move(matches)}};
}

Json class_json(const QosClassStatus& it) {
    auto json = class_spec_json(it.spec);
    const bool queued = it.most != 0;
    json["assured"] = queued ? Json(it.assured) : Json(nullptr);
    json["most"] = queued ? Json(it.most) : Json(nullptr);
    json["achieved"] = it.rate;
    json["sent"] = counter_json(it.counts.sent);
    json["marked"] = counter_json(it.counts.marked);
    json["over_limits"] = queued ? Json(it.over_limits) : Json(nullptr);
    json["queue"] = queued ? queue_json(it.queue) : Json(nullptr);
    return json;
}

Json latency_json(const QosPortStatus& port) {
    if (port.spec.latency.count() == 0) return nullptr;
    return {{"target", static_cast<double>(port.spec.latency.count()) / 1e6},
            {"late", counter_json(port.late)},
            {"kept", kept_json(port.out.conformed, port.late)}};
}

std::string dscp_policy_text(std::uint8_t dscp) {
    if (dscp == SL_DSCP_KEEP) return "trust";
    return dscp == 0 ? "clear" : dscp_text(dscp);
}

Json qos_port_json(const QosPortStatus& port) {
    const auto& spec = port.spec;
    const bool queued = port.shaper == Shaper::htb || port.shaper == Shaper::fq;
    Json classes = Json::array();
    for (const auto& it : port.classes) classes.push_back(class_json(it));
    Json json{{"port", spec.port}, {"present", port.present}};
    json["in"] = direction_json(port.in);
    json["in"]["pps"] = rate_json(spec.pps);
    json["out"] = direction_json(port.out);
    json["out"]["marked"] = counter_json(port.marked);
    json["out"]["shaper"] = port.shaper ? Json(shaper_text(*port.shaper)) : Json(nullptr);
    json["out"]["queue"] = queued ? queue_json(port.queue) : Json(nullptr);
    json["out"]["latency"] = queued ? latency_json(port) : Json(nullptr);
    json["out"]["classified"] = !port.classes.empty();
    json["out"]["ecn"] = spec.ecn;
    json["dscp"] = dscp_policy_text(spec.dscp);
    json["pcp_from_dscp"] = pcp_of_dscp_text(spec.pcp_of_dscp);
    json["dscp_from_pcp"] = dscp_of_pcp_text(spec.dscp_of_pcp);
    json["classes"] = std::move(classes);
    return json;
}

std::vector<Field> port_facts() {
    return {{"port", "/port"},
            {"from it: rate", "/in/rate", Format::limit},
            {"  packet rate", "/in/pps", Format::packet_rate},
            {"  burst", "/in/burst", Format::bytes},
            {"  now", "/in/achieved", Format::bit_rate},
            {"  conformed", "/in/conformed/bytes", Format::bytes},
            {"  dropped", "/in/exceeded/bytes", Format::bytes},
            {"  dropped packets", "/in/exceeded/packets"},
            {"  throttled for", "/in/throttled", Format::wait},
            {"  DSCP", "/dscp"},
            {"  priority by DSCP", "/pcp_from_dscp"},
            {"  DSCP by priority", "/dscp_from_pcp"},
            {"to it: rate", "/out/rate", Format::limit},
            {"  shaper", "/out/shaper"},
            {"  burst", "/out/burst", Format::bytes},
            {"  now", "/out/achieved", Format::bit_rate},
            {"  conformed", "/out/conformed/bytes", Format::bytes},
            {"  dropped", "/out/exceeded/bytes", Format::bytes},
            {"  dropped packets", "/out/exceeded/packets"},
            {"  marked", "/out/marked/bytes", Format::bytes},
            {"  throttled for", "/out/throttled", Format::wait},
            {"  queue", "/out/queue/bytes", Format::bytes},
            {"  queue packets", "/out/queue/packets"},
            {"  queue delay", "/out/queue/delay", Format::wait},
            {"  queue found full", "/out/queue/dropped"},
            {"  latency target", "/out/latency/target", Format::wait},
            {"  target kept for", "/out/latency/kept", Format::percent}};
}

Table class_table() {
    return {"what leaves, by class",
            "/port/classes",
            {{"CLASS", "/name"},
             {"PRIORITY", "/priority", Format::count},
             {"WEIGHT", "/weight", Format::count},
             {"ASSURED", "/assured", Format::limit},
             {"MOST", "/most", Format::limit},
             {"NOW", "/achieved", Format::bit_rate},
             {"SENT", "/sent/bytes", Format::bytes},
             {"MARKED", "/marked/bytes", Format::bytes},
             {"DROPPED", "/queue/dropped", Format::count},
             {"QUEUE", "/queue/bytes", Format::bytes},
             {"DELAY", "/queue/delay", Format::wait}},
            "what leaves is not classified"};
}

/// Rates are shown as they were asked for: that they do not hold must be said.
std::vector<std::string> absent_warnings(const std::vector<QosPortStatus>& ports) {
    std::vector<std::string> warnings;
    for (const auto& port : ports)
        if (!port.present)
            warnings.push_back(
                fmt::format("port {}: none of it is in force, for the port is not attached; when "
                            "its interface is there, `sluice restore` attaches it",
                            port.spec.port));
    return warnings;
}

}  // namespace

Document qos_ports_view(const std::vector<QosPortStatus>& ports) {
    Json list = Json::array();
    for (const auto& port : ports) list.push_back(qos_port_json(port));
    return {"sluice.qos.list/1",
            {{"ports", std::move(list)}},
            {Table{"",
                   "/ports",
                   {{"PORT", "/port"},
                    {"FROM IT", "/in/rate", Format::limit},
                    {"PPS", "/in/pps", Format::packet_rate},
                    {"NOW", "/in/achieved", Format::bit_rate},
                    {"DROPPED", "/in/exceeded/bytes", Format::bytes},
                    {"TO IT", "/out/rate", Format::limit},
                    {"NOW", "/out/achieved", Format::bit_rate},
                    {"DROPPED", "/out/exceeded/bytes", Format::bytes},
                    {"MARKED", "/out/marked/bytes", Format::bytes},
                    {"QUEUE", "/out/queue/bytes", Format::bytes},
                    {"DELAY", "/out/queue/delay", Format::wait},
                    {"TARGET", "/out/latency/target", Format::wait},
                    {"KEPT", "/out/latency/kept", Format::percent},
                    {"SHAPER", "/out/shaper"}},
                   "no port has QoS; `sluice qos set IF --ingress-rate R --egress-rate R` gives it "
                   "rates"}},
            absent_warnings(ports)};
}

Document qos_port_view(const QosPortStatus& port) {
    return {"sluice.qos.show/1",
            {{"port", qos_port_json(port)}},
            {Facts{"/port", port_facts()}, class_table()},
            absent_warnings({port})};
}

Document qos_classes_view(const std::vector<QosClassSpec>& classes) {
    Json list = Json::array();
    for (const auto& it : classes) list.push_back(class_spec_json(it));
    return {"sluice.qos.class.list/1",
            {{"classes", std::move(list)}},
            {Table{"",
                   "/classes",
                   {{"CLASS", "/name"},
                    {"PRIORITY", "/priority", Format::count},
                    {"WEIGHT", "/weight", Format::count},
                    {"MAX", "/max", Format::percent},
                    {"DSCP", "/dscp"},
                    {"MATCHES", "/matches"}},
                   "no classes"}},
            {}};
}

}  // namespace sluice::cli
