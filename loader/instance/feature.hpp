// SPDX-License-Identifier: GPL-2.0-or-later
// What every feature of an instance does when its turn comes: the rooms above this one are called
// through this list, so that whoever changes or looks at an instance knows none of them.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "loader/instance/host.hpp"
#include "loader/instance/journal.hpp"
#include "loader/kernel/datapath.hpp"
#include "loader/store/found.hpp"
#include "sluice/model/state.hpp"

namespace sluice {

class Feature;
using Features = std::vector<std::unique_ptr<Feature>>;

/// What a feature adds to a port's entry in sl_ports.
struct PortFields {
    __u16 flags = 0;  ///< enum sl_port_flag
    __u16 guard = 0;  ///< index into sl_guards
    __u16 qos = 0;    ///< enum sl_qos_flag
};

/// One round of making the kernel what the desired state says.
struct Round {
    const Features& features;
    const Datapath& datapath;
    const DesiredState& desired;
    const Connection& rows;  ///< what of the desired state is too large to be loaded
    Host host;               ///< read anew when a feature has made interfaces
    const FoundInterfaces& found;
    Journal& journal;
    bool thorough = false;                      ///< after a killed writer: what no diff shows, too
    std::map<std::uint16_t, PortFields> ports;  ///< by port id, complete when ports are applied
};

/// What is to be taken out of the kernel.
struct Removal {
    const std::string& instance;
    const DesiredState& desired;
    const Host& host;
    Journal& journal;
    bool for_good = true;  ///< false: it is about to be made anew, and stays shut until then
};

/// Objects live for one round, or one removal, and may remember what prepare() found for clean().
class Feature {
public:
    virtual ~Feature() = default;

    /// Reads the feature's part of the desired state.
    [[nodiscard]] virtual Result<> load(const Connection& /*rows*/, DesiredState& /*state*/) const {
        return {};
    }

    /// Makes what a port must find when it turns to it. Idempotent: what is right is left alone.
    [[nodiscard]] virtual Result<> prepare(Round& /*round*/) { return {}; }

    /// Removes what no port turns to any more; called in reverse order.
    [[nodiscard]] virtual Result<> clean(Round& /*round*/) { return {}; }

    /// Forgets what the datapath keeps of a port whose id is about to be used again.
    [[nodiscard]] virtual Result<> forget_port(const Maps& /*maps*/, std::uint16_t /*id*/) const {
        return {};
    }

    /// Lets nothing in any more, before anything of the instance is taken away.
    [[nodiscard]] virtual Result<> shut(const Removal& /*removal*/) { return {}; }

    /// Removes what it made outside the maps, which are gone by then; called in reverse order.
    [[nodiscard]] virtual Result<> remove(const Removal& /*removal*/) { return {}; }

    /// Whether sessions are to be decided anew after it has changed something.
    [[nodiscard]] virtual bool decides_sessions() const { return true; }
};

/// In the order in which a packet must find them. Defined in loader/features.cpp, which alone knows
/// all rooms.
[[nodiscard]] Features features();

}  // namespace sluice
