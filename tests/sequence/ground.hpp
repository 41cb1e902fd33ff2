// SPDX-License-Identifier: GPL-2.0-or-later
// The host under test and its cables: the lab of the packet tests, with the far ends of its cables
// in a namespace of their own, where nobody answers but the test.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "loader/base/fd.hpp"
#include "loader/kernel/netlink.hpp"
#include "tests/harness/lab.hpp"
#include "tests/harness/wire.hpp"

namespace sluice::test::sequence {

/// Where a cable is: VM a's and VM b's, two uplinks, and an interface that is no port.
enum class At : std::uint8_t { a, b, wan, thin, spare };
inline constexpr std::array cables{At::a, At::b, At::wan, At::thin, At::spare};
inline constexpr std::array uplinks{At::wan, At::thin};
[[nodiscard]] const Link& link_at(At at);
/// Who is at the far end: the VM, or the router.
[[nodiscard]] const Host& host_at(At at);
[[nodiscard]] inline bool is_uplink(At at) { return at == At::wan || at == At::thin; }
[[nodiscard]] inline bool is_access(At at) { return at == At::a || at == At::b; }

/// A frame that came out at the far end of a cable.
struct Seen {
    At at;
    Bytes frame;
};

/// What can't be done for a reason that has nothing to do with sluice ends the process: nothing
/// could be said of sluice then.
[[noreturn]] void give_up(const std::string& what);

class Ground {
public:
    /// The process is in the host's namespace afterwards.
    Ground();
    Ground(const Ground&) = delete;
    Ground& operator=(const Ground&) = delete;

    /// Moves this thread into the host's namespace.
    void enter() const;

    /// A frame into the far end of a cable. @return what came out of all of them
    [[nodiscard]] std::vector<Seen> send(At at, View frame);
    /// An IPv4 packet that a process of the host sends, source and all.
    [[nodiscard]] std::vector<Seen> send_from_host(View packet);
    /// What else came out.
    [[nodiscard]] std::vector<Seen> receive();

    /// @param uplink none: there is no default route
    void set_route(std::optional<At> uplink);

    /// Frames that went into a cable, and that came out at its far end.
    struct Traffic {
        std::uint64_t sent = 0, arrived = 0;
    };
    [[nodiscard]] const Traffic& traffic(At at) const { return cable(at).traffic; }
    /// The cable's end in the other namespace.
    [[nodiscard]] std::uint32_t far_ifindex(At at) const { return cable(at).far; }
    /// A socket of the other namespace for whole frames.
    [[nodiscard]] Fd packet_socket() const;

private:
    struct Cable {
        std::uint32_t far = 0;
        Traffic traffic{};
    };

    void lay_cables();
    void settle();
    [[nodiscard]] const Cable& cable(At at) const { return cables_[static_cast<std::size_t>(at)]; }
    [[nodiscard]] Cable& cable(At at) { return cables_[static_cast<std::size_t>(at)]; }

    Fd inside_, outside_;  ///< the namespaces
    Fd raw_;               ///< for the host's own packets
    std::optional<Wire> wire_;
    std::optional<Netlink> netlink_;
    std::array<Cable, cables.size()> cables_{};
    std::optional<At> route_;
    std::vector<Seen> waiting_;
};

}  // namespace sluice::test::sequence
