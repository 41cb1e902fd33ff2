// SPDX-License-Identifier: GPL-2.0-or-later
// Frames sent at one end of a veth pair and read, whole, where they come out at the far end of
// others: one packet socket for all of the lab's namespace.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "tests/harness/packet.hpp"

namespace sluice::test {

class Wire {
public:
    /// Aborts, as all of this class, if the kernel refuses something.
    Wire();
    ~Wire();
    Wire(const Wire&) = delete;
    Wire& operator=(const Wire&) = delete;

    struct Frame {
        std::uint32_t ifindex;  ///< of the interface that it came in by
        Bytes bytes;            ///< with the outer tag, wherever the kernel kept that
        bool unfinished;        ///< a device was still to complete its checksum
    };

    /// @param gso_size bytes of payload in each segment, of a TCP/IPv4 frame; 0 = no GSO frame
    void send(std::uint32_t ifindex, View frame, std::uint16_t gso_size = 0);
    /// A TCP or UDP packet of IPv4 without options, whose checksum is left to a device.
    void send_partial(std::uint32_t ifindex, View frame);
    /// Sends a barrier after all that is on its way. What comes before it in receive() has been
    /// through one more queue than when it was sent.
    void send_barrier();
    /// The next frame; nullopt at the barrier. Waits for it.
    [[nodiscard]] std::optional<Frame> receive();

    /// A veth takes frames that XDP redirects to it only if its other end polls, which GRO makes
    /// it do.
    void set_gro(const std::string& interface);

private:
    int socket_;
};

/// Lines for ip_batch(): a veth pair, both ends up. The near end gets the first number.
/// @param far_options more options for the far end, such as "address 02:..."
[[nodiscard]] std::string cable_lines(const std::string& near, std::uint32_t near_index,
                                      const std::string& far, std::uint32_t far_index,
                                      const std::string& far_options = "");

}  // namespace sluice::test
