// SPDX-License-Identifier: GPL-2.0-or-later
// The datapath's table of ports: a hash table in an array map (sluice/abi/port.h). One writer
// at a time; readers and the datapath run beside it. An entry is written in one copy, not
// atomically: for an instant the datapath may see a new port with some of its fields empty,
// and then leaves its packets to the kernel.
#pragma once

#include "loader/kernel/map.hpp"
#include "sluice/abi/account.h"
#include "sluice/abi/port.h"

namespace sluice {

class PortTable {
public:
    /// @param pin of sl_ports; sl_accounts is beside it
    [[nodiscard]] static Result<PortTable> open(const std::filesystem::path& pin);

    [[nodiscard]] Result<std::optional<sl_port>> lookup(std::uint32_t ifindex) const;
    /// Errors: refused (the interface's slots are taken by others whose ifindex differs by a
    /// multiple of SL_PORT_SLOTS or little more).
    [[nodiscard]] Result<> update(std::uint32_t ifindex, const sl_port& port) const;
    /// @return whether it was there
    [[nodiscard]] Result<bool> erase(std::uint32_t ifindex) const;

    /// @param visit bool(std::uint32_t ifindex, const sl_port&): false stops. It may erase.
    template <class Visit>
    [[nodiscard]] Result<> for_each(Visit&& visit) const {
        return slots_.for_each([&](const __u32&, const sl_port& port) {
            return port.ifindex == 0 || visit(port.ifindex, port);
        });
    }

    [[nodiscard]] const MapInfo& info() const { return slots_.info(); }

private:
    PortTable(Map<__u32, sl_port> slots, MappedArray<sl_account> accounts)
        : slots_(std::move(slots)), accounts_(std::move(accounts)) {}

    /// The slot with this ifindex (0: an empty one) among those where `ifindex` may be.
    [[nodiscard]] Result<std::optional<__u32>> find(std::uint32_t ifindex,
                                                    std::uint32_t content) const;

    /// Which interface has the id; 0 = none, and none is written down.
    void name(std::uint16_t id, std::uint32_t ifindex) const;

    Map<__u32, sl_port> slots_;
    MappedArray<sl_account> accounts_;
};

}  // namespace sluice
