// SPDX-License-Identifier: GPL-2.0-or-later
// Interfaces as they were before sluice touched them: INSTANCE/found.db. A file of its own,
// because a row must be committed before its interface is touched, in the middle of the
// transaction that changes the desired state, and SQLite has one writer a file.
#pragma once

#include <filesystem>
#include <optional>
#include <string_view>
#include <vector>

#include "loader/store/sqlite.hpp"
#include "sluice/model/port.hpp"

namespace sluice {

/// Not thread-safe. Every call is a transaction of its own.
class FoundInterfaces {
public:
    /// Makes folder and file if need be.
    [[nodiscard]] static Result<FoundInterfaces> open(const std::filesystem::path& state_folder);

    /// One row a (name, ifindex): an interface re-created under its name is another one.
    /// Keeps a row that is there: what was found first is what must be restored.
    [[nodiscard]] Result<> keep(const FoundInterface& interface) const;
    [[nodiscard]] Result<bool> has(std::string_view name, std::uint32_t ifindex) const;
    /// None: nothing of the interface has been touched, or it had no such sysctl.
    [[nodiscard]] Result<std::optional<std::string>> sysctl(std::string_view name,
                                                            std::uint32_t ifindex,
                                                            std::string_view path) const;
    [[nodiscard]] Result<std::vector<FoundInterface>> list() const;  ///< by name, then ifindex
    /// The interface has another name now, and so have its sysctls.
    [[nodiscard]] Result<> rename(const FoundInterface& interface, std::string_view name) const;
    /// To be called once the interface is restored, or gone. One that is not there is not an error.
    [[nodiscard]] Result<> forget(std::string_view name, std::uint32_t ifindex) const;

private:
    explicit FoundInterfaces(Connection connection) : connection_(std::move(connection)) {}
    Connection connection_;
};

}  // namespace sluice
