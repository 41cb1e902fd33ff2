// SPDX-License-Identifier: GPL-2.0-or-later
// A database in a folder of the test's own, and what is put into it.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "loader/instance/database.hpp"
#include "tests/unit/temporary_folder.hpp"

namespace sluice {

class DatabaseTest : public testing::Test {
protected:
    [[nodiscard]] std::filesystem::path folder() const { return temporary_.path() / "blue"; }
    [[nodiscard]] Database create() const { return std::move(*Database::create(folder())); }
    [[nodiscard]] DesiredState stored() const {
        const auto database = Database::open_read_only(folder());
        return database ? database->load().value_or(DesiredState{}) : DesiredState{};
    }

    TemporaryFolder temporary_;
};

inline PortSpec port(const std::string& name) {
    PortSpec spec;
    spec.name = name;
    return spec;
}

inline MasqueradeSpec masquerade(const std::string& source, const std::string& uplink) {
    MasqueradeSpec rule;
    rule.source = *Prefix::parse(source);
    rule.uplink = uplink;
    return rule;
}

inline ForwardSpec forward(std::uint8_t protocol, const std::string& external,
                           const std::string& internal) {
    return {protocol, *Endpoint::parse(external), *Endpoint::parse(internal)};
}

}  // namespace sluice
