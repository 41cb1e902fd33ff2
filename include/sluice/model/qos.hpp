// SPDX-License-Identifier: GPL-2.0-or-later
// QoS: rates of ports, and classes.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sluice/abi/qos.h"
#include "sluice/net.hpp"

namespace sluice {

constexpr std::uint64_t unlimited = UINT64_MAX;  ///< a rate that limits nothing

/// What holds back what leaves by a port that has a rate.
enum class Shaper : std::uint8_t {
    automatic,  ///< fq where the kernel has it and the port has no classes, else htb
    htb,        ///< queued by an HTB qdisc
    fq,         ///< queued by fq, each frame with its time of departure
    police,     ///< not queued: what is too much is dropped
};

[[nodiscard]] Result<Shaper> parse_shaper(std::string_view text);  ///< auto, htb, fq, police
[[nodiscard]] std::string_view shaper_text(Shaper shaper);

using PcpOfDscp = std::array<std::uint8_t, SL_DSCPS>;  ///< 802.1Q priority by DSCP
using DscpOfPcp = std::array<std::uint8_t, SL_PCPS>;   ///< DSCP by 802.1Q priority

/// `off`, `on` (the class selector: DSCP / 8), or changes to that (`46:5,34:4`).
[[nodiscard]] Result<std::optional<PcpOfDscp>> parse_pcp_of_dscp(std::string_view text);
[[nodiscard]] std::string pcp_of_dscp_text(const std::optional<PcpOfDscp>& map);
[[nodiscard]] Result<std::optional<DscpOfPcp>> parse_dscp_of_pcp(std::string_view text);
[[nodiscard]] std::string dscp_of_pcp_text(const std::optional<DscpOfPcp>& map);

/// Rates of a port. Rates are in bits a second of frames without preamble and FCS, from 64 kbit to
/// 100 Gbit; 0 = blocked, `unlimited` = none. Bursts are in bytes; 0 = by the rate.
struct QosPortSpec {
    std::string port;  ///< interface name
    std::uint64_t ingress_rate = unlimited;
    std::uint64_t ingress_burst = 0;
    std::uint64_t pps = unlimited;  ///< frames a second that may enter
    std::uint64_t egress_rate = unlimited;
    std::uint64_t egress_burst = 0;
    Shaper shaper = Shaper::automatic;
    std::chrono::microseconds latency{0};  ///< target for the queue of what leaves; 0 = none
    bool classes = true;                   ///< what leaves is classified, where classes exist
    bool ecn = true;                       ///< marks what may be marked rather than drop it
    std::uint8_t dscp = SL_DSCP_KEEP;      ///< DSCP of what enters: as it came, or what it becomes
    std::optional<PcpOfDscp> pcp_of_dscp = {};  ///< switched ports: priority of what enters
    std::optional<DscpOfPcp> dscp_of_pcp = {};  ///< DSCP of what enters with a tag
    bool operator==(const QosPortSpec&) const = default;
};

/// What a frame must be to be in a class: all that is set here.
struct QosMatch {
    std::string app;         ///< one of qos_apps(); empty = any
    std::string vm;          ///< it comes from, or goes to, a port of this VM
    std::string interface;   ///< ... this port
    std::uint16_t vlan = 0;  ///< 1..4094; 0 = any
    std::optional<std::uint8_t> protocol = {};
    std::vector<PortRange> ports = {};  ///< either of its L4 ports is in one of them
    std::optional<std::uint8_t> dscp = {};
    bool operator==(const QosMatch&) const = default;
};

constexpr std::uint8_t shared_priority = 7;  ///< classes that share what the others leave

struct QosClassSpec {
    std::string name;                         ///< 1..31 letters, digits, - and _
    std::uint8_t id = 0;                      ///< 1..15, given by the database; 0 = `default`
    std::uint8_t priority = shared_priority;  ///< 0..6: before all of higher numbers, up to `max`
    std::uint16_t weight = 1;                 ///< 1..1000, among those of priority 7
    std::uint8_t max_percent = 0;        ///< of the port's rate, 1..100; 0 = no limit of its own
    std::uint8_t dscp = SL_DSCP_KEEP;    ///< what its frames get
    std::vector<QosMatch> matches = {};  ///< any of them; the first class wins
    bool operator==(const QosClassSpec&) const = default;
};

}  // namespace sluice
