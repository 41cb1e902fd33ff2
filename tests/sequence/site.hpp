// The host under test as a whole: the lab of the packet tests with a real instance on it, and the
// far ends of its cables in a namespace of their own, where nobody answers but the test. Commands
// are the functions of the loader that the command line calls, run in this process; frames go over
// the cables, so that what sluice leaves to the kernel is seen as well if it gets out.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "loader/kernel/datapath.hpp"
#include "loader/kernel/fd.hpp"
#include "loader/kernel/netlink.hpp"
#include "loader/target.hpp"
#include "sluice/abi/reason.h"
#include "sluice/abi/stats.h"
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

/// By which programs frames enter.
enum class Hooks : std::uint8_t {
    tc,
    xdp,
    both,  ///< VMs by TC, uplinks by XDP: what `--hook auto` makes of taps and NICs
};
[[nodiscard]] const char* hooks_text(Hooks hooks);

/// A frame that came out at the far end of a cable.
struct Seen {
    At at;
    Bytes frame;
};

class Site {
public:
    /// The process's one with these hooks, made at its first use; the process is in its namespace
    /// afterwards. Aborts, as all of this class, if something of the site itself fails: nothing
    /// could be said of sluice then.
    [[nodiscard]] static Site& with(Hooks hooks);
    ~Site();
    Site(const Site&) = delete;
    Site& operator=(const Site&) = delete;

    [[nodiscard]] const Target& target() const { return target_; }
    /// As the site has it at the beginning.
    [[nodiscard]] PortSpec port_spec(At at) const;
    /// As at the beginning: every port, no rule, no session, no default route.
    void reset();

    /// A frame into the far end of a cable. @return what came out of all of them
    [[nodiscard]] std::vector<Seen> send(At at, View frame);
    /// An IPv4 packet that a process of the host sends, source and all.
    [[nodiscard]] std::vector<Seen> send_from_host(View packet);
    /// What else came out.
    [[nodiscard]] std::vector<Seen> receive();

    /// @param uplink none: there is no default route
    void set_route(std::optional<At> uplink);
    /// The kernel's former answers about ways out count as old while it is set.
    void set_aged(bool aged);
    /// The sweeper has been round.
    void wait_for_sweeper() const;
    /// Every session is idle for longer than it may be, and the sweeper has been round.
    void expire();

    /// Both directions of a port; none: it is no port now.
    [[nodiscard]] std::optional<sl_port_stats> stats(At at) const;
    /// All that it dropped, for whatever reason.
    [[nodiscard]] std::uint64_t drops(At at) const;
    /// Frames that went into its cable, and that came out at the far end.
    struct Traffic {
        std::uint64_t sent = 0, arrived = 0;
    };
    [[nodiscard]] const Traffic& traffic(At at) const { return cable(at).traffic; }

private:
    struct Cable {
        std::uint32_t far = 0;  ///< interface number in the other namespace
        Traffic traffic{};
    };

    explicit Site(Hooks hooks);
    void lay_cables();
    void bring_up_instance();
    [[nodiscard]] std::optional<std::uint16_t> id(At at) const;
    [[nodiscard]] sl_settings settings() const;
    void put_settings(const sl_settings& settings) const;
    [[nodiscard]] const Cable& cable(At at) const { return cables_[static_cast<std::size_t>(at)]; }
    [[nodiscard]] Cable& cable(At at) { return cables_[static_cast<std::size_t>(at)]; }
    void settle();

    Hooks hooks_;
    Target target_;
    std::string rules_;    ///< as they are at the beginning
    Fd inside_, outside_;  ///< the namespaces
    Fd raw_;               ///< for the host's own packets
    std::optional<Wire> wire_;
    std::optional<Netlink> netlink_;
    std::optional<Datapath> datapath_;
    std::array<Cable, cables.size()> cables_{};
    std::optional<At> route_;
    std::optional<sl_settings> before_aged_;
    std::vector<Seen> waiting_;
};

}  // namespace sluice::test::sequence
