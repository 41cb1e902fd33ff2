// SPDX-License-Identifier: GPL-2.0-or-later
// MAC pools and leases in state.db. Leases are no part of Database::load(): there may be a million.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "loader/model/lease.hpp"
#include "loader/store/sqlite.hpp"
#include "sluice/model/lease.hpp"

namespace sluice {

/// For Database::load(): the leases that name a port, twice those that also wait at another one.
[[nodiscard]] Result<std::vector<PortLease>> load_port_leases(const Connection& connection);
[[nodiscard]] Result<bool> any_leases_or_pools(const Connection& connection);

/// Where dnsmasq reads its hosts from, and who is to be told.
struct DhcpSettings {
    std::string hosts_file;  ///< absolute path
    std::string pid_file;    ///< absolute path; empty = nobody is told
    bool operator==(const DhcpSettings&) const = default;
};

/// Not thread-safe; works inside the connection's transaction. Whether a change makes sense is
/// its caller's to check; that no address is held twice in one L2 domain, the tables see to.
class LeaseStore {
public:
    explicit LeaseStore(const Connection& connection) : connection_(&connection) {}

    [[nodiscard]] Result<std::vector<MacPool>> pools();  ///< by name
    [[nodiscard]] Result<> add_pool(const MacPool& pool);
    /// Removes what is left of released leases in it, too.
    [[nodiscard]] Result<> remove_pool(const MacPool& pool);
    /// Sequential: where the next search begins.
    [[nodiscard]] Result<> set_next(const MacPool& pool, std::uint64_t next);

    [[nodiscard]] Result<std::optional<Lease>> find(std::uint16_t domain, const MacAddress& mac);
    /// Finds it in whatever L2 domain. Reads all leases.
    [[nodiscard]] Result<std::vector<Lease>> with_mac(const MacAddress& mac);
    /// All of a VM, by name, the held ones or those released; by NIC, the newest first.
    [[nodiscard]] Result<std::vector<Lease>> of_vm(std::string_view vm, bool held);
    /// The same by UUID.
    [[nodiscard]] Result<std::vector<Lease>> of_uuid(std::string_view uuid, bool held);
    /// The one that has the address, held or not.
    [[nodiscard]] Result<std::optional<Lease>> with_address(std::uint16_t domain,
                                                            const Address& address);

    /// The first number of the range, from `from` on and then round, that no lease has, held or
    /// not. Reads as many rows as stand before it in sequence.
    [[nodiscard]] Result<std::optional<std::uint64_t>> first_gap(std::uint16_t domain,
                                                                 const MacRange& range,
                                                                 std::uint64_t from);

    using Visitor = std::function<Result<bool>(const Lease&)>;  ///< false stops the walk
    /// Visits them in the order of domains and MACs. The visitor must not change leases.
    [[nodiscard]] Result<> each(const Visitor& visit);
    [[nodiscard]] Result<> each_in(std::uint16_t domain, const MacRange& range,
                                   const Visitor& visit);
    [[nodiscard]] Result<> each_with_addresses(const Visitor& visit);  ///< held ones
    /// Leases of a range. @param held or else the released ones
    [[nodiscard]] Result<std::uint64_t> count(std::uint16_t domain, const MacRange& range,
                                              bool held);

    /// Inserts, or replaces the row with this id, and its addresses.
    /// Errors: refused (MAC, NIC or address taken meanwhile; callers check first).
    [[nodiscard]] Result<> put(Lease& lease);
    [[nodiscard]] Result<> erase(const Lease& lease);

    [[nodiscard]] Result<std::optional<DhcpSettings>> dhcp();
    [[nodiscard]] Result<> set_dhcp(const std::optional<DhcpSettings>& settings);

private:
    [[nodiscard]] Result<Statement*> prepared(const char* sql);
    [[nodiscard]] Result<std::vector<Lease>> collect(Statement& rows);
    [[nodiscard]] Result<Lease> read(const Statement& row);
    [[nodiscard]] Result<> walk(Statement& rows, const Visitor& visit);
    [[nodiscard]] Result<std::optional<std::uint64_t>> gap_between(std::uint16_t domain,
                                                                   std::uint64_t first,
                                                                   std::uint64_t last);
    [[nodiscard]] Result<> put_addresses(const Lease& lease);

    const Connection* connection_;
    /// Kept for a million calls; keyed by the literal's address.
    std::map<const char*, Statement> statements_;
};

}  // namespace sluice
