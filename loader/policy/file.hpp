// SPDX-License-Identifier: GPL-2.0-or-later
// The YAML that `policy load` takes:
//
//   groups:
//     web-servers: [vm:web1, 10.0.0.0/24, port:tap0]    # VMs, ports, prefixes, other groups
//   defaults:                        # of what no rule decides; without any it is allowed
//     - {direction: in, action: deny, vm: web1}    # or port:, group:; none of them: everywhere
//   network-policy:
//     - name: db-tier
//       action: allow                # allow, deny, reject, log (allow and report)
//       source: [10.0.0.0/24, web-servers, vm:web1, port:tap0]
//       destination: [192.168.1.0/24]
//       protocol: tcp                # tcp, udp, icmp, icmpv6, sctp, a number, or a list
//       ports: "3306,5432,8000-8080" # of the destination; source-ports likewise
//       icmp-types: [echo-request]
//       vlans: "10,20-30"
//       source-macs: ["02:00:00:00:00:01"]
//       expires: 2026-12-01T00:00:00Z    # or in: 2h
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sluice/abi/policy.h"
#include "sluice/net.hpp"

namespace sluice {

enum class PolicyAction : std::uint8_t {
    allow = SL_POLICY_ALLOW,
    log = SL_POLICY_LOG,
    reject = SL_POLICY_REJECT,
    deny = SL_POLICY_DENY,
};
[[nodiscard]] Result<PolicyAction> parse_policy_action(std::string_view text);
[[nodiscard]] std::string_view policy_action_text(PolicyAction action);

/// In: towards the VM or port; out: from it.
enum class PolicyDirection : std::uint8_t { in, out };
[[nodiscard]] std::string_view policy_direction_text(PolicyDirection direction);

/// Who is at an end of a session: one of a list, of which any may fit.
struct PolicyTerm {
    enum class Kind : std::uint8_t { prefix, vm, port, group };
    Kind kind = Kind::prefix;
    std::string name;  ///< of all but prefixes
    Prefix prefix = {};
    bool operator==(const PolicyTerm&) const = default;

    [[nodiscard]] std::string text() const;  ///< as it is written: `vm:web1`
};

struct IcmpType {
    std::uint8_t protocol = 0;  ///< IPPROTO_ICMP or IPPROTO_ICMPV6
    std::uint8_t type = 0;
    auto operator<=>(const IcmpType&) const = default;
};

/// What is empty asks for nothing.
struct PolicyRule {
    std::string name;
    std::optional<PolicyAction> action = {};  ///< always there once it is read
    std::vector<PolicyTerm> source = {}, destination = {};
    std::vector<std::uint8_t> protocols = {};  ///< with ports and ICMP types never empty
    std::vector<PortRange> ports = {}, source_ports = {};
    std::vector<IcmpType> icmp_types = {};
    std::vector<PortRange> vlans = {};
    std::vector<MacAddress> source_macs = {};
    std::optional<std::int64_t> expires = {};                 ///< CLOCK_REALTIME, seconds
    std::optional<std::chrono::milliseconds> lasts_for = {};  ///< since it was loaded
    int line = 0;                                             ///< 1 on
};

struct PolicyDefault {
    std::optional<PolicyDirection> direction = {};  ///< always there once it is read
    std::optional<PolicyAction> action = {};        ///< likewise
    std::optional<PolicyTerm> subject = {};         ///< none: everywhere
    int line = 0;
};

/// 1 on.
struct FilePlace {
    int line = 0, column = 0;
};

struct PolicyFile {
    std::map<std::string, std::vector<PolicyTerm>, std::less<>> groups;
    std::vector<PolicyDefault> defaults;
    std::vector<PolicyRule> rules;
    /// Names that the file takes for granted, and where they stand first.
    std::map<std::string, FilePlace, std::less<>> vms, ports;
};

/// Errors: usage, `NAME:LINE:COLUMN: what is wrong`, with a hint. Unknown keys, keys given twice,
/// groups that there are not or that are in themselves, more than SL_POLICY_BITS rules are errors.
/// Whether VMs and ports exist is the caller's to check.
/// @param name of the file, for messages
[[nodiscard]] Result<PolicyFile> parse_policy_file(std::string_view text, std::string_view name);

}  // namespace sluice
