// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/kernel/sockets.hpp"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>

#include "loader/base/fd.hpp"

namespace sluice {
namespace {

using testing::Contains;

TEST(LocalPorts, ShowASocketOfOurs) {
    const Fd socket(::socket(AF_INET, SOCK_DGRAM, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    ASSERT_EQ(bind(socket.get(), generic, size), 0);
    ASSERT_EQ(getsockname(socket.get(), generic, &size), 0);
    const LocalPort ours{IPPROTO_UDP, *Address::parse("127.0.0.1"), ntohs(address.sin_port)};
    const auto ports = list_local_ports();
    ASSERT_TRUE(ports) << ports.error().message;
    EXPECT_THAT(*ports, Contains(ours));
    EXPECT_TRUE(std::ranges::is_sorted(*ports));
}

TEST(LocalPorts, ShowAnIPv6SocketOfOurs) {
    const Fd socket(::socket(AF_INET6, SOCK_STREAM, 0));
    if (!socket) GTEST_SKIP() << "this kernel has no IPv6";
    sockaddr_in6 address{};
    address.sin6_family = AF_INET6;
    socklen_t size = sizeof(address);
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    ASSERT_EQ(bind(socket.get(), generic, size), 0);
    ASSERT_EQ(listen(socket.get(), 1), 0);
    ASSERT_EQ(getsockname(socket.get(), generic, &size), 0);
    const LocalPort ours{IPPROTO_TCP, Address(), ntohs(address.sin6_port)};
    EXPECT_THAT(*list_local_ports(), Contains(ours));
}

TEST(LocalPorts, OfAWildcardCoverEveryAddress) {
    const Address v4 = *Address::parse("192.0.2.1");
    const Address v6 = *Address::parse("2001:db8::1");
    const LocalPort any_v4{IPPROTO_UDP, Address::v4(0), 53};
    const LocalPort any_v6{IPPROTO_UDP, Address(), 53};
    const LocalPort one{IPPROTO_UDP, v4, 53};
    EXPECT_TRUE(any_v4.covers(v4));
    EXPECT_FALSE(any_v4.covers(v6));
    EXPECT_TRUE(any_v6.covers(v4));
    EXPECT_TRUE(any_v6.covers(v6));
    EXPECT_TRUE(one.covers(v4));
    EXPECT_FALSE(one.covers(*Address::parse("192.0.2.2")));
}

}  // namespace
}  // namespace sluice
