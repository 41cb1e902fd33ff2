// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/sequence/tuple.hpp"

#include <fmt/format.h>
#include <netinet/in.h>

#include <algorithm>
#include <cstring>

#include "tests/harness/dissect.hpp"

namespace sluice::test::sequence {
namespace {

std::uint16_t number(View bytes, std::size_t at) {
    return static_cast<std::uint16_t>(bytes[at] << 8 | bytes[at + 1]);
}

Address address_at(View bytes, std::size_t at, bool v4) {
    sl_addr address = ip(v4 ? "0.0.0.0" : "::");
    if (v4)
        std::memcpy(address.b + 12, &bytes[at], 4);
    else
        std::memcpy(address.b, &bytes[at], 16);
    return Address(address);
}

bool is_echo_request(std::uint8_t protocol, std::uint8_t type) {
    return protocol == IPPROTO_ICMP ? type == 8 : type == 128;
}
bool is_echo_reply(std::uint8_t protocol, std::uint8_t type) {
    return protocol == IPPROTO_ICMP ? type == 0 : type == 129;
}
bool is_icmp(std::uint8_t protocol) {
    return protocol == IPPROTO_ICMP || protocol == IPPROTO_ICMPV6;
}
bool is_error(std::uint8_t protocol, std::uint8_t type) {
    if (protocol == IPPROTO_ICMPV6) return type < 128;
    return protocol == IPPROTO_ICMP && (type == 3 || type == 4 || type == 11 || type == 12);
}

/// Ports from the first 8 bytes of a transport header, which is all that an ICMP error need quote.
void read_ports(View l4, Tuple& tuple) {
    if (l4.size() < 8) return;
    if (tuple.protocol == IPPROTO_TCP || tuple.protocol == IPPROTO_UDP) {
        tuple.src.port = number(l4, 0);
        tuple.dst.port = number(l4, 2);
    } else if (is_icmp(tuple.protocol)) {
        if (is_echo_request(tuple.protocol, l4[0])) tuple.src.port = number(l4, 4);
        if (is_echo_reply(tuple.protocol, l4[0])) tuple.dst.port = number(l4, 4);
    }
}

std::optional<Tuple> read_quoted(View packet, bool v4) {
    const std::size_t header = v4 ? 20 : 40;
    if (packet.size() < header + 8) return std::nullopt;
    Tuple tuple;
    tuple.protocol = v4 ? packet[9] : packet[6];
    tuple.src.address = address_at(packet, v4 ? 12 : 8, v4);
    tuple.dst.address = address_at(packet, v4 ? 16 : 24, v4);
    read_ports(packet.subspan(v4 ? (packet[0] & 15u) * 4u : header), tuple);
    return tuple;
}

}  // namespace

std::string text(const End& end) {
    return end.port ? fmt::format("{}:{}", end.address.text(), end.port) : end.address.text();
}

std::string text(const Tuple& tuple) {
    return fmt::format("{} {} > {}", protocol_text(tuple.protocol), text(tuple.src),
                       text(tuple.dst));
}

std::optional<Headers> read_headers(View frame) {
    const auto layout = locate(frame);
    if (!layout || (!layout->v4 && !layout->v6)) return std::nullopt;
    Headers headers;
    std::copy_n(frame.begin(), 6, headers.to.begin());
    std::copy_n(frame.begin() + 6, 6, headers.from.begin());
    headers.tagged = layout->l3 != eth_header;
    const View packet = frame.subspan(layout->l3, layout->end - layout->l3);
    headers.tuple.protocol = layout->protocol;
    headers.tuple.src.address = address_at(packet, layout->v4 ? 12 : 8, layout->v4);
    headers.tuple.dst.address = address_at(packet, layout->v4 ? 16 : 24, layout->v4);
    if (layout->v4) headers.offset = static_cast<std::uint16_t>((number(packet, 6) & 0x1fff) * 8);
    headers.tail = !layout->l4;
    if (headers.tail) return headers;
    const View l4 = frame.subspan(*layout->l4, layout->end - *layout->l4);
    read_ports(l4, headers.tuple);
    headers.error = is_icmp(layout->protocol) && is_error(layout->protocol, l4[0]);
    if (headers.error && l4.size() > 8) headers.quoted = read_quoted(l4.subspan(8), layout->v4);
    return headers;
}

Tuple tuple_of(const Packet& packet) {
    const auto headers = read_headers(serialise(packet));
    return headers ? headers->tuple : Tuple{};
}

Packet with_tuple(Packet packet, const Tuple& tuple) {
    if (packet.has<Ip4>()) {
        packet.get<Ip4>().src = tuple.src.address.raw();
        packet.get<Ip4>().dst = tuple.dst.address.raw();
    } else if (packet.has<Ip6>()) {
        packet.get<Ip6>().src = tuple.src.address.raw();
        packet.get<Ip6>().dst = tuple.dst.address.raw();
    }
    if (packet.has<Tcp>()) {
        packet.get<Tcp>().sport = tuple.src.port;
        packet.get<Tcp>().dport = tuple.dst.port;
    } else if (packet.has<Udp>()) {
        packet.get<Udp>().sport = tuple.src.port;
        packet.get<Udp>().dport = tuple.dst.port;
    } else if (packet.has<Icmp>()) {
        auto& icmp = packet.get<Icmp>();
        const std::uint32_t id = tuple.src.port ? tuple.src.port : tuple.dst.port;
        icmp.rest = id << 16 | (icmp.rest & 0xffff);
    }
    return packet;
}

}  // namespace sluice::test::sequence
