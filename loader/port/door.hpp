// The door follows the ports: shut to a port before anything of it changes, open to it when all of
// it stands.
#pragma once

#include <optional>

#include "loader/instance/journal.hpp"
#include "loader/kernel/datapath.hpp"
#include "loader/port/door_plan.hpp"
#include "loader/store/found.hpp"

namespace sluice {

class DoorKeeper {
public:
    /// @param mark Settings::door_mark; 0: there is no door, and nothing is done
    DoorKeeper(std::string instance, std::uint32_t mark)
        : instance_(std::move(instance)), mark_(mark) {}

    /// Shuts it to whatever is not as it will be.
    [[nodiscard]] Result<> close(const DesiredState& desired, const Host& host,
                                 const FoundInterfaces& found, Journal& journal);

    /// Shuts it to all ports, those that are no more to be among them.
    [[nodiscard]] Result<> close_all(const DesiredState& desired, const Host& host,
                                     Journal& journal);

    /// After close(), when all ports are in place.
    [[nodiscard]] Result<> open(const DesiredState& desired, const Host& host,
                                const FoundInterfaces& found, Journal& journal);

    /// When nothing is left that it could be shut to.
    [[nodiscard]] Result<> remove(Journal& journal);

private:
    [[nodiscard]] Result<> look();
    [[nodiscard]] Result<> shut_to(const DoorSets& wanted, const DoorSets& between,
                                   const Host& host, Journal& journal);

    std::string instance_;
    std::uint32_t mark_;
    bool looked_ = false;
    std::optional<DoorSets> now_;  ///< none: it is not there
};

}  // namespace sluice
