// SPDX-License-Identifier: GPL-2.0-or-later
// The switch's MAC table, as people ask for it.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>

#include "loader/instance/change.hpp"
#include "loader/model/ports.hpp"
#include "loader/switch/commands.hpp"
#include "loader/switch/plan.hpp"
#include "loader/switch/store.hpp"

namespace sluice {
namespace {

using MacPredicate = KnownMacFilter::Predicate;

Result<MacPredicate> by_vlan(std::string_view value) {
    const auto range = PortRange::parse(value);
    if (!range || range->last > last_vlan)
        return fail(ErrorCode::usage, "this is not a VLAN id", "VLAN ids are 1 to 4094: `10-20`");
    return [vlans = *range](const KnownMac& it) { return vlans.contains(it.vlan); };
}

Result<MacPredicate> by_port_name(std::string_view value) {
    return [name = std::string(value)](const KnownMac& it) { return it.port == name; };
}

Result<MacPredicate> by_mac(std::string_view value) {
    SL_TRY(mac, MacAddress::parse(value));
    return [mac](const KnownMac& it) { return it.mac == mac; };
}

Result<MacPredicate> by_kind(std::string_view value) {
    if (value != "static" && value != "learned")
        return fail(ErrorCode::usage, "unknown kind", "kind=static or kind=learned");
    return [fixed = value == "static"](const KnownMac& it) { return it.is_static == fixed; };
}

const std::array<KnownMacFilter::Key, 4> known_mac_keys{{
    {"vlan", "N[-N]", "VLAN", by_vlan},
    {"port", "IF", "the port it is behind", by_port_name},
    {"mac", "MAC", "the address itself", by_mac},
    {"kind", "static|learned", "whether it ages", by_kind},
}};

/// Turns entries into what people know: names, and ages.
class Reader {
public:
    explicit Reader(const DesiredState& desired)
        : age_(settings_in_ticks(desired.settings).mac_age) {
        for (const auto& port : desired.ports) names_[port.id] = port.name;
    }

    /// None for what has aged, and waits for the sweeper.
    [[nodiscard]] std::optional<KnownMac> read(const sl_fdb& entry) const {
        KnownMac mac{fdb_mac(entry.key), fdb_vlan(entry.key), {}, entry.seen == SL_FDB_STATIC, {}};
        if (const auto name = names_.find(entry.port); name != names_.end())
            mac.port = name->second;
        if (mac.is_static) return mac;
        const __u32 age = now_ > entry.seen ? now_ - entry.seen : 0;
        if (age > age_) return std::nullopt;
        mac.age = age * epoch_second;
        return mac;
    }

private:
    std::map<std::uint16_t, std::string> names_;
    __u32 now_ = now_epoch();
    __u32 age_;
};

Result<> check_static_mac(const FdbSpec& entry) {
    const auto& mac = entry.mac;
    if (entry.vlan == 0 || entry.vlan > last_vlan)
        return fail(ErrorCode::usage,
                    fmt::format("--vlan {}: VLAN ids are 1 to {}", entry.vlan, last_vlan));
    if (mac != MacAddress{} && (mac.bytes[0] & 1) == 0) return {};
    return fail(ErrorCode::usage, fmt::format("{} is not the address of a station", mac.text()),
                "groups and zero have no place behind a port");
}

/// The kernel is to have each entry, so its port must be in the VLAN.
Result<> check_place(const Change& it, const FdbSpec& entry) {
    SL_TRY(port, require_port(it.before.ports, entry.port));
    const auto plan = plan_switch(it.before, it.host);
    const auto members = plan.members.find(entry.vlan);
    if (members != plan.members.end() &&
        (members->second.ports[port->id / 64] >> (port->id % 64) & 1) != 0)
        return {};
    return fail(ErrorCode::refused, fmt::format("{} is not in VLAN {}", entry.port, entry.vlan),
                "`sluice switch vlan list` shows who is");
}

}  // namespace

Result<KnownMacFilter> parse_known_mac_filter(std::span<const std::string> terms) {
    return KnownMacFilter::parse(known_mac_keys, terms);
}

std::string known_mac_filter_help() { return KnownMacFilter::help(known_mac_keys); }

Result<> for_each_known_mac(const Target& target, const KnownMacFilter& filter,
                            const std::function<void(const KnownMac&)>& visit) {
    SL_TRY(instance, open_instance(target));
    SL_TRY(datapath, open_running(target, instance.desired));
    const Reader reader(instance.desired);
    datapath.maps().fdb.for_each([&](const sl_fdb& entry) {
        if (const auto mac = reader.read(entry); mac && filter.matches(*mac)) visit(*mac);
    });
    return {};
}

Result<Outcome> add_static_mac(const Target& target, const FdbSpec& entry) {
    SL_CHECK(check_static_mac(entry));
    return change(target, [&](const Change& it) -> Result<> {
        SL_CHECK(check_place(it, entry));
        return put_fdb(it.database.connection(), entry);
    });
}

Result<Outcome> remove_static_mac(const Target& target, const MacAddress& mac, std::uint16_t vlan) {
    return change(target, [&](const Change& it) -> Result<> {
        SL_TRY(known, erase_fdb(it.database.connection(), mac, vlan));
        if (known) return {};
        return fail(
            ErrorCode::not_found,
            fmt::format("{} is not a static entry of VLAN {}", mac.text(), vlan),
            "`sluice switch fdb list kind=static` shows them; `flush` forgets learned ones");
    });
}

Result<std::size_t> flush_known_macs(const Target& target, const KnownMacFilter& filter) {
    SL_CHECK(require_privileges());
    SL_TRY(instance, open_instance(target));
    SL_TRY(datapath, open_running(target, instance.desired));
    const Reader reader(instance.desired);
    const auto is_it = [&](const sl_fdb& entry) {
        const auto mac = reader.read(entry);
        return mac && filter.matches(*mac);
    };
    if (target.effect == Effect::apply) return datapath.maps().fdb.forget_learned(is_it);
    std::size_t count = 0;
    datapath.maps().fdb.for_each([&](const sl_fdb& entry) {
        if (entry.seen != SL_FDB_STATIC && is_it(entry)) ++count;
    });
    return count;
}

}  // namespace sluice
