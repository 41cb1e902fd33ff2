// SPDX-License-Identifier: GPL-2.0-or-later
// Where pins live: /sys/fs/bpf/sluice/INSTANCE/.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "loader/base/fd.hpp"
#include "sluice/error.hpp"

namespace sluice {

/// The folder that holds every instance's folder; there only after ensure_bpffs().
inline constexpr std::string_view pin_root = "/sys/fs/bpf/sluice";

/// Makes sure that a bpffs is mounted and pin_root exists. Mounts one when our mount namespace
/// is that of process 1; elsewhere a mount would vanish with us, so that is refused
/// with a hint (`ip netns exec` is the usual cause, `--netns` the mend).
[[nodiscard]] Result<> ensure_bpffs();

/// Waits for, and holds, the lock of all instances, as long as the descriptor lives: for what they
/// must not do at the same time.
[[nodiscard]] Result<Fd> lock_pins();

/// The paths of one instance's pins. Says nothing of what exists. The bpffs refuses dots in
/// names: an interface's dots (eth0.10) become colons, which neither it nor an instance can have.
class Pins {
public:
    explicit Pins(std::string_view instance);

    [[nodiscard]] const std::filesystem::path& folder() const { return folder_; }
    /// The same paths where an instance is built before it is renamed, or taken down after.
    [[nodiscard]] Pins aside() const;

    [[nodiscard]] std::filesystem::path map(std::string_view name) const;
    /// @param name tc_ingress, tc_egress
    [[nodiscard]] std::filesystem::path program(std::string_view name) const;
    /// @param what ingress, egress (tcx links) or xdp (the attached program)
    [[nodiscard]] std::filesystem::path link(std::string_view interface,
                                             std::string_view what) const;
    /// Interfaces that have a pin in links/, each once, sorted.
    [[nodiscard]] std::vector<std::string> linked_interfaces() const;

private:
    std::filesystem::path folder_;
};

/// Names of the instances that have pins, sorted. Empty when there is no bpffs.
[[nodiscard]] std::vector<std::string> pinned_instances();

/// Renames the file; one that is not there is no error.
[[nodiscard]] Result<> rename_pin(const std::filesystem::path& from,
                                  const std::filesystem::path& to);

/// Removes the file; one that is not there is no error.
[[nodiscard]] Result<> unpin(const std::filesystem::path& path);

}  // namespace sluice
