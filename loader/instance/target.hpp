// SPDX-License-Identifier: GPL-2.0-or-later
// Which instance a command is for, and how it is found and opened.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "loader/instance/database.hpp"
#include "loader/instance/host.hpp"
#include "loader/instance/journal.hpp"
#include "loader/kernel/datapath.hpp"
#include "sluice/model/state.hpp"

namespace sluice {

struct Target {
    std::string instance = "default";
    std::string netns;  ///< a name or a path; empty = where the instance was brought up
    Effect effect = Effect::apply;
};

/// An instance to look at. Readers never lock, so a change may be under way.
struct Opened {
    Database database;
    DesiredState desired;
    /// None while it is down, after a reboot, or if another version of sluice made the maps.
    std::optional<Datapath> datapath;
};

/// Fails early and clearly without CAP_NET_ADMIN, CAP_BPF and CAP_PERFMON (or, for the last two,
/// CAP_SYS_ADMIN).
[[nodiscard]] Result<> require_privileges();

/// The folder of an instance that there is, up or down, for who may work on it.
/// Errors: usage (the name), permission, not_found with the instances there are as the hint.
[[nodiscard]] Result<std::filesystem::path> require_instance(const Target& target);

/// Enters the network namespace the command is for. Errors: not_found.
[[nodiscard]] Result<> enter_home(const Target& target, const Settings& settings);

/// The maps of an instance that should be up, checked to be of the namespace we are in.
/// Errors: refused, telling whether `up` or `restore` is the mend.
[[nodiscard]] Result<Datapath> open_running(const Target& target, const DesiredState& desired);

/// For readers: enters the namespace and opens what there is.
[[nodiscard]] Result<Opened> open_instance(const Target& target);

/// The host as the instance sees it: its ports' interfaces by whatever names they have now.
[[nodiscard]] Result<Host> host_of(const Opened& instance);

/// For readers of what only a running instance has.
[[nodiscard]] Result<Datapath> open_datapath(const Target& target);

}  // namespace sluice
