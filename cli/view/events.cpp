// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/view/events.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "cli/view/views.hpp"

namespace sluice::cli {
namespace {

template <class T>
Json or_null(const std::optional<T>& value) {
    return value ? Json(*value) : Json(nullptr);
}

Json arp_json(const std::optional<ArpHeader>& arp) {
    if (!arp) return nullptr;
    return {{"operation", arp->operation},
            {"sender_mac", arp->sender_mac.text()},
            {"sender", arp->sender.text()},
            {"target_mac", arp->target_mac.text()},
            {"target", arp->target.text()}};
}

Json ip_json(const std::optional<IpHeader>& ip) {
    if (!ip) return nullptr;
    return {{"source", ip->source.text()},
            {"destination", ip->destination.text()},
            {"protocol", protocol_text(ip->protocol)},
            {"source_port", or_null(ip->source_port)},
            {"destination_port", or_null(ip->destination_port)},
            {"icmp_type", or_null(ip->icmp_type)},
            {"fragment", ip->fragment}};
}

Json frame_json(const std::optional<FrameHeaders>& frame) {
    if (!frame) return nullptr;
    return {{"source_mac", frame->source.text()},
            {"destination_mac", frame->destination.text()},
            {"vlans", frame->vlans},
            {"ethertype",
             frame->ethertype ? Json(fmt::format("{:#06x}", *frame->ethertype)) : Json(nullptr)},
            {"arp", arp_json(frame->arp)},
            {"ip", ip_json(frame->ip)}};
}

/// The frame on one line, and whose its MAC is where that is the point.
std::string text_of(const Event& event, const std::optional<FrameHeaders>& frame) {
    if (!event.change.empty()) return event.change;
    auto text = frame ? frame_text(*frame) : fmt::format("{} bytes", event.header.size());
    if (!event.other_port.empty()) text += fmt::format(", known from {}", event.other_port);
    if (!event.rule.empty()) text += fmt::format(", rule {}", event.rule);
    return text;
}

Json direction_json(const Event& event) {
    if (!event.change.empty()) return nullptr;
    return event.egress ? "out" : "in";
}

/// A value of key=value: as it is if it is one plain word, else quoted as in JSON, all ASCII.
std::string logged(const Json& value) {
    constexpr std::string_view plain =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.:_-@+/";
    const bool is_plain =
        value.is_string() && !value.get_ref<const std::string&>().empty() &&
        value.get_ref<const std::string&>().find_first_not_of(plain) == std::string::npos;
    if (is_plain) return value.get<std::string>();
    return value.dump(-1, ' ', true, Json::error_handler_t::replace);
}

std::string reason_text(const Event& event) {
    return std::string(event.reason == nullptr ? event.detector : event.reason->name);
}

}  // namespace

std::string wall_time_text(WallTime time) {
    const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
    const auto rest = std::chrono::duration_cast<std::chrono::milliseconds>(time - seconds);
    return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z",
                       fmt::gmtime(std::chrono::system_clock::to_time_t(seconds)), rest.count());
}

Stream event_stream(bool endless) {
    constexpr std::size_t time_width = 24, name_width = 8, kind_width = 15, reason_width = 17;
    return {"sluice.events/1",
            "events",
            {{"TIME", "/time", Format::plain, time_width},
             {"SEVERITY", "/severity", Format::plain},
             {"VM", "/vm", Format::plain, name_width},
             {"PORT", "/port", Format::plain, name_width},
             {"DIR", "/direction", Format::plain},
             {"KIND", "/kind", Format::plain, kind_width},
             {"REASON", "/reason", Format::plain, reason_width},
             {"REPEATS", "/repeats", Format::count},
             {"FRAME", "/text"}},
            "no events",
            endless};
}

Json event_json(const Event& event) {
    const auto frame = dissect(event.header);
    return {{"number", event.number},
            {"time", wall_time_text(event.time)},
            {"kind", event.kind->name},
            {"severity", event.kind->severity},
            {"vm", text_or_null(event.vm)},
            {"port", text_or_null(event.port)},
            {"direction", direction_json(event)},
            {"reason", text_or_null(reason_text(event))},
            {"other_port", text_or_null(event.other_port)},
            {"rule", text_or_null(event.rule)},
            {"flow", frame && frame->ip ? Json(flow_text(*frame->ip)) : Json(nullptr)},
            {"repeats", event.repeats},
            {"length", event.frame_len},
            {"text", text_of(event, frame)},
            {"frame", frame_json(frame)},
            {"header", fmt::format("{:02x}", fmt::join(event.header, ""))}};
}

std::string event_line(const Event& event) {
    const auto json = event_json(event);
    std::string line;
    for (const auto* key : {"time", "severity", "kind", "reason", "vm", "port", "direction",
                            "other_port", "rule", "flow", "repeats", "length", "text"})
        if (!json[key].is_null())
            line += fmt::format("{}{}={}", line.empty() ? "" : " ", key, logged(json[key]));
    return line;
}

Document syslog_view(const std::string& socket, std::uint64_t written, std::uint64_t lost) {
    Document document{"sluice.events.syslog/1",
                      {{"socket", socket}, {"written", written}, {"lost", lost}},
                      {Note{fmt::format("{} events written to {}", written, socket)}},
                      {}};
    if (lost != 0)
        document.warnings.push_back(
            fmt::format("{} events were written over before they could be read", lost));
    return document;
}

}  // namespace sluice::cli
