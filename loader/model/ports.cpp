// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/model/ports.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "loader/base/nearest.hpp"

namespace sluice {
namespace {

std::unexpected<Error> not_a_port(std::string_view name, std::string hint) {
    return fail(ErrorCode::not_found, fmt::format("{} is not a port of this instance", name),
                std::move(hint));
}

}  // namespace

const PortSpec* find_port(std::span<const PortSpec> ports, std::string_view name) {
    const auto found = std::ranges::find(ports, name, &PortSpec::name);
    return found == ports.end() ? nullptr : &*found;
}

Result<const PortSpec*> require_port(std::span<const PortSpec> ports, std::string_view name) {
    if (const auto* port = find_port(ports, name)) return port;
    std::vector<std::string_view> names;
    for (const auto& port : ports) names.push_back(port.name);
    const auto nearest = nearest_name(names, name);
    return nearest ? not_a_port(name, fmt::format("did you mean {}?", *nearest)) : not_a_port(name);
}

std::unexpected<Error> not_a_port(std::string_view name) {
    return not_a_port(name, fmt::format("`sluice port list` shows its ports; "
                                        "`sluice port add {} --role access` makes it one",
                                        name));
}

}  // namespace sluice
