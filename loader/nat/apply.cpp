// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/nat/apply.hpp"

#include <fmt/format.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <optional>
#include <set>
#include <thread>

#include "loader/flow/session.hpp"
#include "loader/nat/plan.hpp"
#include "loader/nat/store.hpp"

namespace sluice {
namespace {

using namespace std::chrono_literals;

constexpr std::array all_l4{SL_L4_TCP, SL_L4_UDP, SL_L4_ICMP};

/// How long closing sessions may take: the sweeper comes round in about a second.
constexpr auto drain_time = 5s;
constexpr auto drain_poll = 50ms;

/// Longer than any CPU is between taking a port and making its binding known.
constexpr auto allocation_time = 200ms;

/// Ports that live bindings have, for each port space (external * SL_L4_COUNT + l4).
using BoundPorts = std::map<std::uint32_t, PortSet>;

Result<BoundPorts> read_bound_ports(const Datapath& datapath) {
    BoundPorts bound;
    SL_CHECK(datapath.maps().bindings.for_each(
        [&](const sl_binding_key& key, const sl_binding& binding) {
            if (const auto l4 = l4_of(key.proto))
                bound[port_space(binding.external, *l4)].set(ntohs(binding.port));
            return true;
        }));
    return bound;
}

/// Which externals each pool has in the kernel now.
struct PoolSlots {
    std::uint16_t pool;
    sl_pool slots;
    std::vector<Address> addresses;
};

Result<std::vector<PoolSlots>> read_pools(const Maps& maps) {
    std::vector<PoolSlots> pools;
    for (std::uint32_t number = 0; number < SL_MAX_POOLS; ++number) {
        SL_TRY(slots, maps.pools.lookup(number));
        if (!slots || slots->count == 0) continue;
        PoolSlots pool{static_cast<std::uint16_t>(number), *slots, {}};
        for (std::uint32_t i = 0; i < slots->count; ++i) {
            SL_TRY(raw, maps.externals.lookup(slots->first + i));
            pool.addresses.emplace_back(raw.value_or(sl_addr{}));
        }
        pools.push_back(std::move(pool));
    }
    return pools;
}

class NatReconciler {
public:
    NatReconciler(const Datapath& datapath, const Host& host, Journal& journal, NatPlan plan)
        : datapath_(datapath),
          maps_(datapath.maps()),
          host_(host),
          journal_(journal),
          plan_(std::move(plan)) {}

    Result<> run() {
        for (const auto& warning : plan_.warnings) journal_.warn(warning);
        SL_CHECK(remove_masquerades());
        SL_CHECK(close_pools());
        SL_CHECK(make_pools());
        SL_CHECK(add_masquerades());
        return reconcile_forwards();
    }

private:
    Result<> remove_masquerades() {
        std::vector<std::pair<sl_masq_key, std::uint32_t>> stale;
        SL_CHECK(maps_.masquerades.for_each([&](const sl_masq_key& key, const sl_masq& value) {
            const auto wanted = plan_.masquerades.find(key);
            if (wanted == plan_.masquerades.end())
                stale.emplace_back(key, value.pool);
            else if (wanted->second == value.pool)
                masqueraded_.insert(key);
            return true;
        }));
        for (const auto& [key, value] : stale)
            SL_CHECK(journal_.step("no longer: " + text(key, value), [&]() -> Result<> {
                SL_CHECK(maps_.masquerades.erase(key));
                return {};
            }));
        return {};
    }

    Result<> add_masquerades() {
        for (const auto& [key, pool] : plan_.masquerades) {
            if (masqueraded_.contains(key)) continue;
            SL_CHECK(journal_.step(text(key, pool),
                                   [&] { return maps_.masquerades.update(key, sl_masq{pool}); }));
        }
        return {};
    }

    /// A pool that is to go or to change: no new bindings, and its sessions end.
    Result<> close_pools() {
        SL_TRY(pools, read_pools(maps_));
        for (const auto& pool : pools) {
            const auto wanted = plan_.pools.find(pool.pool);
            if (wanted != plan_.pools.end() && wanted->second.addresses == pool.addresses) {
                standing_.push_back(pool);
                continue;
            }
            SL_CHECK(journal_.step(fmt::format("close pool {} and end its sessions", pool.pool),
                                   [&]() -> Result<> {
                                       SL_CHECK(maps_.pools.update(pool.pool, sl_pool{}));
                                       return flush_pool(datapath_, pool.pool);
                                   }));
        }
        return {};
    }

    Result<> make_pools() {
        for (const auto& [number, pool] : plan_.pools) {
            const auto stands = [&](const PoolSlots& it) { return it.pool == number; };
            if (pool.addresses.empty() || std::ranges::any_of(standing_, stands)) continue;
            SL_CHECK(check_room(pool));
            SL_CHECK(journal_.step(fmt::format("make pool {} of {} ports {}", number,
                                               text(pool.addresses), pool.ports.text()),
                                   [&] { return make_pool(number, pool); }));
        }
        return {};
    }

