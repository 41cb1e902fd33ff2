// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/harness/dissect.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>

#include <algorithm>

namespace sluice::test {
namespace {

std::uint16_t get16(View bytes, std::size_t at) {
    return static_cast<std::uint16_t>(bytes[at] << 8 | bytes[at + 1]);
}

std::uint32_t get32(View bytes, std::size_t at) {
    return std::uint32_t{get16(bytes, at)} << 16 | get16(bytes, at + 2);
}

std::string mac_text(View bytes) {
    return fmt::format("{:02x}:{:02x}:{:02x}:{:02x}:{:02x}:{:02x}", bytes[0], bytes[1], bytes[2],
                       bytes[3], bytes[4], bytes[5]);
}

std::string address_text(View bytes) {
    char text[INET6_ADDRSTRLEN];
    return inet_ntop(bytes.size() == 4 ? AF_INET : AF_INET6, bytes.data(), text, sizeof(text));
}

/// ICMP of the one family means nothing in the other.
std::size_t minimum_header(const Layout& layout) {
    switch (layout.protocol) {
        case IPPROTO_TCP:
            return 20;
        case IPPROTO_UDP:
            return 8;
        case IPPROTO_ICMP:
            return layout.v4 ? 8 : 0;
        case IPPROTO_ICMPV6:
            return layout.v6 ? 8 : 0;
        default:
            return 0;
    }
}

/// Sets l4 and protocol if the transport header is there whole.
bool locate_l4(View frame, std::size_t at, Layout& layout) {
    if (at + minimum_header(layout) > layout.end) return layout.fragment;
    if (layout.protocol == IPPROTO_TCP) {
        const std::size_t length = (frame[at + 12] >> 4) * 4u;
        if (length < 20 || at + length > layout.end) return layout.fragment;
    }
    if (layout.protocol == IPPROTO_UDP && !layout.fragment) {
        // UDP may end before its packet does (RFC 768); its checksum ends with it.
        const std::size_t length = get16(frame, at + 4);
        if (length < 8 || length > layout.end - at) return false;
        layout.end = at + length;
    }
    layout.l4 = at;
    return true;
}

bool locate_v4(View frame, Layout& layout) {
    const std::size_t at = layout.l3;
    if (frame.size() < at + 20 || frame[at] >> 4 != 4) return false;
    const std::size_t header = (frame[at] & 15u) * 4u;
    const std::size_t total = get16(frame, at + 2);
    if (header < 20 || total < header || at + total > frame.size()) return false;
    layout.v4 = true;
    layout.end = at + total;
    layout.protocol = frame[at + 9];
    const std::uint16_t frag = get16(frame, at + 6);
    layout.fragment = frag & 0x3fff;
    return frag & 0x1fff ? true : locate_l4(frame, at + header, layout);
}

bool locate_v6(View frame, Layout& layout) {
    std::size_t at = layout.l3;
    if (frame.size() < at + 40 || frame[at] >> 4 != 6) return false;
    layout.end = at + 40 + get16(frame, at + 4);
    if (layout.end > frame.size()) return false;
    layout.v6 = true;
    layout.protocol = frame[at + 6];
    at += 40;
    for (;;) {
        const bool options = layout.protocol == IPPROTO_HOPOPTS ||
                             layout.protocol == IPPROTO_ROUTING ||
                             layout.protocol == IPPROTO_DSTOPTS;
        const bool fragment = layout.protocol == IPPROTO_FRAGMENT;
        if (!options && !fragment) return locate_l4(frame, at, layout);
        if (at + 8 > layout.end) return false;
        layout.protocol = frame[at];
        if (fragment) {
            layout.fragment = true;
            if (get16(frame, at + 2) & 0xfff8) return true;
        }
        at += fragment ? 8 : (frame[at + 1] + 1u) * 8u;
        if (at > layout.end) return false;
    }
}

void dissect_ip4(View frame, std::size_t at, std::vector<Field>& out) {
    const std::size_t header = (frame[at] & 15u) * 4u;
    out.push_back({"ip4.header", fmt::format("{}", header)});
    out.push_back({"ip4.tos", fmt::format("{:#04x}", frame[at + 1])});
    out.push_back({"ip4.total-length", fmt::format("{}", get16(frame, at + 2))});
    out.push_back({"ip4.id", fmt::format("{:#06x}", get16(frame, at + 4))});
    out.push_back({"ip4.fragment", fmt::format("{:#06x}", get16(frame, at + 6))});
    out.push_back({"ip4.ttl", fmt::format("{}", frame[at + 8])});
    out.push_back({"ip4.protocol", fmt::format("{}", frame[at + 9])});
    out.push_back({"ip4.checksum", fmt::format("{:#06x}", get16(frame, at + 10))});
    out.push_back({"ip4.src", address_text(frame.subspan(at + 12, 4))});
    out.push_back({"ip4.dst", address_text(frame.subspan(at + 16, 4))});
}

void dissect_ip6(View frame, std::size_t at, std::vector<Field>& out) {
    out.push_back({"ip6.first-word", fmt::format("{:#010x}", get32(frame, at))});
    out.push_back({"ip6.payload-length", fmt::format("{}", get16(frame, at + 4))});
    out.push_back({"ip6.next", fmt::format("{}", frame[at + 6])});
    out.push_back({"ip6.hop-limit", fmt::format("{}", frame[at + 7])});
    out.push_back({"ip6.src", address_text(frame.subspan(at + 8, 16))});
    out.push_back({"ip6.dst", address_text(frame.subspan(at + 24, 16))});
}

void dissect_l4(View frame, const Layout& layout, std::vector<Field>& out) {
    const std::size_t at = *layout.l4;
    const auto number = [&](const char* name, std::size_t offset) {
        out.push_back({name, fmt::format("{}", get16(frame, at + offset))});
    };
    const auto sum = [&](const char* name, std::size_t offset) {
        out.push_back({name, fmt::format("{:#06x}", get16(frame, at + offset))});
    };
    switch (layout.protocol) {
        case IPPROTO_TCP:
            number("tcp.sport", 0);
            number("tcp.dport", 2);
            out.push_back({"tcp.seq", fmt::format("{}", get32(frame, at + 4))});
            out.push_back({"tcp.ack", fmt::format("{}", get32(frame, at + 8))});
            sum("tcp.offset-flags", 12);
            number("tcp.window", 14);
            sum("tcp.checksum", 16);
            break;
        case IPPROTO_UDP:
            number("udp.sport", 0);
            number("udp.dport", 2);
            number("udp.length", 4);
            sum("udp.checksum", 6);
            break;
        case IPPROTO_ICMP:
        case IPPROTO_ICMPV6:
            sum("icmp.type-code", 0);
            sum("icmp.checksum", 2);
            sum("icmp.id", 4);
            sum("icmp.sequence", 6);
            break;
        default:
            break;
    }
}

}  // namespace

std::optional<Layout> locate(View frame) {
    Layout layout;
    if (frame.size() < eth_header) return std::nullopt;
    layout.l3 = eth_header;
    layout.ethertype = get16(frame, 12);
    while (layout.ethertype == 0x8100 || layout.ethertype == 0x88a8) {
        if (frame.size() < layout.l3 + 4) return std::nullopt;
        layout.ethertype = get16(frame, layout.l3 + 2);
        layout.l3 += 4;
    }
    layout.end = frame.size();
    bool sound = true;
    if (layout.ethertype == 0x0800) sound = locate_v4(frame, layout);
    if (layout.ethertype == 0x86dd) sound = locate_v6(frame, layout);
    return sound ? std::optional(layout) : std::nullopt;
}

std::vector<Field> dissect(View frame) {
    std::vector<Field> out{{"frame.length", fmt::format("{}", frame.size())}};
    const auto layout = locate(frame);
    if (frame.size() >= eth_header) {
        out.push_back({"eth.dst", mac_text(frame)});
        out.push_back({"eth.src", mac_text(frame.subspan(6))});
        out.push_back({"eth.type", fmt::format("{:#06x}", get16(frame, 12))});
    }
    if (!layout) {
        out.push_back({"malformed", "a header is cut or contradicts itself"});
        return out;
    }
    if (layout->v4) dissect_ip4(frame, layout->l3, out);
    if (layout->v6) dissect_ip6(frame, layout->l3, out);
    if (layout->l4) dissect_l4(frame, *layout, out);
    return out;
}

std::string hex_dump(View bytes) {
    std::string out;
    for (std::size_t row = 0; row < bytes.size(); row += 16) {
        const View line = bytes.subspan(row, std::min<std::size_t>(16, bytes.size() - row));
        out += fmt::format("  {:04x} {:02x}\n", row, fmt::join(line, " "));
    }
    return out;
}

std::string difference(View expected, View got) {
    if (std::ranges::equal(expected, got)) return {};
    std::string out;
    const auto wanted = dissect(expected);
    const auto found = dissect(got);
    for (const Field& field : wanted) {
        const auto other = std::ranges::find(found, field.name, &Field::name);
        const std::string value = other == found.end() ? "absent" : other->value;
        if (value != field.value)
            out += fmt::format("  {:<20} expected {:<24} got {}\n", field.name, field.value, value);
    }
    const std::size_t common = std::min(expected.size(), got.size());
    const auto first =
        std::mismatch(expected.begin(), expected.begin() + static_cast<std::ptrdiff_t>(common),
                      got.begin())
            .first;
    out += fmt::format("  first different byte: {:#06x}\n", first - expected.begin());
    // A jumbo frame is told by its fields; its headers are enough of a dump.
    constexpr std::size_t most = 160;
    out += "expected:\n" + hex_dump(expected.first(std::min(most, expected.size())));
    out += "got:\n" + hex_dump(got.first(std::min(most, got.size())));
    return out;
}

}  // namespace sluice::test
