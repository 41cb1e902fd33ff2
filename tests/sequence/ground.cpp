// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/sequence/ground.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <utility>

#include "tests/sequence/must.hpp"

namespace sluice::test::sequence {
namespace {

/// A frame that the host routes and answers goes through no more queues.
constexpr int hops = 4;
/// To whom the host reports its groups (RFC 3810), whenever it likes.
constexpr Mac group_reports{0x33, 0x33, 0, 0, 0, 0x16};

[[noreturn]] void give_up_errno(const std::string& what) {
    give_up(what + ": " + std::strerror(errno));
}

Fd this_namespace() {
    Fd fd(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
    if (!fd) give_up_errno("a network namespace");
    return fd;
}

void enter_namespace(const Fd& netns) {
    if (setns(netns.get(), CLONE_NEWNET)) give_up_errno("entering a network namespace");
}

std::string far_end(const Link& link) { return fmt::format("{}-peer", link.name); }

}  // namespace

void give_up(const std::string& what) {
    std::cerr << "the ground itself failed: " << what << "\n";
    std::abort();
}

const Link& link_at(At at) { return links[static_cast<std::size_t>(at)]; }

const Host& host_at(At at) {
    static const std::array<const Host*, cables.size()> hosts{&vm_a, &vm_b, &router, &thin_host,
                                                              &spare_host};
    return *hosts[static_cast<std::size_t>(at)];
}

Ground::Ground() {
    if (unshare(CLONE_NEWNET)) give_up_errno("a network namespace");
    outside_ = this_namespace();
    // Commands read the sockets of the namespace that comes next: its table shall be a small one.
    must(test::write_sysctl("net/ipv4/tcp_child_ehash_entries", "16"));
    must(build_lab());
    inside_ = this_namespace();
    lay_cables();
}

void Ground::enter() const { enter_namespace(inside_); }

void Ground::lay_cables() {
    std::string lines =
        "neigh add 192.0.2.7 lladdr 02:00:00:00:0c:07 dev wan0 nud permanent\n"
        "neigh add 2001:db8:1::7 lladdr 02:00:00:00:0c:07 dev wan0 nud permanent\n";
    std::string far_lines;
    for (const At at : cables) {
        const std::string far = far_end(link_at(at));
        lines += fmt::format("link set {} netns /proc/{}/fd/{}\n", far, getpid(), outside_.get());
        far_lines += fmt::format("link set {} arp off addrgenmode none up\n", far);
    }
    must(ip_batch(lines));
    for (const auto& [path, value] : {std::pair{"net/ipv4/conf/all/promote_secondaries", "1"},
                                      {"net/ipv4/icmp_ratelimit", "0"},
                                      {"net/ipv6/icmp/ratelimit", "0"}})
        must(test::write_sysctl(path, value));
    netlink_ = must(Netlink::open(NETLINK_ROUTE));
    raw_ = Fd(::socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW));
    if (!raw_) give_up_errno("a raw socket");

    enter_namespace(outside_);
    must(ip_batch("link set lo up\n" + far_lines));
    wire_.emplace();
    for (const At at : cables) {
        cable(at).far = if_nametoindex(far_end(link_at(at)).c_str());
        wire_->set_gro(far_end(link_at(at)));
    }
    enter();
}

Fd Ground::packet_socket() const {
    enter_namespace(outside_);
    Fd fd(::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ETH_P_ALL)));
    enter();
    const int on = 1, room = 64 << 20;
    if (!fd || setsockopt(fd.get(), SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof on) ||
        setsockopt(fd.get(), SOL_PACKET, PACKET_AUXDATA, &on, sizeof on) ||
        setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room))
        give_up_errno("a packet socket");
    return fd;
}

void Ground::settle() {
    for (int round = 0; round < hops; ++round) {
        wire_->send_barrier();
        while (auto frame = wire_->receive()) {
            const auto it = std::ranges::find(cables_, frame->ifindex, &Cable::far);
            if (it == cables_.end()) continue;
            ++it->traffic.arrived;
            if (std::ranges::equal(group_reports, View(frame->bytes).first(6))) continue;
            waiting_.push_back({static_cast<At>(it - cables_.begin()), std::move(frame->bytes)});
        }
    }
}

std::vector<Seen> Ground::receive() {
    settle();
    return std::exchange(waiting_, {});
}

std::vector<Seen> Ground::send(At at, View frame) {
    ++cable(at).traffic.sent;
    wire_->send(cable(at).far, frame);
    return receive();
}

std::vector<Seen> Ground::send_from_host(View packet) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    std::memcpy(&to.sin_addr, packet.data() + 16, sizeof to.sin_addr);
    // Without a route to there it does not leave.
    (void)!sendto(raw_.get(), packet.data(), packet.size(), 0, reinterpret_cast<sockaddr*>(&to),
                  sizeof to);
    return receive();
}

void Ground::set_route(std::optional<At> uplink) {
    const At by = uplink ? *uplink : route_.value_or(At::wan);
    for (const int family : {AF_INET, AF_INET6}) {
        NetlinkRequest request(uplink ? RTM_NEWROUTE : RTM_DELROUTE,
                               uplink ? NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE : NLM_F_ACK);
        auto& route = request.header<rtmsg>();
        route.rtm_family = static_cast<unsigned char>(family);
        route.rtm_table = RT_TABLE_MAIN;
        if (uplink) {
            route.rtm_protocol = RTPROT_BOOT;
            route.rtm_scope = RT_SCOPE_UNIVERSE;
            route.rtm_type = RTN_UNICAST;
        } else {
            route.rtm_scope = RT_SCOPE_NOWHERE;
        }
        const sl_addr gateway = family == AF_INET ? host_at(by).v4 : host_at(by).v6;
        if (family == AF_INET)
            mnl_attr_put_u32(request.message(), RTA_GATEWAY, v4_raw(gateway));
        else
            mnl_attr_put(request.message(), RTA_GATEWAY, sizeof gateway.b, gateway.b);
        mnl_attr_put_u32(request.message(), RTA_OIF, ifindex(link_at(by)));
        const int err = netlink_->ask(request, [](const nlmsghdr*) {});
        if (err != 0 && err != ESRCH) give_up(std::string("route: ") + std::strerror(err));
    }
    route_ = uplink;
}

}  // namespace sluice::test::sequence
