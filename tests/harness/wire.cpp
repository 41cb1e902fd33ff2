// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/harness/wire.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <linux/ethtool.h>
#include <linux/if_packet.h>
#include <linux/sockios.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <iostream>

#include "tests/harness/lab.hpp"

namespace sluice::test {
namespace {

constexpr std::uint32_t barrier_in = 3001, barrier_out = 3002;
constexpr std::size_t longest = 70'000;

/// struct virtio_net_hdr, whose own header is no C++: a field has the name `class`.
struct OffloadHeader {
    std::uint8_t flags = 1;     ///< VIRTIO_NET_HDR_F_NEEDS_CSUM
    std::uint8_t gso_type = 1;  ///< VIRTIO_NET_HDR_GSO_TCPV4
    std::uint16_t header_length = sizeof(ether_header) + 20 + 20;
    std::uint16_t gso_size = 0;
    std::uint16_t checksum_start = sizeof(ether_header) + 20;
    std::uint16_t checksum_offset = 16;
};

[[noreturn]] void die(const std::string& what) {
    std::cerr << what << ": " << std::strerror(errno) << "\n";
    std::abort();
}

int packet_socket(std::uint16_t protocol) {
    const int fd = ::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(protocol));
    if (fd < 0) die("packet socket");
    return fd;
}

void set_option(int fd, int level, int option, int value) {
    if (setsockopt(fd, level, option, &value, sizeof(value))) die("setsockopt");
}

void transmit(int fd, std::uint32_t ifindex, View bytes) {
    sockaddr_ll to{};
    to.sll_family = AF_PACKET;
    to.sll_ifindex = static_cast<int>(ifindex);
    const auto done = sendto(fd, bytes.data(), bytes.size(), 0,
                             reinterpret_cast<const sockaddr*>(&to), sizeof(to));
    if (done != static_cast<ssize_t>(bytes.size())) die("send");
}

void send_offloaded(std::uint32_t ifindex, View frame, const OffloadHeader& header) {
    Bytes whole(sizeof(header));
    std::memcpy(whole.data(), &header, sizeof(header));
    whole.insert(whole.end(), frame.begin(), frame.end());
    const int fd = packet_socket(0);
    set_option(fd, SOL_PACKET, PACKET_VNET_HDR, 1);
    transmit(fd, ifindex, whole);
    close(fd);
}

/// The kernel takes the outer tag out of the frame; back it goes.
/// @return whether a device was still to complete its checksum
bool read_auxiliary(msghdr& message, Bytes& frame) {
    bool unfinished = false;
    for (cmsghdr* c = CMSG_FIRSTHDR(&message); c; c = CMSG_NXTHDR(&message, c)) {
        if (c->cmsg_level != SOL_PACKET || c->cmsg_type != PACKET_AUXDATA) continue;
        tpacket_auxdata aux{};
        std::memcpy(&aux, CMSG_DATA(c), sizeof(aux));
        unfinished = aux.tp_status & TP_STATUS_CSUMNOTREADY;
        if (!(aux.tp_status & TP_STATUS_VLAN_VALID)) continue;
        const std::array tag{static_cast<std::uint8_t>(aux.tp_vlan_tpid >> 8),
                             static_cast<std::uint8_t>(aux.tp_vlan_tpid),
                             static_cast<std::uint8_t>(aux.tp_vlan_tci >> 8),
                             static_cast<std::uint8_t>(aux.tp_vlan_tci)};
        frame.insert(frame.begin() + 12, tag.begin(), tag.end());
    }
    return unfinished;
}

}  // namespace

std::string cable_lines(const std::string& near, std::uint32_t near_index, const std::string& far,
                        std::uint32_t far_index, const std::string& far_options) {
    return fmt::format(
        "link add {0} index {1} mtu 9000 type veth peer name {2} index {3} mtu 9000 {4}\n"
        "link set {0} arp off addrgenmode none up\n"
        "link set {2} addrgenmode none up\n",
        near, near_index, far, far_index, far_options);
}

Wire::Wire() : socket_(packet_socket(ETH_P_ALL)) {
    set_option(socket_, SOL_PACKET, PACKET_AUXDATA, 1);
    set_option(socket_, SOL_PACKET, PACKET_IGNORE_OUTGOING, 1);
    set_option(socket_, SOL_SOCKET, SO_RCVBUFFORCE, 64 << 20);
    const auto made = ip_batch(cable_lines("barrier-in", barrier_in, "barrier-out", barrier_out));
    if (!made) die(made.error().message + " " + made.error().hint);
}

Wire::~Wire() { close(socket_); }

void Wire::send(std::uint32_t ifindex, View frame, std::uint16_t gso_size) {
    if (!gso_size) return transmit(socket_, ifindex, frame);
    send_offloaded(ifindex, frame, {.gso_size = gso_size});
}

void Wire::send_partial(std::uint32_t ifindex, View frame) {
    const bool udp = frame[sizeof(ether_header) + 9] == IPPROTO_UDP;
    send_offloaded(ifindex, frame,
                   {.gso_type = 0, .checksum_offset = static_cast<std::uint16_t>(udp ? 6 : 16)});
}

void Wire::send_barrier() { transmit(socket_, barrier_in, Bytes(60)); }

std::optional<Wire::Frame> Wire::receive() {
    Bytes bytes(longest);
    alignas(cmsghdr) std::array<char, 256> control{};
    sockaddr_ll from{};
    iovec part{bytes.data(), bytes.size()};
    msghdr message{};
    message.msg_name = &from;
    message.msg_namelen = sizeof(from);
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    const ssize_t length = recvmsg(socket_, &message, 0);
    if (length < 0) die("receive");
    const auto ifindex = static_cast<std::uint32_t>(from.sll_ifindex);
    if (ifindex == barrier_out) return std::nullopt;
    bytes.resize(static_cast<std::size_t>(length));
    const bool unfinished = read_auxiliary(message, bytes);
    return Frame{ifindex, std::move(bytes), unfinished};
}

void Wire::set_gro(const std::string& interface) {
    ethtool_value value{ETHTOOL_SGRO, 1};
    ifreq request{};
    interface.copy(request.ifr_name, IFNAMSIZ - 1);
    request.ifr_data = reinterpret_cast<char*>(&value);
    if (ioctl(socket_, SIOCETHTOOL, &request)) die("GRO of " + interface);
}

}  // namespace sluice::test
