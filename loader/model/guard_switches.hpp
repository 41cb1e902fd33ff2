// SPDX-License-Identifier: GPL-2.0-or-later
// The switches of a guard: one list for the database, the kernel's bits and the views.
#pragma once

#include <array>
#include <string_view>

#include "sluice/abi/guard.h"
#include "sluice/model/guard.hpp"

namespace sluice {

struct GuardSwitch {
    std::string_view name;  ///< in JSON, in the database and, with hyphens, on the command line
    bool GuardSpec::* asked;
    sl_guard_check check;
    std::string_view yes = "on", no = "off";  ///< the words for its values
    bool enforced = true;                     ///< the bit is set where `asked` has this value
};

inline constexpr std::array<GuardSwitch, 14> guard_switches{{
    {"mac", &GuardSpec::mac, SL_GUARD_MAC},
    {"ip", &GuardSpec::ip, SL_GUARD_IP},
    {"arp", &GuardSpec::arp, SL_GUARD_ARP},
    {"nd", &GuardSpec::nd, SL_GUARD_ND},
    {"ra", &GuardSpec::ra_block, SL_GUARD_RA, "block", "allow"},
    {"dhcp_server", &GuardSpec::dhcp_server_block, SL_GUARD_DHCP_SERVER, "block", "allow"},
    {"dhcp_client", &GuardSpec::dhcp_client, SL_GUARD_DHCP_CLIENT},
    {"ethertype", &GuardSpec::ethertype, SL_GUARD_ETHERTYPE},
    {"tags", &GuardSpec::tags, SL_GUARD_TAG},
    {"fragments", &GuardSpec::fragments, SL_GUARD_FRAGMENT},
    {"snoop", &GuardSpec::snoop, SL_GUARD_SNOOP},
    {"mac_change", &GuardSpec::mac_change, SL_GUARD_MAC_CHANGE, "accept", "reject"},
    {"unknown_unicast", &GuardSpec::unknown_unicast, SL_GUARD_DELIVERY, "on", "off", false},
    {"audit", &GuardSpec::audit, SL_GUARD_AUDIT},
}};

/// enum sl_guard_check of the switches; SL_GUARD_PREFIXES is for whoever writes the prefixes.
[[nodiscard]] constexpr __u32 guard_checks(const GuardSpec& guard) {
    __u32 checks = 0;
    for (const auto& it : guard_switches)
        if (guard.*it.asked == it.enforced) checks |= it.check;
    return checks;
}

/// What a switch stands at in the kernel.
[[nodiscard]] constexpr bool is_on(const GuardSwitch& it, __u32 checks) {
    return ((checks & it.check) != 0) == it.enforced;
}
[[nodiscard]] constexpr std::string_view word_of(const GuardSwitch& it, bool on) {
    return on ? it.yes : it.no;
}

}  // namespace sluice
