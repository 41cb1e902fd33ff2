// SPDX-License-Identifier: GPL-2.0-or-later
// Leases and pools as they are.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "loader/lease/commands.hpp"

namespace sluice {
namespace {

/// What readers look into. Nothing is locked: each answer is one state of the database, and the
/// wire's beside it.
class LeaseReader {
public:
    static Result<LeaseReader> open(const Target& target) {
        SL_TRY(instance, open_instance(target));
        LeaseReader reader(std::move(instance));
        SL_TRY(pools, reader.store_.pools());
        reader.pools_ = pools;
        return reader;
    }

    LeaseStore& store() { return store_; }
    [[nodiscard]] const std::vector<MacPool>& pools() const { return pools_; }

    [[nodiscard]] Result<LeaseStatus> status(const Lease& lease) const {
        LeaseStatus status{.lease = lease, .pool = {}, .seen = {}, .seen_port = {}};
        const auto* pool = pool_of(pools_, lease.domain, lease.mac);
        if (pool != nullptr) status.pool = pool->name;
        if (instance_->datapath && lease.held()) {
            const auto key = lease_key(lease.domain, lease.mac);
            SL_TRY(seen, instance_->datapath->maps().leases.lookup(key));
            status.seen = seen;
        }
        if (status.seen) {
            status.silent = silence(*status.seen, clock_);
            status.seen_port = port_name(status.seen->seen_port);
        }
        status.state = state_of(lease, pool, status.seen, clock_);
        return status;
    }

    [[nodiscard]] Result<MacPoolStatus> pool_status(const MacPool& pool) {
        MacPoolStatus status{.pool = pool, .usable = usable_macs(pool.range), .states = {}};
        SL_TRY(held, store_.count(pool.domain, pool.range, true));
        SL_TRY(released, store_.count(pool.domain, pool.range, false));
        status.held = held;
        status.released = released;
        status.free = status.usable - std::min(status.usable, held + released);
        return status;
    }

private:
    explicit LeaseReader(Opened instance)
        : instance_(std::make_unique<Opened>(std::move(instance))),
          store_(instance_->database.connection()) {}

    [[nodiscard]] std::string port_name(std::uint16_t id) const {
        const auto& ports = instance_->desired.ports;
        const auto found = std::ranges::find(ports, id, &PortSpec::id);
        return found == ports.end() ? "" : found->name;
    }

    std::unique_ptr<Opened> instance_;  // stays where it is: the store refers to its database
    LeaseStore store_;
    std::vector<MacPool> pools_;
    LeaseClock clock_ = LeaseClock::now();
};

using LeasePredicate = LeaseFilter::Predicate;

/// A key that compares a text as it is.
LeaseFilter::Key text_key(std::string_view name, std::string_view value, std::string_view meaning,
                          const std::function<std::string(const LeaseStatus&)>& of) {
    return {name, value, meaning, [of](std::string_view wanted) -> Result<LeasePredicate> {
                return [of, text = std::string(wanted)](const LeaseStatus& it) {
                    return of(it) == text;
                };
            }};
}

Result<LeasePredicate> parse_address_term(std::string_view text) {
    SL_TRY(prefix, Prefix::parse(text));
    return [prefix](const LeaseStatus& it) {
        return std::ranges::any_of(it.lease.addresses,
                                   [&](const Address& own) { return prefix.contains(own); });
    };
}

Result<LeasePredicate> parse_state_term(std::string_view text) {
    for (const auto state : {LeaseState::reserved, LeaseState::active, LeaseState::migrating,
                             LeaseState::quarantine, LeaseState::free})
        if (lease_state_text(state) == text)
            return [state](const LeaseStatus& it) { return it.state == state; };
    return fail(ErrorCode::usage, "no such state", "reserved, active, migrating, quarantine, free");
}

const std::vector<LeaseFilter::Key>& filter_keys() {
    static const std::vector<LeaseFilter::Key> keys{
        text_key("vm", "NAME", "the VM", [](const LeaseStatus& it) { return it.lease.vm; }),
        text_key("pool", "NAME", "the pool", [](const LeaseStatus& it) { return it.pool; }),
        text_key("mac", "MAC", "the address",
                 [](const LeaseStatus& it) { return it.lease.mac.text(); }),
        text_key("port", "IF", "the port it is bound to",
                 [](const LeaseStatus& it) { return it.lease.port; }),
        text_key("seen", "IF", "the port it was seen on last",
                 [](const LeaseStatus& it) { return it.seen_port; }),
        text_key("vlan", "N", "the L2 domain; 0 = none",
                 [](const LeaseStatus& it) { return std::to_string(it.lease.domain); }),
        {"ip", "CIDR", "an IP address of it", parse_address_term},
        {"state", "STATE", "reserved, active, migrating, quarantine, free", parse_state_term},
    };
    return keys;
}

}  // namespace

Result<LeaseFilter> parse_lease_filter(std::span<const std::string> terms) {
    return LeaseFilter::parse(filter_keys(), terms);
}

std::string lease_filter_help() { return LeaseFilter::help(filter_keys()); }

Result<> for_each_lease(const Target& target, const LeaseFilter& filter,
                        const LeaseVisitor& visit) {
    SL_TRY(reader, LeaseReader::open(target));
    return reader.store().each([&](const Lease& lease) -> Result<bool> {
        SL_TRY(status, reader.status(lease));
        return !filter.matches(status) || visit(status);
    });
}

Result<std::vector<LeaseStatus>> show_leases(const Target& target, const std::string& name) {
    SL_TRY(reader, LeaseReader::open(target));
    const auto mac = MacAddress::parse(name);
    SL_TRY(leases, mac ? reader.store().with_mac(*mac) : reader.store().of_vm(name, true));
    if (leases.empty() && !mac) {
        SL_TRY(released, reader.store().of_vm(name, false));
        leases = released;
    }
    if (leases.empty())
        return fail(ErrorCode::not_found, fmt::format("{} has no lease", name),
                    "`sluice mac list` shows the leases");
    std::vector<LeaseStatus> shown;
    for (const auto& lease : leases) {
        SL_TRY(status, reader.status(lease));
        shown.push_back(std::move(status));
    }
    return shown;
}

Result<std::vector<MacPoolStatus>> list_mac_pools(const Target& target) {
    SL_TRY(reader, LeaseReader::open(target));
    std::vector<MacPoolStatus> pools;
    for (const auto& pool : reader.pools()) {
        SL_TRY(status, reader.pool_status(pool));
        pools.push_back(std::move(status));
    }
    return pools;
}

Result<MacPoolStatus> show_mac_pool(const Target& target, const std::string& name) {
    SL_TRY(reader, LeaseReader::open(target));
    const auto pool = std::ranges::find(reader.pools(), name, &MacPool::name);
    if (pool == reader.pools().end())
        return fail(ErrorCode::not_found, fmt::format("there is no MAC pool {}", name),
                    "`sluice mac pool list` shows the pools");
    SL_TRY(status, reader.pool_status(*pool));
    SL_CHECK(
        reader.store().each_in(pool->domain, pool->range, [&](const Lease& lease) -> Result<bool> {
            SL_TRY(it, reader.status(lease));
            ++status.states[it.state];
            return true;
        }));
    return status;
}

Result<std::optional<DhcpSettings>> show_dhcp(const Target& target) {
    SL_TRY(reader, LeaseReader::open(target));
    return reader.store().dhcp();
}

}  // namespace sluice
