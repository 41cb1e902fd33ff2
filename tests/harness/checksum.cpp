// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/harness/checksum.hpp"

#include <netinet/in.h>

#include <optional>

#include "tests/harness/dissect.hpp"

namespace sluice::test {
namespace {

std::uint16_t fold(std::uint64_t sum) {
    while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
    return static_cast<std::uint16_t>(sum);
}

sl_addr address_at(View frame, std::size_t at, bool v4) {
    sl_addr address{};
    for (std::size_t i = 0; i < (v4 ? 4u : 16u); ++i) address.b[(v4 ? 12 : 0) + i] = frame[at + i];
    return address;
}

/// What the transport checksum covers, and where its field is in it.
struct Summed {
    const char* name;
    std::size_t field;     ///< offset of the checksum in the segment
    std::uint32_t pseudo;  ///< sum of the pseudo-header
};

std::optional<Summed> summed(View frame, const Layout& layout) {
    if (layout.fragment || !layout.l4) return std::nullopt;
    const sl_addr src = address_at(frame, layout.l3 + (layout.v4 ? 12 : 8), layout.v4);
    const sl_addr dst = address_at(frame, layout.l3 + (layout.v4 ? 16 : 24), layout.v4);
    const std::uint16_t pseudo =
        pseudo_sum(layout.v4, src, dst, layout.protocol, layout.end - *layout.l4);
    switch (layout.protocol) {
        case IPPROTO_TCP:
            return Summed{"TCP", 16, pseudo};
        case IPPROTO_UDP:
            return Summed{"UDP", 6, pseudo};
        case IPPROTO_ICMP:
            if (layout.v4) return Summed{"ICMP", 2, 0};
            return std::nullopt;
        case IPPROTO_ICMPV6:
            if (layout.v6) return Summed{"ICMPv6", 2, pseudo};
            return std::nullopt;
        default:
            return std::nullopt;
    }
}

std::size_t ip4_header_length(View frame, const Layout& layout) {
    return (frame[layout.l3] & 15u) * 4u;
}

void store16(Bytes& frame, std::size_t at, std::uint16_t value) {
    frame[at] = static_cast<std::uint8_t>(value >> 8);
    frame[at + 1] = static_cast<std::uint8_t>(value);
}

}  // namespace

std::uint16_t ones_sum(View bytes, std::uint32_t start) {
    std::uint64_t sum = start;
    for (std::size_t i = 0; i < bytes.size(); ++i)
        sum += static_cast<std::uint64_t>(bytes[i]) << (i % 2 ? 0 : 8);
    return fold(sum);
}

std::uint16_t pseudo_sum(bool v4, const sl_addr& src, const sl_addr& dst, std::uint8_t protocol,
                         std::size_t length) {
    const std::size_t from = v4 ? 12 : 0;
    std::uint32_t sum = protocol;
    sum += static_cast<std::uint32_t>((length >> 16) + (length & 0xffff));
    sum += ones_sum(View(src.b).subspan(from));
    sum += ones_sum(View(dst.b).subspan(from));
    return fold(sum);
}

std::string checksum_fault(View frame) {
    const auto layout = locate(frame);
    if (!layout) return "a header is cut or contradicts itself";
    if (layout->v4 &&
        ones_sum(frame.subspan(layout->l3, ip4_header_length(frame, *layout))) != 0xffff)
        return "IPv4 header checksum is wrong";
    const auto covered = summed(frame, *layout);
    if (!covered) return {};
    const View segment = frame.subspan(*layout->l4, layout->end - *layout->l4);
    const bool none = segment[covered->field] == 0 && segment[covered->field + 1] == 0;
    if (layout->protocol == IPPROTO_UDP && none)
        return layout->v4 ? "" : "UDP over IPv6 has no checksum";
    if (ones_sum(segment, covered->pseudo) == 0xffff) return {};
    return std::string(covered->name) + " checksum is wrong";
}

void mend_checksums(Bytes& frame) {
    const auto layout = locate(frame);
    if (!layout) return;
    if (layout->v4) {
        const std::size_t length = ip4_header_length(frame, *layout);
        store16(frame, layout->l3 + 10, 0);
        store16(frame, layout->l3 + 10, ~ones_sum(View(frame).subspan(layout->l3, length)));
    }
    const auto covered = summed(frame, *layout);
    if (!covered) return;
    const std::size_t field = *layout->l4 + covered->field;
    store16(frame, field, 0);
    const View segment = View(frame).subspan(*layout->l4, layout->end - *layout->l4);
    const std::uint16_t sum = ~ones_sum(segment, covered->pseudo);
    store16(frame, field, sum == 0 && layout->protocol == IPPROTO_UDP ? 0xffff : sum);
}

}  // namespace sluice::test
