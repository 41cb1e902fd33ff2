// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/policy/store.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <sstream>

#include "loader/store/stored.hpp"

namespace sluice {
namespace {

Result<> load_vm_addresses(const Connection& connection, std::int64_t lease, PolicyVm& vm) {
    SL_TRY(row, connection.prepare("SELECT address FROM lease_address WHERE lease = ?"));
    row.bind(lease);
    return row.each_row([&]() -> Result<> {
        SL_TRY(address, stored(Address::parse(row.text(0))));
        vm.addresses.push_back(address);
        return {};
    });
}

template <class Value>
void sort_unique(std::vector<Value>& values) {
    std::ranges::sort(values);
    const auto rest = std::ranges::unique(values);
    values.erase(rest.begin(), rest.end());
}

std::vector<std::string> split_lines(const std::string& text) {
    std::vector<std::string> lines;
    std::istringstream stream(text);
    for (std::string line; std::getline(stream, line);) lines.push_back(line);
    return lines;
}

}  // namespace

Result<PolicyVm> load_policy_vm(const Connection& connection, std::string_view name) {
    PolicyVm vm{.name = std::string(name), .addresses = {}, .ports = {}};
    SL_TRY(row,
           connection.prepare("SELECT id, port, standby FROM lease WHERE vm = ? AND released = 0"));
    row.bind(name);
    SL_CHECK(row.each_row([&]() -> Result<> {
        for (const auto& port : {row.text(1), row.text(2)})
            if (!port.empty()) vm.ports.push_back(port);
        return load_vm_addresses(connection, row.integer(0), vm);
    }));
    sort_unique(vm.addresses);
    sort_unique(vm.ports);
    return vm;
}

Result<bool> vm_has_lease(const Connection& connection, std::string_view name) {
    SL_TRY(row, connection.prepare("SELECT 1 FROM lease WHERE vm = ? AND released = 0"));
    return row.bind(name).step();
}

Result<std::optional<PolicySpec>> load_policy(const Connection& connection) {
    SL_TRY(row, connection.prepare("SELECT text, name, loaded, rules FROM policy"));
    SL_TRY(found, row.step());
    if (!found) return std::nullopt;
    PolicySpec spec{.text = row.text(0),
                    .name = row.text(1),
                    .loaded = row.integer(2),
                    .rules = split_lines(row.text(3)),
                    .vms = {}};
    SL_TRY(name, connection.prepare("SELECT vm FROM policy_vm ORDER BY vm"));
    SL_CHECK(name.each_row([&]() -> Result<> {
        SL_TRY(vm, load_policy_vm(connection, name.text(0)));
        spec.vms.push_back(std::move(vm));
        return {};
    }));
    return spec;
}

Result<> put_policy(const Connection& connection, const PolicySpec& spec) {
    SL_TRY(transaction, Transaction::nested(connection));
    SL_CHECK(erase_policy(connection));
    SL_CHECK(connection.run("INSERT INTO policy VALUES (0, ?, ?, ?, ?)", spec.name, spec.text,
                            spec.loaded, fmt::format("{}", fmt::join(spec.rules, "\n"))));
    for (const auto& vm : spec.vms)
        SL_CHECK(connection.run("INSERT INTO policy_vm VALUES (?)", vm.name));
    return transaction.commit();
}

Result<bool> erase_policy(const Connection& connection) {
    SL_CHECK(connection.run("DELETE FROM policy_vm"));
    SL_TRY(rows, connection.run("DELETE FROM policy"));
    return rows != 0;
}

}  // namespace sluice
