// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/kernel/qdisc.hpp"

#include <fmt/format.h>
#include <libmnl/libmnl.h>
#include <linux/gen_stats.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <functional>
#include <limits>
#include <ranges>
#include <string_view>
#include <utility>

#include "loader/kernel/netlink.hpp"

namespace sluice {
namespace {

constexpr std::uint32_t loopback = 1;
constexpr unsigned tick_shift = 6;  // net/sched: PSCHED_SHIFT, 64 ns

constexpr std::uint32_t handle_of(std::uint32_t major, std::uint32_t minor = 0) {
    return major << 16 | minor;
}

NetlinkRequest tc_request(std::uint16_t type, std::uint16_t flags, std::uint32_t ifindex,
                          std::uint32_t parent, std::uint32_t handle) {
    NetlinkRequest request(type, flags);
    auto& header = request.header<tcmsg>();
    header.tcm_family = AF_UNSPEC;
    header.tcm_ifindex = static_cast<int>(ifindex);
    header.tcm_parent = parent;
    header.tcm_handle = handle;
    return request;
}

/// @return 0 or the errno the kernel answered
Result<int> send_tc(NetlinkRequest& request) {
    SL_TRY(netlink, Netlink::open(NETLINK_ROUTE));
    return netlink.ask(request, [](const nlmsghdr*) {});
}

Result<> set_tc(NetlinkRequest& request, std::string_view doing, std::uint32_t ifindex) {
    SL_TRY(err, send_tc(request));
    if (err == 0) return {};
    return fail_errno(err, fmt::format("{} of interface {}", doing, ifindex));
}

/// What a dump shows of one qdisc or class.
struct TcObject {
    tcmsg header{};
    std::string kind;
    const nlattr* options = nullptr;
    const nlattr* stats = nullptr;
};

Result<> dump_tc(std::uint16_t type, std::uint32_t ifindex,
                 const std::function<void(const TcObject&)>& visit) {
    SL_TRY(netlink, Netlink::open(NETLINK_ROUTE));
    auto request = tc_request(type, NLM_F_DUMP, ifindex, 0, 0);
    const int err = netlink.ask(request, [&](const nlmsghdr* answer) {
        TcObject it;
        std::memcpy(&it.header, mnl_nlmsg_get_payload(answer), sizeof it.header);
        if (it.header.tcm_ifindex != static_cast<int>(ifindex)) return;
        each_attribute(answer, sizeof(tcmsg), [&](const nlattr* attribute) {
            switch (mnl_attr_get_type(attribute)) {
                case TCA_KIND:
                    it.kind = mnl_attr_get_str(attribute);
                    break;
                case TCA_OPTIONS:
                    it.options = attribute;
                    break;
                case TCA_STATS2:
                    it.stats = attribute;
                    break;
                default:
                    break;
            }
        });
        visit(it);
    });
    // Gone meanwhile, or a kernel without queues: it has none.
    if (err == ENODEV || err == EOPNOTSUPP) return {};
    if (err != 0) return fail_errno(err, fmt::format("listing qdiscs of interface {}", ifindex));
    return {};
}

template <class Value>
Value payload(const nlattr* attribute) {
    Value value{};
    std::memcpy(&value, mnl_attr_get_payload(attribute),
                std::min<std::size_t>(sizeof value, mnl_attr_get_payload_len(attribute)));
    return value;
}

// --- HTB: bursts are times, in ticks ---

std::uint32_t burst_ticks(std::uint64_t burst, std::uint64_t rate) {
    const double ns = static_cast<double>(burst) * 8e9 / static_cast<double>(rate);
    const auto ticks = ns / (1 << tick_shift);
    return static_cast<std::uint32_t>(
        std::min<double>(ticks, std::numeric_limits<std::uint32_t>::max()));
}

std::uint64_t burst_bytes(std::uint32_t ticks, std::uint64_t rate) {
    return static_cast<std::uint64_t>(static_cast<double>(ticks) * (1 << tick_shift) *
                                      static_cast<double>(rate) / 8e9);
}

tc_ratespec rate_spec(std::uint64_t bytes_per_second) {
    tc_ratespec spec{};
    spec.linklayer = TC_LINKLAYER_ETHERNET;
    spec.rate = static_cast<std::uint32_t>(
        std::min<std::uint64_t>(bytes_per_second, std::numeric_limits<std::uint32_t>::max()));
    return spec;
}

Result<> make_htb(std::uint32_t ifindex, const HtbTree& tree) {
    auto request = tc_request(RTM_NEWQDISC, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, ifindex,
                              TC_H_ROOT, handle_of(tree.major));
    mnl_attr_put_strz(request.message(), TCA_KIND, "htb");
    nlattr* options = mnl_attr_nest_start(request.message(), TCA_OPTIONS);
    tc_htb_glob global{};
    global.version = TC_HTB_PROTOVER;
    global.rate2quantum = 10;  // unused: each class has its quantum
    global.defcls = tree.default_class;
    mnl_attr_put(request.message(), TCA_HTB_INIT, sizeof global, &global);
    mnl_attr_nest_end(request.message(), options);
    SL_TRY(err, send_tc(request));
    if (err == 0) return {};
    if (err == ENOENT)
        return fail(ErrorCode::unsupported, "this kernel has no HTB qdisc (CONFIG_NET_SCH_HTB)",
                    "--shaper police needs none");
    return fail_errno(err, fmt::format("adding HTB to interface {}", ifindex));
}

Result<> put_htb_class(std::uint32_t ifindex, std::uint32_t major, const HtbClass& it) {
    auto request = tc_request(RTM_NEWTCLASS, NLM_F_ACK | NLM_F_CREATE, ifindex,
                              handle_of(major, it.parent), handle_of(major, it.id));
    mnl_attr_put_strz(request.message(), TCA_KIND, "htb");
    nlattr* options = mnl_attr_nest_start(request.message(), TCA_OPTIONS);
    tc_htb_opt parameters{};
    parameters.rate = rate_spec(it.rate / 8);
    parameters.ceil = rate_spec(it.ceil / 8);
    parameters.buffer = burst_ticks(it.burst, it.rate);
    parameters.cbuffer = burst_ticks(it.burst, it.ceil);
    parameters.quantum = it.quantum;
    parameters.prio = it.priority;
    mnl_attr_put(request.message(), TCA_HTB_PARMS, sizeof parameters, &parameters);
    mnl_attr_put_u64(request.message(), TCA_HTB_RATE64, it.rate / 8);
    mnl_attr_put_u64(request.message(), TCA_HTB_CEIL64, it.ceil / 8);
    mnl_attr_nest_end(request.message(), options);
    return set_tc(request, fmt::format("setting HTB class {:x}", it.id), ifindex);
}

constexpr std::uint32_t fifo_limit(const HtbClass& it) {
    return static_cast<std::uint32_t>(
        std::min<std::uint64_t>(it.limit, std::numeric_limits<std::uint32_t>::max()));
}

/// A bfifo that is there gets its limit changed and keeps what is in it.
Result<> put_leaf(std::uint32_t ifindex, std::uint32_t major, const HtbClass& it) {
    auto request = tc_request(RTM_NEWQDISC, NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE, ifindex,
                              handle_of(major, it.id), 0);
    mnl_attr_put_strz(request.message(), TCA_KIND, "bfifo");
    const tc_fifo_qopt fifo{fifo_limit(it)};
    mnl_attr_put(request.message(), TCA_OPTIONS, sizeof fifo, &fifo);
    return set_tc(request, fmt::format("setting the queue of HTB class {:x}", it.id), ifindex);
}

Result<> remove_leaf(std::uint32_t ifindex, std::uint32_t major, std::uint32_t id) {
    auto request = tc_request(RTM_DELQDISC, NLM_F_ACK, ifindex, handle_of(major, id), 0);
    return set_tc(request, fmt::format("emptying the queue of HTB class {:x}", id), ifindex);
}

Result<> remove_class(std::uint32_t ifindex, std::uint32_t major, std::uint32_t id) {
    auto request = tc_request(RTM_DELTCLASS, NLM_F_ACK, ifindex, 0, handle_of(major, id));
    return set_tc(request, fmt::format("removing HTB class {:x}", id), ifindex);
}

HtbClass read_class(const TcObject& object) {
    HtbClass it{
        .id = TC_H_MIN(object.header.tcm_handle),
        .parent = object.header.tcm_parent == TC_H_ROOT ? 0 : TC_H_MIN(object.header.tcm_parent)};
    tc_htb_opt parameters{};
    std::uint64_t rate = 0, ceil = 0;
    each_nested(object.options, [&](const nlattr* attribute) {
        switch (mnl_attr_get_type(attribute)) {
            case TCA_HTB_PARMS:
                parameters = payload<tc_htb_opt>(attribute);
                break;
            case TCA_HTB_RATE64:
                rate = mnl_attr_get_u64(attribute);
                break;
            case TCA_HTB_CEIL64:
                ceil = mnl_attr_get_u64(attribute);
                break;
            default:
                break;
        }
    });
    it.rate = 8 * (rate != 0 ? rate : parameters.rate.rate);
    it.ceil = 8 * (ceil != 0 ? ceil : parameters.ceil.rate);
    it.burst = burst_bytes(parameters.buffer, it.rate);
    it.quantum = parameters.quantum;
    it.priority = parameters.prio;
    return it;
}

std::uint64_t distance(std::uint64_t a, std::uint64_t b) { return a > b ? a - b : b - a; }

/// The kernel keeps rates in whole bytes a second, bursts in ticks and for 275 s at most.
bool same_rates(const HtbClass& wanted, const HtbClass& found) {
    return distance(wanted.rate, found.rate) < 8 && distance(wanted.ceil, found.ceil) < 8 &&
           distance(burst_ticks(wanted.burst, wanted.rate), burst_ticks(found.burst, found.rate)) <=
               burst_ticks(1, found.rate) + 2;
}

bool same_class(const HtbClass& wanted, const HtbClass& found) {
    if (wanted.id != found.id || wanted.parent != found.parent || !same_rates(wanted, found))
        return false;
    if (wanted.limit == 0) return found.limit == 0;  // the rest matters to leaves alone
    return wanted.priority == found.priority && wanted.quantum == found.quantum &&
           fifo_limit(wanted) == found.limit;
}

const HtbClass* find_class(const HtbTree& tree, std::uint32_t id) {
    const auto it = std::ranges::find(tree.classes, id, &HtbClass::id);
    return it == tree.classes.end() ? nullptr : &*it;
}

std::uint32_t depth_of(const HtbTree& tree, const HtbClass& it) {
    const auto* parent = find_class(tree, it.parent);
    return parent == nullptr ? 0 : 1 + depth_of(tree, *parent);
}

/// Parents first, then by number.
std::vector<HtbClass> ordered(const HtbTree& tree) {
    auto classes = tree.classes;
    std::ranges::sort(classes, {},
                      [&](const HtbClass& it) { return std::pair(depth_of(tree, it), it.id); });
    return classes;
}

bool has_children(const HtbTree& tree, const HtbClass& it) {
    return std::ranges::find(tree.classes, it.id, &HtbClass::parent) != tree.classes.end();
}

/// HTB changes neither its default class nor the parent of a class, and a class that has children
/// is no leaf.
bool can_become(const HtbTree& found, const HtbTree& wanted) {
    return found.default_class == wanted.default_class &&
           std::ranges::all_of(wanted.classes, [&](const HtbClass& it) {
               const auto* now = find_class(found, it.id);
               if (now == nullptr) return true;
               const bool inner = it.limit == 0;
               return now->parent == it.parent &&
                      (inner ? now->limit == 0 : !has_children(found, *now));
           });
}

Result<> change_htb(std::uint32_t ifindex, const HtbTree& found, const HtbTree& wanted) {
    for (const auto& it : wanted.classes) {
        const auto* now = find_class(found, it.id);
        if (now != nullptr && same_class(it, *now)) continue;
        SL_CHECK(put_htb_class(ifindex, wanted.major, it));
        if (it.limit == 0) continue;
        // A class gets its new priority when its queue is empty, which it need never be.
        if (now != nullptr && now->priority != it.priority && now->limit != 0)
            SL_CHECK(remove_leaf(ifindex, wanted.major, it.id));
        SL_CHECK(put_leaf(ifindex, wanted.major, it));
    }
    for (const auto& it : std::views::reverse(found.classes))
        if (find_class(wanted, it.id) == nullptr)
            SL_CHECK(remove_class(ifindex, wanted.major, it.id));
    return {};
}

/// Refuses another's root qdisc, removes one of ours of another kind.
/// @return whether there is one of ours, of that kind
Result<bool> claim_root(std::uint32_t ifindex, std::uint32_t major, std::string_view kind) {
    SL_TRY(root, root_qdisc(ifindex));
    if (!root || root->handle == 0) return false;
    if (root->handle != handle_of(major))
        return fail(ErrorCode::refused,
                    fmt::format("interface {} has a qdisc of somebody else, {} {:x}:", ifindex,
                                root->kind, TC_H_MAJ(root->handle) >> 16),
                    "remove it, or use --shaper police");
    if (root->kind == kind) return true;
    SL_CHECK(remove_root(ifindex, major));
    return false;
}

void add_stats(QueueCounts& counts, const nlattr* stats) {
    each_nested(stats, [&](const nlattr* attribute) {
        switch (mnl_attr_get_type(attribute)) {
            case TCA_STATS_BASIC: {
                const auto basic = payload<gnet_stats_basic>(attribute);
                counts.sent.bytes = basic.bytes;
                counts.sent.packets = std::max<std::uint64_t>(counts.sent.packets, basic.packets);
                break;
            }
            case TCA_STATS_PKT64:
                counts.sent.packets = mnl_attr_get_u64(attribute);
                break;
            case TCA_STATS_QUEUE: {
                const auto queue = payload<gnet_stats_queue>(attribute);
                counts.dropped = queue.drops;
                counts.over_limits = queue.overlimits;
                counts.backlog_bytes = queue.backlog;
                counts.backlog_packets = queue.qlen;
                break;
            }
            default:
                break;
        }
    });
}

}  // namespace

Result<std::optional<RootQdisc>> root_qdisc(std::uint32_t ifindex) {
    std::optional<RootQdisc> root;
    SL_CHECK(dump_tc(RTM_GETQDISC, ifindex, [&](const TcObject& it) {
        if (it.header.tcm_parent == TC_H_ROOT) root = {it.kind, it.header.tcm_handle};
    }));
    return root;
}

Result<> put_htb(std::uint32_t ifindex, const HtbTree& tree) {
    SL_TRY(there, claim_root(ifindex, tree.major, "htb"));
    if (there) {
        SL_TRY(found, read_htb(ifindex, tree.major));
        if (found && can_become(*found, tree)) return change_htb(ifindex, *found, tree);
        SL_CHECK(remove_root(ifindex, tree.major));
    }
    SL_CHECK(make_htb(ifindex, tree));
    auto made = change_htb(ifindex, {}, tree);
    // Without its classes HTB limits nothing.
    if (!made) SL_CHECK(remove_root(ifindex, tree.major));
    return made;
}

Result<std::optional<HtbTree>> read_htb(std::uint32_t ifindex, std::uint32_t major) {
    SL_TRY(root, root_qdisc(ifindex));
    if (!root || root->kind != "htb" || root->handle != handle_of(major)) return std::nullopt;
    HtbTree tree{.major = major};
    SL_CHECK(dump_tc(RTM_GETTCLASS, ifindex, [&](const TcObject& it) {
        if (it.kind == "htb" && it.options != nullptr) tree.classes.push_back(read_class(it));
    }));
    SL_CHECK(dump_tc(RTM_GETQDISC, ifindex, [&](const TcObject& it) {
        if (it.options == nullptr) return;
        if (it.header.tcm_parent == TC_H_ROOT)
            each_nested(it.options, [&](const nlattr* attribute) {
                if (mnl_attr_get_type(attribute) == TCA_HTB_INIT)
                    tree.default_class = payload<tc_htb_glob>(attribute).defcls;
            });
        if (it.kind != "bfifo" || TC_H_MAJ(it.header.tcm_parent) != handle_of(major)) return;
        const auto leaf =
            std::ranges::find(tree.classes, TC_H_MIN(it.header.tcm_parent), &HtbClass::id);
        if (leaf != tree.classes.end()) leaf->limit = payload<tc_fifo_qopt>(it.options).limit;
    }));
    tree.classes = ordered(tree);
    return tree;
}

bool same_tree(const HtbTree& wanted, const HtbTree& found) {
    return wanted.major == found.major && wanted.default_class == found.default_class &&
           std::ranges::equal(ordered(wanted), ordered(found), same_class);
}

Result<bool> kernel_has_fq() {
    // The kernel looks for the qdisc first, and then finds that it can't have so many buckets.
    auto request = tc_request(RTM_NEWQDISC, NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE | NLM_F_EXCL,
                              loopback, TC_H_ROOT, 0);
    mnl_attr_put_strz(request.message(), TCA_KIND, "fq");
    nlattr* options = mnl_attr_nest_start(request.message(), TCA_OPTIONS);
    mnl_attr_put_u32(request.message(), TCA_FQ_BUCKETS_LOG, 0xff);
    mnl_attr_nest_end(request.message(), options);
    SL_TRY(err, send_tc(request));
    if (err == EINVAL || err == EEXIST) return true;  // EEXIST: loopback has it
    if (err == ENOENT) return false;
    return fail_errno(err, "asking the kernel for its fq qdisc");
}

Result<> put_fq(std::uint32_t ifindex, std::uint32_t major, std::uint32_t frames) {
    SL_CHECK(claim_root(ifindex, major, "fq"));
    auto request = tc_request(RTM_NEWQDISC, NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE, ifindex,
                              TC_H_ROOT, handle_of(major));
    mnl_attr_put_strz(request.message(), TCA_KIND, "fq");
    nlattr* options = mnl_attr_nest_start(request.message(), TCA_OPTIONS);
    mnl_attr_put_u32(request.message(), TCA_FQ_PLIMIT, frames);
    mnl_attr_put_u32(request.message(), TCA_FQ_FLOW_PLIMIT, frames);
    mnl_attr_nest_end(request.message(), options);
    SL_TRY(err, send_tc(request));
    if (err == 0) return {};
    if (err == ENOENT)
        return fail(ErrorCode::unsupported, "this kernel has no fq qdisc (CONFIG_NET_SCH_FQ)",
                    "--shaper htb needs none");
    return fail_errno(err, fmt::format("setting fq of interface {}", ifindex));
}

Result<> remove_root(std::uint32_t ifindex, std::uint32_t major) {
    SL_TRY(root, root_qdisc(ifindex));
    if (!root || root->handle != handle_of(major)) return {};
    auto request = tc_request(RTM_DELQDISC, NLM_F_ACK, ifindex, TC_H_ROOT, handle_of(major));
    return set_tc(request, "removing the qdisc", ifindex);
}

Result<std::vector<QueueCounts>> read_queues(std::uint32_t ifindex, std::uint32_t major) {
    std::vector<QueueCounts> queues;
    SL_TRY(root, root_qdisc(ifindex));
    if (!root || root->handle != handle_of(major)) return queues;
    const bool classes = root->kind == "htb";
    SL_CHECK(dump_tc(classes ? RTM_GETTCLASS : RTM_GETQDISC, ifindex, [&](const TcObject& it) {
        const bool leaf = classes ? it.header.tcm_info != 0 : it.header.tcm_parent == TC_H_ROOT;
        if (!leaf || it.stats == nullptr) return;
        auto& counts = queues.emplace_back();
        if (classes) counts.minor = TC_H_MIN(it.header.tcm_handle);
        add_stats(counts, it.stats);
    }));
    std::ranges::sort(queues, {}, &QueueCounts::minor);
    return queues;
}

}  // namespace sluice