    /// A pool must have ports that the host leaves to it, and should have most of its range.
    Result<> check_room(const PlannedPool& pool) {
        SL_CHECK(read_host_ports());
        for (const auto& address : pool.addresses) {
            const auto free = allowed(pool, address, SL_L4_TCP).count();
            const auto asked = pool.ports.size();
            const auto range = host_ports_->ephemeral.text();
            if (free == 0)
                return fail(ErrorCode::refused,
                            fmt::format("all ports {} of {} are the host's own: its sockets draw "
                                        "from {}",
                                        pool.ports.text(), address.text(), range),
                            "choose --ports outside that range, or narrow it with `sysctl "
                            "net.ipv4.ip_local_port_range`");
            if (free * 2 < asked)
                journal_.warn(fmt::format(
                    "pool {} ports {}: {} of {} ports are left out, because the host itself uses "
                    "them or draws from {} (net.ipv4.ip_local_port_range)",
                    address.text(), pool.ports.text(), asked - free, asked, range));
        }
        return {};
    }

    Result<> make_pool(std::uint16_t number, const PlannedPool& pool) {
        SL_CHECK(wait_until_drained(number));
        SL_TRY(first, find_slots(pool.addresses.size()));
        for (std::size_t i = 0; i < pool.addresses.size(); ++i) {
            const auto external = static_cast<std::uint32_t>(first + i);
            for (const auto l4 : all_l4) {
                const auto space = port_space(external, l4);
                const auto ports = allowed(pool, pool.addresses[i], l4);
                fill_port_bits(maps_.port_bits.entries()[space], ports);
                sl_pool_stats stats{};
                stats.size = static_cast<__u32>(ports.count());
                SL_CHECK(maps_.pool_stats.update(space, stats));
            }
            SL_CHECK(maps_.externals.update(external, pool.addresses[i].raw()));
        }
        const sl_pool slots{first, static_cast<__u16>(pool.addresses.size())};
        standing_.push_back({number, slots, pool.addresses});
        return maps_.pools.update(number, slots);
    }

    /// Bindings carry their pool's number: none of the former pool's may be left.
    Result<> wait_until_drained(std::uint16_t number) const {
        const auto deadline = std::chrono::steady_clock::now() + drain_time;
        while (std::chrono::steady_clock::now() < deadline) {
            bool drained = true;
            SL_CHECK(maps_.bindings.for_each([&](const sl_binding_key& key, const sl_binding&) {
                drained = key.pool != number;
                return drained;
            }));
            if (drained) return {};
            std::this_thread::sleep_for(drain_poll);
        }
        return fail(ErrorCode::refused,
                    fmt::format("the former sessions of NAT pool {} are still ending", number),
                    "try again in a few seconds");
    }

    /// A run of externals that no pool has and no dying binding refers to.
    Result<std::uint16_t> find_slots(std::size_t count) const {
        std::size_t run = 0;
        for (std::uint32_t external = 0; external < SL_MAX_EXTERNALS; ++external) {
            SL_TRY(free, slot_free(external));
            run = free ? run + 1 : 0;
            if (run == count) return static_cast<std::uint16_t>(external + 1 - count);
        }
        return fail(ErrorCode::refused,
                    fmt::format("no room for {} more external addresses", count),
                    fmt::format("all pools together have room for {}", SL_MAX_EXTERNALS));
    }

    Result<bool> slot_free(std::uint32_t external) const {
        for (const auto& pool : standing_)
            if (external >= pool.slots.first && external < pool.slots.first + pool.slots.count)
                return false;
        for (const auto l4 : all_l4) {
            SL_TRY(stats, maps_.pool_stats.lookup(port_space(external, l4)));
            if (stats && stats->in_use != 0) return false;
        }
        return true;
    }

    Result<> reconcile_forwards() {
        auto missing = plan_.forwards, unsent = plan_.senders;
        Forwards stale, stale_senders;
        SL_CHECK(maps_.forwards.for_each([&](const sl_forward_key& key, const sl_forward& value) {
            const bool in = key.uplink == SL_FORWARD_IN;
            auto& wanted = in ? missing : unsent;
            const auto found = wanted.find(key);
            if (found == wanted.end())
                (in ? stale : stale_senders)[key] = value;
            else if (std::memcmp(&found->second, &value, sizeof value) == 0)
                wanted.erase(found);
            return true;
        }));
        if (!stale.empty() || !stale_senders.empty())
            SL_CHECK(journal_.step(fmt::format("remove {} forwarded ports",
                                               std::max(stale.size(), stale_senders.size())),
                                   [&]() -> Result<> {
                                       for (const auto& [key, value] : stale_senders)
                                           SL_CHECK(maps_.forwards.erase(key));
                                       return remove_forwards(stale);
                                   }));
        if (!missing.empty() || !unsent.empty()) {
            SL_TRY(bound, read_bound_ports(datapath_));
            SL_CHECK(refuse_bound(missing, bound));
            SL_CHECK(journal_.step(
                fmt::format("add {} forwarded ports", std::max(missing.size(), unsent.size())),
                [&] { return add_forwards(missing, unsent); }));
        }
        SL_CHECK(keep_forwards_taken());
        note_forwarded_ports();
        return {};
    }

