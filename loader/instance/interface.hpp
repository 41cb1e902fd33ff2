// SPDX-License-Identifier: GPL-2.0-or-later
// What sluice does to an interface, and how it is taken back.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "loader/instance/host.hpp"
#include "loader/kernel/bpffs.hpp"
#include "loader/store/found.hpp"

namespace sluice {

/// What the host did with packets that entered by an interface, before sluice touched it.
struct HostForwarding {
    bool v4 = false, v6 = false;
    bool takes_routes = false;  ///< from router advertisements
};
[[nodiscard]] Result<HostForwarding> host_forwarding(const FoundInterfaces& found,
                                                     const Link& link);

/// A sysctl that is to have another value.
struct SysctlChange {
    std::string path;  ///< below /proc/sys
    std::string value;
};

/// What the host must allow so that bpf_fib_lookup() answers for packets that enter by the
/// interface. An uplink by which the host takes routes from router advertisements goes on doing so;
/// whoever sends them elsewhere is a VM.
[[nodiscard]] Result<std::vector<SysctlChange>> forwarding_changes(const FoundInterfaces& found,
                                                                   const Link& link, bool uplink);

/// Puts the interface's present state on disk, unless it is there already: to be called before
/// anything of it is changed.
[[nodiscard]] Result<> keep_found(const FoundInterfaces& found, const Link& link);

/// What is known of interfaces, and what holds their programs, goes by the names that they have
/// now.
[[nodiscard]] Result<> follow_names(const Pins& pins, const FoundInterfaces& found,
                                    const Host& host);

/// What sluice has allowed is off again, where the host did not allow it before.
[[nodiscard]] Result<> stop_forwarding(const FoundInterface& interface, const Host& host);

/// Takes every program of ours off the interface, restores its settings, and forgets it. An
/// interface that is gone is only forgotten.
[[nodiscard]] Result<> release_interface(const Pins& pins, const FoundInterfaces& found,
                                         const FoundInterface& interface, const Host& host);

}  // namespace sluice
