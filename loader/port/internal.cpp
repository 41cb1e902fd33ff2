// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/port/internal.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <vector>

#include "loader/kernel/internal_link.hpp"

namespace sluice {
namespace {

bool wants(const std::vector<PortSpec>& ports, const Link& link) {
    return std::ranges::any_of(ports, [&](const PortSpec& port) {
        return port.role == Role::internal && port.name == link.name && port.mac == link.mac;
    });
}

bool is_anothers(const Link* link, const std::string& instance) {
    return link != nullptr && !is_internal_link(*link, instance);
}

std::unexpected<Error> fail_of_another(const Link& link) {
    return fail(
        ErrorCode::refused, fmt::format("there is another interface {} now", link.name),
        fmt::format("rename or remove it, `ip link set {} name NAME`, then `sluice restore`",
                    link.name));
}

Result<> make_pairs(const std::string& instance, const std::vector<PortSpec>& ports,
                    const Host& host, Journal& journal) {
    for (const auto& port : ports) {
        if (port.role != Role::internal) continue;
        const Link* link = host.link(port.name);
        if (link != nullptr && is_internal_link(*link, instance) && wants(ports, *link)) continue;
        SL_CHECK(journal.take(
            "port " + port.name,
            journal.step(fmt::format("make interface {}", port.name), [&]() -> Result<> {
                if (is_anothers(link, instance)) return fail_of_another(*link);
                return make_internal_link(instance, port.name, port.mac);
            })));
    }
    return {};
}

HostAddress as_asked(const InterfaceAddress& address) {
    return {address.address, address.prefix_length};
}

Result<> set_addresses(const PortSpec& port, const Link& link, const Host& host, Journal& journal) {
    std::vector<HostAddress> there;
    for (const auto& it : host.addresses)
        if (it.ifindex == link.ifindex && it.global) there.push_back(as_asked(it));
    for (const auto& address : there)
        if (std::ranges::find(port.addresses, address) == port.addresses.end())
            SL_CHECK(journal.step(fmt::format("remove {} from {}", address.text(), link.name),
                                  [&] { return remove_address(link.ifindex, address); }));
    for (const auto& address : port.addresses)
        if (std::ranges::find(there, address) == there.end())
            SL_CHECK(journal.step(fmt::format("add {} to {}", address.text(), link.name),
                                  [&] { return add_address(link.ifindex, address); }));
    return {};
}

/// Removes the instance's pairs but those of ports in `kept`, and what a killed process left. What
/// was made with another MAC goes as well: it is another interface.
Result<> remove_internal_ports(const std::string& instance, const std::vector<PortSpec>& kept,
                               const Host& host, Journal& journal) {
    for (const auto& link : host.links) {
        const bool stale = is_internal_link(link, instance) && !wants(kept, link);
        if (!stale && !is_unfinished_link(link)) continue;
        SL_CHECK(journal.step(fmt::format("remove interface {}", link.name),
                              [&] { return remove_link(link.ifindex); }));
    }
    return {};
}

/// @return whether links or addresses changed: the picture of the host is an old one then
Result<bool> reconcile_internal_ports(const std::string& instance,
                                      const std::vector<PortSpec>& ports, const Host& host,
                                      Journal& journal) {
    const auto before = journal.outcome().actions.size();
    SL_CHECK(remove_internal_ports(instance, ports, host, journal));
    SL_CHECK(make_pairs(instance, ports, host, journal));
    for (const auto& port : ports) {
        if (port.role != Role::internal || port.addresses.empty()) continue;
        const Link* link = host.link(port.name);
        if (link != nullptr && wants(ports, *link)) {
            SL_CHECK(set_addresses(port, *link, host, journal));
            continue;
        }
        if (journal.planning()) continue;
        const auto made = find_link(port.name);
        if (made && is_internal_link(*made, instance))
            SL_CHECK(set_addresses(port, *made, host, journal));
    }
    return journal.outcome().actions.size() != before;
}

class InternalPortFeature : public Feature {
public:
    Result<> prepare(Round& round) override {
        SL_TRY(made, reconcile_internal_ports(round.datapath.instance(), round.desired.ports,
                                              round.host, round.journal));
        if (!made || round.journal.planning()) return {};
        SL_TRY(now, Host::read(&round.datapath, round.desired.ports));
        round.host = std::move(now);
        return {};
    }

    Result<> remove(const Removal& removal) override {
        static const std::vector<PortSpec> none;
        return remove_internal_ports(removal.instance,
                                     removal.for_good ? none : removal.desired.ports, removal.host,
                                     removal.journal);
    }
};

}  // namespace

std::unique_ptr<Feature> internal_port_feature() { return std::make_unique<InternalPortFeature>(); }

}  // namespace sluice