    Result<> remove_forwards(const Forwards& stale) {
        if (stale.empty()) return {};
        for (const auto& [key, value] : stale) SL_CHECK(maps_.forwards.erase(key));
        SL_CHECK(flush_destinations(
            datapath_, [&](const Address& address, __be16 port, std::uint8_t protocol) {
                return stale.contains({.addr = address.raw(),
                                       .port = port,
                                       .proto = protocol,
                                       .zero = 0,
                                       .uplink = SL_FORWARD_IN});
            }));
        SL_CHECK(read_host_ports());
        SL_TRY(bound, read_bound_ports(datapath_));
        for (const auto& [key, value] : stale) give_back(key, bound);
        return {};
    }

    /// To the pools that have the address, if the port is one of theirs and nobody's else.
    void give_back(const sl_forward_key& key, const BoundPorts& bound) {
        const auto l4 = *l4_of(key.proto);
        for_each_space(key, [&](std::uint32_t space, const PoolSlots& pool) {
            const auto found = bound.find(space);
            const auto port = ntohs(key.port);
            if (found != bound.end() && found->second[port]) return;
            if (allowed(plan_.pools.at(pool.pool), Address(key.addr), l4)[port])
                give_port_back(maps_.port_bits.entries()[space], port);
        });
    }

    /// A forward can't have the port that a masqueraded session has.
    Result<> refuse_bound(const Forwards& missing, const BoundPorts& bound) const {
        for (const auto& [key, value] : missing) {
            const auto port = ntohs(key.port);
            bool in_use = false;
            for_each_space(key, [&](std::uint32_t space, const PoolSlots&) {
                const auto found = bound.find(space);
                in_use |= found != bound.end() && found->second[port];
            });
            if (in_use)
                return fail(ErrorCode::refused,
                            fmt::format("{} port {} of {} is in use by a masqueraded session",
                                        protocol_text(key.proto), port, Address(key.addr).text()),
                            fmt::format("end it with `sluice nat session flush proto={} port={}` "
                                        "and try again",
                                        protocol_text(key.proto), port));
        }
        return {};
    }

    Result<> add_forwards(const Forwards& missing, const Forwards& unsent) {
        const auto words = forwarded_words();
        for (std::size_t i = 0; i < words.size(); ++i)
            if (words[i] != 0)
                std::atomic_ref(maps_.forwarded_ports.entries()[i]).fetch_or(words[i]);
        for (const auto& [key, value] : missing) SL_CHECK(maps_.forwards.update(key, value));
        SL_CHECK(keep_forwards_taken());
        // A session may have taken one between the look and now.
        SL_TRY(bound, read_bound_ports(datapath_));
        SL_CHECK(refuse_bound(missing, bound));
        for (const auto& [key, value] : unsent) SL_CHECK(maps_.forwards.update(key, value));
        return {};
    }

    using ForwardedWords = std::array<__u64, 2 * SL_FORWARDED_WORDS>;

    /// sl_forwarded_ports as it is to be.
    [[nodiscard]] ForwardedWords forwarded_words() const {
        ForwardedWords words{};
        const auto note = [&](const Forwards& entries, std::size_t first) {
            for (const auto& [key, value] : entries) {
                const auto port = ntohs(key.port);
                words[first + port / 64] |= __u64{1} << port % 64;
            }
        };
        note(plan_.forwards, 0);
        note(plan_.senders, SL_FORWARDED_WORDS);
        return words;
    }

    /// No pool hands out a forwarded port. Idempotent, so that it mends what a killed process
    /// left undone.
    Result<> keep_forwards_taken() {
        if (journal_.planning()) return {};
        for (const auto& [key, value] : plan_.forwards)
            for_each_space(key, [&](std::uint32_t space, const PoolSlots&) {
                take_port(maps_.port_bits.entries()[space], ntohs(key.port));
            });
        return {};
    }

    /// Says of each port whether it is forwarded by now.
    void note_forwarded_ports() {
        if (journal_.planning()) return;
        std::ranges::copy(forwarded_words(), maps_.forwarded_ports.entries().begin());
    }

