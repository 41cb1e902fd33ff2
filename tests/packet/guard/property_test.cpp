// SPDX-License-Identifier: GPL-2.0-or-later
// A million frames from a guarded port: mutations of legitimate ones and of attacks, and noise.
// Whatever comes, what leaves (forwarded, or passed to the kernel by the last hook) claims nothing
// that is not the port's own. What is its own is judged here from the bytes alone. The seed is
// fixed, so a failure repeats; SLUICE_TEST_LONG makes it twenty times as long.
#include <netinet/in.h>

#include <algorithm>
#include <cstdlib>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "tests/harness/dissect.hpp"
#include "tests/packet/claims.hpp"
#include "tests/packet/scenario.hpp"

namespace sluice::test {
namespace {

std::uint32_t get16(View frame, std::size_t at) {
    return static_cast<std::uint32_t>(frame[at] << 8 | frame[at + 1]);
}

bool is_own_mac(View frame, std::size_t at) {
    return std::equal(vm_a.mac.begin(), vm_a.mac.end(), frame.begin() + static_cast<long>(at));
}
bool is_zero(View frame, std::size_t at, std::size_t length) {
    return std::ranges::all_of(frame.subspan(at, length), [](auto byte) { return byte == 0; });
}
bool is_own4(View frame, std::size_t at) {
    return std::equal(vm_a.v4.b + 12, vm_a.v4.b + 16, frame.begin() + static_cast<long>(at));
}
bool is_own6(View frame, std::size_t at) {
    return std::ranges::equal(vm_a.v6.b, frame.subspan(at, 16)) ||
           std::ranges::equal(own_link_local.b, frame.subspan(at, 16));
}

/// What is wrong with a frame, if anything is.
using Fault = std::optional<std::string>;

/// What the link-layer address options of a neighbour message say.
Fault nd_options_fault(View message, std::size_t at) {
    while (at < message.size()) {
        if (at + 8 > message.size() || message[at + 1] == 0) return "a broken option";
        if ((message[at] == 1 || message[at] == 2) && !is_own_mac(message, at + 2))
            return "an option with another's MAC";
        at += message[at + 1] * std::size_t{8};
    }
    return std::nullopt;
}

Fault icmp6_fault(View message, bool from_nobody) {
    const std::uint8_t type = message[0];
    if (type == RA || type == REDIRECT) return "a router's message";
    if (from_nobody && type != NS && type != RS && type != 131 && type != 132 && type != 143)
        return "from nobody";
    if (type != NS && type != NA && type != RS) return std::nullopt;
    if (type == RS) return nd_options_fault(message, 8);
    if (message.size() < 24) return "no target";
    if ((type == NA || from_nobody) && !is_own6(message, 8)) return "another's target";
    return nd_options_fault(message, 24);
}

Fault udp_fault(View frame, std::size_t at, bool v4, bool from_nobody, bool fragment) {
    const std::uint32_t from = get16(frame, at), to = get16(frame, at + 2);
    const std::uint32_t server_port = v4 ? 67 : 547, client_port = v4 ? 68 : 546;
    if (from == server_port || to == client_port) return "a DHCP server's";
    if (from_nobody && (!v4 || from != client_port || to != server_port)) return "from nobody";
    if (!v4 || to != server_port) return std::nullopt;
    if (fragment || frame.size() < at + 8 + 34 || !is_own_mac(frame, at + 8 + 28))
        return "DHCP for another";
    return std::nullopt;
}

/// What a sender without an IPv4 address may say beside DHCP: IGMP's reports, router solicitations.
bool is_nobodys(View frame, std::size_t at, std::uint8_t protocol) {
    const bool group = frame[30] >> 4 == 0xe;
    const std::uint8_t type = frame[at];
    if (protocol == IPPROTO_IGMP)
        return group && frame.size() >= at + 8 &&
               (type == 0x12 || type == 0x16 || type == 0x17 || type == 0x22);
    return protocol == IPPROTO_ICMP && type == 10 &&
           (group || std::ranges::all_of(frame.subspan(30, 4), [](auto b) { return b == 255; }));
}

Fault ip_fault(View frame) {
    const bool v4 = get16(frame, 12) == 0x0800;
    if (frame.size() < (v4 ? 34u : 54u)) return "cut before its addresses";
    const bool from_nobody = v4 ? is_zero(frame, 26, 4) : is_zero(frame, 22, 16);
    if (!from_nobody && !(v4 ? is_own4(frame, 26) : is_own6(frame, 22))) return "another's source";
    const auto layout = locate(frame);
    if (!layout) return "a damaged packet";
    if (!layout->l4) return from_nobody ? Fault("from nobody") : std::nullopt;
    const std::size_t l4 = *layout->l4;
    const View whole = frame.first(layout->end);
    if (layout->protocol == IPPROTO_UDP)
        return udp_fault(whole, l4, v4, from_nobody, layout->fragment);
    if (v4 && layout->protocol == IPPROTO_ICMP && (frame[l4] == 5 || frame[l4] == 9))
        return "a router's message";
    if (!v4 && layout->protocol == IPPROTO_ICMPV6) {
        if (layout->fragment && frame[l4] >= RS && frame[l4] <= REDIRECT) return "fragmented ND";
        return icmp6_fault(whole.subspan(l4), from_nobody);
    }
    if (!from_nobody || (v4 && is_nobodys(whole, l4, layout->protocol))) return std::nullopt;
    return "from nobody";
}

Fault arp_fault(View frame) {
    const bool rarp = get16(frame, 12) == 0x8035;
    if (frame.size() < 42) return "a cut ARP";
    if (!is_own_mac(frame, 22)) return "another's ARP sender MAC";
    if (!is_zero(frame, 28, 4) && !is_own4(frame, 28)) return "another's ARP sender";
    if (is_zero(frame, 28, 4) && !is_zero(frame, 38, 4) && !is_own4(frame, 38))
        return "a probe for another's";
    if (rarp && !is_own_mac(frame, 32)) return "RARP for another";
    if (rarp && !is_zero(frame, 38, 4) && !is_own4(frame, 38)) return "RARP gives another's";
    return std::nullopt;
}

/// Why the frame must not leave a port of vm_a; nullopt if it may.
Fault fault(View frame) {
    if (!is_own_mac(frame, 6)) return "another's MAC";
    switch (get16(frame, 12)) {
        case 0x0800:
        case 0x86dd:
            return ip_fault(frame);
        case 0x0806:
        case 0x8035:
            return arp_fault(frame);
        default:
            return "an ethertype that is not allowed";
    }
}

class GuardProperty : public GateTest {
protected:
    void SetUp() override {
        GateTest::SetUp();
        masquerade_a();
        GuardConfig config = guard_of(vm_a);
        config.dhcp_rate = 65535;
        gate().set_guard(lan0, config);
        add_samples();
    }

