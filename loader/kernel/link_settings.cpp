// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/kernel/link_settings.hpp"

#include <fmt/format.h>
#include <linux/ethtool.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cerrno>

#include "loader/base/fd.hpp"
#include "loader/kernel/netlink.hpp"

namespace sluice {
namespace {

/// ethtool's flags (ETHTOOL_GFLAGS, ETHTOOL_SFLAGS). 0, or an errno.
int ethtool_flags(const std::string& interface, std::uint32_t command, std::uint32_t& flags) {
    const Fd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    ethtool_value value{};
    value.cmd = command;
    value.data = flags;
    ifreq request{};
    interface.copy(request.ifr_name, IFNAMSIZ - 1);
    request.ifr_data = reinterpret_cast<char*>(&value);
    if (ioctl(socket.get(), SIOCETHTOOL, &request) != 0) return errno;
    flags = value.data;
    return 0;
}

}  // namespace

bool takes_tags_out(const std::string& interface) {
    std::uint32_t flags = 0;
    return ethtool_flags(interface, ETHTOOL_GFLAGS, flags) == 0 && (flags & ETH_FLAG_RXVLAN) != 0;
}

Result<> set_takes_tags_out(const std::string& interface, bool on) {
    std::uint32_t flags = 0;
    int err = ethtool_flags(interface, ETHTOOL_GFLAGS, flags);
    flags = on ? flags | ETH_FLAG_RXVLAN : flags & ~std::uint32_t{ETH_FLAG_RXVLAN};
    if (err == 0) err = ethtool_flags(interface, ETHTOOL_SFLAGS, flags);
    if (err == 0) return {};
    return fail_errno(
        err, fmt::format("turning rx-vlan-offload of {} {}", interface, on ? "on" : "off"));
}

Result<> set_promiscuous(std::uint32_t ifindex, bool on) {
    SL_TRY(netlink, Netlink::open(NETLINK_ROUTE));
    NetlinkRequest request(RTM_NEWLINK, NLM_F_ACK);
    auto& header = request.header<ifinfomsg>();
    header.ifi_index = static_cast<int>(ifindex);
    header.ifi_flags = on ? IFF_PROMISC : 0;
    header.ifi_change = IFF_PROMISC;
    const int err = netlink.ask(request, [](const nlmsghdr*) {});
    if (err == 0) return {};
    return fail_errno(err, fmt::format("making interface {} promiscuous", ifindex));
}

}  // namespace sluice
