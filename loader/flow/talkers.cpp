// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/flow/talkers.hpp"

#include "loader/base/heavy_hitters.hpp"

namespace sluice {
namespace {

struct TalkerKey {
    Address address;
    std::uint16_t port = 0;
    auto operator<=>(const TalkerKey&) const = default;
};

struct TalkerHash {
    std::size_t operator()(const TalkerKey& key) const {
        const auto raw = key.address.raw();
        const std::string_view bytes(reinterpret_cast<const char*>(raw.b), sizeof raw.b);
        return std::hash<std::string_view>{}(bytes) ^ key.port;
    }
};

Address sender(const sl_key4& key) { return Address::v4(key.saddr); }
Address sender(const sl_key6& key) { return Address(key.saddr); }

/// Each entry is one direction, and counts what its sender has sent.
template <class Key>
void add_flows(const FlowTable<Key>& flows, HeavyHitters<TalkerKey, TalkerHash>& sums) {
    flows.for_each([&](const FlowEntry<Key>& it) {
        sums.add({sender(it.key), static_cast<std::uint16_t>(it.flow.in_port)}, it.flow.bytes);
        return true;
    });
}

}  // namespace

Result<std::vector<Talker>> top_talkers(const Datapath& datapath, std::size_t count) {
    if (count == 0) return std::vector<Talker>{};
    HeavyHitters<TalkerKey, TalkerHash> sums(talkers_kept);
    SL_TRY(flows4, datapath.flows4());
    SL_TRY(flows6, datapath.flows6());
    add_flows(flows4, sums);
    add_flows(flows6, sums);
    std::vector<Talker> talkers;
    for (const auto& [key, bytes] : sums.greatest(count))
        talkers.push_back({key.port, key.address, bytes});
    return talkers;
}

}  // namespace sluice