    void add(const Packet& packet) { samples_.push_back(serialise(packet)); }

    void add_samples() {
        const Udp udp{.sport = 4000, .dport = 53};
        const Mac own = vm_a.mac;
        const Raw data = payload(30);
        const Packet from_nobody = nd_ip(own, ip("::"));
        add(a_to_server4() / Tcp{.sport = 4000, .dport = 80, .flags = SYN} / data);
        add(a_to_server4() / udp / data);
        add(a_to_server4() / echo_request4(4000) / data);
        add(a_to_server6() / Tcp{.sport = 4000, .dport = 80, .flags = SYN} / data);
        add(a_to_server6() / udp / data);
        add(a_to_server6() / Ip6Extension{.type = 0, .body = Bytes(6)} /
            Ip6Extension{.type = 60, .body = Bytes(14)} / udp / data);
        for (const Packet& part : fragments(a_to_server4() / udp / data, 16)) add(part);
        for (const Packet& part : fragments(a_to_server6() / udp / data, 16)) add(part);
        for (const sl_addr& sender : {vm_a.v4, ip("10.0.0.1")}) {
            add(arp_frame(own, {.operation = 2, .sender_mac = own, .sender = sender}));
            add(rarp_frame(
                own, {.operation = 3, .sender_mac = own, .sender = sender, .target_mac = own}));
        }
        for (const sl_addr& target : {vm_a.v6, ip("fd00:a::1"), own_link_local}) {
            add(nd(nd_ip(own, own_link_local), NA, target, nd_option(2, own)));
            add(nd(nd_ip(own, vm_a.v6), NS, target, nd_option(1, own)));
            add(nd(from_nobody, NS, target));
        }
        add(nd(nd_ip(own, own_link_local), RA, std::nullopt, nd_option(1, own)));
        add(nd(from_nobody, RS, std::nullopt));
        add(from_nobody / Ip6Extension{.type = 0, .body = {5, 2, 0, 0, 1, 0}} / Icmp{.type = 143} /
            payload(20));
        Raw report = payload(16);
        report.bytes[0] = 0x22;
        add(to({1, 0, 0x5e, 0, 0, 0x16}) /
            Ip4{.src = ip("0.0.0.0"), .dst = ip("224.0.0.22"), .protocol = 2} / report);
        add(to({1, 0, 0x5e, 0, 0, 2}) / Ip4{.src = ip("0.0.0.0"), .dst = ip("224.0.0.2")} /
            Icmp{.type = 10});
        for (const sl_addr& target : {vm_a.v4, ip("10.0.0.77"), ip("0.0.0.0")})
            add(arp_frame(own, {.sender_mac = own, .sender = ip("0.0.0.0"), .target = target}));
        add(dhcp_request(own, {.chaddr = own}));
        add(a_to_server4() / Udp{.sport = 67, .dport = 68} /
            bootp_body({.op = 2, .chaddr = vm_b.mac}));
    }

