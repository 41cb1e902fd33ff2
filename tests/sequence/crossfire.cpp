// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/sequence/crossfire.hpp"

#include <fmt/format.h>
#include <linux/if_packet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cstring>

#include "tests/harness/checksum.hpp"
#include "tests/harness/dissect.hpp"

namespace sluice::test::sequence {
namespace {

using namespace std::chrono_literals;

constexpr auto pause_between_volleys = 400us;
constexpr auto on_their_way = 15ms;
constexpr std::size_t longest = 4096;

/// What a frame is, in its IPv4 identification.
enum Kind : std::uint16_t { honest = 0x5e01, spoofed, inbound, denied, elsewhere, unsolicited };

struct Shot {
    At by;
    Kind kind;
    Tuple tuple;
};

Tuple udp_tuple(const sl_addr& src, std::uint16_t sport, const sl_addr& dst, std::uint16_t dport) {
    return {IPPROTO_UDP, {Address(src), sport}, {Address(dst), dport}};
}

const std::vector<Shot>& volley() {
    static const std::vector<Shot> shots{
        {At::a, honest, udp_tuple(vm_a.v4, 4000, server.v4, 4400)},
        {At::b, honest, udp_tuple(vm_b.v4, 4000, server.v4, 4400)},
        {At::a, honest, udp_tuple(vm_a.v4, 4001, neighbour.v4, 4400)},
        {At::a, spoofed, udp_tuple(vm_b.v4, 4002, server.v4, 4400)},
        {At::a, spoofed, udp_tuple(address_of(wan0.v4), 4003, server.v4, 4400)},
        {At::b, spoofed, udp_tuple(server.v4, 4004, vm_a.v4, 4400)},
        {At::a, denied, udp_tuple(vm_a.v4, 4005, server.v4, 53)},
        {At::a, elsewhere, udp_tuple(vm_a.v4, 4006, spare_host.v4, 4400)},
        {At::wan, inbound, udp_tuple(server.v4, 4007, vm_a.v4, 4400)},
        {At::wan, inbound, udp_tuple(neighbour.v4, 4008, vm_b.v4, 4400)},
        {At::wan, unsolicited, udp_tuple(server.v4, 4009, address_of(wan0.v4), 4400)},
        {At::thin, inbound, udp_tuple(server.v4, 4010, vm_a.v4, 4400)},
    };
    return shots;
}

Bytes frame_of(const Shot& shot) {
    const Host& from =
        shot.tuple.src.address == Address(neighbour.v4) ? neighbour : host_at(shot.by);
    return serialise(Eth{.dst = link_at(shot.by).mac, .src = from.mac} /
                     Ip4{.src = shot.tuple.src.address.raw(),
                         .dst = shot.tuple.dst.address.raw(),
                         .id = shot.kind} /
                     Udp{.sport = shot.tuple.src.port, .dport = shot.tuple.dst.port} / payload(24));
}

bool is_vms(const Address& address) { return is_inside(address) && address.is_v4(); }

std::optional<Fault> fault_in(const Seen& seen, const InForce& in_force) {
    const auto headers = read_headers(seen.frame);
    if (!headers || !locate(seen.frame)->v4) return std::nullopt;
    const auto fault = [&](const char* property, const char* what) {
        return Fault{property, fmt::format("{}: {} leaves {}", what, text(headers->tuple),
                                           link_at(seen.at).name)};
    };
    const bool from_vm = is_vms(headers->tuple.src.address);
    if (in_force.masquerade && is_uplink(seen.at) && from_vm)
        return fault("masquerade", "untranslated");
    if (!checksum_fault(seen.frame).empty()) return fault("complete", "a wrong checksum");
    // The host counts the identifications of its own ICMP: they come by ours.
    if (headers->tuple.protocol != IPPROTO_UDP) return std::nullopt;
    const std::size_t at = locate(seen.frame)->l3 + 4;
    switch (seen.frame[at] << 8 | seen.frame[at + 1]) {
        case spoofed:
            return fault("source", "spoofed");
        case elsewhere:
            return fault("ports", "to an interface that is no port");
        case inbound:
            if (in_force.masquerade && is_access(seen.at))
                return fault("inbound", "into a masqueraded network");
            return std::nullopt;
        case denied:
            return in_force.policy ? std::optional(fault("policy", "denied")) : std::nullopt;
        default:
            return std::nullopt;
    }
}

}  // namespace

Crossfire::Crossfire(Ground& ground)
    : ground_(ground), out_(ground.packet_socket()), in_(ground.packet_socket()) {
    for (const At at : cables) by_ifindex_[ground.far_ifindex(at)] = at;
    gunner_ = std::thread([this] { fire(over_); });
}

Crossfire::~Crossfire() {
    over_ = true;
    gunner_.join();
}

void Crossfire::fire(const std::atomic<bool>& over) const {
    std::vector<std::pair<std::uint32_t, Bytes>> frames;
    for (const Shot& shot : volley())
        frames.emplace_back(ground_.far_ifindex(shot.by), frame_of(shot));
    while (!over) {
        for (const auto& [ifindex, frame] : frames) {
            sockaddr_ll to{};
            to.sll_family = AF_PACKET;
            to.sll_ifindex = static_cast<int>(ifindex);
            (void)!sendto(out_.get(), frame.data(), frame.size(), 0,
                          reinterpret_cast<const sockaddr*>(&to), sizeof to);
        }
        std::this_thread::sleep_for(pause_between_volleys);
    }
}

void Crossfire::watch(std::chrono::milliseconds time) {
    const auto until = std::chrono::steady_clock::now() + time;
    while (std::chrono::steady_clock::now() < until) {
        Bytes bytes(longest);
        sockaddr_ll from{};
        socklen_t size = sizeof from;
        const ssize_t length = recvfrom(in_.get(), bytes.data(), bytes.size(), MSG_DONTWAIT,
                                        reinterpret_cast<sockaddr*>(&from), &size);
        if (length < 0) {
            pollfd ready{in_.get(), POLLIN, 0};
            poll(&ready, 1, 1);
            continue;
        }
        const auto at = by_ifindex_.find(static_cast<std::uint32_t>(from.sll_ifindex));
        if (at == by_ifindex_.end()) continue;
        bytes.resize(static_cast<std::size_t>(length));
        judge({at->second, std::move(bytes)});
    }
}

void Crossfire::judge(const Seen& seen) {
    const auto fault = fault_in(seen, in_force_);
    if (!fault) {
        carried_ += is_uplink(seen.at);
        return;
    }
    if (!fault_) fault_ = fault;
    ++faults_;
}

void Crossfire::set_in_force(const InForce& in_force) {
    in_force_.masquerade &= in_force.masquerade;
    in_force_.policy &= in_force.policy;
    watch(on_their_way);
    in_force_ = in_force;
}

std::optional<Fault> Crossfire::take_fault() {
    auto fault = std::exchange(fault_, std::nullopt);
    if (fault) fault->what += fmt::format(" ({} frames)", std::exchange(faults_, 0));
    return fault;
}

}  // namespace sluice::test::sequence
