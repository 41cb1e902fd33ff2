#include "loader/reconcile_switch.hpp"

#include <fmt/format.h>

#include <optional>
#include <utility>
#include <vector>

namespace sluice {
namespace {

/// What an array map holds that is not all zero.
template <class Value>
Result<std::map<std::uint16_t, Value>> read_used(const Map<__u32, Value>& map) {
    std::map<std::uint16_t, Value> used;
    const Value none{};
    SL_CHECK(map.for_each([&](const __u32& index, const Value& value) {
        if (!same_bytes(value, none)) used[static_cast<std::uint16_t>(index)] = value;
        return true;
    }));
    return used;
}

/// @param what `{}` stands for the index
template <class Value>
Result<> put_wanted(const Map<__u32, Value>& map, const std::map<std::uint16_t, Value>& wanted,
                    fmt::format_string<const std::uint16_t&> what, Journal& journal) {
    SL_TRY(now, read_used(map));
    for (const auto& [index, value] : wanted) {
        const auto found = now.find(index);
        if (found != now.end() && same_bytes(found->second, value)) continue;
        SL_CHECK(journal.step(fmt::format(what, index), [&] { return map.update(index, value); }));
    }
    return {};
}

template <class Value>
Result<> clear_others(const Map<__u32, Value>& map, const std::map<std::uint16_t, Value>& wanted,
                      fmt::format_string<const std::uint16_t&> what, Journal& journal) {
    SL_TRY(now, read_used(map));
    for (const auto& [index, value] : now)
        if (!wanted.contains(index))
            SL_CHECK(
                journal.step(fmt::format(what, index), [&] { return map.update(index, Value{}); }));
    return {};
}

Result<> put_translations(const Maps& maps, const SwitchPlan& plan, Journal& journal) {
    for (const auto& [key, vlan] : plan.maps) {
        SL_TRY(now, maps.vlan_maps.lookup(key));
        if (now == vlan) continue;
        SL_CHECK(journal.step(fmt::format("port {}: {} VLAN {} is {}", key.port,
                                          key.egress != 0 ? "leaving" : "entering", key.vlan, vlan),
                              [&] { return maps.vlan_maps.update(key, vlan); }));
    }
    return {};
}

Result<> clear_translations(const Maps& maps, const SwitchPlan& plan, Journal& journal) {
    std::vector<sl_vlan_map_key> stale;
    SL_CHECK(maps.vlan_maps.for_each([&](const sl_vlan_map_key& key, const __u32&) {
        if (!plan.maps.contains(key)) stale.push_back(key);
        return true;
    }));
    for (const auto& key : stale)
        SL_CHECK(journal.step(fmt::format("port {}: no translation of VLAN {}", key.port, key.vlan),
                              [&]() -> Result<> {
                                  SL_CHECK(maps.vlan_maps.erase(key));
                                  return {};
                              }));
    return {};
}

std::string mac_text(__u64 key) {
    MacAddress mac;
    for (std::size_t i = 0; i < mac.bytes.size(); ++i)
        mac.bytes[i] = static_cast<std::uint8_t>(key >> (8 * i));
    return fmt::format("{} in VLAN {}", mac.text(), key >> SL_FDB_MAC_BITS);
}

/// A learned entry becomes a static one: the sweeper takes it off the count of the port that had
/// learned it.
Result<> put_static(const Maps& maps, __u64 key, std::uint16_t port,
                    const std::optional<sl_fdb>& now) {
    sl_fdb entry{};
    entry.port = port;
    entry.flags = SL_FDB_STATIC;
    if (now) entry.moved_from = (now->flags & SL_FDB_STATIC) != 0 ? now->moved_from : now->port;
    return maps.fdb.update(key, entry);
}

/// What the sweeper has still to count is left to it, as a learned entry that is too old.
Result<> erase_static(const Maps& maps, __u64 key, sl_fdb entry) {
    if (entry.moved_from == 0) {
        SL_CHECK(maps.fdb.erase(key));
        return {};
    }
    entry.port = std::exchange(entry.moved_from, 0);
    entry.flags = 0;
    entry.seen = 0;
    return maps.fdb.update(key, entry);
}

Result<> put_statics(const Maps& maps, const SwitchPlan& plan, Journal& journal) {
    for (const auto& [key, port] : plan.fdb) {
        SL_TRY(now, maps.fdb.lookup(key));
        if (now && (now->flags & SL_FDB_STATIC) != 0 && now->port == port) continue;
        SL_CHECK(journal.step(fmt::format("add {} to port {}", mac_text(key), port),
                              [&] { return put_static(maps, key, port, now); }));
    }
    return {};
}

Result<> clear_statics(const Maps& maps, const SwitchPlan& plan, Journal& journal) {
    std::vector<std::pair<__u64, sl_fdb>> stale;
    SL_CHECK(maps.fdb.for_each([&](const __u64& key, const sl_fdb& entry) {
        if ((entry.flags & SL_FDB_STATIC) != 0 && !plan.fdb.contains(key))
            stale.emplace_back(key, entry);
        return true;
    }));
    for (const auto& [key, entry] : stale)
        SL_CHECK(journal.step(fmt::format("remove {}", mac_text(key)),
                              [&] { return erase_static(maps, key, entry); }));
    return {};
}

}  // namespace

/// VLANs before ports, and all of it before what names a port.
Result<> prepare_switch(const Datapath& datapath, const SwitchPlan& plan, Journal& journal) {
    const Maps& maps = datapath.maps();
    SL_CHECK(put_wanted(maps.vlans, plan.vlans, "set VLAN {}", journal));
    SL_CHECK(put_translations(maps, plan, journal));
    SL_CHECK(put_wanted(maps.switch_ports, plan.ports, "set VLANs of port {}", journal));
    SL_CHECK(put_wanted(maps.vlan_members, plan.members, "set the ports of VLAN {}", journal));
    return put_statics(maps, plan, journal);
}

Result<> clean_switch(const Datapath& datapath, const SwitchPlan& plan, Journal& journal) {
    const Maps& maps = datapath.maps();
    SL_CHECK(clear_statics(maps, plan, journal));
    SL_CHECK(clear_others(maps.vlan_members, plan.members, "VLAN {} has no ports", journal));
    SL_CHECK(clear_others(maps.switch_ports, plan.ports, "port {} is in no VLAN", journal));
    SL_CHECK(clear_translations(maps, plan, journal));
    return clear_others(maps.vlans, plan.vlans, "VLAN {} has no gateway", journal);
}

Result<> forget_learned_on(const Maps& maps, std::uint16_t id) {
    std::vector<std::pair<__u64, sl_fdb>> learned;
    SL_CHECK(maps.fdb.for_each([&](const __u64& key, const sl_fdb& entry) {
        if (entry.port == id && (entry.flags & SL_FDB_STATIC) == 0 && entry.seen != 0)
            learned.emplace_back(key, entry);
        return true;
    }));
    for (auto& [key, entry] : learned) {
        entry.seen = 0;
        SL_CHECK(maps.fdb.update(key, entry));
    }
    return {};
}

}  // namespace sluice
