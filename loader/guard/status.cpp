// SPDX-License-Identifier: GPL-2.0-or-later
// Guards as the kernel has them, beside what was asked for.
#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "loader/guard/apply.hpp"
#include "loader/guard/commands.hpp"
#include "loader/model/guard_switches.hpp"
#include "loader/model/lease.hpp"
#include "loader/model/ports.hpp"

namespace sluice {
namespace {

constexpr std::array guard_reasons{
    SL_DROP_GUARD_MAC,         SL_DROP_GUARD_STANDBY,     SL_DROP_GUARD_IP,
    SL_DROP_GUARD_ARP,         SL_DROP_GUARD_ND,          SL_DROP_GUARD_RA,
    SL_DROP_GUARD_DHCP_SERVER, SL_DROP_GUARD_DHCP_CLIENT, SL_DROP_GUARD_DHCP_RATE,
    SL_DROP_GUARD_ETHERTYPE,   SL_DROP_GUARD_TAG,         SL_DROP_GUARD_LLC,
    SL_DROP_GUARD_FRAGMENT,    SL_DROP_GUARD_DELIVERY,    SL_DROP_MAC_QUARANTINE,
};

std::vector<Prefix> prefixes_of(const GuardPrefixes& entries) {
    std::vector<Prefix> prefixes;
    for (const auto& [key, value] : entries) {
        if (value == 0) continue;
        const Address address(key.addr);
        const auto mapped_length = static_cast<int>(key.prefixlen) - 32;
        prefixes.push_back({address, address.is_v4() ? mapped_length - 96 : mapped_length});
    }
    std::ranges::sort(prefixes);
    return prefixes;
}

std::string text(const GuardMac& mac) { return mac.mac.text() + (mac.standby ? " (standby)" : ""); }
std::string text(const Address& address) { return address.text(); }
std::string text(const Prefix& prefix) { return prefix.text(); }

template <class T>
void compare(std::vector<std::string>& drift, std::string_view what, const std::vector<T>& asked,
             const std::vector<T>& enforced) {
    const auto missing_in = [](const std::vector<T>& list, const T& item) {
        return std::ranges::find(list, item) == list.end();
    };
    for (const auto& item : asked)
        if (missing_in(enforced, item))
            drift.push_back(fmt::format("{} {} is missing", what, text(item)));
    for (const auto& item : enforced)
        if (missing_in(asked, item))
            drift.push_back(fmt::format("{} {} was not asked for", what, text(item)));
}

/// Where the kernel's guard is another than the one asked for.
std::vector<std::string> find_drift(const PlannedGuard& asked, const GuardStatus& now) {
    std::vector<std::string> drift;
    for (const auto& it : guard_switches)
        if (const bool wanted = is_on(it, asked.entry.checks);
            wanted != is_on(it, now.entry.checks))
            drift.push_back(fmt::format("{} should be {}", it.name, word_of(it, wanted)));
    compare(drift, "MAC", guard_macs(asked.entry), guard_macs(now.entry));
    compare(drift, "address", guard_addresses(asked.entry), guard_addresses(now.entry));
    compare(drift, "network", asked.prefixes, now.prefixes);
    if (drift.empty() && !same_bytes(asked.entry, now.entry))
        drift.emplace_back("its tables or limits are not as they were written");
    return drift;
}

class GuardReader {
public:
    GuardReader(const Maps& maps, const DesiredState& desired, Host host)
        : maps_(maps), desired_(desired), host_(std::move(host)) {}

    Result<> prepare() {
        SL_TRY(plans, plan_guards(desired_));
        plans_ = std::move(plans);
        SL_TRY(prefixes, read_guard_prefixes(maps_));
        prefixes_ = std::move(prefixes);
        SL_CHECK(maps_.learned_macs.for_each([&](const sl_port_mac& key, const sl_learned_mac& it) {
            MacAddress mac;
            std::ranges::copy(key.mac, mac.bytes.begin());
            learned_[key.port].push_back({mac, since(it.last_seen)});
            return true;
        }));
        return maps_.learned_addrs.for_each(
            [&](const sl_port_addr& key, const sl_learned_addr& it) {
                MacAddress mac;
                std::ranges::copy(it.mac, mac.bytes.begin());
                if (it.expires > now_)
                    snooped_[static_cast<std::uint16_t>(key.port)].push_back(
                        {Address(key.addr), mac, (it.expires - now_) * epoch_second});
                return true;
            });
    }

