// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>

#include "tests/harness/packet.hpp"

namespace sluice::test {

/// A socket of the host's own, as another program would hold it.
class HostSocket {
public:
    HostSocket(int type, const sl_addr& address, std::uint16_t port)
        : fd_(socket(AF_INET, type, 0)) {
        sockaddr_in name{};
        name.sin_family = AF_INET;
        name.sin_port = htons(port);
        name.sin_addr.s_addr = v4_raw(address);
        EXPECT_EQ(bind(fd_, reinterpret_cast<sockaddr*>(&name), sizeof(name)), 0);
        if (type == SOCK_STREAM) {
            EXPECT_EQ(listen(fd_, 1), 0);
        }
    }
    ~HostSocket() { close(fd_); }
    HostSocket(const HostSocket&) = delete;
    HostSocket& operator=(const HostSocket&) = delete;

private:
    int fd_;
};

}  // namespace sluice::test
