// SPDX-License-Identifier: GPL-2.0-or-later
// A switch with its cables: veth pairs in the lab's namespace to whose one end the programs of a
// Gate are attached, as the loader would attach them. What is sent at the other end enters the
// switch; every copy that leaves comes out at the other end of its port, and is read there whole,
// tag and all. Needed because flooded copies never come back from BPF_PROG_TEST_RUN.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "sluice/abi/switch.h"
#include "tests/harness/gate.hpp"
#include "tests/harness/wire.hpp"

namespace sluice::test {

/// What a frame meets first.
enum class Way : std::uint8_t {
    tc,   ///< TC; the outer tag is beside the frame, as the kernel leaves it
    xdp,  ///< XDP, tags in the frame; what it passes on goes to TC
};
[[nodiscard]] const char* way_text(Way way);

struct Translation {
    std::uint16_t wire, vlan;
};

/// A switched port's settings, from which come all the entries that the loader would make.
struct Switched {
    sl_vlan_mode mode = SL_VLAN_ACCESS;
    std::uint16_t pvid = 0;
    std::vector<std::uint16_t> vlans{};  ///< of a trunk, the native one as well
    std::uint32_t flags =
        SL_SWITCH_LEARN | SL_SWITCH_FLOOD | SL_SWITCH_MULTICAST | SL_SWITCH_BROADCAST;
    std::uint16_t community = 0;
    std::uint32_t mac_limit = 0;
    std::array<std::uint32_t, SL_STORM_MAX> storm{};
    std::array<std::uint8_t, 8> pcp{};  ///< with SL_SWITCH_PCP_MAP
    std::uint32_t mtu = 9000;           ///< as the maps say; the veth's own is 9000
    std::vector<Translation> translations{};
    sl_role role = SL_ROLE_ACCESS;
    std::uint16_t port_flags = 0;  ///< more sl_port_flag
    const GuardConfig* guard = nullptr;
    std::uint16_t qos = 0;          ///< sl_qos_flag
    const sl_qos* rates = nullptr;  ///< with it
};
[[nodiscard]] Switched access(std::uint16_t vlan, std::uint32_t more_flags = 0);
[[nodiscard]] Switched trunk(std::vector<std::uint16_t> vlans, std::uint16_t native = 0,
                             std::uint32_t more_flags = 0);
[[nodiscard]] Switched tunnel(std::uint16_t vlan);

/// The host's end of a VLAN's internal port.
struct Gateway {
    std::uint16_t vlan;
    Mac mac;
    const char *v4, *v6;  ///< address and prefix length; no IPv6: nullptr
    Mac vm_mac;           ///< of a permanent neighbour of the host in that VLAN
    const char *vm_v4, *vm_v6;
};

/// A frame that left by a port.
struct Arrival {
    std::size_t port;
    Bytes frame;
    auto operator<=>(const Arrival&) const = default;
};

class Rig {
public:
    /// The cables are made at the first use of a port; a process has one rig.
    explicit Rig(Gate& gate);
    Rig(const Rig&) = delete;
    Rig& operator=(const Rig&) = delete;

    static constexpr std::size_t most_ports = 80;

    /// No switched port, an empty MAC table, no counts, nothing in the cables. The gate's own reset
    /// comes first.
    void reset();

    /// @param port 0 up to most_ports
    void set(std::size_t port, const Switched& settings);
    /// Makes the host a member of the VLAN. @return the internal port
    std::size_t set_gateway(const Gateway& gateway, std::uint32_t mtu = 9000);
    /// Attaches the programs to a lab's link, which stays what it is; its far end is read from and
    /// written to as others are. @return its number
    std::size_t join(const Link& link);

    /// @param gso_size bytes of payload in each segment of a TCP/IPv4 frame; 0 = no GSO frame; only
    /// by TC
    void send(Way way, std::size_t port, View frame, std::uint16_t gso_size = 0);
    /// A TCP or UDP packet of IPv4 without options, whose checksum is left to a device; by TC.
    void send_partial(std::size_t port, View frame);
    /// How many frames have left since the reset whose checksum a device was still to complete.
    [[nodiscard]] std::size_t unfinished() const { return unfinished_; }
    /// What left since the last call, ordered; loop probes and the host's own reports of its groups
    /// are not in it.
    [[nodiscard]] std::vector<Arrival> receive();
    /// The loop probes that left since the last call.
    [[nodiscard]] std::vector<Arrival> take_probes();
    struct Redirect {
        Verdict verdict;
        std::optional<std::size_t> port;  ///< that XDP sends it to
        Bytes frame;
    };
    /// What XDP alone does with a frame that then goes nowhere.
    [[nodiscard]] Redirect xdp(std::size_t port, View frame);

    [[nodiscard]] std::uint16_t id(std::size_t port) const;
    [[nodiscard]] const char* name(std::size_t port) const;
    [[nodiscard]] sl_switch_state state(std::size_t port) const;
    void set_state(std::size_t port, const sl_switch_state& state);
    [[nodiscard]] std::uint64_t drops(std::size_t port, sl_drop reason) const;
    /// Packets of one count of a VLAN.
    [[nodiscard]] std::uint64_t vlan_count(std::uint16_t vlan, sl_vlan_count count) const;

    [[nodiscard]] std::optional<sl_fdb> fdb(const Mac& mac, std::uint16_t vlan) const;
    void set_fdb(const Mac& mac, std::uint16_t vlan, const sl_fdb& entry);
    /// A static entry.
    void add_station(const Mac& mac, std::uint16_t vlan, std::size_t port);

    /// Every port's sums agree, and say of each cable what went through it since the reset.
    void expect_balanced() const;

private:
    struct Port {
        std::string name;
        std::uint16_t id = 0;
        std::uint32_t ifindex = 0, far_ifindex = 0;
        bool internal = false;
        bool used = false;  ///< since the reset
        Switched settings{};
        std::uint64_t sent = 0, arrived = 0;
    };

    void make_cable(std::size_t port);
    void attach(const Port& port);
    void make_gateway(const Gateway& gateway);
    void wait_for_reports(std::uint32_t ifindex);
    void enter(std::size_t number);
    void enter_port(const Port& port);
    void enter_vlans(const Port& port, bool member);
    void enter_translations(const Port& port);
    void clear_counts(const Port& port);
    [[nodiscard]] std::uint64_t sent_to(const Port& port) const;
    void send_by_xdp(const Port& port, View frame);
    void settle();
    void take(Wire::Frame frame);

    Gate& gate_;
    Wire wire_;
    std::vector<Port> ports_;
    std::map<std::uint32_t, std::size_t> by_far_end_;
    std::map<std::uint16_t, std::size_t> gateways_;
    std::vector<std::uint16_t> vlans_used_;
    std::vector<Arrival> waiting_, probes_;
    std::size_t unfinished_ = 0;
};

}  // namespace sluice::test