    /// None: the port has no guard and should have none.
    Result<std::optional<GuardStatus>> read(const PortSpec& port) const {
        const auto asked = plans_.find(port.id);
        GuardStatus status;
        status.port = port.name;
        SL_TRY(entry, kernel_entry(port.name));
        if (entry) SL_CHECK(read_enforced(status, port.id, *entry));
        if (!status.enforced && asked == plans_.end()) return std::nullopt;
        SL_CHECK(read_counts(status, port.id));
        if (!status.enforced)
            status.drift = {"the kernel has no guard on this port"};
        else if (asked == plans_.end())
            status.drift = {"no guard was asked for"};
        else
            status.drift = find_drift(asked->second, status);
        return status;
    }

private:
    [[nodiscard]] double since(__u32 epoch) const {
        return now_ > epoch ? (now_ - epoch) * epoch_second : 0;
    }

    [[nodiscard]] Result<std::optional<sl_port>> kernel_entry(const std::string& name) const {
        const Link* link = host_.link(name);
        if (link == nullptr) return std::nullopt;
        return maps_.ports.lookup(link->ifindex);
    }

    Result<> read_enforced(GuardStatus& status, std::uint16_t id, const sl_port& port) const {
        if (port.guard == 0) return {};
        SL_TRY(entry, maps_.guards.lookup(port.guard));
        status.enforced = true;
        status.entry = entry.value_or(sl_guard{});
        if (const auto found = prefixes_.find(port.guard); found != prefixes_.end())
            status.prefixes = prefixes_of(found->second);
        if (const auto found = learned_.find(id);
            status.entry.learn != 0 && found != learned_.end())
            status.learned = found->second;
        if (const auto found = snooped_.find(id);
            (status.entry.checks & SL_GUARD_SNOOP) != 0 && found != snooped_.end())
            status.snooped = found->second;
        return {};
    }

    Result<> read_counts(GuardStatus& status, std::uint16_t id) const {
        for (const auto reason : guard_reasons) {
            GuardCount count{.reason = &drop_reasons()[reason - 1]};
            SL_TRY(drops, maps_.drops.read(id * SL_DROP_MAX + reason));
            SL_TRY(audits, maps_.audits.read(id * SL_DROP_MAX + reason));
            count.drops = drops;
            count.audits = audits;
            status.counts.push_back(count);
        }
        SL_TRY(state, maps_.guard_states.lookup(id));
        if (!state) return {};
        status.duplicates = state->duplicates;
        status.foreign = state->foreign;
        if ((status.entry.checks & SL_GUARD_MAC_CHANGE) != 0 && state->changed_mac != 0)
            status.changed =
                LearnedMac{mac_of_slot(state->changed_mac), since(state->changed_seen)};
        return {};
    }

    const Maps& maps_;
    const DesiredState& desired_;
    Host host_;
    __u32 now_ = LeaseClock::now().epoch;
    std::map<std::uint16_t, PlannedGuard> plans_;
    std::map<__u32, GuardPrefixes> prefixes_;  ///< by index of their guard
    std::map<std::uint16_t, std::vector<LearnedMac>> learned_;
    std::map<std::uint16_t, std::vector<SnoopedAddress>> snooped_;
};

GuardStatus without_port(const std::string& name) {
    GuardStatus status;
    status.port = name;
    status.drift = {
        fmt::format("it is no port yet: `sluice port add {} --role access` makes it one", name)};
    return status;
}

}  // namespace

Result<std::vector<GuardStatus>> list_guards(const Target& target) {
    SL_TRY(instance, open_instance(target));
    SL_TRY(datapath, open_running(target, instance.desired));
    SL_TRY(host, Host::read(&datapath, instance.desired.ports));
    GuardReader reader(datapath.maps(), instance.desired, std::move(host));
    SL_CHECK(reader.prepare());
    std::vector<GuardStatus> guards;
    for (const auto& port : instance.desired.ports) {
        SL_TRY(guard, reader.read(port));
        if (guard) guards.push_back(std::move(*guard));
    }
    for (const auto& guard : instance.desired.guards)
        if (find_port(instance.desired.ports, guard.port) == nullptr)
            guards.push_back(without_port(guard.port));
    return guards;
}

Result<GuardStatus> show_guard(const Target& target, const std::string& port) {
    SL_TRY(instance, open_instance(target));
    SL_TRY(datapath, open_running(target, instance.desired));
    const auto spec = require_port(instance.desired.ports, port);
    const auto& guards = instance.desired.guards;
    if (!spec && std::ranges::find(guards, port, &GuardSpec::port) != guards.end())
        return fail(ErrorCode::not_found, fmt::format("{} has a guard, but is no port yet", port),
                    fmt::format("`sluice port add {} --role access` makes it one", port));
    if (!spec) return std::unexpected(spec.error());
    SL_TRY(host, Host::read(&datapath, instance.desired.ports));
    GuardReader reader(datapath.maps(), instance.desired, std::move(host));
    SL_CHECK(reader.prepare());
    SL_TRY(guard, reader.read(**spec));
    if (guard) return std::move(*guard);
    return fail(ErrorCode::not_found, fmt::format("{} has no guard", port),
                fmt::format("`sluice guard set {}` gives it one", port));
}

}  // namespace sluice
