// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/policy/resolve.hpp"

#include <map>
#include <set>
#include <utility>

#include "sluice/abi/policy.h"

namespace sluice {
namespace {

/// Resolves ends; each group once.
class Resolver {
public:
    Resolver(const PolicyFile& file, const PolicySpec& spec, std::span<const PortSpec> ports)
        : file_(file), spec_(spec) {
        for (const auto& port : ports) {
            ports_.emplace(port.name, port.id);
            if (port.role != Role::internal) everywhere_.ports.push_back(port.id);
        }
        for (const auto& vm : spec.vms) vms_.emplace(vm.name, &vm);
    }

    PolicyEnd end(std::span<const PolicyTerm> terms) {
        if (terms.empty()) return {};
        Members members;
        std::set<std::string_view> seen;
        for (const auto& term : terms) collect(term, members, seen);
        return {.any = false,
                .prefixes = {members.prefixes.begin(), members.prefixes.end()},
                .ports = {members.ports.begin(), members.ports.end()}};
    }

    /// A default without a subject is about whoever is at a port. What the host itself does is in
    /// none, or a slip of the hand would cut its own management.
    [[nodiscard]] PolicyEnd everywhere() const { return everywhere_; }

    [[nodiscard]] std::int64_t expiry(const PolicyRule& rule) const {
        if (rule.expires) return *rule.expires * 1000;
        return rule.lasts_for ? spec_.loaded + rule.lasts_for->count() : 0;
    }

private:
    struct Members {
        std::set<Prefix> prefixes;
        std::set<std::uint16_t> ports;
    };

    void collect(const PolicyTerm& term, Members& members, std::set<std::string_view>& seen) {
        switch (term.kind) {
            case PolicyTerm::Kind::prefix:
                members.prefixes.insert(term.prefix);
                break;
            case PolicyTerm::Kind::port:
                collect_port(term.name, members);
                break;
            case PolicyTerm::Kind::vm:
                collect_vm(term.name, members);
                break;
            case PolicyTerm::Kind::group:
                if (!seen.insert(term.name).second) break;
                for (const auto& member : file_.groups.at(term.name))
                    collect(member, members, seen);
        }
    }

    void collect_port(const std::string& name, Members& members) {
        const auto port = ports_.find(name);
        if (port != ports_.end()) members.ports.insert(port->second);
    }

    void collect_vm(const std::string& name, Members& members) {
        const auto vm = vms_.find(name);
        if (vm == vms_.end()) return;
        for (const auto& address : vm->second->addresses)
            members.prefixes.insert({address, address.bits()});
        for (const auto& port : vm->second->ports) collect_port(port, members);
    }

    const PolicyFile& file_;
    const PolicySpec& spec_;
    PolicyEnd everywhere_{.any = false, .prefixes = {}, .ports = {SL_POLICY_PORT_UNKNOWN}};
    std::map<std::string_view, std::uint16_t> ports_;
    std::map<std::string_view, const PolicyVm*> vms_;
};

ResolvedRule resolve_rule(const PolicyRule& rule, Resolver& resolver) {
    return {
        .name = rule.name,
        .action = *rule.action,
        .source = resolver.end(rule.source),
        .destination = resolver.end(rule.destination),
        .protocols = rule.protocols,
        .ports = rule.ports,
        .source_ports = rule.source_ports,
        .icmp_types = rule.icmp_types,
        .vlans = rule.vlans,
        .source_macs = rule.source_macs,
        .expires = resolver.expiry(rule),
    };
}

}  // namespace

ResolvedPolicy resolve_policy(const PolicyFile& file, const PolicySpec& spec,
                              std::span<const PortSpec> ports) {
    Resolver resolver(file, spec, ports);
    ResolvedPolicy policy;
    for (const auto& rule : file.rules) policy.rules.push_back(resolve_rule(rule, resolver));
    for (const auto& it : file.defaults) {
        ResolvedRule rule;
        rule.action = *it.action;
        const bool in = it.direction == PolicyDirection::in;
        (in ? rule.destination : rule.source) =
            it.subject ? resolver.end({&*it.subject, 1}) : resolver.everywhere();
        (in ? policy.in_defaults : policy.out_defaults).push_back(std::move(rule));
    }
    return policy;
}

}  // namespace sluice
