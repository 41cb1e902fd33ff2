// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/harness/packet.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <string>

#include "tests/harness/checksum.hpp"

namespace sluice::test {
namespace {

void put16(Bytes& out, std::uint32_t value) {
    out.push_back(static_cast<std::uint8_t>(value >> 8));
    out.push_back(static_cast<std::uint8_t>(value));
}

void put32(Bytes& out, std::uint32_t value) {
    put16(out, value >> 16);
    put16(out, value);
}

void set16(Bytes& bytes, std::size_t at, std::uint32_t value) {
    bytes[at] = static_cast<std::uint8_t>(value >> 8);
    bytes[at + 1] = static_cast<std::uint8_t>(value);
}

void append(Bytes& out, View bytes) { out.insert(out.end(), bytes.begin(), bytes.end()); }

/// `body` with zero bytes up to the next multiple of `unit`, `taken` bytes
/// being before it.
Bytes padded(Bytes body, std::size_t unit, std::size_t taken = 0) {
    while ((body.size() + taken) % unit) body.push_back(0);
    return body;
}

/// Serialises a packet from its last layer to its first: `body_` is what the
/// layer carries.
class Serialiser {
public:
    explicit Serialiser(const Packet& packet) : layers_(packet.layers()) {}

    Bytes run() {
        for (index_ = layers_.size(); index_-- > 0;) {
            Bytes head =
                std::visit([this](const auto& layer) { return header(layer); }, layers_[index_]);
            append(head, body_);
            body_ = std::move(head);
        }
        return std::move(body_);
    }

private:
    Bytes header(const Eth& eth) {
        Bytes out;
        append(out, eth.dst);
        append(out, eth.src);
        put16(out, eth.type.value_or(inner_ethertype()));
        return out;
    }

    Bytes header(const Vlan& vlan) {
        Bytes out;
        put16(out, static_cast<std::uint32_t>(vlan.pcp << 13 | vlan.vid));
        put16(out, inner_ethertype());
        return out;
    }

    Bytes header(const Ip4& ip4) {
        const Bytes options = padded(ip4.options, 4);
        const std::size_t length = 20 + options.size();
        Bytes out;
        out.push_back(
            static_cast<std::uint8_t>(ip4.version << 4 | ip4.header_words.value_or(length / 4)));
        out.push_back(ip4.tos);
        put16(out, ip4.total_length.value_or(length + body_.size()));
        put16(out, ip4.id);
        put16(out, static_cast<std::uint32_t>(ip4.df << 14 | ip4.mf << 13 | ip4.offset / 8));
        out.push_back(ip4.ttl);
        out.push_back(ip4.protocol.value_or(inner_protocol()));
        put16(out, 0);
        append(out, View(ip4.src.b + 12, 4));
        append(out, View(ip4.dst.b + 12, 4));
        append(out, options);
        set16(out, 10, ip4.checksum.value_or(~ones_sum(out)));
        return out;
    }

    Bytes header(const Ip6& ip6) {
        Bytes out;
        put32(out, std::uint32_t{ip6.version} << 28 | std::uint32_t{ip6.traffic_class} << 20 |
                       ip6.flow_label);
        put16(out, ip6.payload_length.value_or(body_.size()));
        out.push_back(ip6.next.value_or(inner_protocol()));
        out.push_back(ip6.hop_limit);
        append(out, ip6.src.b);
        append(out, ip6.dst.b);
        return out;
    }

    Bytes header(const Ip6Extension& extension) {
        const Bytes rest = padded(extension.body, 8, 2);
        Bytes out{extension.next.value_or(inner_protocol()),
                  extension.length.value_or(static_cast<std::uint8_t>((rest.size() + 2) / 8 - 1))};
        append(out, rest);
        return out;
    }

    Bytes header(const Ip6Fragment& fragment) {
        Bytes out{fragment.next.value_or(inner_protocol()), 0};
        put16(out, static_cast<std::uint32_t>(fragment.offset | fragment.more));
        put32(out, fragment.id);
        return out;
    }

    Bytes header(const Tcp& tcp) {
        const Bytes options = padded(tcp.options, 4);
        Bytes out;
        put16(out, tcp.sport);
        put16(out, tcp.dport);
        put32(out, tcp.seq);
        put32(out, tcp.ack);
        out.push_back(
            static_cast<std::uint8_t>(tcp.header_words.value_or(5 + options.size() / 4) << 4));
        out.push_back(tcp.flags);
        put16(out, tcp.window);
        put32(out, 0);  // checksum, urgent pointer
        append(out, options);
        set16(out, 16, transport_checksum(out, IPPROTO_TCP, tcp.sum));
        return out;
    }

    Bytes header(const Udp& udp) {
        Bytes out;
        put16(out, udp.sport);
        put16(out, udp.dport);
        put16(out, udp.length.value_or(8 + body_.size()));
        put16(out, 0);
        std::uint16_t sum = transport_checksum(out, IPPROTO_UDP, udp.sum);
        if (sum == 0 && udp.sum == Sum::full) sum = 0xffff;
        set16(out, 6, sum);
        return out;
    }

    Bytes header(const Icmp& icmp) {
        Bytes out{icmp.type, icmp.code, 0, 0};
        put32(out, icmp.rest);
        const bool v4 = std::holds_alternative<Ip4>(network());
        set16(out, 2,
              v4 ? ~ones_sum(body_, ones_sum(out))
                 : transport_checksum(out, IPPROTO_ICMPV6, Sum::full));
        return out;
    }

    static Bytes header(const Raw& raw) { return raw.bytes; }

