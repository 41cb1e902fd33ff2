// SPDX-License-Identifier: GPL-2.0-or-later
// The door: three tables of nftables, `sluice_INSTANCE` in the families bridge, inet and arp, that
// hold for as long as the instance is up, whoever of our programs runs or does not. What they say
// is in sets; the rules are the same for every instance but for the mark.
//
// Spoken by libnftables: the rules stand here as `nft` shows them, one batch changes all three
// tables at once, and what the kernel answers is read as JSON.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "sluice/abi/stats.h"
#include "sluice/error.hpp"

namespace sluice {

/// Elements by "FAMILY SET", written as nft reads them.
using DoorSets = std::map<std::string, std::set<std::string>, std::less<>>;

/// All of the sets, empty. They hold:
///   ports     interfaces declared as ports, whether there are any such; inet: that are no bridges
///   bridges   ... that are bridges
///   open      indexes of the interfaces that have their programs
///   narrow4/6 interfaces by which the host forwarded nothing before sluice came
///   segments  bridges that ports are enslaved to
///   ways      interfaces by which ports are reached
///   hairpins  bridges . themselves: what br_netfilter shows of frames that stay inside
[[nodiscard]] DoorSets no_door_sets();

/// Whether an element of the set lets frames pass: it is to be taken out first and put in last.
/// Elements of the others hold frames back.
[[nodiscard]] bool lets_pass(std::string_view set);

[[nodiscard]] std::string door_name(std::string_view name);       ///< as an element: an interface
[[nodiscard]] std::string door_index(std::uint32_t ifindex);      ///< of `open`
[[nodiscard]] std::string door_hairpin(std::string_view bridge);  ///< of `hairpins`

/// Names that mean something else to nft are refused: `*` would be any end, and a number an index.
[[nodiscard]] Result<> check_door_name(std::string_view name);

struct Door {
    DoorSets sets;
    sl_counter closed{};   ///< what met a port without its programs
    sl_counter outside{};  ///< what was to be forwarded to a network that is no port's
};

/// None: it is not there, or not as it was made.
[[nodiscard]] Result<std::optional<Door>> read_door(std::string_view instance, std::uint32_t mark);

/// Makes the tables anew, all at once. Errors: unsupported (the kernel lacks nftables).
/// @param mark the bit of skb->mark by which our ingress program says that a frame passed it
[[nodiscard]] Result<> make_door(std::string_view instance, std::uint32_t mark,
                                 const DoorSets& sets);

/// Changes it from what read_door() said to what is wanted, all at once.
[[nodiscard]] Result<> change_door(std::string_view instance, const DoorSets& from,
                                   const DoorSets& to);

/// That there is none is no error.
[[nodiscard]] Result<> remove_door(std::string_view instance);

}  // namespace sluice
