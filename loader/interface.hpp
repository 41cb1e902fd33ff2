// What sluice does to an interface, and how it is taken back.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "loader/host.hpp"
#include "loader/kernel/bpffs.hpp"
#include "loader/store/found.hpp"

namespace sluice {

/// A setting that forwarding through an interface needs.
struct SysctlRule {
    std::string path;          ///< below /proc/sys
    std::string_view only_if;  ///< change it only from this value; empty = from any
    std::string_view value;
};

/// What the host must allow so that bpf_fib_lookup() answers for packets that enter here.
[[nodiscard]] std::vector<SysctlRule> forwarding_rules(const std::string& interface);

/// Puts the interface's present state on disk, unless it is there already: to be called before
/// anything of it is changed.
[[nodiscard]] Result<> keep_found(const FoundInterfaces& found, const Link& link);

/// Takes every program of ours off the interface, restores its settings, and forgets it. An
/// interface that is gone is only forgotten.
[[nodiscard]] Result<> release_interface(const Pins& pins, const FoundInterfaces& found,
                                         const FoundInterface& interface, const Host& host);

}  // namespace sluice