    /// The IP layer that carries the current one.
    [[nodiscard]] const Layer& network() const {
        std::size_t i = index_;
        while (!std::holds_alternative<Ip4>(layers_[i]) && !std::holds_alternative<Ip6>(layers_[i]))
            --i;
        return layers_[i];
    }

    std::uint16_t transport_checksum(const Bytes& head, std::uint8_t protocol, Sum kind) {
        const auto* ip4 = std::get_if<Ip4>(&network());
        const auto* ip6 = std::get_if<Ip6>(&network());
        const std::uint16_t pseudo =
            pseudo_sum(ip4, ip4 ? ip4->src : ip6->src, ip4 ? ip4->dst : ip6->dst, protocol,
                       head.size() + body_.size());
        const std::uint16_t full = ~ones_sum(body_, ones_sum(head, pseudo));
        switch (kind) {
            case Sum::full:
                return full;
            case Sum::partial:
                return pseudo;
            case Sum::none:
                return 0;
            case Sum::wrong:
                return full ^ 0x5a5a;
        }
        return 0;
    }

    [[nodiscard]] std::uint16_t inner_ethertype() const {
        if (index_ + 1 == layers_.size()) return 0;
        const Layer& inner = layers_[index_ + 1];
        if (const auto* vlan = std::get_if<Vlan>(&inner)) return vlan->tpid;
        if (std::holds_alternative<Ip4>(inner)) return 0x0800;
        if (std::holds_alternative<Ip6>(inner)) return 0x86dd;
        return 0;
    }

    [[nodiscard]] std::uint8_t inner_protocol() const {
        if (index_ + 1 == layers_.size()) return IPPROTO_NONE;
        const Layer& inner = layers_[index_ + 1];
        if (std::holds_alternative<Tcp>(inner)) return IPPROTO_TCP;
        if (std::holds_alternative<Udp>(inner)) return IPPROTO_UDP;
        if (std::holds_alternative<Icmp>(inner))
            return std::holds_alternative<Ip4>(network()) ? std::uint8_t{IPPROTO_ICMP}
                                                          : std::uint8_t{IPPROTO_ICMPV6};
        if (const auto* extension = std::get_if<Ip6Extension>(&inner)) return extension->type;
        if (std::holds_alternative<Ip6Fragment>(inner)) return IPPROTO_FRAGMENT;
        return IPPROTO_NONE;
    }

    const std::vector<Layer>& layers_;
    std::size_t index_ = 0;
    Bytes body_;
};

Icmp echo(std::uint8_t type, std::uint16_t id, std::uint16_t sequence) {
    return Icmp{.type = type, .rest = std::uint32_t{id} << 16 | sequence};
}

}  // namespace

sl_addr ip(std::string_view text) {
    const std::string string(text);
    sl_addr address{};
    if (string.find(':') != std::string::npos) {
        if (inet_pton(AF_INET6, string.c_str(), address.b) != 1) std::abort();
        return address;
    }
    address.b[10] = address.b[11] = 0xff;
    if (inet_pton(AF_INET, string.c_str(), address.b + 12) != 1) std::abort();
    return address;
}

Bytes serialise(const Packet& packet) { return Serialiser(packet).run(); }

Raw payload(std::size_t length, unsigned seed) {
    Raw raw;
    raw.bytes.reserve(length);
    for (std::size_t i = 0; i < length; ++i)
        raw.bytes.push_back(static_cast<std::uint8_t>(i * 7 + (i >> 8) + seed * 31));
    return raw;
}

Icmp echo_request4(std::uint16_t id, std::uint16_t sequence) { return echo(8, id, sequence); }
Icmp echo_reply4(std::uint16_t id, std::uint16_t sequence) { return echo(0, id, sequence); }
Icmp echo_request6(std::uint16_t id, std::uint16_t sequence) { return echo(128, id, sequence); }
Icmp echo_reply6(std::uint16_t id, std::uint16_t sequence) { return echo(129, id, sequence); }

std::vector<Packet> fragments(const Packet& packet, std::size_t chunk) {
    // What is before and in the IP header is repeated; what it carries is cut up.
    Packet head;
    std::size_t head_length = eth_header;
    std::uint8_t protocol = 0;
    const Bytes whole = serialise(packet);
    for (const Layer& layer : packet.layers()) {
        head /= layer;
        if (std::holds_alternative<Vlan>(layer)) head_length += 4;
        if (const auto* ip4 = std::get_if<Ip4>(&layer)) {
            protocol = whole[head_length + 9];
            head_length += 20 + padded(ip4->options, 4).size();
            break;
        }
        if (std::holds_alternative<Ip6>(layer)) {
            protocol = whole[head_length + 6];
            head_length += 40;
            break;
        }
    }
    std::vector<Packet> result;
    for (std::size_t at = head_length; at < whole.size(); at += chunk) {
        const std::size_t size = std::min(chunk, whole.size() - at);
        const auto offset = static_cast<std::uint16_t>(at - head_length);
        const bool more = at + size < whole.size();
        Packet piece = head;
        if (piece.has<Ip4>()) {
            auto& ip4 = piece.get<Ip4>();
            ip4.protocol = protocol;
            ip4.offset = offset;
            ip4.mf = more;
        } else {
            piece /= Ip6Fragment{.offset = offset, .more = more, .next = protocol};
        }
        const auto begin = whole.begin() + static_cast<std::ptrdiff_t>(at);
        piece /= Raw{Bytes(begin, begin + static_cast<std::ptrdiff_t>(size))};
        result.push_back(std::move(piece));
    }
    return result;
}

}  // namespace sluice::test
