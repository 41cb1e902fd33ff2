// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/kernel/routing_policy.hpp"

#include <linux/fib_rules.h>
#include <linux/xfrm.h>

#include <algorithm>
#include <cerrno>

#include "loader/kernel/netlink.hpp"

namespace sluice {
namespace {

bool has_attribute(const nlmsghdr* message, std::size_t header_bytes, int type) {
    bool found = false;
    each_attribute(message, header_bytes, [&](const nlattr* attribute) {
        if (mnl_attr_get_type(attribute) == type) found = true;
    });
    return found;
}

/// One that lets packets out in clear needs no care.
bool protects(const nlmsghdr* message, const xfrm_userpolicy_info& policy) {
    if (policy.dir != XFRM_POLICY_OUT) return false;
    return policy.action == XFRM_POLICY_BLOCK || has_attribute(message, sizeof(policy), XFRMA_TMPL);
}

Address address_of(int family, const xfrm_address_t& raw) {
    if (family == AF_INET) return Address::v4(raw.a4);
    sl_addr address{};
    std::ranges::copy(raw.a6, address.w);
    return Address(address);
}

Result<> read_ipsec(RoutingPolicy& routing) {
    const auto netlink = Netlink::open(NETLINK_XFRM);
    if (!netlink) return {};  // this kernel has no IPsec
    NetlinkRequest request(XFRM_MSG_GETPOLICY, NLM_F_DUMP);
    const int err = netlink->ask(request, [&](const nlmsghdr* answer) {
        const auto& policy =
            *static_cast<const xfrm_userpolicy_info*>(mnl_nlmsg_get_payload(answer));
        if (!protects(answer, policy)) return;
        routing.protected_destinations.push_back(
            {address_of(policy.sel.family, policy.sel.daddr), policy.sel.prefixlen_d});
    });
    if (err == EOPNOTSUPP || err == EPROTONOSUPPORT) return {};
    return err == 0 ? Result<>{} : fail_errno(err, "listing IPsec policies");
}

Result<> read_marks(RoutingPolicy& routing) {
    SL_TRY(netlink, Netlink::open(NETLINK_ROUTE));
    NetlinkRequest request(RTM_GETRULE, NLM_F_DUMP);
    request.header<fib_rule_hdr>().family = AF_UNSPEC;
    const int err = netlink.ask(request, [&](const nlmsghdr* answer) {
        const auto& rule = *static_cast<const fib_rule_hdr*>(mnl_nlmsg_get_payload(answer));
        if (!has_attribute(answer, sizeof(rule), FRA_FWMARK) &&
            !has_attribute(answer, sizeof(rule), FRA_FWMASK))
            return;
        routing.marks4 |= rule.family == AF_INET;
        routing.marks6 |= rule.family == AF_INET6;
    });
    if (err == EOPNOTSUPP) return {};  // a kernel without rules
    return err == 0 ? Result<>{} : fail_errno(err, "listing routing rules");
}

}  // namespace

bool RoutingPolicy::hides(int family) const {
    return (family == AF_INET ? marks4 : marks6) ||
           std::ranges::any_of(protected_destinations,
                               [&](const Prefix& to) { return to.address.family() == family; });
}

Result<RoutingPolicy> read_routing_policy() {
    RoutingPolicy routing;
    SL_CHECK(read_ipsec(routing));
    SL_CHECK(read_marks(routing));
    return routing;
}

}  // namespace sluice
