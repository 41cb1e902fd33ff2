// SPDX-License-Identifier: GPL-2.0-or-later
#include <fmt/chrono.h>
#include <fmt/format.h>

#include <ctime>

#include "cli/view/views.hpp"

namespace sluice::cli {
namespace {

/// Null while the maps are not there.
Json usage_json(const Usage& usage) {
    if (usage.capacity == 0) return nullptr;
    return {{"used", usage.used}, {"capacity", usage.capacity}};
}

/// Null while there is none.
Json door_json(const InstanceStatus& status) {
    if (!status.door) return nullptr;
    const auto count = [](const sl_counter& counter) {
        return Json{{"packets", counter.packets}, {"bytes", counter.bytes}};
    };
    return {{"mark", fmt::format("{:#x}", status.settings.door_mark)},
            {"closed", count(status.door->closed)},
            {"outside", count(status.door->outside)}};
}

std::string state_text(const InstanceStatus& status) {
    if (!status.up) return "down";
    return status.drift.empty() ? "up" : "drifted";
}

}  // namespace

Json text_or_null(const std::string& text) { return text.empty() ? Json(nullptr) : Json(text); }

Json addresses_json(const std::vector<Address>& addresses) {
    Json list = Json::array();
    for (const auto& address : addresses) list.push_back(address.text());
    return list;
}

Json seconds_json(std::chrono::milliseconds duration) {
    return static_cast<double>(duration.count()) / 1000;
}

Json time_json(std::uint64_t seconds) {
    if (seconds == 0) return nullptr;
    return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(static_cast<std::time_t>(seconds)));
}

Document status_view(const InstanceStatus& status) {
    Json ports = Json::array();
    for (const auto& port : status.ports) ports.push_back(port_json(port));
    Json drift = Json::array();
    for (const auto& item : status.drift) drift.push_back({{"text", item}});
    const auto& settings = status.settings;

    Document document;
    document.schema = "sluice.status/1";
    document.body = {
        {"instance", status.instance},
        {"state", state_text(status)},
        {"abi", status.running ? Json(status.abi_version) : Json(nullptr)},
        {"netns", status.netns},
        {"since", time_json(status.since)},
        {"flows_ipv4", usage_json(status.flows4)},
        {"flows_ipv6", usage_json(status.flows6)},
        {"bindings", usage_json(status.bindings)},
        {"map_bytes", status.running ? Json(status.memory) : Json(nullptr)},
        {"timeouts",
         {{"udp", seconds_json(settings.udp_timeout)},
          {"tcp_established", seconds_json(settings.tcp_established_timeout)},
          {"tcp_transitory", seconds_json(settings.tcp_transitory_timeout)},
          {"icmp", seconds_json(settings.icmp_timeout)},
          {"other", seconds_json(settings.other_timeout)}}},
        {"masquerades", status.masquerades},
        {"forwards", status.forwards},
        {"door", door_json(status)},
        {"ports", std::move(ports)},
        {"drift", std::move(drift)},
    };
    document.layout = {
        Facts{"",
              {{"instance", "/instance"},
               {"state", "/state"},
               {"network namespace", "/netns"},
               {"up since", "/since"},
               {"map layout", "/abi"},
               {"memory of maps", "/map_bytes", Format::bytes},
               {"flows IPv4", "/flows_ipv4", Format::usage},
               {"flows IPv6", "/flows_ipv6", Format::usage},
               {"bindings", "/bindings", Format::usage},
               {"masquerades", "/masquerades"},
               {"forwards", "/forwards"},
               {"door: mark", "/door/mark"},
               {"held back there", "/door/closed/packets"},
               {"not for a port", "/door/outside/packets"}}},
        Table{"", "/ports", port_columns(), "no ports; `sluice port add` adds one"},
        Table{"drift, mended by `sluice restore`:", "/drift", {{"", "/text"}}, ""},
    };
    return document;
}

}  // namespace sluice::cli
