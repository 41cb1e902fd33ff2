// SPDX-License-Identifier: GPL-2.0-or-later
// The flow tables, in memory shared with the datapath, which alone makes and removes entries
// (sluice/abi/flow_table.h). Any number of threads; they run beside the datapath, whose entries
// come and go meanwhile.
#pragma once

#include <concepts>
#include <optional>

#include "loader/kernel/bpffs.hpp"
#include "loader/kernel/map.hpp"
#include "sluice/abi/flow_table.h"
#include "sluice/abi/rules.h"

namespace sluice {

/// What is in a slot, its key as a packet has it.
template <class Key>
struct FlowEntry {
    Key key;
    sl_flow flow;
    sl_birth birth;  ///< of SL_FLOW_ORIG entries
};

template <class Key>
    requires std::same_as<Key, sl_key4> || std::same_as<Key, sl_key6>
class FlowTable {
public:
    using Slot = std::conditional_t<std::same_as<Key, sl_key4>, sl_flow4, sl_flow6>;

    /// Maps an instance's table, some 90 bytes (IPv6: 120) for each entry there is room for.
    /// Errors: not_found (no instance), refused (another version's).
    /// @param seed sl_settings.flow_seed
    [[nodiscard]] static Result<FlowTable> open(const Pins& pins, const sl_seed& seed);

    /// @param births of IPv6: any, it is not looked at
    FlowTable(MappedArray<Slot> slots, MappedArray<sl_flow_group> groups,
              std::optional<MappedArray<sl_birth>> births, MappedArray<sl_rules> rules,
              const sl_seed& seed)
        : slots_(std::move(slots)),
          groups_(std::move(groups)),
          births_(std::move(births)),
          rules_(std::move(rules)),
          seed_(seed) {}

    [[nodiscard]] std::optional<FlowEntry<Key>> lookup(const Key& key) const;

    /// @param visit bool(const FlowEntry<Key>&): false stops. Entries that are made or removed
    /// meanwhile may be missed.
    template <std::predicate<const FlowEntry<Key>&> Visit>
    void for_each(Visit&& visit) const {
        const std::size_t count = slots_.entries().size();
        for (std::size_t slot = 0; slot < count; ++slot)
            if (const auto entry = read(slot); entry && !visit(*entry)) return;
    }

    /// Sets flags of the entry, and has it decided anew by the next packet, or by the sweeper,
    /// which comes round soon: the rest of the entry stays the datapath's. @return whether it is
    /// there
    bool mark(const Key& key, std::uint8_t flags) const;

private:
    [[nodiscard]] std::optional<FlowEntry<Key>> read(std::size_t slot) const;
    [[nodiscard]] std::optional<std::size_t> find(const Key& key) const;

    MappedArray<Slot> slots_;
    MappedArray<sl_flow_group> groups_;
    std::optional<MappedArray<sl_birth>> births_;
    MappedArray<sl_rules> rules_;
    sl_seed seed_;
};

extern template class FlowTable<sl_key4>;
extern template class FlowTable<sl_key6>;

}  // namespace sluice
