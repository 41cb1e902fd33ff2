// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/harness/rig.hpp"

#include <fmt/format.h>
#include <net/if.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <thread>

namespace sluice::test {
namespace {

constexpr std::uint32_t own_ends = 1001, far_ends = 2101;     // interface numbers of ports 0...
constexpr std::uint32_t inner_ends = 1201, host_ends = 2301;  // and of the internal ones
/// To whom the host reports its groups (RFC 3810), whenever it likes.
constexpr Mac mld_routers{0x33, 0x33, 0, 0, 0, 0x16};
constexpr std::size_t first_internal = Rig::most_ports;
/// A frame that is routed into a VLAN and answered by the host goes through so many queues.
constexpr int hops = 5;

[[noreturn]] void abandon(const std::string& what) {
    std::cerr << what << ": " << std::strerror(errno) << "\n";
    std::abort();
}

void must(const Result<>& result) {
    if (!result) abandon(result.error().message + " " + result.error().hint);
}

/// Of the first eight near to each other, as usual; of the others in every word of a set of ports.
std::uint16_t id_of(std::size_t port) {
    if (port < 8) return static_cast<std::uint16_t>(20 + port);
    if (port < first_internal) return static_cast<std::uint16_t>(40 + 12 * port);
    return static_cast<std::uint16_t>(1000 + port - first_internal);
}

bool is_probe(View frame) {
    std::size_t at = 12;
    if (frame.size() > 16 && frame[at] == 0x81 && frame[at + 1] == 0) at += 4;
    if (frame.size() > 16 && frame[at] == 0x88 && frame[at + 1] == 0xa8) at += 4;
    return frame.size() >= at + 2 && (frame[at] << 8 | frame[at + 1]) == SL_PROBE_ETHERTYPE;
}

std::uint64_t fdb_key(const Mac& mac, std::uint16_t vlan) {
    return mac_number(mac) | std::uint64_t{vlan} << SL_FDB_MAC_BITS;
}

void expect_sum(const sl_counter (&counts)[SL_COUNT_MAX], const std::string& whose) {
    const auto& [observed, forwarded, passed, dropped] = counts;
    EXPECT_EQ(observed.packets, forwarded.packets + passed.packets + dropped.packets) << whose;
    EXPECT_EQ(observed.bytes, forwarded.bytes + passed.bytes + dropped.bytes) << whose;
}

template <class Value>
void clear_per_cpu(int fd, __u32 index) {
    const std::vector<Value> none(static_cast<std::size_t>(libbpf_num_possible_cpus()));
    bpf_map_update_elem(fd, &index, none.data(), BPF_ANY);
}

}  // namespace

const char* way_text(Way way) { return way == Way::tc ? "tc" : "xdp"; }

Switched access(std::uint16_t vlan, std::uint32_t more_flags) {
    Switched settings{.mode = SL_VLAN_ACCESS, .pvid = vlan};
    settings.flags |= more_flags;
    return settings;
}

Switched trunk(std::vector<std::uint16_t> vlans, std::uint16_t native, std::uint32_t more_flags) {
    Switched settings{.mode = SL_VLAN_TRUNK, .pvid = native, .vlans = std::move(vlans)};
    if (native && std::ranges::count(settings.vlans, native) == 0) settings.vlans.push_back(native);
    settings.flags |= more_flags;
    settings.role = SL_ROLE_TRUNK;
    return settings;
}

Switched tunnel(std::uint16_t vlan) {
    Switched settings = access(vlan);
    settings.mode = SL_VLAN_TUNNEL;
    return settings;
}

Rig::Rig(Gate& gate) : gate_(gate), ports_(first_internal) {}

void Rig::make_cable(std::size_t port) {
    std::string lines;
    std::vector<std::size_t> made;
    for (std::size_t i = 0; i <= port; ++i) {
        Port& each = ports_[i];
        if (each.ifindex) continue;
        const auto number = static_cast<std::uint32_t>(i);
        each = {.name = fmt::format("sw{}", i),
                .id = id_of(i),
                .ifindex = own_ends + number,
                .far_ifindex = far_ends + number};
        lines += cable_lines(each.name, each.ifindex, each.name + "-far", each.far_ifindex);
        lines += fmt::format("link set {}-far arp off\n", each.name);
        made.push_back(i);
    }
    if (made.empty()) return;
    // Nobody is to say anything of himself.
    must(write_sysctl("net/ipv6/conf/default/disable_ipv6", "1"));
    must(ip_batch(lines));
    must(write_sysctl("net/ipv6/conf/default/disable_ipv6", "0"));
    for (const std::size_t i : made) {
        wire_.set_gro(ports_[i].name + "-far");
        attach(ports_[i]);
        by_far_end_[ports_[i].far_ifindex] = i;
    }
}

void Rig::attach(const Port& port) {
    LIBBPF_OPTS(bpf_tc_hook, hook);
    hook.ifindex = static_cast<int>(port.ifindex);
    hook.attach_point = static_cast<bpf_tc_attach_point>(BPF_TC_INGRESS | BPF_TC_EGRESS);
    if (bpf_tc_hook_create(&hook)) abandon("clsact of " + port.name);
    for (const auto& [point, program] :
         {std::pair{BPF_TC_INGRESS, Hook::tc}, std::pair{BPF_TC_EGRESS, Hook::egress}}) {
        LIBBPF_OPTS(bpf_tc_opts, options);
        options.prog_fd = gate_.program_fd(program);
        hook.attach_point = point;
        if (bpf_tc_attach(&hook, &options)) abandon("attach to " + port.name);
    }
}

void Rig::reset() {
    unfinished_ = 0;
    settle();
    const auto members = gate_.map<__u32, sl_vlan_members>("sl_vlan_members");
    for (const std::uint16_t vlan : vlans_used_) {
        members.put(vlan, {});
        gate_.map<__u32, sl_vlan>("sl_vlans").put(vlan, {});
        clear_per_cpu<sl_vlan_stats>(gate_.fd("sl_vlan_stats"), vlan);
    }
    vlans_used_.clear();
    gate_.map<sl_vlan_map_key, __u32>("sl_vlan_maps").clear();
    gate_.fdb().clear();
    gate_.map<__u64, sl_mac_moves>("sl_mac_moves").clear();
    for (Port& port : ports_) {
        if (!port.used) continue;
        port.used = false;
        clear_counts(port);
        port.sent = port.arrived = 0;
    }
    waiting_.clear();
    probes_.clear();
}

void Rig::clear_counts(const Port& port) {
    const auto slots = gate_.map<__u32, sl_port>("sl_ports");
    slots.put(port.ifindex % SL_PORT_SLOTS, {});
    if (port.internal) slots.put(port.far_ifindex % SL_PORT_SLOTS, {});
    gate_.map<__u32, __u32>("sl_xdp_targets").erase(port.id);
    gate_.map<__u32, sl_switch_port>("sl_switch_ports").put(port.id, {});
    gate_.map<__u32, sl_switch_state>("sl_switch_states").put(port.id, {});
    gate_.map<__u32, sl_guard_state>("sl_guard_states").put(port.id, {});
    gate_.put_qos(port.id, {});
    clear_per_cpu<sl_port_stats>(gate_.fd("sl_port_stats"), port.id);
    for (__u32 reason = 0; reason < SL_DROP_COUNT; ++reason) {
        clear_per_cpu<sl_counter>(gate_.fd("sl_drops"), port.id * SL_DROP_MAX + reason);
        clear_per_cpu<sl_counter>(gate_.fd("sl_audits"), port.id * SL_DROP_MAX + reason);
    }
    const auto limits = gate_.map<__u32, sl_event_limit>("sl_event_limits");
    for (__u32 subject = 0; subject < SL_EVENT_SUBJECTS; ++subject)
        limits.put(port.id * SL_EVENT_SUBJECTS + subject, {});
}

void Rig::set(std::size_t port, const Switched& settings) {
    make_cable(port);
    if (ports_[port].used) enter_vlans(ports_[port], false);
    ports_[port].settings = settings;
    enter(port);
}

void Rig::enter(std::size_t number) {
    Port& port = ports_[number];
    port.used = true;
    enter_port(port);
    enter_vlans(port, true);
    enter_translations(port);

    const Switched& from = port.settings;
    sl_switch_port entry{};
    entry.flags =
        from.flags | (from.translations.empty() ? 0u : std::uint32_t{SL_SWITCH_TRANSLATE});
    entry.ifindex = port.ifindex;
    entry.mtu = from.mtu;
    entry.pvid = from.pvid;
    entry.community = from.community;
    entry.mode = static_cast<__u8>(from.mode);
    entry.role = static_cast<__u8>(from.role);
    entry.mac_limit = from.mac_limit;
    std::ranges::copy(from.storm, entry.storm);
    std::ranges::copy(from.pcp, entry.pcp);
    for (const std::uint16_t vlan : from.vlans) entry.vlans[vlan / 64] |= 1ull << vlan % 64;
    gate_.map<__u32, sl_switch_port>("sl_switch_ports").put(port.id, entry);
}

void Rig::enter_port(const Port& port) {
    const Switched& from = port.settings;
    sl_port entry{};
    entry.ifindex = entry.l3_ifindex = port.ifindex;
    entry.id = port.id;
    entry.domain = from.mode == SL_VLAN_TRUNK ? 0 : from.pvid;
    entry.role = static_cast<__u8>(from.role);
    entry.flags = SL_PORT_SWITCHED | SL_PORT_STRICT4 | SL_PORT_STRICT6 | from.port_flags;
    entry.flags |= port.internal ? SL_PORT_TRACK : SL_PORT_XDP | SL_PORT_XDP_TARGET;
    entry.mtu = static_cast<__u16>(from.mtu);
    if (from.guard) entry.guard = gate_.make_guard(port.id, *from.guard);
    entry.qos = from.qos;
    if (from.rates) gate_.put_qos(port.id, *from.rates);
    gate_.map<__u32, sl_port>("sl_ports").put(port.ifindex % SL_PORT_SLOTS, entry);
    if (!port.internal) gate_.map<__u32, __u32>("sl_xdp_targets").put(port.id, port.ifindex);
}

void Rig::enter_vlans(const Port& port, bool member) {
    const auto map = gate_.map<__u32, sl_vlan_members>("sl_vlan_members");
    auto vlans = port.settings.vlans;
    if (port.settings.mode != SL_VLAN_TRUNK) vlans = {port.settings.pvid};
    for (const std::uint16_t vlan : vlans) {
        auto members = map.get(vlan).value_or(sl_vlan_members{});
        const std::uint64_t bit = 1ull << port.id % 64;
        auto& word = members.ports[port.id / 64];
        word = member ? word | bit : word & ~bit;
        map.put(vlan, members);
        vlans_used_.push_back(vlan);
    }
}

void Rig::enter_translations(const Port& port) {
    const auto map = gate_.map<sl_vlan_map_key, __u32>("sl_vlan_maps");
    for (const auto& [wire, vlan] : port.settings.translations) {
        map.put({port.id, wire, 0}, vlan);
        map.put({port.id, vlan, 1}, wire);
    }
}

void Rig::make_gateway(const Gateway& gateway) {
    const auto count = static_cast<std::uint32_t>(gateways_.size());
    Port port{.name = fmt::format("in{}", gateway.vlan),
              .id = id_of(first_internal + count),
              .ifindex = inner_ends + count,
              .far_ifindex = host_ends + count,
              .internal = true};
    const std::string host = fmt::format("vlan{}", gateway.vlan);
    std::string lines = cable_lines(port.name, port.ifindex, host, port.far_ifindex,
                                    fmt::format("address {:02x}", fmt::join(gateway.mac, ":")));
    lines += fmt::format("addr add {} dev {}\n", gateway.v4, host);
    if (gateway.v6) lines += fmt::format("addr add {} dev {} nodad\n", gateway.v6, host);
    for (const char* address : {gateway.vm_v4, gateway.vm_v6})
        if (address)
            lines += fmt::format("neigh add {} lladdr {:02x} dev {} nud permanent\n", address,
                                 fmt::join(gateway.vm_mac, ":"), host);
    must(ip_batch(lines));
    must(write_sysctl("net/ipv6/conf/" + port.name + "/disable_ipv6", "1"));
    if (!gateway.v6) must(write_sysctl("net/ipv6/conf/" + host + "/disable_ipv6", "1"));
    if (gateway.v6) wait_for_reports(port.ifindex);
    attach(port);
    by_far_end_[port.far_ifindex] = ports_.size();
    gateways_[gateway.vlan] = ports_.size();
    ports_.push_back(port);
}

/// A new interface reports its groups some time after it is up: until it has done so and is silent.
void Rig::wait_for_reports(std::uint32_t ifindex) {
    using std::chrono::steady_clock;
    constexpr std::chrono::milliseconds patience(1500), silence(60);
    auto until = steady_clock::now() + patience;
    while (steady_clock::now() < until) {
        wire_.send_barrier();
        while (const auto frame = wire_.receive())
            if (frame->ifindex == ifindex) until = steady_clock::now() + silence;
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
}

std::size_t Rig::set_gateway(const Gateway& gateway, std::uint32_t mtu) {
    if (!gateways_.contains(gateway.vlan)) make_gateway(gateway);
    const std::size_t number = gateways_[gateway.vlan];
    Port& port = ports_[number];
    port.settings = access(gateway.vlan);
    port.settings.role = SL_ROLE_INTERNAL;
    port.settings.mtu = mtu;
    enter(number);

    sl_vlan vlan{};
    vlan.l3_ifindex = port.far_ifindex;
    vlan.mtu = mtu;
    std::ranges::copy(gateway.mac, vlan.mac);
    vlan.port = port.id;
    vlan.addr4 = v4_raw(address_of(gateway.v4));
    if (gateway.v6) vlan.addr6 = address_of(gateway.v6);
    gate_.map<__u32, sl_vlan>("sl_vlans").put(gateway.vlan, vlan);

    sl_port host{};
    host.ifindex = host.l3_ifindex = port.far_ifindex;
    host.domain = gateway.vlan;
    host.role = SL_ROLE_SEGMENT;
    std::ranges::copy(gateway.mac, host.mac);
    host.mtu = mtu;
    host.addr4 = vlan.addr4;
    host.addr6 = vlan.addr6;
    gate_.map<__u32, sl_port>("sl_ports").put(port.far_ifindex % SL_PORT_SLOTS, host);
    return number;
}

std::size_t Rig::join(const Link& link) {
    const std::string far = fmt::format("{}-peer", link.name);
    const auto far_index = if_nametoindex(far.c_str());
    const auto known = by_far_end_.find(far_index);
    if (known != by_far_end_.end()) return known->second;
    Port port{.name = link.name, .id = link.id, .ifindex = ifindex(link), .far_ifindex = far_index};
    attach(port);
    by_far_end_[far_index] = ports_.size();
    ports_.push_back(port);
    return ports_.size() - 1;
}

void Rig::send(Way way, std::size_t port, View frame, std::uint16_t gso_size) {
    ++ports_[port].sent;
    if (way == Way::xdp)
        send_by_xdp(ports_[port], frame);
    else
        wire_.send(ports_[port].far_ifindex, frame, gso_size);
}

void Rig::send_partial(std::size_t port, View frame) {
    ++ports_[port].sent;
    wire_.send_partial(ports_[port].far_ifindex, frame);
}

void Rig::send_by_xdp(const Port& port, View frame) {
    xdp_md md{};
    md.ingress_ifindex = port.ifindex;
    md.data_end = static_cast<std::uint32_t>(frame.size());
    LIBBPF_OPTS(bpf_test_run_opts, options);
    options.data_in = frame.data();
    options.data_size_in = static_cast<std::uint32_t>(frame.size());
    options.ctx_in = &md;
    options.ctx_size_in = sizeof(md);
    options.flags = BPF_F_TEST_XDP_LIVE_FRAMES;
    options.repeat = 1;
    if (bpf_prog_test_run_opts(gate_.program_fd(Hook::xdp), &options)) abandon("live frame");
}

/// Frames, as the counters have it.
std::uint64_t Rig::sent_to(const Port& port) const {
    return gate_.port_stats(port.id).tx[SL_COUNT_FORWARDED].packets;
}

Rig::Redirect Rig::xdp(std::size_t port, View frame) {
    std::vector<std::uint64_t> before;
    for (const Port& each : ports_) before.push_back(each.used ? sent_to(each) : 0);
    Link link = lan0;
    link.name = ports_[port].name.c_str();  // all that the gate asks of it
    auto outcome = gate_.run(Hook::xdp, link, frame);
    if (!outcome) abandon(outcome.error().message);
    Redirect redirect{outcome->verdict, std::nullopt, std::move(outcome->packet)};
    if (redirect.verdict != Verdict::pass) ++ports_[port].sent;
    for (std::size_t i = 0; i < ports_.size(); ++i) {
        if (!ports_[i].used || sent_to(ports_[i]) == before[i]) continue;
        ++ports_[i].arrived;  // it would have
        redirect.port = i;
    }
    return redirect;
}

/// All queues are of this CPU and first in, first out: what the last barrier overtakes has left.
void Rig::settle() {
    for (int round = 0; round < hops; ++round) {
        wire_.send_barrier();
        while (auto frame = wire_.receive()) take(std::move(*frame));
    }
}

void Rig::take(Wire::Frame frame) {
    const auto port = by_far_end_.find(frame.ifindex);
    if (port == by_far_end_.end()) return;
    ++ports_[port->second].arrived;
    unfinished_ += frame.unfinished;
    if (std::ranges::equal(mld_routers, View(frame.bytes).first(mld_routers.size()))) return;
    auto& into = is_probe(frame.bytes) ? probes_ : waiting_;
    into.push_back({port->second, std::move(frame.bytes)});
}

std::vector<Arrival> Rig::receive() {
    settle();
    std::ranges::sort(waiting_);
    return std::exchange(waiting_, {});
}

std::vector<Arrival> Rig::take_probes() {
    settle();
    return std::exchange(probes_, {});
}

std::uint16_t Rig::id(std::size_t port) const { return ports_[port].id; }

const char* Rig::name(std::size_t port) const { return ports_[port].name.c_str(); }

sl_switch_state Rig::state(std::size_t port) const {
    return gate_.map<__u32, sl_switch_state>("sl_switch_states")
        .get(ports_[port].id)
        .value_or(sl_switch_state{});
}

void Rig::set_state(std::size_t port, const sl_switch_state& state) {
    gate_.map<__u32, sl_switch_state>("sl_switch_states").put(ports_[port].id, state);
}

std::uint64_t Rig::drops(std::size_t port, sl_drop reason) const {
    return gate_.drops(ports_[port].id, reason).packets;
}

std::uint64_t Rig::vlan_count(std::uint16_t vlan, sl_vlan_count count) const {
    std::uint64_t sum = 0;
    for (const auto& cpu : per_cpu<sl_vlan_stats>(gate_.fd("sl_vlan_stats"), vlan))
        sum += cpu.counts[count].packets;
    return sum;
}

std::optional<sl_fdb> Rig::fdb(const Mac& mac, std::uint16_t vlan) const {
    return gate_.fdb().get(fdb_key(mac, vlan));
}

void Rig::set_fdb(const Mac& mac, std::uint16_t vlan, const sl_fdb& entry) {
    gate_.fdb().put(fdb_key(mac, vlan), entry);
}

void Rig::add_station(const Mac& mac, std::uint16_t vlan, std::size_t port) {
    sl_fdb entry{};
    entry.port = ports_[port].id;
    entry.seen = SL_FDB_STATIC;
    set_fdb(mac, vlan, entry);
}

void Rig::expect_balanced() const {
    for (const Port& port : ports_) {
        if (!port.used) continue;
        const sl_port_stats stats = gate_.port_stats(port.id);
        expect_sum(stats.rx, "rx of " + port.name);
        expect_sum(stats.tx, "tx of " + port.name);
        std::uint64_t reasons = 0;
        for (int reason = 0; reason < SL_DROP_COUNT; ++reason)
            reasons += gate_.drops(port.id, static_cast<sl_drop>(reason)).packets;
        EXPECT_EQ(reasons, stats.rx[SL_COUNT_DROPPED].packets + stats.tx[SL_COUNT_DROPPED].packets)
            << "reasons of " << port.name;
        EXPECT_EQ(stats.rx[SL_COUNT_PASSED].packets, 0u)
            << port.name << " is the switch's, the kernel gets nothing from it";
        EXPECT_EQ(sent_to(port), port.arrived) << "left by " << port.name;
        // What the host sends enters by an internal port as well.
        if (port.internal)
            EXPECT_GE(stats.rx[SL_COUNT_OBSERVED].packets, port.sent) << port.name;
        else
            EXPECT_EQ(stats.rx[SL_COUNT_OBSERVED].packets + gate_.held(port.id), port.sent)
                << port.name;
    }
}

}  // namespace sluice::test
