// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/lease/import.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <sstream>

#include "loader/kernel/fdb.hpp"

namespace sluice {
namespace {

std::string text(const Clash& clash) {
    const auto& [who, mac, domain, standby] = clash.mac.request;
    return fmt::format("{}: {} for {} NIC {}: {}", clash.mac.where, mac.text(), who.vm, who.nic,
                       clash.reason);
}

Error refusal(const std::vector<Clash>& clashes) {
    auto message = fmt::format("nothing was imported, for there are clashes ({}):", clashes.size());
    for (const auto& clash : clashes) message += "\n  " + text(clash);
    return {ErrorCode::refused, message, "--skip-clashes imports the others"};
}

/// What is wrong with one of them; none: it is imported. Errors that are no clash end the import.
Result<std::optional<std::string>> import_one(LeaseChange& change, const ImportedMac& mac) {
    SL_TRY(savepoint, Transaction::nested(change.database.connection()));
    const auto& request = mac.request;
    auto done = check_request(request.who);
    if (done) done = check_vlan_id(request.domain);
    if (done) {
        auto lease = bind(change, request.who, request.domain, request.mac, false);
        if (!lease) done = std::unexpected(lease.error());
    }
    if (done) {
        SL_CHECK(savepoint.commit());
        return std::nullopt;
    }
    SL_CHECK(savepoint.rollback());
    if (done.error().code == ErrorCode::refused || done.error().code == ErrorCode::usage)
        return done.error().message;
    return std::unexpected(done.error());
}

bool is_held_by(const std::optional<Lease>& lease, const LeaseRequest& who) {
    return lease && lease->held() && lease->vm == who.vm && lease->nic == who.nic &&
           (who.uuid.empty() || lease->uuid == who.uuid);
}

}  // namespace

std::vector<ImportedMac> macs_of_links(const std::vector<Link>& links) {
    std::vector<ImportedMac> macs;
    for (const auto& link : links) {
        if (!link.ethernet || !is_unicast(link.mac)) continue;
        ImportedMac mac{.request = {}, .where = "interface " + link.name};
        mac.request.mac = link.mac;
        mac.request.who.vm = link.name;
        mac.request.who.pin = true;
        macs.push_back(std::move(mac));
    }
    return macs;
}

Result<std::vector<ImportedMac>> macs_of_bridges(const std::vector<Link>& links) {
    SL_TRY(entries, list_fdb());
    std::map<std::uint32_t, std::uint16_t> nics;  // MACs of each interface so far
    std::vector<ImportedMac> macs;
    for (const auto& entry : entries) {
        const auto link = std::ranges::find(links, entry.ifindex, &Link::ifindex);
        if (link == links.end() || !is_unicast(entry.mac)) continue;
        ImportedMac mac{
            .request = {},
            .where = fmt::format("bridge {}, interface {}", link->master_name, link->name)};
        mac.request.mac = entry.mac;
        mac.request.who.vm = link->name;
        mac.request.who.nic = nics[entry.ifindex]++;
        macs.push_back(std::move(mac));
    }
    return macs;
}

Result<ImportOutcome> import_macs(const Target& target, const std::vector<ImportedMac>& macs,
                                  bool skip_clashes) {
    ImportOutcome result;
    SL_TRY(outcome, change_leases(target, [&](LeaseChange& change) -> Result<> {
               for (const auto& mac : macs) {
                   const auto& [who, address, domain, standby] = mac.request;
                   SL_TRY(there, change.store.find(domain, address));
                   if (is_held_by(there, who)) {
                       ++result.unchanged;
                       continue;
                   }
                   SL_TRY(reason, import_one(change, mac));
                   if (reason)
                       result.clashes.push_back({mac, *reason});
                   else
                       ++result.imported;
               }
               if (!result.clashes.empty() && !skip_clashes)
                   return std::unexpected(refusal(result.clashes));
               for (const auto& clash : result.clashes)
                   change.journal.warn("left out: " + text(clash));
               return change.journal.step(fmt::format("import {} leases", result.imported),
                                          [] { return Result<>{}; });
           }));
    result.outcome = outcome;
    return result;
}

}  // namespace sluice
