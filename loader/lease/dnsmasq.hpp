// SPDX-License-Identifier: GPL-2.0-or-later
// dnsmasq hands out the addresses of leases: sluice keeps its dhcp-hostsfile and tells it to read
// that again.
#pragma once

#include <memory>
#include <string>

#include "loader/instance/feature.hpp"
#include "loader/lease/store.hpp"

namespace sluice {

/// One line of a dhcp-hostsfile: `MAC,IPv4,[IPv6],name`; the name is left out if it is no host
/// name (RFC 1123 section 2.1), and of NIC 1 on is VM-NIC. Ends with a newline.
[[nodiscard]] std::string hosts_line(const Lease& lease);

/// Errors: usage (not absolute), refused (no such folder, or there is a file that is not ours).
[[nodiscard]] Result<> check_dhcp(const DhcpSettings& settings);

/// Writes the file of all leases with addresses, if that is wanted, in one step (rename).
/// @return whether it differs from what was there
[[nodiscard]] Result<bool> write_hosts_file(LeaseStore& store, Journal& journal);

/// A file that is not there is not an error.
[[nodiscard]] Result<> remove_hosts_file(const DhcpSettings& settings);

/// Writes the file in a thorough round; otherwise whoever changes leases does.
[[nodiscard]] std::unique_ptr<Feature> dnsmasq_feature();

/// SIGHUP to dnsmasq. That it does not run is a warning: it reads the file when it starts.
[[nodiscard]] Result<> tell_dnsmasq(LeaseStore& store, Journal& journal);

}  // namespace sluice
