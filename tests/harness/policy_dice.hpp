// SPDX-License-Identifier: GPL-2.0-or-later
// Random policies, and packets for them.
#pragma once

#include <fmt/format.h>
#include <netinet/in.h>

#include <array>
#include <bit>
#include <random>
#include <vector>

#include "loader/policy/judge.hpp"

namespace sluice::test {

constexpr std::int64_t wall_now = 1'800'000'000'000;  // ms

/// What the datapath asks about a packet.
inline sl_policy_query query_of(const PolicyPacket& packet) {
    sl_policy_query query{};
    query.saddr = packet.source.raw();
    query.daddr = packet.destination.raw();
    query.sport = packet.source_port;
    query.dport = packet.destination_port;
    query.vid = packet.vlan;
    query.in_port = packet.in_port;
    query.out_port = packet.out_port;
    query.proto = packet.protocol;
    query.icmp_type = packet.icmp_type;
    for (const auto byte : packet.source_mac.bytes) query.smac = query.smac << 8 | byte;
    return query;
}

/// Rules and packets of few different values, so that they meet.
class PolicyDice {
public:
    explicit PolicyDice(std::uint64_t seed) : random_(seed) {}

    std::size_t upto(std::size_t most) { return random_() % (most + 1); }
    bool once_in(std::size_t times) { return random_() % times == 0; }

    Address address() {
        if (once_in(3)) {
            sl_addr raw{.b = {0x20, 0x01, 0x0d, 0xb8}};
            raw.b[7] = static_cast<__u8>(upto(2));
            raw.b[8] = static_cast<__u8>(upto(1) * 0x80);
            raw.b[15] = static_cast<__u8>(upto(3));
            return Address(raw);
        }
        const std::array<std::uint8_t, 4> bytes{
            static_cast<std::uint8_t>(once_in(8) ? 255 : 10), static_cast<std::uint8_t>(upto(1)),
            static_cast<std::uint8_t>(upto(1) * 128), static_cast<std::uint8_t>(upto(3))};
        return Address::v4(std::bit_cast<__be32>(bytes));
    }
    Prefix prefix() {
        const auto whole = address();
        const int length = once_in(4)
                               ? whole.bits()
                               : static_cast<int>(upto(static_cast<std::size_t>(whole.bits())));
        return Prefix::parse(fmt::format("{}/{}", masked(whole, length).text(), length)).value();
    }
    PolicyEnd end() {
        PolicyEnd it;
        it.any = once_in(3);
        if (it.any) return it;
        for (auto i = upto(3); i != 0; --i) it.prefixes.push_back(prefix());
        if (once_in(2))
            for (auto i = upto(2); i != 0; --i) it.ports.push_back(port_id());
        return it;
    }
    std::vector<PortRange> ranges(std::uint16_t most) {
        std::vector<PortRange> it;
        if (once_in(2)) return it;
        for (auto i = upto(3); i != 0; --i) {
            const auto first = static_cast<std::uint16_t>(1 + upto(most - 1u));
            const auto last = static_cast<std::uint16_t>(first + upto(most - first));
            it.push_back({first, once_in(2) ? first : last});
        }
        return it;
    }
    ResolvedRule rule() {
        ResolvedRule it;
        it.action = static_cast<PolicyAction>(upto(3));
        it.source = end();
        it.destination = end();
        if (once_in(2))
            for (auto i = upto(3); i != 0; --i) it.protocols.push_back(protocol());
        it.ports = ranges(20);
        it.source_ports = once_in(3) ? ranges(65535) : std::vector<PortRange>{};
        if (once_in(6)) {
            it.icmp_types.push_back(
                {once_in(2) ? std::uint8_t{IPPROTO_ICMP} : std::uint8_t{IPPROTO_ICMPV6},
                 static_cast<std::uint8_t>(upto(3))});
            it.protocols = {it.icmp_types.front().protocol};
            it.ports = it.source_ports = {};
        }
        if (once_in(4)) it.vlans = ranges(5);
        if (once_in(4))
            for (auto i = upto(2); i != 0; --i) it.source_macs.push_back(mac());
        if (once_in(5)) it.expires = wall_now + (once_in(2) ? 1 : 0);
        return it;
    }
    ResolvedPolicy policy(std::size_t most) {
        ResolvedPolicy it;
        for (auto i = upto(most); i != 0; --i) it.rules.push_back(rule());
        for (auto i = upto(3); i != 0; --i) it.out_defaults.push_back(fallback(true));
        for (auto i = upto(3); i != 0; --i) it.in_defaults.push_back(fallback(false));
        return it;
    }
    PolicyPacket packet() {
        PolicyPacket it;
        it.source = address();
        it.destination = address();
        it.protocol = protocol();
        if (it.protocol == IPPROTO_TCP || it.protocol == IPPROTO_UDP) {
            it.source_port = static_cast<std::uint16_t>(once_in(3) ? upto(65535) : upto(20));
            it.destination_port = static_cast<std::uint16_t>(upto(21));
        }
        it.icmp_type = static_cast<std::uint8_t>(upto(4));
        it.vlan = static_cast<std::uint16_t>(upto(6));
        it.in_port = static_cast<std::uint16_t>(once_in(3) ? 0 : port_id());
        it.out_port = static_cast<std::uint16_t>(once_in(3) ? 0 : port_id());
        it.source_mac = mac();
        return it;
    }

private:
    static Address masked(const Address& address, int length) {
        auto raw = address.raw();
        const int kept = address.is_v4() ? length + 96 : length;
        for (int bit = kept; bit < 128; ++bit)
            raw.b[bit / 8] &= static_cast<__u8>(~(0x80 >> bit % 8));
        return Address(raw);
    }
    ResolvedRule fallback(bool out) {
        ResolvedRule it;
        it.action = static_cast<PolicyAction>(upto(3));
        (out ? it.source : it.destination) = end();
        return it;
    }
    std::uint16_t port_id() { return static_cast<std::uint16_t>(1 + upto(1) * 1020 + upto(2)); }
    MacAddress mac() {
        return {{static_cast<std::uint8_t>(upto(1) * 0xff), 0, 0, 0, 0,
                 static_cast<std::uint8_t>(upto(2))}};
    }
    std::uint8_t protocol() {
        constexpr std::array<std::uint8_t, 6> known{IPPROTO_TCP,    IPPROTO_UDP, IPPROTO_ICMP,
                                                    IPPROTO_ICMPV6, 0,           255};
        return known[upto(known.size() - 1)];
    }

