// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/model/vm_names.hpp"

#include <algorithm>

namespace sluice {

VmNames::VmNames(const DesiredState& desired) {
    for (const auto& lease : desired.port_leases) leases_[lease.port].push_back(lease);
}

std::string_view VmNames::at(std::string_view port) const {
    const auto leases = leases_.find(port);
    if (leases == leases_.end()) return "";
    const auto& vm = leases->second.front().vm;
    const auto is_it = [&](const PortLease& lease) { return lease.vm == vm; };
    return std::ranges::all_of(leases->second, is_it) ? std::string_view(vm) : "";
}

std::string_view VmNames::of(std::string_view port, const MacAddress& mac) const {
    const auto leases = leases_.find(port);
    if (leases == leases_.end()) return "";
    const auto lease = std::ranges::find(leases->second, mac, &PortLease::mac);
    return lease == leases->second.end() ? at(port) : lease->vm;
}

std::string_view VmNames::of(std::string_view port, const Address& address) const {
    const auto leases = leases_.find(port);
    if (leases == leases_.end()) return "";
    const auto has_it = [&](const PortLease& lease) {
        return std::ranges::find(lease.addresses, address) != lease.addresses.end();
    };
    const auto lease = std::ranges::find_if(leases->second, has_it);
    return lease == leases->second.end() ? at(port) : lease->vm;
}

}  // namespace sluice
