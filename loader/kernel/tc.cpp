// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/kernel/tc.hpp"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fmt/format.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>

#include <cerrno>
#include <string>
#include <utility>

#include "loader/base/fd.hpp"
#include "loader/kernel/bpffs.hpp"
#include "loader/kernel/log.hpp"
#include "loader/kernel/netlink.hpp"

namespace sluice {
namespace {

// linux/bpf.h of Linux 6.6 is newer than the headers we build with.
constexpr auto bpf_tcx_ingress = static_cast<bpf_attach_type>(46);
constexpr auto bpf_tcx_egress = static_cast<bpf_attach_type>(47);

// Our filter's place with clsact. The kernel gives 49152 (0xc000) and less to those who do not
// choose a priority, and handle 1 to the first: ours is behind them, and nobody's by chance.
constexpr __u32 filter_priority = 50000;
constexpr __u32 filter_handle = 0x736c;  // "sl"
constexpr std::string_view program_prefix = "sl_tc_";

/// A link by its pin; empty when there is none.
Fd open_link(const std::filesystem::path& pin) { return Fd(bpf_obj_get(pin.c_str())); }

struct TcxState {
    std::uint32_t ifindex = 0;  ///< 0: its interface is gone
    std::uint32_t program = 0;
};

TcxState read_tcx(const Fd& link) {
    bpf_link_info info{};
    __u32 size = sizeof(info);
    if (bpf_obj_get_info_by_fd(link.get(), &info, &size) != 0) return {};
    return {info.xdp.ifindex, info.prog_id};  // tcx.ifindex stands where xdp.ifindex does
}

Result<> attach_tcx(int program_fd, std::uint32_t ifindex, TcDirection direction,
                    const std::filesystem::path& pin, bool& supported) {
    const auto type = direction == TcDirection::ingress ? bpf_tcx_ingress : bpf_tcx_egress;
    const Fd link(bpf_link_create(program_fd, static_cast<int>(ifindex), type, nullptr));
    supported = link || errno != EINVAL;
    if (!link)
        return fail_errno(errno, fmt::format("attaching to TC {} of interface {} by tcx",
                                             tc_direction_text(direction), ifindex));
    if (bpf_obj_pin(link.get(), pin.c_str()) != 0)
        return fail_errno(errno, "pinning " + pin.string());
    return {};
}

bpf_tc_hook clsact_hook(std::uint32_t ifindex, bpf_tc_attach_point point) {
    bpf_tc_hook hook{};
    hook.sz = sizeof(hook);
    hook.ifindex = static_cast<int>(ifindex);
    hook.attach_point = point;
    return hook;
}

bpf_tc_hook clsact_hook(std::uint32_t ifindex, TcDirection direction) {
    return clsact_hook(ifindex, direction == TcDirection::ingress ? BPF_TC_INGRESS : BPF_TC_EGRESS);
}

bpf_tc_opts our_filter() {
    bpf_tc_opts options{};
    options.sz = sizeof(options);
    options.handle = filter_handle;
    options.priority = filter_priority;
    return options;
}

bool is_our_program(std::uint32_t id) {
    const Fd program(bpf_prog_get_fd_by_id(id));
    bpf_prog_info info{};
    __u32 size = sizeof(info);
    return program && bpf_obj_get_info_by_fd(program.get(), &info, &size) == 0 &&
           std::string_view(info.name).starts_with(program_prefix);
}

struct FilterState {
    bool taken = false;  ///< by anybody
    bool ours = false;
    std::uint32_t program = 0;
};

FilterState read_filter(std::uint32_t ifindex, TcDirection direction) {
    const LogCapture quiet;
    const bpf_tc_hook hook = clsact_hook(ifindex, direction);
    bpf_tc_opts options = our_filter();
    if (bpf_tc_query(&hook, &options) != 0) return {};
    return {true, is_our_program(options.prog_id), options.prog_id};
}

/// The older `ingress` qdisc takes clsact's place, and would take an egress filter for one of
/// its own.
Result<> ensure_clsact(std::uint32_t ifindex) {
    const LogCapture log;
    bpf_tc_hook whole =
        clsact_hook(ifindex, static_cast<bpf_tc_attach_point>(BPF_TC_INGRESS | BPF_TC_EGRESS));
    const int err = -bpf_tc_hook_create(&whole);
    if (err != 0 && err != EEXIST)
        return fail_errno(err, fmt::format("adding clsact to interface {}{}", ifindex, log.tail()));
    SL_TRY(there, has_clsact(ifindex));
    if (!there)
        return fail(
            ErrorCode::refused,
            fmt::format("interface {} has an `ingress` qdisc, which has no egress hook", ifindex),
            "replace it by clsact, which can do all it does, or use Linux 6.6");
    return {};
}

Result<> attach_filter(int program_fd, std::uint32_t ifindex, TcDirection direction) {
    SL_CHECK(ensure_clsact(ifindex));
    const FilterState before = read_filter(ifindex, direction);
    if (before.taken && !before.ours)
        return fail(ErrorCode::refused,
                    fmt::format("interface {} has another's TC filter at priority {}, handle {}",
                                ifindex, filter_priority, filter_handle),
                    "remove it, or let it take another priority");
    const bpf_tc_hook hook = clsact_hook(ifindex, direction);
    const LogCapture log;
    bpf_tc_opts options = our_filter();
    options.prog_fd = program_fd;
    options.flags = before.ours ? BPF_TC_F_REPLACE : 0;
    if (const int err = -bpf_tc_attach(&hook, &options); err != 0)
        return fail_errno(err, fmt::format("attaching to TC {} of interface {} by clsact{}",
                                           tc_direction_text(direction), ifindex, log.tail()));
    return {};
}

NetlinkRequest traffic_control_dump(std::uint16_t type, std::uint32_t ifindex,
                                    std::uint32_t parent) {
    NetlinkRequest request(type, NLM_F_DUMP);
    auto& header = request.header<tcmsg>();
    header.tcm_ifindex = static_cast<int>(ifindex);
    header.tcm_parent = parent;
    return request;
}

Result<bool> has_filters(std::uint32_t ifindex, std::uint32_t minor) {
    SL_TRY(netlink, Netlink::open(NETLINK_ROUTE));
    NetlinkRequest request =
        traffic_control_dump(RTM_GETTFILTER, ifindex, TC_H_MAKE(TC_H_CLSACT, minor));
    bool found = false;
    const int err = netlink.ask(request, [&](const nlmsghdr*) { found = true; });
    if (err != 0) return fail_errno(err, fmt::format("listing filters of interface {}", ifindex));
    return found;
}

}  // namespace

std::string_view tc_direction_text(TcDirection direction) {
    return direction == TcDirection::ingress ? "ingress" : "egress";
}

std::string_view tc_method_text(TcMethod method) {
    return method == TcMethod::tcx ? "tcx" : "clsact";
}

Result<bool> has_clsact(std::uint32_t ifindex) {
    SL_TRY(netlink, Netlink::open(NETLINK_ROUTE));
    NetlinkRequest request = traffic_control_dump(RTM_GETQDISC, ifindex, 0);
    bool found = false;
    const int err = netlink.ask(request, [&](const nlmsghdr* answer) {
        const auto* header = static_cast<const tcmsg*>(mnl_nlmsg_get_payload(answer));
        if (header->tcm_ifindex != static_cast<int>(ifindex)) return;
        each_attribute(answer, sizeof(tcmsg), [&](const nlattr* attribute) {
            if (mnl_attr_get_type(attribute) == TCA_KIND)
                found = found || std::string_view(mnl_attr_get_str(attribute)) == "clsact";
        });
    });
    if (err != 0) return fail_errno(err, fmt::format("listing qdiscs of interface {}", ifindex));
    return found;
}

Result<TcMethod> attach_tc(int program_fd, std::uint32_t ifindex, TcDirection direction,
                           const std::filesystem::path& link_pin) {
    if (const Fd link = open_link(link_pin); link) {
        if (read_tcx(link).ifindex == ifindex) {
            if (bpf_link_update(link.get(), program_fd, nullptr) == 0) return TcMethod::tcx;
            return fail_errno(errno, "replacing the program of " + link_pin.string());
        }
        SL_CHECK(unpin(link_pin));
    }
    bool supported = true;
    auto attached = attach_tcx(program_fd, ifindex, direction, link_pin, supported);
    if (attached) return TcMethod::tcx;
    if (supported) return std::unexpected(std::move(attached).error());
    SL_CHECK(attach_filter(program_fd, ifindex, direction));
    return TcMethod::clsact;
}

Result<> detach_tc(std::uint32_t ifindex, TcDirection direction,
                   const std::filesystem::path& link_pin) {
    if (const Fd link = open_link(link_pin); link) {
        bpf_link_detach(link.get());  // at once, whoever else holds the link
        return unpin(link_pin);
    }
    if (!read_filter(ifindex, direction).ours) return {};
    const LogCapture log;
    const bpf_tc_hook hook = clsact_hook(ifindex, direction);
    const bpf_tc_opts options = our_filter();
    if (const int err = -bpf_tc_detach(&hook, &options); err != 0)
        return fail_errno(err, fmt::format("detaching from TC {} of interface {}{}",
                                           tc_direction_text(direction), ifindex, log.tail()));
    return {};
}

Result<> remove_clsact(std::uint32_t ifindex) {
    SL_TRY(there, has_clsact(ifindex));
    if (!there) return {};
    SL_TRY(ingress, has_filters(ifindex, TC_H_MIN_INGRESS));
    SL_TRY(egress, has_filters(ifindex, TC_H_MIN_EGRESS));
    if (ingress || egress) return {};
    const LogCapture log;
    bpf_tc_hook whole =
        clsact_hook(ifindex, static_cast<bpf_tc_attach_point>(BPF_TC_INGRESS | BPF_TC_EGRESS));
    if (const int err = -bpf_tc_hook_destroy(&whole); err != 0)
        return fail_errno(err,
                          fmt::format("removing clsact of interface {}{}", ifindex, log.tail()));
    return {};
}

Result<std::optional<TcAttachment>> query_tc(std::uint32_t ifindex, TcDirection direction,
                                             const std::filesystem::path& link_pin) {
    if (const Fd link = open_link(link_pin); link) {
        const TcxState state = read_tcx(link);
        if (state.ifindex != ifindex) return std::nullopt;
        return TcAttachment{TcMethod::tcx, state.program};
    }
    const FilterState filter = read_filter(ifindex, direction);
    if (!filter.ours) return std::nullopt;
    return TcAttachment{TcMethod::clsact, filter.program};
}

}  // namespace sluice
