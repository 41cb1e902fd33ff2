// SPDX-License-Identifier: GPL-2.0-or-later
// Leases in the formats of others: CSV, libvirt's domain XML
// (https://libvirt.org/formatdomain.html), dnsmasq's dhcp-hostsfile.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <pugixml.hpp>
#include <sstream>

#include "loader/lease/dnsmasq.hpp"
#include "loader/lease/import.hpp"

namespace sluice {
namespace {

constexpr std::string_view csv_heading = "mac,vm,nic,uuid,vlan,port,addresses,pinned";

std::vector<std::string> split(std::string_view line, char separator) {
    std::vector<std::string> parts;
    std::istringstream stream{std::string(line)};
    for (std::string part; std::getline(stream, part, separator);) {
        const auto first = part.find_first_not_of(" \t\r");
        const auto last = part.find_last_not_of(" \t\r");
        parts.push_back(first == part.npos ? "" : part.substr(first, last - first + 1));
    }
    return parts;
}

Result<std::uint16_t> parse_field(std::string_view text, std::string_view what) {
    std::uint16_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (text.empty() || error != std::errc() || end != text.data() + text.size())
        return fail(ErrorCode::usage, fmt::format("`{}` is not a {}", text, what));
    return number;
}

using Setter = Result<> (*)(ImportedMac&, const std::string&);

Result<> set_mac(ImportedMac& mac, const std::string& text) {
    SL_TRY(address, MacAddress::parse(text));
    mac.request.mac = address;
    return {};
}
Result<> set_vm(ImportedMac& mac, const std::string& text) {
    mac.request.who.vm = text;
    return {};
}
Result<> set_nic(ImportedMac& mac, const std::string& text) {
    if (text.empty()) return {};
    SL_TRY(nic, parse_field(text, "NIC"));
    mac.request.who.nic = nic;
    return {};
}
Result<> set_uuid(ImportedMac& mac, const std::string& text) {
    if (text.empty()) return {};
    SL_TRY(uuid, parse_uuid(text));
    mac.request.who.uuid = uuid;
    return {};
}
Result<> set_vlan(ImportedMac& mac, const std::string& text) {
    if (text.empty()) return {};
    SL_TRY(vlan, parse_field(text, "VLAN id"));
    mac.request.domain = vlan;
    return {};
}
Result<> set_port(ImportedMac& mac, const std::string& text) {
    mac.request.who.port = text;
    return {};
}
Result<> set_addresses(ImportedMac& mac, const std::string& text) {
    for (const auto& part : split(text, ' ')) {
        if (part.empty()) continue;
        SL_TRY(address, Address::parse(part));
        mac.request.who.addresses.push_back(address);
    }
    return {};
}
Result<> set_pinned(ImportedMac& mac, const std::string& text) {
    if (text != "yes" && text != "no" && !text.empty())
        return fail(ErrorCode::usage, fmt::format("pinned is yes or no, not `{}`", text));
    mac.request.who.pin = text == "yes";
    return {};
}

Result<Setter> setter_of(std::string_view column) {
    static constexpr std::array<std::pair<std::string_view, Setter>, 8> setters{{
        {"mac", set_mac},
        {"vm", set_vm},
        {"nic", set_nic},
        {"uuid", set_uuid},
        {"vlan", set_vlan},
        {"port", set_port},
        {"addresses", set_addresses},
        {"pinned", set_pinned},
    }};
    for (const auto& [name, setter] : setters)
        if (name == column) return setter;
    return fail(ErrorCode::usage, fmt::format("unknown column `{}`", column),
                fmt::format("the first line names the columns: {}", csv_heading));
}

Result<std::vector<Setter>> parse_heading(std::string_view line) {
    const auto names = split(line, ',');
    for (const auto* needed : {"mac", "vm"})
        if (std::ranges::find(names, needed) == names.end())
            return fail(ErrorCode::usage, fmt::format("missing column `{}`", needed),
                        fmt::format("the first line names the columns: {}", csv_heading));
    std::vector<Setter> setters;
    for (const auto& name : names) {
        SL_TRY(setter, setter_of(name));
        setters.push_back(setter);
    }
    return setters;
}

Result<ImportedMac> parse_line(const std::vector<Setter>& columns, std::string_view line,
                               const std::string& where) {
    ImportedMac mac{.request = {}, .where = where};
    const auto cells = split(line, ',');
    if (cells.size() > columns.size())
        return fail(ErrorCode::usage, "there are more cells than columns");
    for (std::size_t i = 0; i < cells.size(); ++i) SL_CHECK(columns[i](mac, cells[i]));
    return mac;
}

Result<ImportedMac> read_interface(const pugi::xml_node& interface, const std::string& where) {
    ImportedMac mac{.request = {}, .where = where};
    SL_CHECK(set_mac(mac, interface.child("mac").attribute("address").value()));
    SL_CHECK(set_port(mac, interface.child("target").attribute("dev").value()));
    SL_CHECK(set_vlan(mac, interface.child("vlan").child("tag").attribute("id").value()));
    for (const auto& ip : interface.children("ip"))
        SL_CHECK(set_addresses(mac, ip.attribute("address").value()));
    mac.request.who.pin = true;
    return mac;
}

Result<> read_domain(const pugi::xml_node& domain, const std::string& where,
                     std::vector<ImportedMac>& macs) {
    const std::string name = domain.child_value("name");
    std::uint16_t nic = 0;
    for (const auto& interface : domain.child("devices").children("interface")) {
        const auto at = fmt::format("{}, interface {} of {}", where, nic, name);
        auto mac = read_interface(interface, at);
        if (mac)
            if (auto uuid = set_uuid(*mac, domain.child_value("uuid")); !uuid)
                mac = std::unexpected(uuid.error());
        if (!mac) return fail(mac.error().code, at + ": " + mac.error().message, mac.error().hint);
        mac->request.who.vm = name;
        mac->request.who.nic = nic++;
        macs.push_back(std::move(*mac));
    }
    return {};
}

std::string csv_line(const Lease& lease) {
    std::vector<std::string> addresses;
    addresses.reserve(lease.addresses.size());
    for (const auto& address : lease.addresses) addresses.push_back(address.text());
    return fmt::format("{},{},{},{},{},{},{},{}\n", lease.mac.text(), lease.vm, lease.nic,
                       lease.uuid, lease.domain, lease.port, fmt::join(addresses, " "),
                       lease.pinned ? "yes" : "no");
}

/// Names and addresses have no characters that XML would want to be escaped.
std::string libvirt_interface(const Lease& lease) {
    auto xml = fmt::format("    <interface type='ethernet'>\n      <mac address='{}'/>\n",
                           lease.mac.text());
    if (!lease.port.empty())
        xml += fmt::format("      <target dev='{}' managed='no'/>\n", lease.port);
    if (lease.domain != 0) xml += fmt::format("      <vlan><tag id='{}'/></vlan>\n", lease.domain);
    for (const auto& address : lease.addresses)
        xml += fmt::format("      <ip family='{}' address='{}'/>\n",
                           address.is_v4() ? "ipv4" : "ipv6", address.text());
    return xml + "    </interface>\n";
}

std::string libvirt_domains(std::vector<Lease> leases) {
    std::ranges::sort(leases, {}, [](const Lease& it) { return std::tie(it.vm, it.nic); });
    std::string xml = "<domains>\n";
    for (auto it = leases.begin(); it != leases.end();) {
        xml += fmt::format("<domain>\n  <name>{}</name>\n", it->vm);
        if (!it->uuid.empty()) xml += fmt::format("  <uuid>{}</uuid>\n", it->uuid);
        xml += "  <devices>\n";
        for (const auto vm = it->vm; it != leases.end() && it->vm == vm; ++it)
            xml += libvirt_interface(*it);
        xml += "  </devices>\n</domain>\n";
    }
    return xml + "</domains>\n";
}

}  // namespace

Result<std::vector<ImportedMac>> macs_of_csv(std::string_view text, const std::string& where) {
    std::istringstream lines{std::string(text)};
    std::vector<ImportedMac> macs;
    std::optional<std::vector<Setter>> columns;
    std::string line;
    for (int number = 1; std::getline(lines, line); ++number) {
        if (line.find_first_not_of(" \t\r") == line.npos || line.starts_with('#')) continue;
        const auto at = fmt::format("{} line {}", where, number);
        const auto failed = [&](const Error& error) {
            return fail(error.code, at + ": " + error.message, error.hint);
        };
        if (!columns) {
            auto heading = parse_heading(line);
            if (!heading) return failed(heading.error());
            columns = std::move(*heading);
            continue;
        }
        auto mac = parse_line(*columns, line, at);
        if (!mac) return failed(mac.error());
        macs.push_back(std::move(*mac));
    }
    return macs;
}

Result<std::vector<ImportedMac>> macs_of_libvirt(std::string_view xml, const std::string& where) {
    pugi::xml_document document;
    const auto parsed = document.load_buffer(xml.data(), xml.size());
    if (!parsed)
        return fail(ErrorCode::usage,
                    fmt::format("{}, byte {}: {}", where, parsed.offset, parsed.description()),
                    "give what `virsh dumpxml VM` writes");
    std::vector<ImportedMac> macs;
    const pugi::xml_node& root = document;
    const auto list = root.child("domains");
    const auto domains = list ? list : root;
    for (const auto& domain : domains.children("domain"))
        SL_CHECK(read_domain(domain, where, macs));
    if (!domains.child("domain"))
        return fail(ErrorCode::usage, fmt::format("{}: there is no <domain> in it", where),
                    "give what `virsh dumpxml VM` writes");
    return macs;
}

Result<ExportFormat> parse_export_format(std::string_view text) {
    if (text == "dnsmasq") return ExportFormat::dnsmasq;
    if (text == "libvirt") return ExportFormat::libvirt;
    if (text == "csv") return ExportFormat::csv;
    if (text == "json") return ExportFormat::json;
    return fail(ErrorCode::usage, fmt::format("`{}` is not a format", text),
                "it is one of dnsmasq, libvirt, csv, json");
}

std::string export_text(ExportFormat format, std::vector<Lease> leases) {
    if (format == ExportFormat::libvirt) return libvirt_domains(std::move(leases));
    const bool csv = format == ExportFormat::csv;
    std::string text = csv ? fmt::format("{}\n", csv_heading) : "";
    for (const auto& lease : leases) text += csv ? csv_line(lease) : hosts_line(lease);
    return text;
}

}  // namespace sluice
