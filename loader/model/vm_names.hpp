// SPDX-License-Identifier: GPL-2.0-or-later
// Which VM it is that sends, as the leases of a port say.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "sluice/model/state.hpp"

namespace sluice {

/// Immutable; what it returns lives as long as it does.
class VmNames {
public:
    VmNames() = default;
    explicit VmNames(const DesiredState& desired);

    /// The one VM that has leases at the port; empty: none has, or several.
    [[nodiscard]] std::string_view at(std::string_view port) const;
    /// The VM that has the address at the port; else as at().
    [[nodiscard]] std::string_view of(std::string_view port, const MacAddress& mac) const;
    [[nodiscard]] std::string_view of(std::string_view port, const Address& address) const;

private:
    std::map<std::string, std::vector<PortLease>, std::less<>> leases_;  ///< by port
};

}  // namespace sluice
