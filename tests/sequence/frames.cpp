// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/sequence/frames.hpp"

#include <netinet/in.h>

#include <algorithm>

namespace sluice::test::sequence {
namespace {

constexpr Mac nobody{2, 9, 9, 9, 9, 9}, everybody{0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
constexpr std::size_t payload_bytes = 40, chunk_bytes = 24;

At cable_of(From from) {
    switch (from) {
        case From::a:
            return At::a;
        case From::b:
            return At::b;
        case From::thin:
            return At::thin;
        case From::wan:
        case From::near:
        case From::host:
            return At::wan;
    }
    return At::a;
}

sl_addr of(const Host& host, bool v6) { return v6 ? host.v6 : host.v4; }
sl_addr of(const Link& link, bool v6) { return address_of(v6 ? link.v6 : link.v4); }

sl_addr own_address(const Send& it) {
    switch (it.from) {
        case From::a:
            return of(vm_a, it.ipv6);
        case From::b:
            return of(vm_b, it.ipv6);
        case From::near:
            return of(neighbour, it.ipv6);
        case From::host:
            return of(wan0, it.ipv6);
        case From::wan:
        case From::thin:
            return of(server, it.ipv6);
    }
    return {};
}

sl_addr source_of(const Send& it) {
    const bool from_b = it.from == From::b;
    switch (it.source) {
        case Source::own:
            return own_address(it);
        case Source::other_vm:
            return of(it.from == From::a ? vm_b : vm_a, it.ipv6);
        case Source::gateway:
            return of(from_b ? lan1 : lan0, it.ipv6);
        case Source::wan_address:
            return of(wan0, it.ipv6);
        case Source::server:
            return of(server, it.ipv6);
        case Source::inside:
            if (it.ipv6) return ip(from_b ? "fd00:b::77" : "fd00:a::77");
            return ip(from_b ? "10.0.1.77" : "10.0.0.77");
    }
    return {};
}

sl_addr destination_of(const Send& it) {
    switch (it.to) {
        case To::server:
            return of(server, it.ipv6);
        case To::near:
            return of(neighbour, it.ipv6);
        case To::a:
            return of(vm_a, it.ipv6);
        case To::b:
            return of(vm_b, it.ipv6);
        case To::gateway:
            return of(it.from == From::b ? lan1 : lan0, it.ipv6);
        case To::wan_address:
            return of(wan0, it.ipv6);
        case To::thin_address:
            return of(thin0, it.ipv6);
    }
    return {};
}

/// Why no router may carry it.
const char* forgery(const Send& it, const Address& source) {
    if (it.dress == Dress::nobody || it.dress == Dress::broadcast)
        return "it is not addressed to the router";
    if (it.shape == Shape::source_routed && source.is_v4()) return "it is source-routed";
    if (it.from == From::host || source == Address(own_address(it))) return nullptr;
    if (it.source == Source::inside) return nullptr;  // the routes lead there: a guard alone knows
    if (it.from == From::a || it.from == From::b) return "its source is not the VM's";
    if (is_hosts(source)) return "its source is the host's own";
    return nullptr;
}

Mac mac_of(At by, const Address& source) {
    return source == Address(neighbour.v4) || source == Address(neighbour.v6) ? neighbour.mac
                                                                              : host_at(by).mac;
}

Packet head(At by, Dress dress, const Address& source) {
    Eth eth{.dst = link_at(by).mac, .src = mac_of(by, source)};
    if (dress == Dress::nobody) eth.dst = nobody;
    if (dress == Dress::broadcast) eth.dst = everybody;
    Packet packet;
    packet /= eth;
    if (dress == Dress::priority_tag) packet /= Vlan{.vid = 0, .pcp = 3};
    return packet;
}

Packet ip_layer(Packet below, const Tuple& tuple, std::uint16_t number, Shape shape) {
    const sl_addr src = tuple.src.address.raw(), dst = tuple.dst.address.raw();
    if (!tuple.src.address.is_v4())
        return below / Ip6{.src = src, .dst = dst, .flow_label = number};
    Ip4 ip4{.src = src, .dst = dst, .id = number};
    if (shape == Shape::source_routed) {  // RFC 791: loose, by way of the destination
        ip4.options = {131, 7, 4};
        ip4.options.insert(ip4.options.end(), dst.b + 12, dst.b + 16);
    }
    return below / ip4;
}

Packet transport(Packet below, const Tuple& tuple, std::uint8_t tcp_flags, std::uint32_t seq) {
    const bool v4 = below.has<Ip4>();
    if (tuple.protocol == IPPROTO_TCP)
        return below / Tcp{.sport = tuple.src.port,
                           .dport = tuple.dst.port,
                           .flags = tcp_flags,
                           .seq = seq};
    if (tuple.protocol == IPPROTO_UDP)
        return below / Udp{.sport = tuple.src.port, .dport = tuple.dst.port};
    if (tuple.src.port)
        return below / (v4 ? echo_request4(tuple.src.port) : echo_request6(tuple.src.port));
    return below / (v4 ? echo_reply4(tuple.dst.port) : echo_reply6(tuple.dst.port));
}

Sent sent(At by, Dress dress, Shape shape, const Tuple& tuple, std::uint16_t number,
          std::uint8_t tcp_flags, std::uint32_t seq = 1000) {
    Sent sent{.by = by, .number = number, .tuple = tuple};
    sent.whole = transport(ip_layer(head(by, dress, tuple.src.address), tuple, number, shape),
                           tuple, tcp_flags, seq) /
                 payload(payload_bytes, number);
    const bool cut = shape == Shape::fragments || shape == Shape::backwards || shape == Shape::tail;
    if (cut && sent.whole.has<Ip4>()) sent.chunk = chunk_bytes;
    sent.backwards = sent.chunk && shape == Shape::backwards;
    sent.tail_only = sent.chunk && shape == Shape::tail;
    return sent;
}

std::uint8_t icmp_of(bool v4) {
    constexpr std::uint8_t icmp4 = IPPROTO_ICMP, icmp6 = IPPROTO_ICMPV6;
    return v4 ? icmp4 : icmp6;
}

std::uint8_t protocol_number(Protocol protocol, bool ipv6) {
    switch (protocol) {
        case Protocol::udp:
            return IPPROTO_UDP;
        case Protocol::tcp:
            return IPPROTO_TCP;
        case Protocol::echo:
            return icmp_of(!ipv6);
    }
    return 0;
}

Address address_at(const Host& host, bool v4) { return Address(v4 ? host.v4 : host.v6); }

/// A cable at neither end.
At beside(const Conversation& it) {
    for (const At at : {At::a, At::b})
        if (it.opener != at && it.responder != at) return at;
    return At::wan;
}

/// An address of neither end.
Address beside(const Tuple& quoted) {
    const bool v4 = quoted.src.address.is_v4();
    for (const Host& host : {vm_a, vm_b})
        if (const auto it = address_at(host, v4);
            it != quoted.src.address && it != quoted.dst.address)
            return it;
    return address_at(neighbour, v4);
}

Sent error_about(const Tuple& quoted, At by, Twist twist, Dress dress, std::uint16_t number) {
    const bool v4 = quoted.src.address.is_v4();
    // Who tells of it is the host at this end: the VM, or the router.
    const Tuple outer{icmp_of(v4),
                      {address_at(host_at(by), v4), 0},
                      {twist == Twist::error_astray ? beside(quoted) : quoted.src.address, 0}};
    Bytes inner = serialise(transport(ip_layer(Packet{}, quoted, 1, Shape::whole), quoted, ACK, 1) /
                            payload(8, number));
    Sent sent{.by = by,
              .number = number,
              .tuple = outer,
              .quoted = quoted,
              .stray = twist != Twist::error};
    sent.whole = ip_layer(head(by, dress, outer.src.address), outer, number, Shape::whole) /
                 Icmp{.type = static_cast<std::uint8_t>(v4 ? 3 : 1),
                      .code = static_cast<std::uint8_t>(v4 ? 1 : 0)} /
                 Raw{std::move(inner)};
    return sent;
}

}  // namespace

Sent packet_of(const Send& drawn, std::uint16_t number) {
    const Send it = meant(drawn);
    Tuple tuple{protocol_number(it.protocol, it.ipv6),
                {Address(source_of(it)), it.sport},
                {Address(destination_of(it)), it.dport}};
    if (it.protocol == Protocol::echo) tuple.dst.port = 0;
    Sent packet = sent(cable_of(it.from), it.dress, it.shape, tuple, number, SYN);
    packet.by_host = it.from == From::host;
    packet.forged = forgery(it, tuple.src.address);
    packet.foreign = it.source != Source::own;
    packet.aged = it.later;
    return packet;
}

Sent packet_of(const Say& it, const Conversation& about, std::uint16_t number) {
    const bool opener = it.side == Side::opener;
    At by = opener ? about.opener : about.responder;
    Tuple tuple = opener ? about.opened : about.delivered.turned();
    if (it.twist == Twist::other_uplink && is_uplink(by)) by = by == At::wan ? At::thin : At::wan;
    const char* forged = nullptr;
    if (it.dress == Dress::nobody || it.dress == Dress::broadcast)
        forged = "it is not addressed to the router";
    if (it.twist == Twist::stranger) {
        if (is_access(by)) forged = "its source is not the VM's";
        const bool v4 = tuple.src.address.is_v4();
        tuple.src.address = Address(v4 ? stranger : stranger6);
    }
    constexpr std::uint32_t wrong_number = 0x7badcafe;
    std::uint8_t flags = ACK;
    if (it.twist == Twist::rst) flags = RST;
    if (it.twist == Twist::syn) flags = SYN;
    if (it.twist == Twist::fin) flags = FIN | ACK;
    if (it.twist == Twist::error_of_another) by = beside(about);
    Sent packet = it.twist >= Twist::error
                      ? error_about(tuple.turned(), by, it.twist, it.dress, number)
                      : sent(by, it.dress, Shape::whole, tuple, number, flags,
                             flags == ACK ? 1000 : wrong_number);
    packet.forged = forged;
    packet.foreign = it.twist == Twist::stranger || it.twist == Twist::other_uplink;
    packet.aged = it.later;
    return packet;
}

Sent packet_of(const Flood& it, std::uint16_t port, std::uint16_t number) {
    const Send one{.from = it.from,
                   .to = it.to,
                   .protocol = it.tcp ? Protocol::tcp : Protocol::udp,
                   .sport = port,
                   .dport = static_cast<std::uint16_t>(it.from == From::wan ? port : 53)};
    return packet_of(one, number);
}

namespace {

/// The parts of a packet as they travel.
std::vector<Packet> parts_of(const Packet& whole, std::size_t chunk, bool backwards,
                             bool tail_only) {
    if (!chunk) return {whole};
    auto parts = fragments(whole, chunk);
    if (backwards) std::ranges::reverse(parts);
    if (tail_only) parts.erase(parts.begin());
    return parts;
}

Packet without_tags(const Packet& packet) {
    Packet plain;
    for (const Layer& layer : packet.layers())
        if (!std::holds_alternative<Vlan>(layer)) plain /= layer;
    return plain;
}

}  // namespace

std::vector<Bytes> frames_of(const Sent& sent) {
    std::vector<Bytes> frames;
    for (const Packet& part : parts_of(sent.whole, sent.chunk, sent.backwards, sent.tail_only))
        frames.push_back(serialise(part));
    return frames;
}

std::vector<Bytes> carried_frames(const Sent& sent, const Tuple& out, const Mac& to,
                                  const Mac& from) {
    Packet whole = with_tuple(without_tags(sent.whole), out);
    whole.get<Eth>() = {.dst = to, .src = from};
    if (!sent.by_host) {
        if (whole.has<Ip4>()) whole.get<Ip4>().ttl -= 1;
        if (whole.has<Ip6>()) whole.get<Ip6>().hop_limit -= 1;
    }
    std::vector<Bytes> frames;
    for (const Packet& part : parts_of(whole, sent.chunk, false, false))
        frames.push_back(serialise(part));
    return frames;
}

}  // namespace sluice::test::sequence
