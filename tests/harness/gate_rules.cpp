// SPDX-License-Identifier: GPL-2.0-or-later
// What a test sets of the gate: rules, ports, guards, rates.
#include <arpa/inet.h>

#include <algorithm>

#include "tests/harness/gate.hpp"

namespace sluice::test {
namespace {

/// The content of a pool's bits before anything is allocated: all but the range
/// is taken.
sl_port_bits range_bits(std::uint16_t first, std::uint16_t last) {
    sl_port_bits bits{};
    std::ranges::fill(bits.used, ~0ull);
    for (std::uint32_t port = first; port <= last; ++port)
        bits.used[port / 64] &= ~(1ull << port % 64);
    for (std::size_t word = 0; word < std::size(bits.used); ++word)
        if (bits.used[word] == ~0ull) bits.full[word / 64] |= 1ull << word % 64;
    return bits;
}

}  // namespace

std::uint16_t Gate::masquerade(const sl_addr& source, int prefix_length, const Link& uplink,
                               const std::vector<sl_addr>& addresses, std::uint16_t first,
                               std::uint16_t last) {
    const sl_pool pool{externals_, static_cast<__u16>(addresses.size())};
    const sl_port_bits bits = range_bits(first, last);
    for (const sl_addr& address : addresses) {
        map<__u32, sl_addr>("sl_externals").put(externals_, address);
        for (__u32 l4 = 0; l4 < SL_L4_COUNT; ++l4) {
            const __u32 space = externals_ * SL_L4_COUNT + l4;
            map<__u32, sl_port_bits>("sl_port_bits").put(space, bits);
            sl_pool_stats stats{};
            stats.size = static_cast<__u32>(last) - first + 1;
            map<__u32, sl_pool_stats>("sl_pool_stats").put(space, stats);
        }
        ++externals_;
    }
    map<__u32, sl_pool>("sl_pools").put(pools_, pool);
    const sl_masq_key key{32u + 96u + static_cast<__u32>(prefix_length), ifindex(uplink), source};
    map<sl_masq_key, sl_masq>("sl_masquerades").put(key, sl_masq{pools_});
    const sl_masq_key anywhere{key.prefixlen, SL_MASQ_ANYWHERE, source};
    map<sl_masq_key, sl_masq>("sl_masquerades").put(anywhere, sl_masq{0});
    take_generation();
    return pools_++;
}

void Gate::routable(const sl_addr& network, int prefix_length, const Link& uplink) {
    const sl_masq_key key{32u + 96u + static_cast<__u32>(prefix_length), ifindex(uplink), network};
    map<sl_masq_key, sl_masq>("sl_masquerades").put(key, sl_masq{SL_MASQ_ROUTABLE});
    take_generation();
}

void Gate::unmasquerade(const sl_addr& source, int prefix_length, const Link& uplink) {
    for (const __u32 at : {ifindex(uplink), SL_MASQ_ANYWHERE})
        map<sl_masq_key, sl_masq>("sl_masquerades")
            .erase({32u + 96u + static_cast<__u32>(prefix_length), at, source});
    take_generation();
}

void Gate::unforward(std::uint8_t protocol, const sl_addr& outside, std::uint16_t outside_port) {
    const auto forwards = map<sl_forward_key, sl_forward>("sl_forwards");
    const sl_forward_key key{outside, htons(outside_port), protocol, 0, SL_FORWARD_IN};
    const auto there = forwards.get(key).value_or(sl_forward{});
    forwards.erase(key);
    forwards.erase({there.addr, there.port, protocol, 0, there.uplink});
    take_generation();
}

void Gate::take_generation() {
    const auto rules = map<__u32, sl_rules>("sl_rules");
    auto entry = rules.get(0).value_or(sl_rules{});
    entry.generation = ++entry.numbers;
    rules.put(0, entry);
}

void Gate::put_forward(const sl_forward_key& key, const sl_forward& value) {
    const auto ports = map<__u32, __u64>("sl_forwarded_ports");
    const __u32 word =
        ntohs(key.port) / 64 + (key.uplink == SL_FORWARD_IN ? 0 : SL_FORWARDED_WORDS);
    forwarded_words_.insert(word);
    ports.put(word, ports.get(word).value_or(0) | __u64{1} << ntohs(key.port) % 64);
    map<sl_forward_key, sl_forward>("sl_forwards").put(key, value);
}

void Gate::forward(std::uint8_t protocol, const sl_addr& outside, std::uint16_t outside_port,
                   const sl_addr& inside, std::uint16_t inside_port, const Link& uplink,
                   std::uint16_t count) {
    for (std::uint16_t i = 0; i < count; ++i) {
        const auto external = htons(static_cast<std::uint16_t>(outside_port + i));
        const auto internal = htons(static_cast<std::uint16_t>(inside_port + i));
        const __u32 by = ifindex(uplink);
        put_forward({outside, external, protocol, 0, SL_FORWARD_IN}, {inside, internal, 0, by});
        put_forward({inside, internal, protocol, 0, by}, {outside, external, 0, by});
    }
    take_generation();
}

void Gate::name_port(__u32 id, __u32 interface) {
    if (id == 0) return;
    const auto accounts = map<__u32, sl_account>("sl_accounts");
    auto account = accounts.get(id).value_or(sl_account{});
    account.ifindex = interface;
    accounts.put(id, account);
}

void Gate::remove_port(const Link& link) {
    const auto slots = map<__u32, sl_port>("sl_ports");
    const __u32 index = ifindex(link);
    for (__u32 slots_on = 0; slots_on <= SL_PORT_WINDOW; ++slots_on) {
        const __u32 slot = (index + slots_on) % SL_PORT_SLOTS;
        const auto entry = slots.get(slot);
        if (entry && entry->ifindex == index) slots.put(slot, {});
    }
    map<__u32, __u32>("sl_xdp_targets").erase(link.id);
    name_port(link.id, 0);
}

void Gate::set_port(const Link& link, const sl_port& entry, std::uint32_t slots_on) {
    const __u32 slot = (ifindex(link) + slots_on) % SL_PORT_SLOTS;
    map<__u32, sl_port>("sl_ports").put(slot, entry);
    const __u32 id = entry.id;
    if (entry.flags & SL_PORT_XDP_TARGET)
        map<__u32, __u32>("sl_xdp_targets").put(id, entry.ifindex);
    else
        map<__u32, __u32>("sl_xdp_targets").erase(id);
    name_port(id, entry.ifindex);
}

std::uint16_t Gate::make_guard(std::uint16_t port_id, const GuardConfig& config) {
    const __u32 index = 2u * port_id + 1;
    map<__u32, sl_guard>("sl_guards").put(index, guard_entry(config, port_id));
    for (const auto& [address, length] : config.networks)
        map<sl_guard_prefix, __u32>("sl_guard_prefixes")
            .put({static_cast<__u32>(32 + length), index, address}, 1);
    return static_cast<std::uint16_t>(index);
}

void Gate::set_guard(const Link& link, const GuardConfig& config, std::uint16_t flags) {
    sl_port entry = port_entry(link);
    entry.guard = make_guard(link.id, config);
    entry.flags |= flags;
    set_port(link, entry);
}

void Gate::put_qos(std::uint16_t port_id, const sl_qos& rates) {
    map<__u32, sl_qos>("sl_qos").put(port_id, rates);
    map<__u32, sl_qos_state>("sl_qos_states").put(port_id, {});
    const __u32 index = port_id;
    const std::vector<sl_qos_stats> none(static_cast<std::size_t>(libbpf_num_possible_cpus()));
    bpf_map_update_elem(fd("sl_qos_stats"), &index, none.data(), BPF_ANY);
}

void Gate::set_qos(const Link& link, const sl_qos& rates, std::uint16_t flags) {
    put_qos(link.id, rates);
    sl_port entry = port_entry(link);
    entry.qos = flags;
    set_port(link, entry);
}

sl_qos_stats Gate::qos_stats(std::uint16_t port_id) const {
    sl_qos_stats sum{};
    for (const auto& cpu : per_cpu<sl_qos_stats>(fd("sl_qos_stats"), port_id))
        for (std::size_t i = 0; i < SL_QOS_COUNTS; ++i) {
            sum.counts[i].packets += cpu.counts[i].packets;
            sum.counts[i].bytes += cpu.counts[i].bytes;
        }
    return sum;
}

void Gate::set_settings(sl_settings settings) {
    settings.flow_groups4 = groups4_;
    settings.flow_groups6 = groups6_;
    settings.flow_seed = seed_;
    settings.max_sessions4 = max_sessions4_;
    settings.max_sessions6 = max_sessions6_;
    map<__u32, sl_settings>("sl_settings").put(0, settings);
}

void Gate::set_seed(const sl_seed& seed) {
    seed_ = seed;
    set_settings(map<__u32, sl_settings>("sl_settings").get(0).value());
}

}  // namespace sluice::test
