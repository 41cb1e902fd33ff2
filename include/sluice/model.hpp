// What an instance should be: the desired state kept in the database and read by the loader.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sluice/abi/detect.h"
#include "sluice/abi/port.h"
#include "sluice/abi/qos.h"
#include "sluice/abi/switch.h"
#include "sluice/net.hpp"

namespace sluice {

enum class Role : std::uint8_t {
    access = SL_ROLE_ACCESS,
    trunk = SL_ROLE_TRUNK,
    uplink = SL_ROLE_UPLINK,
    internal = SL_ROLE_INTERNAL,  ///< the host's own, in a VLAN: its gateway
};
enum class HookPolicy : std::uint8_t { automatic, tc, xdp };

[[nodiscard]] Result<Role> parse_role(std::string_view text);
[[nodiscard]] std::string_view role_text(Role role);
[[nodiscard]] Result<HookPolicy> parse_hook(std::string_view text);  ///< auto, tc, xdp
[[nodiscard]] std::string_view hook_text(HookPolicy hook);

/// Bit 12, which of the known users of skb->mark (github.com/fwmark/registry) only Cilium has:
/// Kubernetes has 13 to 15, Calico and others have 16 to 31, and people count from 1.
constexpr std::uint32_t default_door_mark = 0x1000;

/// Capacities are fixed when the maps are made; timeouts may change at any time.
struct Settings {
    std::uint32_t max_flows = 1'000'000;  ///< IPv4 flow entries; a session uses two
    std::uint32_t max_flows6 = 250'000;   ///< IPv6 flow entries
    std::uint32_t max_bindings = 300'000;
    std::uint32_t max_leases = 65'536;  ///< of MAC addresses
    std::uint32_t max_macs = 131'072;   ///< that the switch knows, over all VLANs
    std::chrono::milliseconds udp_timeout{300'000};
    std::chrono::milliseconds tcp_established_timeout{7'440'000};
    std::chrono::milliseconds tcp_transitory_timeout{240'000};
    std::chrono::milliseconds icmp_timeout{60'000};
    std::chrono::milliseconds other_timeout{300'000};
    std::chrono::milliseconds mac_age{300'000};  ///< the switch forgets a MAC that is silent
    bool host_share = true;  ///< an inside host holds no more sessions and NAT ports than are free
    std::uint32_t host_sessions = 0;  ///< that it may hold, of each family; 0 = no fixed limit
    std::uint32_t host_ports = 0;     ///< likewise NAT ports, of each protocol
    std::uint32_t door_mark = default_door_mark;  ///< a bit of skb->mark; 0 = no door
    std::string netns;  ///< as given to --netns: a name or a path; empty = the caller's own
    bool operator==(const Settings&) const = default;
};

constexpr std::uint16_t last_vlan = SL_VLAN_MAX;  ///< IEEE 802.1Q: 0 and 4095 are no VLANs

constexpr std::uint32_t last_vni = 0xffffff;  ///< VXLAN: RFC 7348 section 5

/// A VLAN that has another id on the wire of a trunk; both 1..4094.
struct VlanTranslation {
    std::uint16_t wire = 0, vlan = 0;
    bool operator==(const VlanTranslation&) const = default;
};

/// 802.1Q priority (PCP) that a frame gets, by the one it came with; an untagged frame has 0.
using PriorityMap = std::array<std::uint8_t, 8>;
constexpr PriorityMap kept_priorities{0, 1, 2, 3, 4, 5, 6, 7};

/// `keep`, one priority for all (`5`), or changes (`0:1,5:7`; the others are kept). 0..7 each.
[[nodiscard]] Result<PriorityMap> parse_priorities(std::string_view text);
[[nodiscard]] std::string priorities_text(const PriorityMap& priorities);  ///< as it is parsed

/// `WIRE:VLAN,...` or `none`. No id twice on a side.
[[nodiscard]] Result<std::vector<VlanTranslation>> parse_translations(std::string_view text);
[[nodiscard]] std::string translations_text(const std::vector<VlanTranslation>& translations);

/// Routed: what sluice routes or translates. All: what is switched, and the host's, as well.
enum class FlowScope : std::uint8_t { all, routed };

[[nodiscard]] Result<FlowScope> parse_flow_scope(std::string_view text);
[[nodiscard]] std::string_view flow_scope_text(FlowScope scope);

/// May a source come in by a port? Strict: its way back is that port. Loose: it has a way back.
/// Automatic: strict, and on uplinks what the host's rp_filter says (RFC 3704).
enum class SourceCheck : std::uint8_t { automatic, strict, loose };

[[nodiscard]] Result<SourceCheck> parse_source_check(std::string_view text);
[[nodiscard]] std::string_view source_check_text(SourceCheck check);

/// `10.0.0.0/8,192.168.0.0/16` or `none`: IPv4 networks.
[[nodiscard]] Result<std::vector<Prefix>> parse_routable(std::string_view text);
[[nodiscard]] std::string routable_text(const std::vector<Prefix>& networks);

struct PortSpec {
    std::string name;  ///< interface name, 1..15 bytes; internal: of the host's end
    Role role = Role::access;
    HookPolicy hook = HookPolicy::automatic;
    std::uint16_t vlan = 0;         ///< access, internal: 1..4094; access: 0 = none
    std::vector<PortRange> vlans;   ///< trunk, uplink: allowed VLANs, 1..4094
    std::uint16_t native_vlan = 0;  ///< trunk, uplink: of untagged frames; 0 = none
    bool qinq = false;              ///< access: a tunnel; trunk, uplink: tags are 802.1ad
    std::vector<VlanTranslation> translations = {};  ///< trunk, uplink
    PriorityMap priorities = kept_priorities;
    bool shortcut = false;             ///< of a bridge: known unicast may go past it
    FlowScope flows = FlowScope::all;  ///< what has entries in the flow table
    SourceCheck source_check = SourceCheck::automatic;
    std::vector<Prefix> routable = {};  ///< uplink: masqueraded networks that pass as they are
    std::vector<HostAddress> addresses = {};  ///< internal: of the host's end
    MacAddress mac = {};                      ///< internal: of the host's end
    std::uint16_t id = 0;                     ///< 1..1023, given by the database
    bool operator==(const PortSpec&) const = default;
};

enum class BpduPolicy : std::uint8_t { drop, forward, shut };
enum class LoopAction : std::uint8_t { report, block, shut };

[[nodiscard]] Result<BpduPolicy> parse_bpdu(std::string_view text);
[[nodiscard]] std::string_view bpdu_text(BpduPolicy policy);
[[nodiscard]] Result<LoopAction> parse_loop(std::string_view text);
[[nodiscard]] std::string_view loop_text(LoopAction action);

/// How the switch treats a port. What is not set for a port is as it stands here.
struct SwitchPortSpec {
    std::string port;             ///< interface name
    bool learn = true;            ///< source MACs
    bool flood = true;            ///< unknown unicast is sent to it
    bool multicast = true;        ///< multicast is
    bool broadcast = true;        ///< broadcast is
    bool locked = false;          ///< frames from MACs that the table has not there are dropped
    bool isolated = false;        ///< talks to promiscuous ports alone (RFC 5517)
    std::uint16_t community = 0;  ///< and one to its own community; 0 = none
    std::uint32_t mac_limit = 0;  ///< learned MACs; 0 = no limit
    BpduPolicy bpdu = BpduPolicy::drop;
    LoopAction loop = LoopAction::block;
    /// Frames a second that it may have flooded, by enum sl_storm_kind; 0 = no limit.
    std::array<std::uint32_t, SL_STORM_MAX> storm{};
    bool operator==(const SwitchPortSpec&) const = default;
};

/// A MAC that stays where it is.
struct FdbSpec {
    MacAddress mac;
    std::uint16_t vlan = 0;  ///< 1..4094
    std::string port;        ///< interface name
    bool operator==(const FdbSpec&) const = default;
};

struct VlanSpec {
    std::uint16_t vlan = 0;  ///< 1..4094
    std::uint32_t vni = 0;   ///< VXLAN network, 24 bits; 0 = none
    bool operator==(const VlanSpec&) const = default;
};

/// An interface as it was before sluice touched it; kept until it is restored.
struct FoundInterface {
    std::string name;
    std::uint32_t ifindex = 0;
    bool had_clsact = false;
    /// sysctl path below /proc/sys and its value then
    std::vector<std::pair<std::string, std::string>> sysctls;
    bool promiscuous = false;
    bool takes_tags_out = false;  ///< rx-vlan-offload
};

struct MasqueradeSpec {
    Prefix source;
    std::string uplink;              ///< interface name
    std::vector<Address> addresses;  ///< as asked; empty = the uplink's own, followed as it changes
    PortRange ports{1024, 65535};
    std::uint16_t pool = 0;  ///< index into sl_pools, given by the database
    bool operator==(const MasqueradeSpec&) const = default;
};

struct ForwardSpec {
    std::uint8_t protocol = 0;  ///< IPPROTO_TCP or IPPROTO_UDP
    Endpoint external;
    Endpoint internal;  ///< as many ports as external
    bool operator==(const ForwardSpec&) const = default;
};

/// What may enter by a port (and what is delivered to it); the MACs and addresses of the port's
/// leases come on top of those that stand here.
struct GuardSpec {
    std::string port;  ///< interface name
    bool mac = true, ip = true, arp = true, nd = true;
    bool ra_block = true, dhcp_server_block = true, dhcp_client = true;
    bool ethertype = true, tags = true, fragments = true;
    bool snoop = false;            ///< addresses from the real DHCP server's answers
    bool mac_change = false;       ///< one other source MAC at a time
    bool unknown_unicast = false;  ///< deliver unicast frames for other MACs too
    bool audit = false;
    std::uint16_t learn = 0;       ///< other source MACs accepted at a time, 0..1024
    std::uint16_t dhcp_rate = 10;  ///< requests a second, 1..65535
    std::vector<MacAddress> macs;
    std::vector<Prefix> addresses;
    std::vector<std::uint16_t> ethertypes;  ///< host order, at most SL_GUARD_ETHERTYPES
    bool operator==(const GuardSpec&) const = default;
};

/// A lease that belongs to a port: the guard's part of it.
struct PortLease {
    MacAddress mac;
    std::string port;      ///< interface name
    bool standby = false;  ///< may receive, but not send yet
    std::vector<Address> addresses;
    std::uint16_t domain = 0;  ///< L2 domain: VLAN id, 0 = none
    std::string vm = {};
    bool operator==(const PortLease&) const = default;
};

constexpr std::uint64_t unlimited = UINT64_MAX;  ///< a rate that limits nothing

/// What holds back what leaves by a port that has a rate.
enum class Shaper : std::uint8_t {
    automatic,  ///< fq where the kernel has it and the port has no classes, else htb
    htb,        ///< queued by an HTB qdisc
    fq,         ///< queued by fq, each frame with its time of departure
    police,     ///< not queued: what is too much is dropped
};

[[nodiscard]] Result<Shaper> parse_shaper(std::string_view text);  ///< auto, htb, fq, police
[[nodiscard]] std::string_view shaper_text(Shaper shaper);

using PcpOfDscp = std::array<std::uint8_t, SL_DSCPS>;  ///< 802.1Q priority by DSCP
using DscpOfPcp = std::array<std::uint8_t, SL_PCPS>;   ///< DSCP by 802.1Q priority

/// `off`, `on` (the class selector: DSCP / 8), or changes to that (`46:5,34:4`).
[[nodiscard]] Result<std::optional<PcpOfDscp>> parse_pcp_of_dscp(std::string_view text);
[[nodiscard]] std::string pcp_of_dscp_text(const std::optional<PcpOfDscp>& map);
[[nodiscard]] Result<std::optional<DscpOfPcp>> parse_dscp_of_pcp(std::string_view text);
[[nodiscard]] std::string dscp_of_pcp_text(const std::optional<DscpOfPcp>& map);

/// Rates of a port. Rates are in bits a second of frames without preamble and FCS, from 64 kbit to
/// 100 Gbit; 0 = blocked, `unlimited` = none. Bursts are in bytes; 0 = by the rate.
struct QosPortSpec {
    std::string port;  ///< interface name
    std::uint64_t ingress_rate = unlimited;
    std::uint64_t ingress_burst = 0;
    std::uint64_t pps = unlimited;  ///< frames a second that may enter
    std::uint64_t egress_rate = unlimited;
    std::uint64_t egress_burst = 0;
    Shaper shaper = Shaper::automatic;
    std::chrono::microseconds latency{0};  ///< target for the queue of what leaves; 0 = none
    bool classes = true;                   ///< what leaves is classified, where classes exist
    bool ecn = true;                       ///< marks what may be marked rather than drop it
    std::uint8_t dscp = SL_DSCP_KEEP;      ///< DSCP of what enters: as it came, or what it becomes
    std::optional<PcpOfDscp> pcp_of_dscp = {};  ///< switched ports: priority of what enters
    std::optional<DscpOfPcp> dscp_of_pcp = {};  ///< DSCP of what enters with a tag
    bool operator==(const QosPortSpec&) const = default;
};

/// What a frame must be to be in a class: all that is set here.
struct QosMatch {
    std::string app;         ///< one of qos_apps(); empty = any
    std::string vm;          ///< it comes from, or goes to, a port of this VM
    std::string interface;   ///< ... this port
    std::uint16_t vlan = 0;  ///< 1..4094; 0 = any
    std::optional<std::uint8_t> protocol = {};
    std::vector<PortRange> ports = {};  ///< either of its L4 ports is in one of them
    std::optional<std::uint8_t> dscp = {};
    bool operator==(const QosMatch&) const = default;
};

constexpr std::uint8_t shared_priority = 7;  ///< classes that share what the others leave

/// A VM at a port, as a lease says.
struct VmPort {
    std::string vm;
    std::string port;  ///< interface name
    bool operator==(const VmPort&) const = default;
};

struct QosClassSpec {
    std::string name;                         ///< 1..31 letters, digits, - and _
    std::uint8_t id = 0;                      ///< 1..15, given by the database; 0 = `default`
    std::uint8_t priority = shared_priority;  ///< 0..6: before all of higher numbers, up to `max`
    std::uint16_t weight = 1;                 ///< 1..1000, among those of priority 7
    std::uint8_t max_percent = 0;        ///< of the port's rate, 1..100; 0 = no limit of its own
    std::uint8_t dscp = SL_DSCP_KEEP;    ///< what its frames get
    std::vector<QosMatch> matches = {};  ///< any of them; the first class wins
    bool operator==(const QosClassSpec&) const = default;
};

enum class DetectAction : std::uint8_t { off, report, limit, block };

[[nodiscard]] Result<DetectAction> parse_detect_action(std::string_view text);
[[nodiscard]] std::string_view detect_action_text(DetectAction action);

/// One detector (sluice/abi/detect.h).
struct DetectorSpec {
    sl_detector detector = SL_DETECT_SYN_FLOOD;
    std::uint32_t threshold = 1;         ///< in one window, 1 to 2^31 - 1
    std::chrono::milliseconds window{};  ///< 100 ms to 1 h
    DetectAction action = DetectAction::report;
    std::chrono::milliseconds block_for = std::chrono::minutes(10);  ///< 1 s to 30 d
    bool operator==(const DetectorSpec&) const = default;
};

/// A set of networks to block, from a file. Its networks are read apart: there may be a million.
struct BlockSetSpec {
    std::string name;           ///< 1..32 letters, digits, `-`, `_` and `.`
    std::string source;         ///< the file it came from
    std::uint64_t loaded = 0;   ///< CLOCK_REALTIME, seconds
    std::uint64_t expires = 0;  ///< CLOCK_REALTIME, milliseconds; 0 = never
    std::uint64_t count = 0;    ///< networks
    std::uint64_t digest = 0;   ///< of them: loader/block/list.hpp
    bool operator==(const BlockSetSpec&) const = default;
};

/// A network that is blocked by itself.
struct BlockEntrySpec {
    Prefix prefix;
    std::uint64_t expires = 0;  ///< CLOCK_REALTIME, milliseconds; 0 = never
    bool operator==(const BlockEntrySpec&) const = default;
};

/// A VM that a policy names, as its leases say.
struct PolicyVm {
    std::string name;
    std::vector<Address> addresses;
    std::vector<std::string> ports;  ///< interface names
    bool operator==(const PolicyVm&) const = default;
};

struct PolicySpec {
    std::string text;         ///< as it was loaded: loader/policy/file.hpp
    std::string name;         ///< of the file, for people
    std::int64_t loaded = 0;  ///< CLOCK_REALTIME, ms
    std::vector<std::string> rules =
        {};                          ///< their names, so that the text need not be read for them
    std::vector<PolicyVm> vms = {};  ///< by name; one without leases has neither
    bool operator==(const PolicySpec&) const = default;
};

struct DesiredState {
    bool up = false;
    Settings settings;
    std::vector<PortSpec> ports;
    std::vector<MasqueradeSpec> masquerades;
    std::vector<ForwardSpec> forwards;
    std::vector<GuardSpec> guards;
    std::vector<PortLease> port_leases;        ///< of leases that name a port
    bool sight = false;                        ///< there are MAC pools or leases to watch for
    std::vector<SwitchPortSpec> switch_ports;  ///< of ports for which something was set
    std::vector<FdbSpec> fdb;
    std::vector<VlanSpec> vlans;            ///< for which something was set
    std::vector<QosPortSpec> qos_ports;     ///< likewise
    std::vector<QosClassSpec> qos_classes;  ///< by id; class 0 only if something was set for it
    std::vector<VmPort> vm_ports;           ///< VMs of leases that name a port
    std::vector<DetectorSpec> detectors;    ///< for which something was set
    std::vector<BlockSetSpec> block_sets;   ///< by name
    std::vector<BlockEntrySpec> block_entries;
    std::optional<PolicySpec> policy;  ///< none: nothing is loaded
};

}  // namespace sluice
