// SPDX-License-Identifier: GPL-2.0-or-later
// Packets as values: a stack of layers, edited by field, serialised with the
// lengths and checksums they should have. A test builds what goes in, copies
// it, changes what the gate should change, and compares whole frames:
//
//     Packet in = Eth{...} / Ip4{...} / Udp{...} / payload(20);
//     Packet out = in;
//     out.get<Ip4>().ttl -= 1;
//
// Numbers are in host order; serialise() puts them in network order.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "sluice/abi/types.h"

namespace sluice::test {

using Bytes = std::vector<std::uint8_t>;
using View = std::span<const std::uint8_t>;
using Mac = std::array<std::uint8_t, 6>;

/// Bytes of an Ethernet header without tags.
inline constexpr std::size_t eth_header = 14;

/// An address from its text, IPv4 kept IPv4-mapped. Aborts on text that is
/// none.
[[nodiscard]] sl_addr ip(std::string_view text);
/// The IPv4 address, network order, inside a mapped one.
[[nodiscard]] inline std::uint32_t v4_raw(const sl_addr& address) { return address.w[3]; }

/// What stands in a TCP or UDP checksum field.
enum class Sum : std::uint8_t {
    full,     ///< the checksum; UDP's computed 0 is sent as 0xffff (RFC 768)
    partial,  ///< the folded pseudo-header sum, as a sender with checksum offload
              ///< leaves it
    none,     ///< 0
    wrong,
};

struct Eth {
    Mac dst{}, src{};
    std::optional<std::uint16_t> type{};  ///< nullopt: what the next layer is; a length for LLC
};

struct Vlan {
    std::uint16_t vid = 0;
    std::uint8_t pcp = 0;
    std::uint16_t tpid = 0x8100;
};

struct Ip4 {
    sl_addr src{}, dst{};
    std::uint8_t ttl = 64;
    std::uint8_t tos = 0;
    std::uint16_t id = 0x1234;
    bool df = false;
    bool mf = false;
    std::uint16_t offset = 0;  ///< of a fragment, bytes, a multiple of 8
    Bytes options{};           ///< padded to a multiple of 4
    std::uint8_t version = 4;
    std::optional<std::uint8_t> protocol{};
    std::optional<std::uint8_t> header_words{};
    std::optional<std::uint16_t> total_length{};
    std::optional<std::uint16_t> checksum{};
};

struct Ip6 {
    sl_addr src{}, dst{};
    std::uint8_t hop_limit = 64;
    std::uint8_t traffic_class = 0;
    std::uint32_t flow_label = 0;
    std::uint8_t version = 6;
    std::optional<std::uint8_t> next{};
    std::optional<std::uint16_t> payload_length{};
};

/// Hop-by-hop options (0), routing (43), destination options (60): 8 * (1 +
/// length) bytes.
struct Ip6Extension {
    std::uint8_t type = 0;
    Bytes body{};  ///< after the two fixed bytes; padded
    std::optional<std::uint8_t> length{};
    std::optional<std::uint8_t> next{};
};

struct Ip6Fragment {
    std::uint16_t offset = 0;  ///< bytes, a multiple of 8
    bool more = false;
    std::uint32_t id = 0x01020304;
    std::optional<std::uint8_t> next{};
};

enum TcpFlag : std::uint8_t { FIN = 1, SYN = 2, RST = 4, PSH = 8, ACK = 16 };

struct Tcp {
    std::uint16_t sport = 0, dport = 0;
    std::uint8_t flags = ACK;
    std::uint32_t seq = 1000, ack = 2000;
    std::uint16_t window = 512;
    Bytes options{};  ///< padded to a multiple of 4
    Sum sum = Sum::full;
    std::optional<std::uint8_t> header_words{};
};

struct Udp {
    std::uint16_t sport = 0, dport = 0;
    Sum sum = Sum::full;
    std::optional<std::uint16_t> length{};
};

/// ICMP below Ip4, ICMPv6 below Ip6. `rest` is the second word: identifier and
/// sequence number of an echo, unused or MTU of an error.
struct Icmp {
    std::uint8_t type = 0, code = 0;
    std::uint32_t rest = 0;
};

struct Raw {
    Bytes bytes{};
};

using Layer = std::variant<Eth, Vlan, Ip4, Ip6, Ip6Extension, Ip6Fragment, Tcp, Udp, Icmp, Raw>;

template <class T>
concept LayerType = requires(Layer layer) { std::get<T>(layer); };

class Packet {
public:
    Packet() = default;
    Packet& operator/=(Layer layer) {
        layers_.push_back(std::move(layer));
        return *this;
    }
    /// The first layer of the type; the packet must have one.
    template <LayerType T>
    [[nodiscard]] T& get() {
        return *std::get_if<T>(&layers_[index_of<T>()]);
    }
    template <LayerType T>
    [[nodiscard]] bool has() const {
        return index_of<T>() < layers_.size();
    }
    [[nodiscard]] const std::vector<Layer>& layers() const { return layers_; }

private:
    template <LayerType T>
    [[nodiscard]] std::size_t index_of() const {
        std::size_t i = 0;
        while (i < layers_.size() && !std::holds_alternative<T>(layers_[i])) ++i;
        return i;
    }
    std::vector<Layer> layers_;
};

template <LayerType A, LayerType B>
[[nodiscard]] Packet operator/(A first, B second) {
    Packet packet;
    packet /= std::move(first);
    packet /= std::move(second);
    return packet;
}
template <LayerType B>
[[nodiscard]] Packet operator/(Packet packet, B next) {
    packet /= std::move(next);
    return packet;
}

[[nodiscard]] Bytes serialise(const Packet& packet);

/// `length` bytes that differ from each other and, by `seed`, from other
/// payloads.
[[nodiscard]] Raw payload(std::size_t length, unsigned seed = 1);

[[nodiscard]] Icmp echo_request4(std::uint16_t id, std::uint16_t sequence = 1);
[[nodiscard]] Icmp echo_reply4(std::uint16_t id, std::uint16_t sequence = 1);
[[nodiscard]] Icmp echo_request6(std::uint16_t id, std::uint16_t sequence = 1);
[[nodiscard]] Icmp echo_reply6(std::uint16_t id, std::uint16_t sequence = 1);

/// The packet as a sender would fragment it. An Ip6 packet gets a fragment
/// header each.
/// @param chunk bytes of IP payload in each fragment, a multiple of 8
[[nodiscard]] std::vector<Packet> fragments(const Packet& packet, std::size_t chunk);

}  // namespace sluice::test
