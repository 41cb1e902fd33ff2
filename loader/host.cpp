#include "loader/host.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "loader/kernel/internal_link.hpp"

namespace sluice {
namespace {

/// Levenshtein distance: how many letters must be changed, added or left out.
std::size_t distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> row(b.size() + 1);
    std::iota(row.begin(), row.end(), 0);
    for (std::size_t i = 1; i <= a.size(); ++i) {
        std::size_t diagonal = std::exchange(row[0], i);
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t changed = diagonal + (a[i - 1] != b[j - 1]);
            diagonal = row[j];
            row[j] = std::min({changed, row[j] + 1, row[j - 1] + 1});
        }
    }
    return row.back();
}

std::string nearest_hint(const std::vector<Link>& links, std::string_view name) {
    const auto nearest = std::ranges::min_element(
        links, {}, [&](const Link& link) { return distance(link.name, name); });
    if (nearest != links.end() && distance(nearest->name, name) <= 2)
        return fmt::format("did you mean {}? `ip link` lists the interfaces", nearest->name);
    return "`ip link` lists the interfaces; one in another network namespace needs --netns";
}

}  // namespace

Result<Host> Host::read() {
    SL_TRY(links, list_links());
    SL_TRY(addresses, list_addresses());
    return Host{std::move(links), std::move(addresses)};
}

const Link* Host::link(std::string_view name) const {
    const auto found = std::ranges::find(links, name, &Link::name);
    return found == links.end() ? nullptr : &*found;
}

const Link* Host::link(std::uint32_t ifindex) const {
    const auto found = std::ranges::find(links, ifindex, &Link::ifindex);
    return found == links.end() ? nullptr : &*found;
}

const Link* Host::link(const PortSpec& port) const {
    return port.role == Role::internal ? link(switch_end(port.name)) : link(port.name);
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

const Address* Host::first_global(std::uint32_t ifindex, int family) const {
    const auto found = std::ranges::find_if(addresses, [&](const InterfaceAddress& it) {
        return it.ifindex == ifindex && it.global && it.usable && it.address.family() == family;
    });
    return found == addresses.end() ? nullptr : &found->address;
}

std::uint32_t Host::owner(const Address& address) const {
    const auto found = std::ranges::find(addresses, address, &InterfaceAddress::address);
    return found == addresses.end() ? 0 : found->ifindex;
}

}  // namespace sluice
