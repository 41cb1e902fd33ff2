// SPDX-License-Identifier: GPL-2.0-or-later
// The kernel's queues: an interface's root qdisc, HTB with its classes, fq. By netlink, in the
// current network namespace.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sluice/abi/stats.h"
#include "sluice/error.hpp"

namespace sluice {

struct RootQdisc {
    std::string kind;
    std::uint32_t handle = 0;  ///< major << 16; 0 = the kernel's own default
};

/// None: the kernel shows none, as of a device without a queue.
[[nodiscard]] Result<std::optional<RootQdisc>> root_qdisc(std::uint32_t ifindex);

/// A class of HTB. A leaf has a bfifo.
struct HtbClass {
    std::uint32_t id = 0;              ///< minor number, 1..0xffff
    std::uint32_t parent = 0;          ///< minor number; 0 = the qdisc itself
    std::uint64_t rate = 0, ceil = 0;  ///< bits a second, assured and at most
    std::uint64_t burst = 0;           ///< bytes, for both; the kernel keeps it as a time, in 64 ns
    std::uint32_t priority = 0;        ///< 0..7, the lower the sooner
    std::uint32_t quantum = 0;         ///< bytes, not 0 for a leaf
    std::uint64_t limit = 0;           ///< bytes a leaf's queue holds; 0 = no leaf
};

struct HtbTree {
    std::uint32_t major = 0;
    std::uint32_t default_class = 0;     ///< minor number
    std::vector<HtbClass> classes = {};  ///< parents first
};

/// Makes the tree, or makes the one that is there into it. Classes that stay lose no packet, unless
/// their priority changes; a tree whose default class or whose shape changes is made anew.
/// Errors: unsupported (no HTB in the kernel), refused (a root qdisc of somebody else).
[[nodiscard]] Result<> put_htb(std::uint32_t ifindex, const HtbTree& tree);
/// Reads the tree as the kernel has it, parents first. None: the root is not an HTB of that major
/// number.
[[nodiscard]] Result<std::optional<HtbTree>> read_htb(std::uint32_t ifindex, std::uint32_t major);
/// Whether they are the same in the kernel, but for what it rounds: rates to whole bytes a second,
/// bursts to 64 ns of the rate, 275 s of it at most.
[[nodiscard]] bool same_tree(const HtbTree& wanted, const HtbTree& found);

/// Whether the kernel has fq, loading its module if need be. Changes nothing.
[[nodiscard]] Result<bool> kernel_has_fq();
/// Makes it, or changes its limit with no packet lost.
/// @param frames that it holds, of one flow and of all
/// Errors: unsupported (no fq in the kernel), refused (a root qdisc of somebody else).
[[nodiscard]] Result<> put_fq(std::uint32_t ifindex, std::uint32_t major, std::uint32_t frames);

/// Removes the root if it has that major number; the kernel puts its default there. Nothing there
/// is no error.
[[nodiscard]] Result<> remove_root(std::uint32_t ifindex, std::uint32_t major);

/// What a queue did and holds. Bytes are those of all segments; `dropped` counts GSO frames once.
struct QueueCounts {
    std::uint32_t minor = 0;  ///< of the leaf class; fq: 0
    sl_counter sent{};
    std::uint64_t dropped = 0, over_limits = 0, backlog_bytes = 0, backlog_packets = 0;
};
/// Reads the counts of each leaf class of an HTB root, or of an fq one, with that major number, by
/// class number; none if the root is another.
[[nodiscard]] Result<std::vector<QueueCounts>> read_queues(std::uint32_t ifindex,
                                                           std::uint32_t major);

}  // namespace sluice
