// SPDX-License-Identifier: GPL-2.0-or-later
// The gateway host of the packet tests: a network namespace of the process's
// own, with interfaces, addresses, routes and permanent neighbours, so that the
// kernel's FIB answers.
//
//   vm_a 10.0.0.2, fd00:a::2 --- lan0 \                / wan0 --- router ---
//   server 203.0.113.5,
//                                      >-- gateway --< 2001:db8:ffff::5
//   vm_b 10.0.1.2, fd00:b::2 --- lan1 /                \ thin0 (MTU 1400) ---
//   host 198.51.100.9 spare0 is an interface of the host that is no port of
//   sluice.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "sluice/abi/port.h"
#include "sluice/error.hpp"
#include "tests/harness/packet.hpp"

namespace sluice::test {

/// A neighbour on one of the lab's links.
struct Host {
    Mac mac;
    sl_addr v4, v6;
};

/// An interface of the gateway. id 0: no port of sluice.
struct Link {
    const char* name;
    std::uint16_t id;
    sl_role role;
    std::uint16_t domain;
    std::uint32_t mtu;
    Mac mac;
    const char* v4;  ///< address and prefix length
    const char* v6;
};

inline constexpr Link lan0{
    "lan0", 1, SL_ROLE_ACCESS, 0, 9000, {2, 0, 0, 0, 0, 0x11}, "10.0.0.1/24", "fd00:a::1/64"};
inline constexpr Link lan1{
    "lan1", 2, SL_ROLE_ACCESS, 20, 9000, {2, 0, 0, 0, 0, 0x12}, "10.0.1.1/24", "fd00:b::1/64"};
inline constexpr Link wan0{
    "wan0", 3, SL_ROLE_UPLINK, 0, 9000, {2, 0, 0, 0, 0, 0x13}, "192.0.2.1/24", "2001:db8:1::1/64"};
inline constexpr Link thin0{
    "thin0",           4, SL_ROLE_UPLINK, 0, 1400, {2, 0, 0, 0, 0, 0x14}, "198.51.100.1/24",
    "2001:db8:2::1/64"};
inline constexpr Link spare0{
    "spare0", 0, SL_ROLE_NONE, 0, 1500, {2, 0, 0, 0, 0, 0x15}, "10.0.9.1/24", "fd00:9::1/64"};
inline constexpr std::array links{lan0, lan1, wan0, thin0, spare0};
inline constexpr std::array ports{lan0, lan1, wan0, thin0};

inline const Host vm_a{{2, 0, 0, 0, 0x0a, 2}, ip("10.0.0.2"), ip("fd00:a::2")};
inline const Host vm_b{{2, 0, 0, 0, 0x0b, 2}, ip("10.0.1.2"), ip("fd00:b::2")};
inline const Host router{{2, 0, 0, 0, 0x0c, 2}, ip("192.0.2.254"), ip("2001:db8:1::fe")};
inline const Host thin_host{{2, 0, 0, 0, 0x0d, 2}, ip("198.51.100.9"), ip("2001:db8:2::9")};
inline const Host spare_host{{2, 0, 0, 0, 0x0e, 2}, ip("10.0.9.2"), ip("fd00:9::2")};
/// Behind the router, hence with the router's MAC on our wire.
inline const Host server{router.mac, ip("203.0.113.5"), ip("2001:db8:ffff::5")};

/// The address that masqueraded sources leave with: one of wan0's own.
inline const sl_addr external = ip("192.0.2.10");
/// One more, routed to the gateway but none of its own.
inline const sl_addr external_2 = ip("192.0.2.11");

/// Moves the process into a new network namespace and builds the lab in it.
/// Once a process.
[[nodiscard]] Result<> build_lab();

/// @param lines for `ip -batch`, each ended by a newline
/// @param family `-4` or `-6` for what does not say it itself
[[nodiscard]] Result<> ip_batch(std::string_view lines, std::string_view family = "");

/// The address of "10.0.0.1/24".
[[nodiscard]] sl_addr address_of(std::string_view with_length);

/// @param path below /proc/sys/
[[nodiscard]] Result<> write_sysctl(const std::string& path, const char* value);

[[nodiscard]] std::uint32_t ifindex(const Link& link);

/// What the loader would write into sl_ports for the link.
[[nodiscard]] sl_port port_entry(const Link& link);

/// The frame header between a host and the gateway.
[[nodiscard]] inline Eth to_gateway(const Host& from, const Link& by) {
    return Eth{.dst = by.mac, .src = from.mac};
}
[[nodiscard]] inline Eth from_gateway(const Link& by, const Host& to) {
    return Eth{.dst = to.mac, .src = by.mac};
}

}  // namespace sluice::test
