// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/instance/host.hpp"

#include <fmt/format.h>
#include <sys/socket.h>

#include <algorithm>
#include <charconv>

#include "loader/base/nearest.hpp"
#include "loader/kernel/datapath.hpp"
#include "loader/kernel/internal_link.hpp"
#include "loader/kernel/netns.hpp"
#include "loader/kernel/sysctl.hpp"

namespace sluice {
namespace {

std::string nearest_hint(const std::vector<Link>& links, std::string_view name) {
    std::vector<std::string_view> names;
    names.reserve(links.size());
    for (const auto& link : links) names.emplace_back(link.name);
    if (const auto nearest = nearest_name(names, name))
        return fmt::format("did you mean {}? `ip link` lists the interfaces", *nearest);
    return "`ip link` lists the interfaces; one in another network namespace needs --netns";
}

/// 0 where the kernel does not say.
int reverse_path_filter(std::string_view interface) {
    const auto text = read_sysctl(fmt::format("net/ipv4/conf/{}/rp_filter", interface));
    int value = 0;
    if (text && *text) std::from_chars((*text)->data(), (*text)->data() + (*text)->size(), value);
    return value;
}

}  // namespace

Result<Host> Host::read(const Datapath* datapath, const std::vector<PortSpec>& ports) {
    SL_TRY(links, list_links());
    SL_TRY(addresses, list_addresses());
    const int of_all = reverse_path_filter("all");
    for (auto& link : links)
        link.reverse_path_filter = std::max(of_all, reverse_path_filter(link.name));
    SL_TRY(routing, read_routing_policy());
    Host host{std::move(links), std::move(addresses), std::move(routing)};
    if (datapath != nullptr) SL_CHECK(host.know_again(*datapath, ports));
    return host;
}

Result<> Host::know_again(const Datapath& datapath, const std::vector<PortSpec>& ports) {
    SL_TRY(here, current_netns());
    if (datapath.netns() != here) return {};
    std::vector<sl_port> entries;
    SL_CHECK(datapath.maps().ports.for_each([&](const __u32&, const sl_port& entry) {
        entries.push_back(entry);
        return true;
    }));
    for (const auto& entry : entries) {
        const Link* now = link(entry.ifindex);
        const auto port = std::ranges::find(ports, entry.id, &PortSpec::id);
        if (now == nullptr || port == ports.end() || port->role == Role::internal) continue;
        SL_TRY(runs, datapath.runs_on(*now));
        if (!runs) continue;
        attached.insert({entry.ifindex, entry.l3_ifindex});
        if (port->name != now->name) renamed[port->name] = entry.ifindex;
    }
    return {};
}

const Link* Host::link(std::string_view name) const {
    if (const auto is = renamed.find(name); is != renamed.end()) return link(is->second);
    const auto found = std::ranges::find(links, name, &Link::name);
    return found == links.end() ? nullptr : &*found;
}

const Link* Host::link(std::uint32_t ifindex) const {
    const auto found = std::ranges::find(links, ifindex, &Link::ifindex);
    return found == links.end() ? nullptr : &*found;
}

const Link* Host::link(const PortSpec& port) const {
    const Link* found = link(port.role == Role::internal ? switch_end(port.name) : port.name);
    return found == nullptr || left_out.contains(found->ifindex) ? nullptr : found;
}

Result<const Link*> Host::require_link(std::string_view name) const {
    if (name.empty() || name.size() > 15)
        return fail(ErrorCode::usage, fmt::format("interface name \"{}\" is not valid", name),
                    "Linux interface names have 1 to 15 bytes");
    if (const Link* found = link(name)) return found;
    return fail(ErrorCode::not_found, fmt::format("there is no interface {}", name),
                nearest_hint(links, name));
}

const Link& Host::l3(const Link& of) const {
    const Link* master = of.master == 0 ? nullptr : link(of.master);
    return master == nullptr ? of : *master;
}

/// The first usable address of the family of which this holds, or null.
template <class Holds>
const Address* Host::first(int family, Holds holds) const {
    const auto found = std::ranges::find_if(addresses, [&](const InterfaceAddress& it) {
        return it.usable && it.address.family() == family && holds(it);
    });
    return found == addresses.end() ? nullptr : &found->address;
}

const Address* Host::first_global(std::uint32_t ifindex, int family) const {
    return first(family, [&](const auto& it) { return it.global && it.ifindex == ifindex; });
}

const Address* Host::router_address(std::uint32_t ifindex, int family) const {
    if (const auto* own = first_global(ifindex, family)) return own;
    if (const auto* any = first(family, [](const auto& it) { return it.global; })) return any;
    if (family == AF_INET) return nullptr;
    return first(family, [&](const auto& it) { return it.ifindex == ifindex; });
}

const InterfaceAddress* Host::network_of(const Address& address) const {
    const InterfaceAddress* nearest = nullptr;
    for (const auto& it : addresses) {
        if (!HostAddress{it.address, it.prefix_length}.network().contains(address)) continue;
        if (nearest == nullptr || it.prefix_length > nearest->prefix_length) nearest = &it;
    }
    return nearest;
}

std::uint32_t Host::owner(const Address& address) const {
    const auto found = std::ranges::find(addresses, address, &InterfaceAddress::address);
    return found == addresses.end() ? 0 : found->ifindex;
}

bool is_switched(const PortSpec& port, const Link& link) {
    return link.master == 0 && (port.vlan != 0 || !port.vlans.empty() || port.native_vlan != 0);
}

}  // namespace sluice