    /// Calls for each port space that the forward's external address and protocol have.
    template <class Visit>
    void for_each_space(const sl_forward_key& key, Visit&& visit) const {
        const Address address(key.addr);
        for (const auto& pool : standing_)
            for (std::uint32_t i = 0; i < pool.addresses.size(); ++i)
                if (pool.addresses[i] == address)
                    visit(port_space(pool.slots.first + i, *l4_of(key.proto)), pool);
    }

    Result<> read_host_ports() {
        if (host_ports_) return {};
        SL_TRY(ports, HostPorts::read());
        host_ports_ = std::move(ports);
        return {};
    }

    [[nodiscard]] PortSet allowed(const PlannedPool& pool, const Address& address, sl_l4 l4) const {
        return allowed_ports(plan_, pool, address, l4, *host_ports_, host_.owner(address) != 0);
    }

    /// What an entry says.
    [[nodiscard]] std::string text(const sl_masq_key& key, std::uint32_t pool) const {
        const Link* link = host_.link(key.uplink);
        const Address address(key.addr);
        const auto length = static_cast<int>(key.prefixlen) - 32 - (address.is_v4() ? 96 : 0);
        const auto network = Prefix{address, length}.text();
        const auto uplink = link != nullptr ? link->name : std::to_string(key.uplink);
        if (key.uplink == SL_MASQ_PROTECTED)
            return fmt::format("leave what goes to {} to the kernel", network);
        if (key.uplink == SL_MASQ_ANYWHERE)
            return fmt::format("{} leaves no uplink as it is", network);
        if (pool == SL_MASQ_ROUTABLE) return fmt::format("{} is routable on {}", network, uplink);
        return fmt::format("masquerade {} on {} with pool {}", network, uplink, pool);
    }

    static std::string text(const std::vector<Address>& addresses) {
        std::string text;
        for (const auto& address : addresses) text += (text.empty() ? "" : ",") + address.text();
        return text;
    }

    const Datapath& datapath_;
    const Maps& maps_;
    const Host& host_;
    Journal& journal_;
    NatPlan plan_;
    std::set<sl_masq_key, ByBytes> masqueraded_;  ///< rules in the kernel that are right
    std::vector<PoolSlots> standing_;  ///< pools in the kernel that are as they should be
    std::optional<HostPorts> host_ports_;
};

/// Gives back ports that are taken by nobody: left by a killed process, or kept for a socket that
/// the host has closed since.
Result<> release_stray_ports(const Datapath& datapath, const DesiredState& desired,
                             const Host& host) {
    const auto plan = plan_nat(desired, host);
    const auto& maps = datapath.maps();
    SL_TRY(host_ports, HostPorts::read());
    SL_TRY(pools, read_pools(maps));

    const auto find_strays = [&]() -> Result<BoundPorts> {
        SL_TRY(bound, read_bound_ports(datapath));
        BoundPorts strays;
        for (const auto& pool : pools) {
            const auto planned = plan.pools.find(pool.pool);
            if (planned == plan.pools.end()) continue;
            for (std::uint32_t i = 0; i < pool.slots.count; ++i)
                for (const auto l4 : all_l4) {
                    const auto space = port_space(pool.slots.first + i, l4);
                    const auto& address = pool.addresses[i];
                    const auto allowed = allowed_ports(plan, planned->second, address, l4,
                                                       host_ports, host.owner(address) != 0);
                    strays[space] =
                        allowed & taken_ports(maps.port_bits.entries()[space]) & ~bound[space];
                }
        }
        return strays;
    };
    // Twice, with time in between: a port just taken has no binding yet.
    SL_TRY(before, find_strays());
    const auto any = [](const auto& space) { return space.second.any(); };
    if (std::ranges::none_of(before, any)) return {};
    std::this_thread::sleep_for(allocation_time);
    SL_TRY(after, find_strays());
    for (auto& [space, ports] : after) {
        ports &= before[space];
        for (std::uint32_t port = 0; port < ports.size(); ++port)
            if (ports[port])
                give_port_back(maps.port_bits.entries()[space], static_cast<std::uint16_t>(port));
    }
    return {};
}

class NatFeature : public Feature {
public:
    Result<> load(const Connection& rows, DesiredState& state) const override {
        SL_TRY(masquerades, load_masquerades(rows));
        state.masquerades = std::move(masquerades);
        SL_TRY(forwards, load_forwards(rows));
        state.forwards = std::move(forwards);
        return {};
    }

    Result<> prepare(Round& round) override {
        return NatReconciler(round.datapath, round.host, round.journal,
                             plan_nat(round.desired, round.host))
            .run();
    }

    Result<> clean(Round& round) override {
        if (!round.thorough || round.journal.planning()) return {};
        return release_stray_ports(round.datapath, round.desired, round.host);
    }
};

}  // namespace

std::unique_ptr<Feature> nat_feature() { return std::make_unique<NatFeature>(); }

}  // namespace sluice