    std::mt19937_64 random_;
};

/// As many rules, each about one pair of hosts and one port.
inline ResolvedPolicy many_hosts(std::uint32_t count) {
    ResolvedPolicy policy;
    for (std::uint32_t i = 0; i < count; ++i) {
        ResolvedRule rule;
        const auto address = [&](std::uint32_t net) {
            return Address::v4(__builtin_bswap32(net << 24 | i * 7));
        };
        rule.action = i % 2 == 0 ? PolicyAction::allow : PolicyAction::deny;
        rule.source = {.any = false, .prefixes = {{address(10), 32}}};
        rule.destination = {.any = false, .prefixes = {{address(11), 32}}};
        rule.protocols = {IPPROTO_TCP};
        rule.ports = {{static_cast<std::uint16_t>(1 + i % 60'000),
                       static_cast<std::uint16_t>(1 + i % 60'000)}};
        policy.rules.push_back(rule);
    }
    return policy;
}

/// One that rule i + 1 of them fits.
inline PolicyPacket packet_of_host(std::uint32_t i) {
    PolicyPacket packet;
    packet.source = Address::v4(__builtin_bswap32(10u << 24 | i * 7));
    packet.destination = Address::v4(__builtin_bswap32(11u << 24 | i * 7));
    packet.protocol = IPPROTO_TCP;
    packet.destination_port = static_cast<std::uint16_t>(1 + i % 60'000);
    return packet;
}

}  // namespace sluice::test
