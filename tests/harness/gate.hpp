// SPDX-License-Identifier: GPL-2.0-or-later
// The datapath under test: both BPF objects loaded over one set of maps, fed
// one frame at a time by BPF_PROG_TEST_RUN. Nothing is attached; no frame of
// anybody else passes.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "sluice/abi/account.h"
#include "sluice/abi/flow_table.h"
#include "sluice/abi/instance.h"
#include "sluice/abi/nat.h"
#include "sluice/abi/port.h"
#include "sluice/abi/qos.h"
#include "sluice/abi/reason.h"
#include "sluice/abi/rules.h"
#include "sluice/abi/stats.h"
#include "sluice/error.hpp"
#include "tests/harness/fdb_view.hpp"
#include "tests/harness/flow_view.hpp"
#include "tests/harness/guard.hpp"
#include "tests/harness/lab.hpp"
#include "tests/harness/map.hpp"
#include "tests/harness/packet.hpp"

struct sluice_tc_bpf;
struct sluice_xdp_bpf;

namespace sluice::test {

enum class Hook : std::uint8_t { tc, xdp, egress };
[[nodiscard]] const char* hook_text(Hook hook);

enum class Verdict : std::uint8_t { forward, pass, drop };
[[nodiscard]] const char* verdict_text(Verdict verdict);

struct Outcome {
    Verdict verdict = Verdict::drop;
    Bytes packet;
    std::uint32_t mark = 0;  ///< TC: skb->mark
};

/// What the test may set of a frame's metadata.
struct FrameContext {
    std::uint32_t gso_size = 0;     ///< TC: bytes of payload in each segment; 0 = no GSO frame
    std::size_t linear = 0;         ///< XDP: bytes in the first buffer, the rest in frags; 0 = all
    std::uint32_t mark = 0;         ///< TC: skb->mark
    const Link* came_by = nullptr;  ///< egress: where the frame entered the host, if it did
};

/// Now, in epoch seconds: sluice/abi/types.h.
[[nodiscard]] std::uint32_t epoch_now();

struct Capacities {
    std::uint32_t flows = 8192;
    std::uint32_t flows6 = 8192;
    std::uint32_t bindings = 8192;
    std::uint32_t macs = 4096;
};

/// Secret of all hashes: always the same, so that a failure repeats.
constexpr sl_seed test_seed{{0x243f6a8885a308d3, 0x13198a2e03707344, 0xa4093822299f31d0,
                             0x082efa98ec4e6c89, 0x452821e638d01377}};
constexpr std::uint32_t fdb_buckets = 1024;  ///< of the switch's MAC table

/// Frames fed to the programs since the last reset, to hold the counters
/// against. What XDP passes is not in it: the frame goes on to TC and is
/// counted there.
struct Tally {
    std::atomic<std::uint64_t> rx{0}, tx{0};
};

class Gate {
public:
    [[nodiscard]] static Result<std::unique_ptr<Gate>> load(const Capacities& capacities = {});
    ~Gate();
    Gate(const Gate&) = delete;
    Gate& operator=(const Gate&) = delete;

    /// Empties the maps and configures the lab's ports, default settings and no
    /// NAT.
    void reset();

    /// One frame entering (or, on egress, leaving) by `link`. Safe from several
    /// threads.
    [[nodiscard]] Result<Outcome> run(Hook hook, const Link& link, View frame,
                                      const FrameContext& context = {});

    [[nodiscard]] Result<> start_sweeper();

    /// The lease of a MAC, as the loader would enter it.
    void lease(const Mac& mac, const sl_lease& lease, std::uint16_t domain = 0);
    [[nodiscard]] std::optional<sl_lease> lease_of(const Mac& mac, std::uint16_t domain = 0) const;

    /// Sources in `prefix` leave `uplink` from `first`..`last` of the addresses.
    /// @return the pool's index
    std::uint16_t masquerade(const sl_addr& source, int prefix_length, const Link& uplink,
                             const std::vector<sl_addr>& addresses, std::uint16_t first,
                             std::uint16_t last);
    void forward(std::uint8_t protocol, const sl_addr& outside, std::uint16_t outside_port,
                 const sl_addr& inside, std::uint16_t inside_port, const Link& uplink,
                 std::uint16_t count = 1);

