// SPDX-License-Identifier: GPL-2.0-or-later
// Leases from what is there already: interfaces, bridges, libvirt, a table.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "loader/lease/commands.hpp"

namespace sluice {

/// Somebody who has an address, and where that was read.
struct ImportedMac {
    BindRequest request;
    std::string where;  ///< `vms.csv line 3`, `interface tap0`
};

/// All Ethernet interfaces; the VM has the interface's name. Pinned: they have their addresses
/// whether they send or not.
[[nodiscard]] std::vector<ImportedMac> macs_of_links(const std::vector<Link>& links);

/// What bridges have learned; the VM has the name of the interface it is behind, and as many NICs
/// as there are MACs.
[[nodiscard]] Result<std::vector<ImportedMac>> macs_of_bridges(const std::vector<Link>& links);

/// Domains as `virsh dumpxml` writes them, one or more in a document: name, uuid, and of each
/// interface MAC, target device, VLAN tag and IP addresses. Pinned: a domain keeps its addresses
/// while it is shut off.
/// @param where of the text, for errors
[[nodiscard]] Result<std::vector<ImportedMac>> macs_of_libvirt(std::string_view xml,
                                                               const std::string& where);

/// As `mac export --format csv` writes it: a line of column names (mac and vm must be there; nic,
/// uuid, vlan, port, addresses, pinned may), then one lease a line. Addresses are separated by
/// spaces; pinned is yes or no.
[[nodiscard]] Result<std::vector<ImportedMac>> macs_of_csv(std::string_view text,
                                                           const std::string& where);

struct Clash {
    ImportedMac mac;
    std::string reason;
};
struct ImportOutcome {
    std::size_t imported = 0;
    std::size_t unchanged = 0;  ///< the same VM had the same address already
    std::vector<Clash> clashes;
    Outcome outcome;
};

/// Clashes with leases that are there, and among what is imported, are all found.
/// @param skip_clashes import the others; else nothing is imported if there is one (refused, with
/// all of them in the message)
[[nodiscard]] Result<ImportOutcome> import_macs(const Target& target,
                                                const std::vector<ImportedMac>& macs,
                                                bool skip_clashes);

enum class ExportFormat : std::uint8_t { dnsmasq, libvirt, csv, json };
[[nodiscard]] Result<ExportFormat> parse_export_format(std::string_view text);

/// Writes leases in a text format; dnsmasq's and CSV in the order given, libvirt's by VMs and NICs.
[[nodiscard]] std::string export_text(ExportFormat format, std::vector<Lease> leases);

}  // namespace sluice
