// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/instance/announce.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cstring>

#include "loader/base/clock.hpp"

namespace sluice {
namespace {

constexpr std::size_t announced_most = 32;  // of SL_EVENTS, which are the datapath's above all

bool is_word_in(std::string_view text, std::string_view word) {
    for (auto at = text.find(word); at != std::string_view::npos; at = text.find(word, at + 1)) {
        const auto end = at + word.size();
        if ((at == 0 || text[at - 1] == ' ') && (end == text.size() || text[end] == ' '))
            return true;
    }
    return false;
}

std::uint16_t port_named_in(std::string_view text, std::span<const PortSpec> ports) {
    const auto port =
        std::ranges::find_if(ports, [&](const PortSpec& it) { return is_word_in(text, it.name); });
    return port == ports.end() ? 0 : port->id;
}

/// As sl_event_write() does it: the number is 0 while the rest is written.
void write_event(const Maps& maps, std::string_view text, std::uint16_t port) {
    auto& newest = maps.event_head.entries()[0].newest;
    const auto number = std::atomic_ref(newest).fetch_add(1) + 1;
    auto& event = maps.events.entries()[(number - 1) % SL_EVENTS];
    std::atomic_ref(event.number).store(0);
    event.time = now_monotonic();
    event.repeats = event.frame_len = 0;
    event.port = port;
    event.other_port = 0;
    event.kind = SL_EVENT_CHANGED;
    event.reason = event.egress = 0;
    event.header_len = static_cast<__u8>(std::min<std::size_t>(text.size(), SL_EVENT_HEADER));
    std::memcpy(event.header, text.data(), event.header_len);
    std::atomic_ref(event.number).store(number);
}

}  // namespace

void announce(const Datapath& datapath, std::span<const std::string> actions,
              std::span<const PortSpec> ports) {
    const auto& maps = datapath.maps();
    for (const auto& action : actions.first(std::min(actions.size(), announced_most)))
        write_event(maps, action, port_named_in(action, ports));
    if (actions.size() > announced_most)
        write_event(maps, fmt::format("and {} changes more", actions.size() - announced_most), 0);
}

}  // namespace sluice
