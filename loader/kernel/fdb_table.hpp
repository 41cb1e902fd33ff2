// SPDX-License-Identifier: GPL-2.0-or-later
// The switch's MAC table, in memory shared with the datapath (sluice/abi/switch.h). Several readers
// and one writer at a time; all run beside the datapath, whose entries come and go meanwhile.
#pragma once

#include <functional>
#include <optional>

#include "loader/kernel/map.hpp"
#include "sluice/abi/switch.h"
#include "sluice/net.hpp"

namespace sluice {

/// Key of an entry. @param vlan 1..4094
[[nodiscard]] __u64 fdb_key(const MacAddress& mac, std::uint16_t vlan);
[[nodiscard]] MacAddress fdb_mac(__u64 key);
[[nodiscard]] std::uint16_t fdb_vlan(__u64 key);

class FdbTable {
public:
    /// @param seed sl_settings.flow_seed
    [[nodiscard]] static Result<FdbTable> open(const std::filesystem::path& pin,
                                               const sl_seed& seed);

    [[nodiscard]] std::optional<sl_fdb> lookup(__u64 key) const;

    /// Calls visit for each entry, a copy, but for those that are forgotten or being made.
    void for_each(const std::function<void(const sl_fdb&)>& visit) const;

    /// Makes the MAC a static one of this port, whatever it was before. Errors: refused (no room).
    [[nodiscard]] Result<> put_static(__u64 key, std::uint16_t port) const;

    /// The MAC is not known from now on; the sweeper takes the entry away within seconds.
    /// @return whether it was there
    bool forget(__u64 key) const;

    /// Forgets every learned MAC (no static one) of which this is true. @return how many
    std::size_t forget_learned(const std::function<bool(const sl_fdb&)>& is_it) const;

    [[nodiscard]] const MapInfo& info() const { return buckets_.info(); }

private:
    FdbTable(MappedArray<sl_fdb_bucket> buckets, const sl_seed& seed)
        : buckets_(std::move(buckets)), seed_(seed) {}

    /// The slot of this key; of key 0, a free one where `place` may be. Null if there is none.
    [[nodiscard]] sl_fdb* find(__u64 place, __u64 key) const;
    [[nodiscard]] Result<sl_fdb*> take(__u64 key) const;

    MappedArray<sl_fdb_bucket> buckets_;
    sl_seed seed_;
};

}  // namespace sluice
