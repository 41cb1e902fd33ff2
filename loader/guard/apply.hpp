// SPDX-License-Identifier: GPL-2.0-or-later
// Guards: desired state -> sl_guards, sl_guard_prefixes and what sl_port says of them.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>

#include "loader/guard/plan.hpp"
#include "loader/instance/feature.hpp"

namespace sluice {

/// Which entry of sl_guards each port is to turn to.
class PortGuards {
public:
    void choose(std::uint16_t port_id, __u16 index, __u32 checks) {
        chosen_[port_id] = {index, checks};
    }
    /// The port has a guard in the kernel, and should have none.
    void release(std::uint16_t port_id, std::string name) { released_[port_id] = std::move(name); }
    /// Sets PortFields::guard, and SL_PORT_GUARD_EGRESS if need be.
    void complete(std::uint16_t port_id, PortFields& port) const;
    /// Whether the entry of sl_guards will be in use.
    [[nodiscard]] bool uses(__u32 index) const;
    /// Names of ports by id.
    [[nodiscard]] const std::map<std::uint16_t, std::string>& released() const { return released_; }

private:
    struct Chosen {
        __u16 index;
        __u32 checks;
    };
    std::map<std::uint16_t, Chosen> chosen_;
    std::map<std::uint16_t, std::string> released_;
};

/// Writes the guards that are not as they should be into entries that no port uses; it is
/// sl_port.guard that turns a port to them, all at once. Once the ports are turned: removes the
/// prefixes of guards that no port uses any more, and what guards that are gone have learned.
[[nodiscard]] std::unique_ptr<Feature> guard_feature();

/// Entries of sl_guard_prefixes, by the index of their guard.
[[nodiscard]] Result<std::map<__u32, GuardPrefixes>> read_guard_prefixes(const Maps& maps);

}  // namespace sluice
