// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/port/door_plan.hpp"

#include "loader/instance/host.hpp"
#include "loader/kernel/internal_link.hpp"

namespace sluice {
namespace {

/// Where the port's packets are routed. Null: they are switched, and never come to the kernel.
const Link* routed_by(const PortSpec& port, const Link& link, const Host& host) {
    if (port.role == Role::internal) return host.link(port.name);
    return is_switched(port, link) ? nullptr : &host.l3(link);
}

void declare(DoorSets& sets, const std::string& name, const Link* link) {
    const auto element = door_name(name);
    const bool bridge = link != nullptr && link->kind == "bridge";
    sets["bridge ports"].insert(element);
    sets[bridge ? "inet bridges" : "inet ports"].insert(element);
    sets["arp ports"].insert(element);
    if (bridge) sets["inet hairpins"].insert(door_hairpin(name));
    if (link == nullptr) return;
    for (const auto* set : {"bridge open", "inet open", "arp open"})
        sets[set].insert(door_index(link->ifindex));
}

void route(DoorSets& sets, const Link& link, const Link& l3, const HostForwarding& before) {
    const auto element = door_name(l3.name);
    sets["inet ways"].insert(element);
    if (!before.v4) sets["inet narrow4"].insert(element);
    if (!before.v6) sets["inet narrow6"].insert(element);
    if (l3.ifindex != link.master) return;
    sets["inet segments"].insert(element);
    sets["inet hairpins"].insert(door_hairpin(l3.name));
}

}  // namespace

DoorSets plan_door(const std::vector<PortSpec>& ports, const Host& host,
                   const ForwardedBefore& before) {
    auto sets = no_door_sets();
    for (const auto& port : ports) {
        const Link* link = host.link(port);
        if (port.role == Role::internal)
            declare(sets, switch_end(port.name), link);
        else
            declare(sets, link != nullptr ? link->name : port.name, link);
        const Link* l3 = link == nullptr ? nullptr : routed_by(port, *link, host);
        if (l3 == nullptr) continue;
        const auto found = before.find(l3->ifindex);
        route(sets, *link, *l3, found == before.end() ? HostForwarding{} : found->second);
    }
    return sets;
}

DoorSets door_between(const DoorSets& now, const DoorSets& wanted) {
    auto sets = no_door_sets();
    for (auto& [name, elements] : sets) {
        const auto had = now.find(name), has = wanted.find(name);
        if (had == now.end() || has == wanted.end()) continue;
        if (!lets_pass(name)) elements = has->second;
        for (const auto& element : had->second)
            if (!lets_pass(name) || has->second.contains(element)) elements.insert(element);
    }
    return sets;
}

DoorSets shut(DoorSets sets) {
    for (const auto* set : {"bridge open", "inet open", "arp open"}) sets[set].clear();
    return sets;
}

}  // namespace sluice
