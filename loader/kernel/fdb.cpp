// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/kernel/fdb.hpp"

#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>
#include <optional>

#include "loader/kernel/netlink.hpp"

namespace sluice {
namespace {

/// None: not an address behind a port of a bridge.
std::optional<FdbEntry> read_entry(const nlmsghdr* message) {
    const auto* header = static_cast<const ndmsg*>(mnl_nlmsg_get_payload(message));
    FdbEntry entry;
    entry.ifindex = static_cast<std::uint32_t>(header->ndm_ifindex);
    bool behind_bridge = false, has_mac = false;
    each_attribute(message, sizeof(ndmsg), [&](const nlattr* attribute) {
        switch (mnl_attr_get_type(attribute)) {
            case NDA_MASTER:
                behind_bridge = true;
                break;
            case NDA_LLADDR:
                has_mac = mnl_attr_get_payload_len(attribute) == entry.mac.bytes.size();
                if (has_mac)
                    std::memcpy(entry.mac.bytes.data(), mnl_attr_get_payload(attribute),
                                entry.mac.bytes.size());
                break;
            default:
                break;
        }
    });
    // The bridge's own addresses are permanent; what an administrator adds is NUD_NOARP.
    const bool own = (header->ndm_state & NUD_PERMANENT) != 0;
    if (!behind_bridge || !has_mac || own) return std::nullopt;
    return entry;
}

}  // namespace

Result<std::vector<FdbEntry>> list_fdb() {
    SL_TRY(netlink, Netlink::open(NETLINK_ROUTE));
    NetlinkRequest request(RTM_GETNEIGH, NLM_F_DUMP);
    request.header<ndmsg>().ndm_family = AF_BRIDGE;
    std::vector<FdbEntry> entries;
    const int err = netlink.ask(request, [&](const nlmsghdr* answer) {
        const auto entry = read_entry(answer);
        // A bridge that tells VLANs apart has one entry for each.
        if (entry && std::ranges::find(entries, *entry) == entries.end()) entries.push_back(*entry);
    });
    if (err != 0) return fail_errno(err, "listing what bridges have learned");
    return entries;
}

}  // namespace sluice
