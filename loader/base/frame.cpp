// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/base/frame.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <net/ethernet.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

namespace sluice {
namespace {

/// Takes big-endian fields off the front; beyond the end nothing is read, and `ok` is false.
class Cursor {
public:
    explicit Cursor(std::span<const std::uint8_t> bytes) : rest_(bytes) {}

    template <class Number>
    Number number() {
        Number value = 0;
        for (const auto byte : take(sizeof(Number))) value = static_cast<Number>(value << 8 | byte);
        return value;
    }
    MacAddress mac() {
        MacAddress mac;
        std::ranges::copy(take(mac.bytes.size()), mac.bytes.begin());
        return mac;
    }
    Address v4() {
        const auto bytes = take(4);
        __be32 raw = 0;
        if (ok) std::memcpy(&raw, bytes.data(), sizeof raw);
        return Address::v4(raw);
    }
    Address v6() {
        sl_addr raw{};
        std::ranges::copy(take(sizeof raw), raw.b);
        return Address(raw);
    }
    void skip(std::size_t count) { take(count); }

    bool ok = true;

private:
    std::span<const std::uint8_t> take(std::size_t count) {
        ok &= count <= rest_.size();
        if (!ok) return {};
        const auto taken = rest_.first(count);
        rest_ = rest_.subspan(count);
        return taken;
    }
    std::span<const std::uint8_t> rest_;
};

std::optional<ArpHeader> read_arp(Cursor& at) {
    constexpr std::uint64_t ipv4_over_ethernet = 0x0001'0800'0604;
    std::uint64_t kind = at.number<std::uint32_t>();
    kind = kind << 16 | at.number<std::uint16_t>();
    if (kind != ipv4_over_ethernet) return std::nullopt;
    ArpHeader arp;
    arp.operation = at.number<std::uint16_t>();
    arp.sender_mac = at.mac();
    arp.sender = at.v4();
    arp.target_mac = at.mac();
    arp.target = at.v4();
    return at.ok ? std::optional(arp) : std::nullopt;
}

void read_l4(Cursor& at, IpHeader& ip) {
    switch (ip.protocol) {
        case IPPROTO_TCP:
        case IPPROTO_UDP:
        case IPPROTO_SCTP: {
            const auto source = at.number<std::uint16_t>();
            const auto destination = at.number<std::uint16_t>();
            if (!at.ok) return;
            ip.source_port = source;
            ip.destination_port = destination;
            return;
        }
        case IPPROTO_ICMP:
        case IPPROTO_ICMPV6:
            if (const auto type = at.number<std::uint8_t>(); at.ok) ip.icmp_type = type;
            return;
        default:
            return;
    }
}

std::optional<IpHeader> read_ipv4(Cursor& at) {
    constexpr std::size_t least = 20;
    IpHeader ip;
    const std::size_t length = (at.number<std::uint8_t>() & 0xfu) * std::size_t{4};
    at.skip(5);
    const auto place = at.number<std::uint16_t>();
    ip.data_only = (place & 0x1fff) != 0;
    ip.fragment = ip.data_only || (place & 0x2000) != 0;
    at.skip(1);
    ip.protocol = at.number<std::uint8_t>();
    at.skip(2);
    ip.source = at.v4();
    ip.destination = at.v4();
    if (!at.ok) return std::nullopt;
    if (length < least) return ip;
    at.skip(length - least);
    if (!ip.data_only) read_l4(at, ip);
    return ip;
}

/// The headers that may stand before what is carried: RFC 8200 section 4.
void skip_extensions(Cursor& at, IpHeader& ip) {
    while (at.ok && !ip.data_only) {
        switch (ip.protocol) {
            case IPPROTO_HOPOPTS:
            case IPPROTO_ROUTING:
            case IPPROTO_DSTOPTS: {
                const auto next = at.number<std::uint8_t>();
                const std::size_t length = at.number<std::uint8_t>();
                if (!at.ok) return;
                ip.protocol = next;
                at.skip(8 * length + 6);
                break;
            }
            case IPPROTO_FRAGMENT: {
                const auto next = at.number<std::uint8_t>();
                at.skip(1);
                const auto place = at.number<std::uint16_t>();
                ip.data_only = (place & 0xfff8) != 0;
                ip.fragment = ip.data_only || (place & 1) != 0;  // not an atomic one: RFC 6946
                at.skip(4);
                if (!at.ok) return;
                ip.protocol = next;
                break;
            }
            default:
                return;
        }
    }
}

std::optional<IpHeader> read_ipv6(Cursor& at) {
    IpHeader ip;
    at.skip(6);
    ip.protocol = at.number<std::uint8_t>();
    at.skip(1);
    ip.source = at.v6();
    ip.destination = at.v6();
    if (!at.ok) return std::nullopt;
    skip_extensions(at, ip);
    if (!ip.data_only) read_l4(at, ip);
    return ip;
}

std::string endpoint(const Address& address, const std::optional<std::uint16_t>& port) {
    if (!port) return address.text();
    return fmt::format(fmt::runtime(address.is_v4() ? "{}:{}" : "[{}]:{}"), address.text(), *port);
}

std::string icmp_text(std::uint8_t protocol, std::uint8_t type) {
    constexpr std::array<std::pair<std::uint8_t, std::string_view>, 9> types6{{
        {ICMP6_ECHO_REQUEST, "echo request"},
        {ICMP6_ECHO_REPLY, "echo reply"},
        {ND_ROUTER_SOLICIT, "router solicitation"},
        {ND_ROUTER_ADVERT, "router advertisement"},
        {ND_NEIGHBOR_SOLICIT, "neighbour solicitation"},
        {ND_NEIGHBOR_ADVERT, "neighbour advertisement"},
        {ND_REDIRECT, "redirect"},
        {MLD_LISTENER_REPORT, "MLD report"},
        {143, "MLD report"},  // RFC 3810 section 5.2
    }};
    constexpr std::array<std::pair<std::uint8_t, std::string_view>, 3> types4{{
        {0, "echo reply"},
        {5, "redirect"},
        {8, "echo request"},
    }};
    const auto name_in = [&](const auto& types) {
        const auto found =
            std::ranges::find(types, type, &std::pair<std::uint8_t, std::string_view>::first);
        return found == types.end() ? fmt::format("type {}", type) : std::string(found->second);
    };
    return protocol == IPPROTO_ICMP ? name_in(types4) : name_in(types6);
}

std::string arp_text(const ArpHeader& arp) {
    switch (arp.operation) {
        case 1:
            return arp.sender == arp.target
                       ? fmt::format("ARP announces {} at {}", arp.sender.text(),
                                     arp.sender_mac.text())
                       : fmt::format("ARP request {} from {} at {}", arp.target.text(),
                                     arp.sender.text(), arp.sender_mac.text());
        case 2:
            return fmt::format("ARP reply {} is at {}", arp.sender.text(), arp.sender_mac.text());
        case 3:
            return fmt::format("RARP request {} from {}", arp.target_mac.text(),
                               arp.sender_mac.text());
        default:
            return fmt::format("ARP operation {} from {} at {}", arp.operation, arp.sender.text(),
                               arp.sender_mac.text());
    }
}

std::string ip_text(const IpHeader& ip) {
    auto text = fmt::format(
        "{} {} > {} {}", ip.source.is_v4() ? "IPv4" : "IPv6", endpoint(ip.source, ip.source_port),
        endpoint(ip.destination, ip.destination_port), protocol_text(ip.protocol));
    if (ip.icmp_type) text += " " + icmp_text(ip.protocol, *ip.icmp_type);
    if (ip.fragment) text += " fragment";
    return text;
}

std::string payload_text(const FrameHeaders& frame) {
    if (frame.arp) return arp_text(*frame.arp);
    if (frame.ip) return ip_text(*frame.ip);
    if (!frame.ethertype) return "cut off";
    if (frame.llc) return fmt::format("802.3 length {}", *frame.ethertype);
    return fmt::format("ethertype {:#06x}", *frame.ethertype);
}

}  // namespace

bool is_tag_type(std::uint16_t ethertype) {
    constexpr std::array<std::uint16_t, 3> types{0x8100, 0x88a8, 0x9100};
    return std::ranges::find(types, ethertype) != types.end();
}

std::optional<FrameHeaders> dissect(std::span<const std::uint8_t> bytes) {
    Cursor at(bytes);
    FrameHeaders frame;
    frame.destination = at.mac();
    frame.source = at.mac();
    if (!at.ok) return std::nullopt;

    auto type = at.number<std::uint16_t>();
    while (at.ok && is_tag_type(type)) {
        const auto tag = at.number<std::uint16_t>();
        if (at.ok) frame.vlans.push_back(tag & 0x0fff);
        type = at.number<std::uint16_t>();
    }
    if (!at.ok) return frame;
    frame.ethertype = type;
    frame.llc = type < ETH_P_802_3_MIN;
    switch (type) {
        case ETHERTYPE_ARP:
        case ETHERTYPE_REVARP:
            frame.arp = read_arp(at);
            break;
        case ETHERTYPE_IP:
            frame.ip = read_ipv4(at);
            break;
        case ETHERTYPE_IPV6:
            frame.ip = read_ipv6(at);
            break;
        default:
            break;
    }
    return frame;
}

std::string frame_text(const FrameHeaders& frame) {
    auto text = fmt::format("{} > {}", frame.source.text(), frame.destination.text());
    for (const auto vlan : frame.vlans) text += fmt::format(" vlan {}", vlan);
    return text + " " + payload_text(frame);
}

std::string flow_text(const IpHeader& ip) {
    return fmt::format("{} {} > {}", protocol_text(ip.protocol),
                       endpoint(ip.source, ip.source_port),
                       endpoint(ip.destination, ip.destination_port));
}

}  // namespace sluice
