// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/switch/commands.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "loader/instance/change.hpp"
#include "loader/model/ports.hpp"
#include "loader/switch/plan.hpp"
#include "loader/switch/state.hpp"
#include "loader/switch/store.hpp"

namespace sluice {
namespace {

constexpr std::string_view community_word = "community:";

/// The port, if it is a switched one.
Result<const PortSpec*> require_switched(const DesiredState& state, const Host& host,
                                         const std::string& name) {
    SL_TRY(port, require_port(state.ports, name));
    const Link* link = host.link(*port);
    if (link == nullptr || is_switched(*port, *link)) return port;
    return fail(ErrorCode::refused, fmt::format("{} is not a switched port", name),
                link->master != 0
                    ? fmt::format("it is in the bridge {}, which switches", link->master_name)
                    : fmt::format("a port with a VLAN is: `sluice port set {} --vlan N`", name));
}

SwitchPortSpec settings_of(const DesiredState& state, const std::string& name) {
    const auto found = std::ranges::find(state.switch_ports, name, &SwitchPortSpec::port);
    if (found != state.switch_ports.end()) return *found;
    SwitchPortSpec spec;
    spec.port = name;
    return spec;
}

std::string name_of_port(const DesiredState& state, std::uint16_t id) {
    const auto found = std::ranges::find(state.ports, id, &PortSpec::id);
    return found == state.ports.end() ? "" : found->name;
}

void read_state(const Maps& maps, const DesiredState& desired, std::uint16_t id,
                SwitchPortStatus& port) {
    const sl_switch_state state = maps.switch_states.entries()[id];
    port.learned = state.learned;
    const auto now = now_epoch();
    if (state.closed_until <= now) return;
    port.closed = static_cast<sl_closed>(state.closed);
    port.closed_by = name_of_port(desired, state.closed_by);
    if (state.closed_until != SL_CLOSED_FOR_GOOD)
        port.opens_in = (state.closed_until - now) * epoch_second;
}

}  // namespace

void SwitchPortChange::apply_to(SwitchPortSpec& spec) const {
    const auto set = [](auto& value, const auto& given) {
        if (given) value = *given;
    };
    for (const auto& [flag, value] : flags) spec.*flag = value;
    set(spec.community, community);
    set(spec.mac_limit, mac_limit);
    set(spec.bpdu, bpdu);
    set(spec.loop, loop);
    for (std::size_t kind = 0; kind < storm.size(); ++kind) set(spec.storm[kind], storm[kind]);
}

Result<> parse_isolation(std::string_view text, SwitchPortChange& change) {
    std::uint16_t community = 0;
    const bool isolated = text == "isolated";
    if (text.starts_with(community_word)) {
        const auto number = text.substr(community_word.size());
        const auto [stop, error] = std::from_chars(number.begin(), number.end(), community);
        if (error != std::errc{} || stop != number.end()) community = 0;
    }
    if (!isolated && community == 0 && text != "promiscuous")
        return fail(ErrorCode::usage, fmt::format("--isolation {}: unknown kind", text),
                    "promiscuous, isolated, or community:N with N from 1 to 65535");
    change.flags.emplace_back(&SwitchPortSpec::isolated, isolated);
    change.community = community;
    return {};
}

std::string isolation_text(const SwitchPortSpec& spec) {
    if (spec.isolated) return "isolated";
    return spec.community == 0 ? "promiscuous"
                               : fmt::format("{}{}", community_word, spec.community);
}

Result<Outcome> set_switch_port(const Target& target, const std::string& port,
                                const SwitchPortChange& wanted) {
    return change(target, [&](const Change& it) -> Result<> {
        SL_CHECK(require_switched(it.before, it.host, port));
        auto spec = settings_of(it.before, port);
        wanted.apply_to(spec);
        return put_switch_port(it.database.connection(), spec);
    });
}

Result<Outcome> open_switch_port(const Target& target, const std::string& name) {
    return change(target, [&](const Change& it) -> Result<> {
        SL_TRY(port, require_switched(it.before, it.host, name));
        const Maps& maps = it.datapath.maps();
        if (maps.switch_states.entries()[port->id].closed_until <= now_epoch()) return {};
        return it.journal.step(fmt::format("open port {}", name), [&, id = port->id]() -> Result<> {
            open_port(maps, id);
            return {};
        });
    });
}

Result<std::vector<SwitchPortStatus>> list_switch_ports(const Target& target) {
    SL_TRY(instance, open_instance(target));
    SL_TRY(host, host_of(instance));
    std::vector<SwitchPortStatus> ports;
    for (const auto& port : instance.desired.ports) {
        const Link* link = host.link(port);
        if (link == nullptr || !is_switched(port, *link)) continue;
        auto& status = ports.emplace_back();
        status.spec = settings_of(instance.desired, port.name);
        status.role = port.role;
        if (instance.datapath)
            read_state(instance.datapath->maps(), instance.desired, port.id, status);
    }
    return ports;
}

Result<SwitchPortStatus> show_switch_port(const Target& target, const std::string& port) {
    SL_TRY(ports, list_switch_ports(target));
    for (auto& status : ports)
        if (status.spec.port == port) return std::move(status);
    return fail(ErrorCode::not_found, fmt::format("{} is not a switched port", port),
                "`sluice switch port list` shows them");
}

}  // namespace sluice
