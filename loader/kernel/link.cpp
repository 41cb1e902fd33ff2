// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/kernel/link.hpp"

#include <fmt/format.h>
#include <linux/ethtool.h>
#include <linux/genetlink.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "loader/base/fd.hpp"
#include "loader/kernel/netlink.hpp"

namespace sluice {
namespace {

// linux/netdev.h (Linux 6.3) is newer than the headers we build with.
constexpr std::uint8_t netdev_cmd_dev_get = 1;
constexpr std::uint16_t netdev_a_dev_ifindex = 1;
constexpr std::uint16_t netdev_a_dev_xdp_features = 3;
constexpr std::uint64_t netdev_xdp_act_ndo_xmit = 4;

XdpMode xdp_mode(std::uint8_t attached) {
    switch (attached) {
        case XDP_ATTACHED_DRV:
            return XdpMode::native;
        case XDP_ATTACHED_SKB:
            return XdpMode::generic;
        case XDP_ATTACHED_HW:
            return XdpMode::offloaded;
        case XDP_ATTACHED_MULTI:
            return XdpMode::multiple;
        default:
            return XdpMode::none;
    }
}

void read_xdp(const nlattr* nest, Link& link) {
    each_nested(nest, [&](const nlattr* attribute) {
        switch (mnl_attr_get_type(attribute)) {
            case IFLA_XDP_ATTACHED:
                link.xdp_mode = xdp_mode(mnl_attr_get_u8(attribute));
                break;
            case IFLA_XDP_PROG_ID:
                link.xdp_program = mnl_attr_get_u32(attribute);
                break;
            default:
                break;
        }
    });
}

void read_link_attribute(const nlattr* attribute, Link& link) {
    switch (mnl_attr_get_type(attribute)) {
        case IFLA_IFNAME:
            link.name = mnl_attr_get_str(attribute);
            break;
        case IFLA_ADDRESS:
            if (mnl_attr_get_payload_len(attribute) == link.mac.bytes.size())
                std::memcpy(link.mac.bytes.data(), mnl_attr_get_payload(attribute),
                            link.mac.bytes.size());
            break;
        case IFLA_MTU:
            link.mtu = mnl_attr_get_u32(attribute);
            break;
        case IFLA_MASTER:
            link.master = mnl_attr_get_u32(attribute);
            break;
        case IFLA_LINK:
            link.peer = mnl_attr_get_u32(attribute);
            break;
        case IFLA_IFALIAS:
            link.alias = mnl_attr_get_str(attribute);
            break;
        case IFLA_CARRIER:
            link.carrier = mnl_attr_get_u8(attribute) != 0;
            break;
        case IFLA_PARENT_DEV_NAME:
            link.physical = true;
            break;
        case IFLA_LINKINFO:
            each_nested(attribute, [&](const nlattr* info) {
                if (mnl_attr_get_type(info) == IFLA_INFO_KIND) link.kind = mnl_attr_get_str(info);
            });
            break;
        case IFLA_XDP:
            read_xdp(attribute, link);
            break;
        default:
            break;
    }
}

std::string driver_of(const std::string& name) {
    const Fd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    ethtool_drvinfo info{};
    info.cmd = ETHTOOL_GDRVINFO;
    ifreq request{};
    name.copy(request.ifr_name, IFNAMSIZ - 1);
    request.ifr_data = reinterpret_cast<char*>(&info);
    return ioctl(socket.get(), SIOCETHTOOL, &request) == 0 ? info.driver : "";
}

/// Whether IFLA_LINK is an index there, and not here.
bool in_other_namespace(const nlmsghdr* message) {
    bool other = false;
    each_attribute(message, sizeof(ifinfomsg), [&](const nlattr* attribute) {
        other = other || mnl_attr_get_type(attribute) == IFLA_LINK_NETNSID;
    });
    return other;
}

Link read_link(const nlmsghdr* message) {
    const auto* header = static_cast<const ifinfomsg*>(mnl_nlmsg_get_payload(message));
    Link link;
    link.ifindex = static_cast<std::uint32_t>(header->ifi_index);
    link.ethernet = header->ifi_type == ARPHRD_ETHER;
    link.up = (header->ifi_flags & IFF_UP) != 0;
    link.promiscuous = (header->ifi_flags & IFF_PROMISC) != 0;
    each_attribute(message, sizeof(ifinfomsg),
                   [&](const nlattr* attribute) { read_link_attribute(attribute, link); });
    if (in_other_namespace(message)) link.peer = 0;
    link.driver = driver_of(link.name);
    std::array<char, IF_NAMESIZE> master{};
    if (link.master != 0 && if_indextoname(link.master, master.data()) != nullptr)
        link.master_name = master.data();
    return link;
}

/// @param ifindex 0: by name. @param what the interface in words, for the error
Result<Link> get_link(const std::string& name, std::uint32_t ifindex, const std::string& what) {
    SL_TRY(netlink, Netlink::open(NETLINK_ROUTE));
    NetlinkRequest request(RTM_GETLINK, 0);
    request.header<ifinfomsg>().ifi_index = static_cast<int>(ifindex);
    mnl_attr_put_u32(request.message(), IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
    if (ifindex == 0) mnl_attr_put_strz(request.message(), IFLA_IFNAME, name.c_str());
    Link link;
    const int err = netlink.ask(request, [&](const nlmsghdr* answer) { link = read_link(answer); });
    if (err == ENODEV)
        return fail(ErrorCode::not_found, fmt::format("there is no {}", what),
                    "`ip link` shows the interfaces; --netns NAME looks in another namespace");
    if (err != 0) return fail_errno(err, "looking for " + what);
    return link;
}

InterfaceAddress read_address(const nlmsghdr* message) {
    const auto* header = static_cast<const ifaddrmsg*>(mnl_nlmsg_get_payload(message));
    InterfaceAddress found;
    found.ifindex = header->ifa_index;
    found.prefix_length = header->ifa_prefixlen;
    found.global = header->ifa_scope == RT_SCOPE_UNIVERSE;
    std::uint32_t flags = header->ifa_flags;
    bool is_local = false;
    each_attribute(message, sizeof(ifaddrmsg), [&](const nlattr* attribute) {
        const auto type = mnl_attr_get_type(attribute);
        if (type == IFA_FLAGS) flags = mnl_attr_get_u32(attribute);
        // On a point-to-point link IFA_ADDRESS is the peer's, and IFA_LOCAL ours.
        if (type != IFA_LOCAL && (type != IFA_ADDRESS || is_local)) return;
        is_local = type == IFA_LOCAL;
        sl_addr raw{};
        std::memcpy(raw.b, mnl_attr_get_payload(attribute),
                    std::min<std::size_t>(mnl_attr_get_payload_len(attribute), sizeof(raw.b)));
        found.address = header->ifa_family == AF_INET ? Address::v4(raw.w[0]) : Address(raw);
    });
    found.usable = (flags & (IFA_F_TENTATIVE | IFA_F_DADFAILED)) == 0;
    return found;
}

/// The number of a generic netlink family; none: this kernel does not have it.
Result<std::optional<std::uint16_t>> generic_family(const Netlink& netlink, const char* name) {
    NetlinkRequest request(GENL_ID_CTRL, 0);
    auto& header = request.header<genlmsghdr>();
    header.cmd = CTRL_CMD_GETFAMILY;
    header.version = 1;
    mnl_attr_put_strz(request.message(), CTRL_ATTR_FAMILY_NAME, name);
    std::uint16_t family = 0;
    const int err = netlink.ask(request, [&](const nlmsghdr* answer) {
        each_attribute(answer, sizeof(genlmsghdr), [&](const nlattr* attribute) {
            if (mnl_attr_get_type(attribute) == CTRL_ATTR_FAMILY_ID)
                family = mnl_attr_get_u16(attribute);
        });
    });
    if (err == ENOENT) return std::nullopt;
    if (err != 0) return fail_errno(err, fmt::format("looking for netlink family {}", name));
    return family;
}

}  // namespace

Result<Link> find_link(std::string_view name) {
    if (name.empty() || name.size() >= IFNAMSIZ)
        return fail(ErrorCode::usage, fmt::format("`{}` is not an interface name", name),
                    fmt::format("a name has 1 to {} bytes", IFNAMSIZ - 1));
    return get_link(std::string(name), 0, fmt::format("interface {}", name));
}

Result<Link> find_link(std::uint32_t ifindex) {
    return get_link("", ifindex, fmt::format("interface with index {}", ifindex));
}

Result<std::vector<Link>> list_links() {
    SL_TRY(netlink, Netlink::open(NETLINK_ROUTE));
    NetlinkRequest request(RTM_GETLINK, NLM_F_DUMP);
    request.header<ifinfomsg>().ifi_family = AF_UNSPEC;
    mnl_attr_put_u32(request.message(), IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
    std::vector<Link> links;
    const int err =
        netlink.ask(request, [&](const nlmsghdr* answer) { links.push_back(read_link(answer)); });
    if (err != 0) return fail_errno(err, "listing interfaces");
    return links;
}

Result<std::vector<InterfaceAddress>> list_addresses(std::uint32_t ifindex) {
    SL_TRY(netlink, Netlink::open(NETLINK_ROUTE));
    NetlinkRequest request(RTM_GETADDR, NLM_F_DUMP);
    request.header<ifaddrmsg>().ifa_family = AF_UNSPEC;
    std::vector<InterfaceAddress> addresses;
    const int err = netlink.ask(request, [&](const nlmsghdr* answer) {
        InterfaceAddress found = read_address(answer);
        if (ifindex == 0 || found.ifindex == ifindex) addresses.push_back(found);
    });
    if (err != 0) return fail_errno(err, "listing addresses");
    return addresses;
}

Result<std::optional<Address>> first_global_address(std::uint32_t ifindex, int family) {
    SL_TRY(addresses, list_addresses(ifindex));
    for (const InterfaceAddress& found : addresses)
        if (found.global && found.usable && found.address.family() == family) return found.address;
    return std::nullopt;
}

Result<std::optional<std::uint32_t>> address_owner(const Address& address) {
    SL_TRY(addresses, list_addresses());
    for (const InterfaceAddress& found : addresses)
        if (found.address == address) return found.ifindex;
    return std::nullopt;
}

Result<bool> takes_xdp_redirects(std::uint32_t ifindex) {
    SL_TRY(netlink, Netlink::open(NETLINK_GENERIC));
    SL_TRY(family, generic_family(netlink, "netdev"));
    if (!family) return false;
    NetlinkRequest request(*family, 0);
    auto& header = request.header<genlmsghdr>();
    header.cmd = netdev_cmd_dev_get;
    header.version = 1;
    mnl_attr_put_u32(request.message(), netdev_a_dev_ifindex, ifindex);
    std::uint64_t features = 0;
    const int err = netlink.ask(request, [&](const nlmsghdr* answer) {
        each_attribute(answer, sizeof(genlmsghdr), [&](const nlattr* attribute) {
            if (mnl_attr_get_type(attribute) == netdev_a_dev_xdp_features)
                features = mnl_attr_get_u64(attribute);
        });
    });
    if (err == ENODEV) return false;
    if (err != 0) return fail_errno(err, fmt::format("asking for XDP features of {}", ifindex));
    return (features & netdev_xdp_act_ndo_xmit) != 0;
}

}  // namespace sluice