    std::uint32_t below(std::size_t limit) { return static_cast<std::uint32_t>(random_() % limit); }

    std::uint8_t byte() {
        constexpr std::uint8_t likely[] = {0,  1,  2,   6,   17,  43,  44,  58,  60,   67,
                                           68, 80, 129, 134, 136, 137, 254, 255, 0x86, 0xdd};
        return below(2) ? likely[below(std::size(likely))] : static_cast<std::uint8_t>(below(256));
    }

    void insert(Bytes& frame, std::size_t at, const Bytes& bytes) {
        at = std::min(at, frame.size());
        frame.insert(frame.begin() + static_cast<long>(at), bytes.begin(), bytes.end());
    }

    void overwrite(Bytes& frame, std::size_t at, View bytes) {
        if (at + bytes.size() <= frame.size())
            std::ranges::copy(bytes, frame.begin() + static_cast<long>(at));
    }

    void wound(Bytes& frame) {
        switch (below(12)) {
            case 0:
                return frame.resize(std::max<std::size_t>(14, below(frame.size() + 1)));
            case 1:
                return frame.resize(frame.size() + below(64));
            case 2:
                return insert(frame, 12, {0x81, 0, 0, static_cast<std::uint8_t>(below(3))});
            case 3:  // LLC/SNAP before the ethertype
                return insert(frame, 12, {0, byte(), 0xaa, 0xaa, 3, 0, 0, 0});
            case 4: {  // an extension header behind IPv6's
                const std::uint8_t next = frame.size() > 20 ? frame[20] : 0;
                overwrite(frame, 20, Bytes{below(2) ? std::uint8_t{60} : std::uint8_t{44}});
                return insert(frame, 54, {next, 0, 0, byte(), 0, 0, 0, 0});
            }
            case 5:
                return overwrite(frame, 26, View(vm_b.v4.b + 12, 4));
            case 6:
                return overwrite(frame, 22, vm_b.v6.b);
            case 7:
                return overwrite(frame, below(60), below(2) ? View(vm_b.mac) : View(vm_a.mac));
            default: {
                const std::size_t at = below(std::min<std::size_t>(frame.size(), 100));
                // Frames of another's MAC are all alike: not too many of them.
                if (at < 6 || at > 11 || below(8) == 0) frame[at] = byte();
            }
        }
    }

    Bytes mutant() {
        Bytes frame = samples_[below(samples_.size())];
        for (std::uint32_t wounds = below(4); wounds > 0; --wounds) wound(frame);
        return frame;
    }

    Bytes noise() {
        constexpr std::uint16_t types[] = {0x0800, 0x86dd, 0x0806, 0x8035, 0x8100, 0x0026};
        Bytes frame(14 + below(100));
        for (auto& each : frame) each = static_cast<std::uint8_t>(random_());
        if (below(8)) overwrite(frame, 6, vm_a.mac);
        if (below(8)) {
            const std::uint16_t type = types[below(std::size(types))];
            overwrite(frame, 12,
                      Bytes{static_cast<std::uint8_t>(type >> 8), static_cast<std::uint8_t>(type)});
        }
        return frame;
    }

    /// The verdict of the hook given, and if that is to pass it on, of those after it.
    static Verdict judge(Hook hook, const Bytes& frame) {
        const Outcome got = send_alone(hook, lan0, frame);
        if (hook == Hook::tc || got.verdict != Verdict::pass) return got.verdict;
        EXPECT_EQ(got.packet, frame) << "passed, but not as it came";
        return can_be_skb(frame) ? judge(Hook::tc, frame) : Verdict::drop;
    }

    std::vector<Bytes> samples_;
    std::mt19937_64 random_{20261122};
};

TEST_F(GuardProperty, NothingLeavesThatIsNotThePortsOwn) {
    const int rounds = std::getenv("SLUICE_TEST_LONG") ? 20'000'000 : 500'000;
    int left = 0, rightly_dropped = 0;
    for (int i = 0; i < rounds && !HasFailure(); ++i) {
        if (i % 10'000 == 0) gate().flows4().clear(), gate().flows6().clear();
        const Bytes frame = below(8) ? mutant() : noise();
        const Hook hook = below(2) || !can_be_skb(frame) ? Hook::xdp : Hook::tc;
        const Fault wrong = fault(frame);
        if (judge(hook, frame) == Verdict::drop) {
            rightly_dropped += wrong ? 1 : 0;
            continue;
        }
        ++left;
        EXPECT_FALSE(wrong) << hook_text(hook) << " let out " << *wrong << "\n" << hex_dump(frame);
    }
    // The test would pass as well if everything were dropped, or nothing had to be.
    EXPECT_GT(left, rounds / 10);
    EXPECT_GT(rightly_dropped, rounds / 4);
}

}  // namespace
}  // namespace sluice::test
