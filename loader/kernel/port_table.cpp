// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/kernel/port_table.hpp"

#include <fmt/format.h>

#include <atomic>

namespace sluice {

Result<PortTable> PortTable::open(const std::filesystem::path& pin) {
    SL_TRY(slots, (Map<__u32, sl_port>::open(pin)));
    SL_TRY(accounts, MappedArray<sl_account>::open(pin.parent_path() / "sl_accounts"));
    return PortTable(std::move(slots), std::move(accounts));
}

Result<std::optional<__u32>> PortTable::find(std::uint32_t ifindex, std::uint32_t content) const {
    for (std::uint32_t i = 0; i < SL_PORT_WINDOW; ++i) {
        const __u32 slot = (ifindex + i) % SL_PORT_SLOTS;
        SL_TRY(port, slots_.lookup(slot));
        if (port && port->ifindex == content) return slot;
    }
    return std::nullopt;
}

Result<std::optional<sl_port>> PortTable::lookup(std::uint32_t ifindex) const {
    SL_TRY(slot, find(ifindex, ifindex));
    if (!slot) return std::nullopt;
    return slots_.lookup(*slot);
}

Result<> PortTable::update(std::uint32_t ifindex, const sl_port& port) const {
    SL_TRY(own, find(ifindex, ifindex));
    if (own) {
        name(port.id, ifindex);
        return slots_.update(*own, port);
    }
    SL_TRY(empty, find(ifindex, 0));
    if (empty) {
        // The kernel copies an entry from its beginning: a packet that finds the index must find
        // the guard as well.
        auto unseen = port;
        unseen.ifindex = 0;
        SL_CHECK(slots_.update(*empty, unseen));
        name(port.id, ifindex);
        return slots_.update(*empty, port);
    }
    return fail(ErrorCode::refused,
                fmt::format("no room in the port table for interface index {}", ifindex),
                "delete the interface and make it anew: it then has another index");
}

Result<bool> PortTable::erase(std::uint32_t ifindex) const {
    SL_TRY(slot, find(ifindex, ifindex));
    if (!slot) return false;
    SL_TRY(port, slots_.lookup(*slot));
    if (port && accounts_.entries()[port->id].ifindex == ifindex) name(port->id, 0);
    SL_CHECK(slots_.update(*slot, sl_port{}));
    return true;
}

void PortTable::name(std::uint16_t id, std::uint32_t ifindex) const {
    if (id != 0) std::atomic_ref(accounts_.entries()[id].ifindex).store(ifindex);
}

}  // namespace sluice
