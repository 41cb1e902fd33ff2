// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/bench/frame.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <net/ethernet.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/udp.h>

#include <algorithm>
#include <cstring>
#include <span>

namespace sluice::bench {
namespace {

/// Ones' complement sum, unfolded (RFC 1071). @param bytes an even number
std::uint32_t sum_words(std::span<const std::byte> bytes) {
    std::uint32_t sum = 0;
    for (; !bytes.empty(); bytes = bytes.subspan(2)) {
        std::uint16_t word;
        std::memcpy(&word, bytes.data(), sizeof(word));
        sum += word;
    }
    return sum;
}

template <class Header>
std::uint32_t sum_of(const Header& header) {
    return sum_words(std::as_bytes(std::span(&header, 1)));
}

/// The address with its last word, which varies from flow to flow, left zero.
sl_addr network_of(const Address& address) {
    sl_addr raw = address.raw();
    raw.w[3] = 0;
    return raw;
}

/// The last 32 bits, host order.
std::uint32_t low_bits(const MacAddress& mac) {
    std::uint32_t low;
    std::memcpy(&low, mac.bytes.data() + 2, sizeof(low));
    return ntohl(low);
}

ether_header ethernet_header(const FrameSpec& spec) {
    ether_header header{};
    std::ranges::copy(spec.to.bytes, header.ether_dhost);
    std::ranges::copy(spec.from.bytes, header.ether_shost);
    header.ether_type = htons(spec.source.is_v4() ? ETHERTYPE_IP : ETHERTYPE_IPV6);
    return header;
}

iphdr ip4_header(std::uint32_t payload) {
    iphdr header{};
    header.version = 4;
    header.ihl = sizeof(iphdr) / 4;
    header.tot_len = htons(static_cast<std::uint16_t>(sizeof(iphdr) + payload));
    header.frag_off = htons(IP_DF);
    header.ttl = BENCH_TTL;
    header.protocol = IPPROTO_UDP;
    return header;
}

ip6_hdr ip6_header(const FrameSpec& spec, std::uint32_t payload) {
    ip6_hdr header{};
    header.ip6_flow = htonl(6U << 28);
    header.ip6_plen = htons(static_cast<std::uint16_t>(payload));
    header.ip6_nxt = IPPROTO_UDP;
    header.ip6_hlim = BENCH_TTL;
    const sl_addr source = network_of(spec.source);
    const sl_addr remote = network_of(spec.remote);
    std::memcpy(&header.ip6_src, &source, sizeof(source));
    std::memcpy(&header.ip6_dst, &remote, sizeof(remote));
    return header;
}

/// Appends headers to the head.
class Writer {
public:
    explicit Writer(bench_send& conf) : to_(reinterpret_cast<std::byte*>(conf.head)) {}
    template <class Header>
    void add(const Header& header) {
        std::memcpy(to_, &header, sizeof(header));
        to_ += sizeof(header);
    }

private:
    std::byte* to_;
};

Result<> check(const FrameSpec& spec) {
    if (spec.source.is_v4() != spec.remote.is_v4())
        return fail(ErrorCode::usage, "source and remote are not of one address family");
    const std::uint32_t least = spec.source.is_v4() ? BENCH_MIN_SIZE4 : BENCH_MIN_SIZE6;
    if (spec.size < least || spec.size > BENCH_MAX_SIZE || spec.size % 2 != 0)
        return fail(ErrorCode::usage, fmt::format("size {} is not an even number from {} to {}",
                                                  spec.size, least, BENCH_MAX_SIZE));
    return {};
}

}  // namespace

Result<> fill_head(const FrameSpec& spec, bench_send& conf) {
    SL_CHECK(check(spec));
    const bool v4 = spec.source.is_v4();
    const auto l3 = static_cast<std::uint32_t>(v4 ? sizeof(iphdr) : sizeof(ip6_hdr));
    const std::uint32_t payload = spec.size - ETHER_HDR_LEN - l3;

    udphdr udp{};
    udp.dest = htons(spec.remote_port);
    udp.len = htons(static_cast<std::uint16_t>(payload));
    const bench_stamp stamp{.magic = BENCH_MAGIC, .flow = 0, .sequence = 0};

    // The pseudo-header: protocol and length; the addresses' fixed part in IPv6.
    conf.udp_sum = htons(IPPROTO_UDP) + udp.len + sum_of(udp) + sum_of(stamp);
    Writer writer(conf);
    writer.add(ethernet_header(spec));
    if (v4) {
        const iphdr ip = ip4_header(payload);
        conf.ip_sum = sum_of(ip);
        writer.add(ip);
    } else {
        conf.udp_sum += sum_of(network_of(spec.source)) + sum_of(network_of(spec.remote));
        writer.add(ip6_header(spec, payload));
    }
    writer.add(udp);
    writer.add(stamp);

    conf.size = spec.size;
    conf.vlan = spec.vlan;
    conf.from = low_bits(spec.from);
    conf.to = low_bits(spec.to);
    conf.ipv6 = !v4;
    conf.flows.source = ntohl(spec.source.raw().w[3]);
    conf.flows.remote = ntohl(spec.remote.raw().w[3]);
    return {};
}

}  // namespace sluice::bench
