// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/harness/gate.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <linux/pkt_cls.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>

#include "sluice_tc.skel.h"
#include "sluice_xdp.skel.h"
#include "tests/harness/held_view.hpp"

namespace sluice::test {
namespace {

/// No frame of a test comes near it, whatever a program puts in front.
constexpr std::size_t most_output = 20'000;

std::unexpected<Error> failed(const std::string& what) {
    return fail(ErrorCode::failed, fmt::format("{}: {}", what, std::strerror(errno)));
}

Result<Verdict> verdict_of(Hook hook, std::uint32_t returned) {
    const auto code = static_cast<int>(returned);
    if (hook == Hook::xdp) {
        if (code == XDP_REDIRECT || code == XDP_TX) return Verdict::forward;
        if (code == XDP_PASS) return Verdict::pass;
        if (code == XDP_DROP) return Verdict::drop;
    } else {
        if (code == TC_ACT_REDIRECT) return Verdict::forward;
        if (code == TC_ACT_UNSPEC) return Verdict::pass;
        if (code == TC_ACT_SHOT) return Verdict::drop;
    }
    return fail(ErrorCode::failed, fmt::format("{} returned {}", hook_text(hook), code));
}

Result<Outcome> outcome(Hook hook, int program, bpf_test_run_opts& options, Bytes output) {
    options.data_out = output.data();
    options.data_size_out = static_cast<std::uint32_t>(output.size());
    options.repeat = 1;
    if (bpf_prog_test_run_opts(program, &options)) return failed("BPF_PROG_TEST_RUN");
    SL_TRY(verdict, verdict_of(hook, options.retval));
    output.resize(options.data_size_out);
    return Outcome{verdict, std::move(output), 0};
}

Result<Outcome> run_skb(Hook hook, int program, const Link& link, View frame,
                        const FrameContext& context) {
    __sk_buff skb{};
    skb.ifindex = ifindex(link);
    skb.ingress_ifindex = hook == Hook::tc ? skb.ifindex : 0;
    if (context.came_by) skb.ingress_ifindex = ifindex(*context.came_by);
    skb.mark = context.mark;
    if (context.gso_size) {
        skb.gso_size = context.gso_size;
        skb.gso_segs = static_cast<std::uint32_t>(frame.size() / context.gso_size + 1);
    }
    LIBBPF_OPTS(bpf_test_run_opts, options);
    options.data_in = frame.data();
    options.data_size_in = static_cast<std::uint32_t>(frame.size());
    options.ctx_in = &skb;
    options.ctx_size_in = sizeof(skb);
    options.ctx_out = &skb;
    options.ctx_size_out = sizeof(skb);
    SL_TRY(ran, outcome(hook, program, options, Bytes(most_output)));
    ran.mark = skb.mark;
    return std::move(ran);
}

Result<Outcome> run_xdp(int program, const Link& link, View frame, const FrameContext& context) {
    xdp_md md{};
    md.ingress_ifindex = ifindex(link);
    md.data_end = static_cast<std::uint32_t>(context.linear ? context.linear : frame.size());
    LIBBPF_OPTS(bpf_test_run_opts, options);
    options.data_in = frame.data();
    options.data_size_in = static_cast<std::uint32_t>(frame.size());
    options.ctx_in = &md;
    options.ctx_size_in = sizeof(md);
    return outcome(Hook::xdp, program, options, Bytes(most_output));
}

sl_settings default_settings(std::uint32_t macs) {
    constexpr std::uint32_t second = 1'000'000'000u >> SL_TICK_SHIFT;
    sl_settings settings{};
    settings.udp_timeout = 300 * second;
    settings.tcp_established_timeout = 7440 * second;
    settings.tcp_transitory_timeout = 240 * second;
    settings.icmp_timeout = 60 * second;
    settings.other_timeout = 300 * second;
    settings.nexthop_ttl = second / 2;
    settings.mac_age = 300;
    settings.max_macs = macs;
    settings.fdb_mask = fdb_buckets - 1;
    settings.tracked_until4 = settings.tracked_until6 = ~0u;
    return settings;
}

/// Tells a program how long a jiffy is, as the loader does.
void set_clock(auto& rodata) {
    timespec jiffy{};
    clock_getres(CLOCK_MONOTONIC_COARSE, &jiffy);
    const std::int64_t hz = 1'000'000'000 / jiffy.tv_nsec;
    rodata.sl_jiffy_ns = static_cast<__u64>(jiffy.tv_nsec);
    rodata.sl_first_jiffy = static_cast<__u32>(-300 * hz);
}

sl_lease_key lease_key(const Mac& mac, std::uint16_t domain) {
    sl_lease_key key{};
    key.domain = domain;
    std::ranges::copy(mac, key.mac);
    return key;
}

sl_counter sum_of(int fd, __u32 index) {
    sl_counter sum{};
    for (const auto& cpu : per_cpu<sl_counter>(fd, index)) {
        sum.packets += cpu.packets;
        sum.bytes += cpu.bytes;
    }
    return sum;
}

}  // namespace

const char* hook_text(Hook hook) {
    switch (hook) {
        case Hook::tc:
            return "tc";
        case Hook::xdp:
            return "xdp";
        case Hook::egress:
            return "egress";
    }
    return "?";
}

const char* verdict_text(Verdict verdict) {
    switch (verdict) {
        case Verdict::forward:
            return "forward";
        case Verdict::pass:
            return "pass";
        case Verdict::drop:
            return "drop";
    }
    return "?";
}

std::uint32_t epoch_now() {
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    const auto ns = static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 +
                    static_cast<std::uint64_t>(now.tv_nsec);
    return static_cast<std::uint32_t>(ns >> SL_EPOCH_SHIFT);
}

void Gate::SkeletonDelete::operator()(sluice_tc_bpf* skeleton) const {
    sluice_tc_bpf__destroy(skeleton);
}
void Gate::SkeletonDelete::operator()(sluice_xdp_bpf* skeleton) const {
    sluice_xdp_bpf__destroy(skeleton);
}

Gate::~Gate() = default;

Result<std::unique_ptr<Gate>> Gate::load(const Capacities& capacities) {
    std::unique_ptr<Gate> gate(new Gate);
    gate->tc_.reset(sluice_tc_bpf__open());
    if (!gate->tc_) return failed("open sluice_tc");
    auto& maps = gate->tc_->maps;
    gate->groups4_ = sl_flow_groups(capacities.flows);
    gate->groups6_ = sl_flow_groups(capacities.flows6);
    gate->max_sessions4_ = capacities.flows / 2;
    gate->max_sessions6_ = capacities.flows6 / 2;
    bpf_map__set_max_entries(maps.sl_flows4, gate->groups4_ * SL_FLOW_SLOTS);
    bpf_map__set_max_entries(maps.sl_births4, gate->groups4_ * SL_FLOW_SLOTS);
    bpf_map__set_max_entries(maps.sl_flow_groups4, gate->groups4_);
    bpf_map__set_max_entries(maps.sl_flows6, gate->groups6_ * SL_FLOW_SLOTS);
    bpf_map__set_max_entries(maps.sl_flow_groups6, gate->groups6_);
    bpf_map__set_max_entries(maps.sl_bindings, capacities.bindings);
    bpf_map__set_max_entries(maps.sl_leases, 1024);
    bpf_map__set_max_entries(maps.sl_fdb, fdb_buckets);
    gate->macs_ = capacities.macs;
    set_clock(*gate->tc_->rodata);
    if (sluice_tc_bpf__load(gate->tc_.get())) return failed("load sluice_tc");

    gate->xdp_.reset(sluice_xdp_bpf__open());
    if (!gate->xdp_) return failed("open sluice_xdp");
    bpf_map* map = nullptr;
    bpf_object__for_each_map(map, gate->xdp_->obj) {
        const bpf_map* shared = bpf_object__find_map_by_name(gate->tc_->obj, bpf_map__name(map));
        if (shared && bpf_map__reuse_fd(map, bpf_map__fd(shared)))
            return failed(fmt::format("reuse {}", bpf_map__name(map)));
    }
    set_clock(*gate->xdp_->rodata);
    if (sluice_xdp_bpf__load(gate->xdp_.get())) return failed("load sluice_xdp");
    gate->flows4_ = {gate->fd("sl_flows4"), gate->fd("sl_flow_groups4"), gate->fd("sl_births4"),
                     gate->groups4_};
    gate->flows6_ = {gate->fd("sl_flows6"), gate->fd("sl_flow_groups6"), -1, gate->groups6_};
    gate->reset();
    return gate;
}

void Gate::reset() {
    flows4().clear();
    flows6().clear();
    bindings().clear();
    map<sl_fragment_key, sl_fragment_value>("sl_fragments").clear();
    forget_held();
    map<__u32, sl_live>("sl_live").put(0, {});
    Mapped<sl_account>(fd("sl_accounts"), SL_ACCOUNTS).clear();
    map<__u32, sl_rules>("sl_rules").put(0, {1, 1, 0, 0, 0, 0, 0});
    map<sl_forward_key, sl_forward>("sl_forwards").clear();
    for (const __u32 word : forwarded_words_) map<__u32, __u64>("sl_forwarded_ports").put(word, 0);
    forwarded_words_.clear();
    map<sl_masq_key, sl_masq>("sl_masquerades").clear();
    clear_pools();
    clear_guards();
    clear_events();

    const std::vector<sl_port_stats> no_stats(static_cast<std::size_t>(libbpf_num_possible_cpus()));
    const std::vector<sl_counter> no_drops(no_stats.size());
    for (__u32 port = 0; port <= ports.size(); ++port) {
        bpf_map_update_elem(fd("sl_port_stats"), &port, no_stats.data(), BPF_ANY);
        for (__u32 reason = 0; reason < SL_DROP_COUNT; ++reason) {
            const __u32 index = port * SL_DROP_MAX + reason;
            bpf_map_update_elem(fd("sl_drops"), &index, no_drops.data(), BPF_ANY);
            bpf_map_update_elem(fd("sl_audits"), &index, no_drops.data(), BPF_ANY);
        }
    }
    for (const Link& link : links) remove_port(link);
    for (const Link& link : ports) set_port(link, port_entry(link));
    set_settings(default_settings(macs_));
    tally_.rx = tally_.tx = 0;
}

void Gate::clear_pools() {
    const auto bits = map<__u32, sl_port_bits>("sl_port_bits");
    const auto stats = map<__u32, sl_pool_stats>("sl_pool_stats");
    for (__u32 slot = 0; slot < externals_ * SL_L4_COUNT; ++slot) {
        bits.put(slot, {});
        stats.put(slot, {});
    }
    for (__u32 pool = 0; pool < pools_; ++pool) map<__u32, sl_pool>("sl_pools").put(pool, {});
    externals_ = pools_ = 0;
}

void Gate::clear_guards() {
    map<sl_guard_prefix, __u32>("sl_guard_prefixes").clear();
    map<sl_port_mac, sl_learned_mac>("sl_learned_macs").clear();
    map<sl_port_addr, sl_learned_addr>("sl_learned_addrs").clear();
    map<sl_lease_key, sl_lease>("sl_leases").clear();
    const auto pools = map<__u32, sl_mac_pool>("sl_mac_pools");
    for (__u32 pool = 0; pools.get(pool).value_or(sl_mac_pool{}).used; ++pool) pools.put(pool, {});
    const auto sightings = map<__u32, __u64>("sl_sightings");
    for (__u32 port = 0; port <= ports.size(); ++port) {
        map<__u32, sl_guard_state>("sl_guard_states").put(port, {});
        for (__u32 i = 0; i < SL_SIGHTINGS; ++i) sightings.put(port * SL_SIGHTINGS + i, {});
    }
}

void Gate::clear_events() {
    map<__u32, sl_event_head>("sl_event_head").put(0, {});
    const auto limits = map<__u32, sl_event_limit>("sl_event_limits");
    for (__u32 i = 0; i < (ports.size() + 1) * SL_EVENT_SUBJECTS; ++i) limits.put(i, {});
}

Result<Outcome> Gate::run(Hook hook, const Link& link, View frame, const FrameContext& context) {
    auto result = hook == Hook::xdp ? run_xdp(program_fd(hook), link, frame, context)
                                    : run_skb(hook, program_fd(hook), link, frame, context);
    if (!result) return result;
    if (hook == Hook::egress)
        ++tally_.tx;
    else if (hook == Hook::tc || result->verdict != Verdict::pass)
        ++tally_.rx;
    return result;
}

Result<> Gate::start_sweeper() {
    const Bytes frame(64);
    LIBBPF_OPTS(bpf_test_run_opts, options);
    options.data_in = frame.data();
    options.data_size_in = static_cast<std::uint32_t>(frame.size());
    if (bpf_prog_test_run_opts(bpf_program__fd(tc_->progs.sl_start_sweeper), &options))
        return failed("start the sweeper");
    if (options.retval)
        return fail(ErrorCode::failed, fmt::format("the sweeper returned {}", options.retval));
    return {};
}

FdbView Gate::fdb() const {
    const auto settings = map<__u32, sl_settings>("sl_settings").get(0).value_or(sl_settings{});
    return {fd("sl_fdb"), settings.fdb_mask + 1, settings.flow_seed};
}

std::uint64_t Gate::held(std::optional<std::uint16_t> port_id) const {
    return held_fragments(map<__u32, sl_held>("sl_held"), port_id);
}

void Gate::forget_held() {
    tally_.rx -= held();
    const auto places = map<__u32, sl_held>("sl_held");
    for (const auto& [place, held] : places.entries())
        if (held.state != SL_HELD_FREE) places.put(place, {});
}

sl_port_stats Gate::port_stats(std::uint16_t port_id) const {
    sl_port_stats sum{};
    const auto add = [](sl_counter& to, const sl_counter& from) {
        to.packets += from.packets;
        to.bytes += from.bytes;
    };
    for (const auto& cpu : per_cpu<sl_port_stats>(fd("sl_port_stats"), port_id)) {
        for (std::size_t i = 0; i < SL_COUNT_MAX; ++i) {
            add(sum.rx[i], cpu.rx[i]);
            add(sum.tx[i], cpu.tx[i]);
        }
        add(sum.unattributed, cpu.unattributed);
    }
    return sum;
}

sl_counter Gate::drops(std::uint16_t port_id, sl_drop reason) const {
    return sum_of(fd("sl_drops"), port_id * SL_DROP_MAX + reason);
}

sl_counter Gate::audits(std::uint16_t port_id, sl_drop reason) const {
    return sum_of(fd("sl_audits"), port_id * SL_DROP_MAX + reason);
}

sl_guard_state Gate::guard_state(const Link& link) const {
    return map<__u32, sl_guard_state>("sl_guard_states").get(link.id).value_or(sl_guard_state{});
}

std::vector<sl_event> Gate::events() const {
    const auto head = map<__u32, sl_event_head>("sl_event_head").get(0);
    const __u64 newest = head.value_or(sl_event_head{}).newest;
    std::vector<sl_event> all;
    for (__u64 number = newest > SL_EVENTS ? newest - SL_EVENTS + 1 : 1; number <= newest;
         ++number) {
        const auto slot = static_cast<__u32>((number - 1) % SL_EVENTS);
        all.push_back(map<__u32, sl_event>("sl_events").get(slot).value_or(sl_event{}));
    }
    return all;
}

void Gate::lease(const Mac& mac, const sl_lease& lease, std::uint16_t domain) {
    map<sl_lease_key, sl_lease>("sl_leases").put(lease_key(mac, domain), lease);
}

std::optional<sl_lease> Gate::lease_of(const Mac& mac, std::uint16_t domain) const {
    return map<sl_lease_key, sl_lease>("sl_leases").get(lease_key(mac, domain));
}

sl_pool_stats Gate::pool_stats(std::uint16_t external, sl_l4 l4) const {
    const auto stats = map<__u32, sl_pool_stats>("sl_pool_stats");
    return stats.get(external * SL_L4_COUNT + l4).value_or(sl_pool_stats{});
}

sl_port_bits Gate::port_bits(std::uint16_t external, sl_l4 l4) const {
    const auto bits = map<__u32, sl_port_bits>("sl_port_bits");
    return bits.get(external * SL_L4_COUNT + l4).value_or(sl_port_bits{});
}

int Gate::fd(const char* map_name) const {
    return bpf_object__find_map_fd_by_name(tc_->obj, map_name);
}

int Gate::program_fd(Hook hook) const {
    switch (hook) {
        case Hook::tc:
            return bpf_program__fd(tc_->progs.sl_tc_ingress);
        case Hook::egress:
            return bpf_program__fd(tc_->progs.sl_tc_egress);
        case Hook::xdp:
            return bpf_program__fd(xdp_->progs.sl_xdp);
    }
    return -1;
}

}  // namespace sluice::test
