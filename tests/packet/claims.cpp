// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/packet/claims.hpp"

#include <algorithm>

namespace sluice::test {
namespace {

void put16(Bytes& out, std::uint32_t value) {
    out.push_back(static_cast<std::uint8_t>(value >> 8));
    out.push_back(static_cast<std::uint8_t>(value));
}

void append(Bytes& out, View bytes) { out.insert(out.end(), bytes.begin(), bytes.end()); }

void put4(Bytes& out, const sl_addr& address) { append(out, View(address.b + 12, 4)); }

}  // namespace

sl_addr link_local(const Mac& mac) {
    sl_addr address = ip("fe80::ff:fe00:0");
    address.b[8] = mac[0] ^ 2;
    std::copy_n(mac.begin() + 1, 2, address.b + 9);
    std::copy_n(mac.begin() + 3, 3, address.b + 13);
    return address;
}

Raw arp_body(const Arp& arp) {
    Raw raw;
    put16(raw.bytes, arp.hardware);
    put16(raw.bytes, arp.protocol);
    raw.bytes.push_back(arp.hardware_length);
    raw.bytes.push_back(arp.protocol_length);
    put16(raw.bytes, arp.operation);
    append(raw.bytes, arp.sender_mac);
    put4(raw.bytes, arp.sender);
    append(raw.bytes, arp.target_mac);
    put4(raw.bytes, arp.target);
    raw.bytes.resize(46);
    return raw;
}

Packet arp_frame(const Mac& from, const Arp& arp) {
    return Eth{.dst = everybody, .src = from, .type = 0x0806} / arp_body(arp);
}

Packet rarp_frame(const Mac& from, const Arp& arp) {
    return Eth{.dst = everybody, .src = from, .type = 0x8035} / arp_body(arp);
}

Bytes nd_option(std::uint8_t type, const Mac& mac) {
    Bytes option{type, 1};
    append(option, mac);
    return option;
}

Packet nd_ip(const Mac& from, const sl_addr& source) {
    return Eth{.dst = all_nodes, .src = from} /
           Ip6{.src = source, .dst = ip("ff02::1"), .hop_limit = 255};
}

Packet nd(const Packet& below, NdType type, std::optional<sl_addr> target, const Bytes& options) {
    Raw rest;
    if (type == RA) rest.bytes.resize(8);
    if (target) append(rest.bytes, target->b);
    if (type == REDIRECT) rest.bytes.resize(32);
    append(rest.bytes, options);
    return below / Icmp{.type = type} / rest;
}

Raw bootp_body(const Bootp& bootp) {
    Raw raw{{bootp.op, 1, bootp.hardware_length, 0}};
    put16(raw.bytes, bootp.id >> 16);
    put16(raw.bytes, bootp.id);
    append(raw.bytes, Bytes{0, 0, 0x80, 0});
    put4(raw.bytes, bootp.had);
    put4(raw.bytes, bootp.given);
    raw.bytes.resize(28);
    append(raw.bytes, bootp.chaddr);
    raw.bytes.resize(236);
    append(raw.bytes, Bytes{0x63, 0x82, 0x53, 0x63});
    append(raw.bytes, bootp.more_options);
    append(raw.bytes, Bytes{53, 1, bootp.message});
    if (bootp.seconds) {
        append(raw.bytes, Bytes{51, 4});
        put16(raw.bytes, *bootp.seconds >> 16);
        put16(raw.bytes, *bootp.seconds);
    }
    raw.bytes.push_back(255);
    return raw;
}

Packet dhcp_request(const Mac& from, const Bootp& bootp) {
    return Eth{.dst = everybody, .src = from} /
           Ip4{.src = ip("0.0.0.0"), .dst = ip("255.255.255.255")} / Udp{.sport = 68, .dport = 67} /
           bootp_body(bootp);
}

}  // namespace sluice::test