    /// @param slots_on how far from the slot of its ifindex the entry is put, at most
    /// SL_PORT_WINDOW
    /// The network passes this uplink as it is, though it is masqueraded at another one.
    void routable(const sl_addr& network, int prefix_length, const Link& uplink);
    /// No masquerade of this network at this uplink any more; its pool stays.
    void unmasquerade(const sl_addr& source, int prefix_length, const Link& uplink);
    /// No forward of this port any more.
    void unforward(std::uint8_t protocol, const sl_addr& outside, std::uint16_t outside_port);
    /// Sessions are decided anew, as after any change of rules.
    void take_generation();
    void set_port(const Link& link, const sl_port& entry, std::uint32_t slots_on = 0);
    void remove_port(const Link& link);
    void name_port(__u32 id, __u32 interface);
    /// @param settings but for what the flow tables are like
    void set_settings(sl_settings settings);
    /// Another secret of all hashes, from now on: while nothing is in the tables.
    void set_seed(const sl_seed& seed);
    /// Enters a guard for a port. @return what sl_port.guard is to be
    std::uint16_t make_guard(std::uint16_t port_id, const GuardConfig& config);
    /// What enters by the link is judged from now on. @param flags more sl_port_flags
    void set_guard(const Link& link, const GuardConfig& config, std::uint16_t flags = 0);

    /// Rates of a port id, with full buckets and no counts; not yet in force.
    void put_qos(std::uint16_t port_id, const sl_qos& rates);
    /// They are in force from now on. @param flags sl_qos_flag
    void set_qos(const Link& link, const sl_qos& rates, std::uint16_t flags);
    [[nodiscard]] sl_qos_stats qos_stats(std::uint16_t port_id) const;

    [[nodiscard]] const FlowView<sl_key4>& flows4() const { return flows4_; }
    [[nodiscard]] const FlowView<sl_key6>& flows6() const { return flows6_; }
    [[nodiscard]] MapView<sl_binding_key, sl_binding> bindings() const {
        return map<sl_binding_key, sl_binding>("sl_bindings");
    }
    template <class Key, class Value>
    [[nodiscard]] MapView<Key, Value> map(const char* name) const {
        return MapView<Key, Value>(fd(name));
    }

    /// As large as sl_settings.fdb_mask says.
    [[nodiscard]] FdbView fdb() const;

    [[nodiscard]] sl_port_stats port_stats(std::uint16_t port_id) const;
    /// Fragments that wait for their first one, and are not counted yet: of a port, or of all.
    [[nodiscard]] std::uint64_t held(std::optional<std::uint16_t> port_id = std::nullopt) const;
    /// As if they had never come.
    void forget_held();
    [[nodiscard]] sl_counter drops(std::uint16_t port_id, sl_drop reason) const;
    [[nodiscard]] sl_counter audits(std::uint16_t port_id, sl_drop reason) const;
    /// What the datapath has noted of the port's guard.
    [[nodiscard]] sl_guard_state guard_state(const Link& link) const;
    /// All that the ring holds, the oldest first.
    [[nodiscard]] std::vector<sl_event> events() const;
    [[nodiscard]] sl_pool_stats pool_stats(std::uint16_t external, sl_l4 l4) const;
    [[nodiscard]] sl_port_bits port_bits(std::uint16_t external, sl_l4 l4) const;

    [[nodiscard]] const Tally& tally() const { return tally_; }
    [[nodiscard]] int fd(const char* map_name) const;
    [[nodiscard]] int program_fd(Hook hook) const;

private:
    Gate() = default;
    struct SkeletonDelete {
        void operator()(sluice_tc_bpf* skeleton) const;
        void operator()(sluice_xdp_bpf* skeleton) const;
    };
    std::uint32_t macs_ = 0;
    sl_seed seed_ = test_seed;
    std::uint32_t groups4_ = 0, groups6_ = 0;  ///< of the flow tables
    std::uint32_t max_sessions4_ = 0, max_sessions6_ = 0;
    FlowView<sl_key4> flows4_;
    FlowView<sl_key6> flows6_;
    std::unique_ptr<sluice_tc_bpf, SkeletonDelete> tc_;
    std::unique_ptr<sluice_xdp_bpf, SkeletonDelete> xdp_;
    void put_forward(const sl_forward_key& key, const sl_forward& value);
    void clear_pools();
    void clear_guards();
    void clear_events();

    Tally tally_;
    std::uint16_t externals_ = 0;
    std::set<__u32> forwarded_words_;  ///< of sl_forwarded_ports, not 0
    std::uint16_t pools_ = 0;
};

}  // namespace sluice::test
