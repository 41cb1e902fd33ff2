// SPDX-License-Identifier: GPL-2.0-or-later
// Which frames belong to a class: `app=voip`, `vm=web1 proto=tcp port=443,8000-8080`.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "loader/base/name.hpp"
#include "sluice/model/qos.hpp"

namespace sluice {

inline constexpr NameRule qos_class_name{"a name of a class", 31, "-_"};

/// An application by what its frames look like.
struct QosApp {
    std::string_view name;     ///< as written behind `app=`
    std::string_view meaning;  ///< one line for --help
    std::vector<QosMatch> matches;
};
[[nodiscard]] std::span<const QosApp> qos_apps();

/// KEY=VALUE terms between blanks: app, vm, if, vlan, proto, port, dscp; each once. `port` needs
/// proto tcp or udp, or none (then both); `app` stands without proto, port and dscp.
[[nodiscard]] Result<QosMatch> parse_qos_match(std::string_view text);
[[nodiscard]] std::string qos_match_text(const QosMatch& match);  ///< as it is parsed
[[nodiscard]] std::string qos_match_help();                       ///< the keys, a line each

/// The match with its application spelt out: as many matches as that has. Empty vector never.
[[nodiscard]] std::vector<QosMatch> spell_out(const QosMatch& match);

}  // namespace sluice
