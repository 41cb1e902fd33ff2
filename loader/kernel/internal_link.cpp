// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/kernel/internal_link.hpp"

#include <fmt/format.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <sys/socket.h>

#include <cerrno>

#include "loader/kernel/netlink.hpp"
#include "loader/kernel/sysctl.hpp"

namespace sluice {
namespace {

constexpr std::string_view unfinished = "slnew";   // of both ends' names, the beginning
constexpr std::uint32_t longest_frames = 65535;    // the switch's end limits nothing
constexpr std::uint16_t acknowledged = NLM_F_ACK;  // so that ask() gets the kernel's error
constexpr std::uint16_t as_new = NLM_F_CREATE | NLM_F_EXCL;

std::string alias_of(std::string_view instance) { return fmt::format("sluice:{}", instance); }

Result<> answered(NetlinkRequest& request, const std::string& doing) {
    SL_TRY(netlink, Netlink::open(NETLINK_ROUTE));
    const int err = netlink.ask(request, [](const nlmsghdr*) {});
    if (err != 0) return fail_errno(err, doing);
    return {};
}

/// Both ends under names that nobody takes for anything else.
Result<> make_pair(const std::string& host_end, const std::string& other_end,
                   const MacAddress& mac) {
    NetlinkRequest request(RTM_NEWLINK, acknowledged | as_new);
    static_cast<void>(request.header<ifinfomsg>());
    nlmsghdr* message = request.message();
    mnl_attr_put_strz(message, IFLA_IFNAME, host_end.c_str());
    mnl_attr_put(message, IFLA_ADDRESS, mac.bytes.size(), mac.bytes.data());
    nlattr* info = mnl_attr_nest_start(message, IFLA_LINKINFO);
    mnl_attr_put_strz(message, IFLA_INFO_KIND, "veth");
    nlattr* data = mnl_attr_nest_start(message, IFLA_INFO_DATA);
    nlattr* peer = mnl_attr_nest_start(message, VETH_INFO_PEER);
    mnl_nlmsg_put_extra_header(message, sizeof(ifinfomsg));
    mnl_attr_put_strz(message, IFLA_IFNAME, other_end.c_str());
    mnl_attr_put_u32(message, IFLA_MTU, longest_frames);
    mnl_attr_nest_end(message, peer);
    mnl_attr_nest_end(message, data);
    mnl_attr_nest_end(message, info);
    return answered(request, fmt::format("making a pair of interfaces for {}", host_end));
}

Result<> write_if_there(const std::string& path, std::string_view value) {
    const auto done = write_sysctl(path, value);
    if (!done && done.error().code == ErrorCode::not_found) return {};  // a kernel without IPv6
    return done;
}

/// The host shall not speak IPv6 to itself, nor take addresses and routes from VMs.
Result<> tame_ipv6(const std::string& host_end, const std::string& other_end) {
    SL_CHECK(write_if_there(fmt::format("net/ipv6/conf/{}/disable_ipv6", other_end), "1"));
    return write_if_there(fmt::format("net/ipv6/conf/{}/accept_ra", host_end), "0");
}

/// What is empty stays.
Result<> set_link(std::uint32_t ifindex, const std::string& name, const std::string& alias,
                  bool up) {
    NetlinkRequest request(RTM_NEWLINK, acknowledged);
    auto& header = request.header<ifinfomsg>();
    header.ifi_index = static_cast<int>(ifindex);
    header.ifi_flags = up ? IFF_UP : 0;
    header.ifi_change = up ? IFF_UP : 0;
    if (!name.empty()) mnl_attr_put_strz(request.message(), IFLA_IFNAME, name.c_str());
    if (!alias.empty()) mnl_attr_put_strz(request.message(), IFLA_IFALIAS, alias.c_str());
    return answered(request, fmt::format("setting up interface {}", name));
}

Result<> change_address(std::uint16_t type, std::uint16_t flags, std::uint32_t ifindex,
                        const HostAddress& address) {
    NetlinkRequest request(type, acknowledged | flags);
    auto& header = request.header<ifaddrmsg>();
    header.ifa_family = static_cast<__u8>(address.address.family());
    header.ifa_prefixlen = static_cast<__u8>(address.length);
    header.ifa_index = ifindex;
    const sl_addr raw = address.address.raw();
    const bool v4 = address.address.is_v4();
    // In use at once; and no VM can claim it by answering the kernel's probe for duplicates.
    if (!v4) header.ifa_flags = IFA_F_NODAD;
    const void* bytes = v4 ? static_cast<const void*>(&raw.w[3]) : raw.b;
    for (const auto attribute : {IFA_LOCAL, IFA_ADDRESS})
        mnl_attr_put(request.message(), static_cast<std::uint16_t>(attribute), v4 ? 4 : 16, bytes);
    SL_TRY(netlink, Netlink::open(NETLINK_ROUTE));
    const int err = netlink.ask(request, [](const nlmsghdr*) {});
    if (err == 0 || err == EEXIST || err == EADDRNOTAVAIL) return {};
    return fail_errno(err, fmt::format("{} address {}", type == RTM_NEWADDR ? "adding" : "removing",
                                       address.text()));
}

}  // namespace

std::string switch_end(std::string_view host_end) { return fmt::format("{}-sw", host_end); }

bool is_internal_link(const Link& link, std::string_view instance) {
    return link.kind == "veth" && link.alias == alias_of(instance);
}

bool is_unfinished_link(const Link& link) {
    return link.kind == "veth" &&
           (link.alias == unfinished || link.name == fmt::format("{}0", unfinished));
}

Result<> make_internal_link(std::string_view instance, const std::string& host_end,
                            const MacAddress& mac) {
    const std::string new_host = fmt::format("{}0", unfinished);
    const std::string new_other = fmt::format("{}1", unfinished);
    const std::string other_end = switch_end(host_end);
    SL_CHECK(make_pair(new_host, new_other, mac));
    SL_TRY(host, find_link(new_host));
    SL_TRY(other, find_link(new_other));
    auto done = set_link(host.ifindex, "", std::string(unfinished), false);
    if (done) done = set_link(other.ifindex, other_end, "", false);
    if (done) done = set_link(host.ifindex, host_end, "", false);
    if (done) done = tame_ipv6(host_end, other_end);
    if (done) done = set_link(other.ifindex, "", "", true);
    if (done) done = set_link(host.ifindex, "", alias_of(instance), true);
    if (!done) SL_CHECK(remove_link(host.ifindex));
    return done;
}

Result<> remove_link(std::uint32_t ifindex) {
    NetlinkRequest request(RTM_DELLINK, acknowledged);
    request.header<ifinfomsg>().ifi_index = static_cast<int>(ifindex);
    SL_TRY(netlink, Netlink::open(NETLINK_ROUTE));
    const int err = netlink.ask(request, [](const nlmsghdr*) {});
    if (err == 0 || err == ENODEV) return {};
    return fail_errno(err, fmt::format("removing interface {}", ifindex));
}

Result<> add_address(std::uint32_t ifindex, const HostAddress& address) {
    return change_address(RTM_NEWADDR, as_new, ifindex, address);
}

Result<> remove_address(std::uint32_t ifindex, const HostAddress& address) {
    return change_address(RTM_DELADDR, 0, ifindex, address);
}

}  // namespace sluice
