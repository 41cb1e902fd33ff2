// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/qos/plan.hpp"

#include <netinet/in.h>

#include <algorithm>

#include "loader/instance/host.hpp"
#include "loader/model/ports.hpp"
#include "loader/qos/match.hpp"

namespace sluice {
namespace {

using namespace std::chrono_literals;

// The largest GSO frame that a guest sends by default, with the headers of all its segments.
constexpr std::uint64_t gso_frame = 72'000;
constexpr std::uint64_t largest_frame = 1 << 19;  // BIG TCP
constexpr auto queued_burst = 10ms;
constexpr auto policed_burst = 400ms;
constexpr auto default_patience = 20ms;

constexpr std::uint64_t second_in_cost = 1'000'000'000ull << 24;  // sl_bucket.cost: 2^-24 ns

constexpr std::uint64_t scaled(std::uint64_t value, std::uint64_t factor, std::uint64_t divisor) {
    __extension__ using Wide = unsigned __int128;
    return static_cast<std::uint64_t>(static_cast<Wide>(value) * factor / divisor);
}

std::uint64_t bytes_in(std::uint64_t rate, std::chrono::microseconds time) {
    return scaled(rate, static_cast<std::uint64_t>(time.count()), 8'000'000);
}

std::uint64_t burst_in_force(std::uint64_t rate, std::uint64_t asked,
                             std::chrono::microseconds by_rate) {
    if (rate == unlimited || rate == 0) return 0;
    return asked != 0 ? asked : std::max(gso_frame, bytes_in(rate, by_rate));
}

bool is_queue(std::optional<Shaper> shaper) {
    return shaper == Shaper::htb || shaper == Shaper::fq;
}

/// What a bucket is to let through, in bytes or frames.
struct Amounts {
    std::uint64_t burst;
    std::uint64_t common;   ///< at once, without a debt that others wait for
    std::uint64_t largest;  ///< there is
};

sl_bucket bucket(std::uint64_t cost, const Amounts& amounts, std::chrono::nanoseconds jiffy,
                 bool fine) {
    const auto time_of = [&](std::uint64_t amount) {
        return scaled(cost, amount, 1 << SL_BUCKET_COST_SHIFT);
    };
    sl_bucket it{};
    it.flags = SL_BUCKET_LIMITED;
    it.cost = cost;
    it.limit = time_of(amounts.burst);
    // A clock that steps by jiffies is late by up to one: what it lets through in a step must not
    // be more than the burst.
    if (const auto step = bucket_time(jiffy); fine || it.limit < time_of(amounts.common) + 2 * step)
        it.flags |= SL_BUCKET_FINE;
    else
        it.limit -= step;
    it.most = std::max<std::uint64_t>(it.limit, time_of(amounts.largest)) + bucket_time(1s);
    return it;
}

constexpr sl_bucket blocked_bucket{0, 0, 0, SL_BUCKET_BLOCKED, 0};

std::uint64_t percent_of(std::uint64_t rate, std::uint64_t percent) { return rate * percent / 100; }

bool has_priority(const QosClassSpec& it) { return it.priority < shared_priority; }

/// A leaf holds what its class may send within the port's patience, and one GSO frame at least.
std::uint64_t leaf_limit(const ClassShare& share, std::chrono::microseconds patience) {
    return std::max(bytes_in(share.assured, patience), 2 * gso_frame);
}

/// HTB serves classes that want more than they are assured in turn, a quantum each. It adds a
/// quantum for each frame that it sends, however far that was beyond the last one: less than a GSO
/// frame would give each class as many frames.
std::uint32_t quantum_of(std::uint64_t weight, std::uint64_t least_weight) {
    constexpr std::uint64_t most = 1u << 30;
    return static_cast<std::uint32_t>(std::min(gso_frame * weight / least_weight, most));
}

HtbTree class_tree(const QosPortSpec& spec, std::span<const QosClassSpec> classes) {
    const auto rate = spec.egress_rate;
    const auto burst = queue_burst(rate, spec.egress_burst);
    HtbTree tree{SL_QOS_HTB_MAJOR, SL_QOS_HTB_LEAF, {}};
    tree.classes.push_back({SL_QOS_HTB_ROOT, 0, rate, rate, burst, 0, 0, 0});
    const auto shares = class_shares(classes, rate);
    const auto least = std::ranges::min(classes, {}, &QosClassSpec::weight).weight;
    for (std::size_t i = 0; i < classes.size(); ++i) {
        const auto& it = classes[i];
        const auto& share = shares[i];
        tree.classes.push_back({SL_QOS_HTB_LEAF + it.id, SL_QOS_HTB_ROOT, share.assured, share.most,
                                queue_burst(share.most, spec.egress_burst), it.priority,
                                quantum_of(it.weight, least),
                                leaf_limit(share, patience_of(spec))});
    }
    return tree;
}

/// Without classes the datapath alone decides what is dropped, by its model of the queue: the
/// qdisc, which only spreads what comes, must be no slower than that.
HtbTree plain_tree(const QosPortSpec& spec) {
    const auto rate = spec.egress_rate + spec.egress_rate / 1024;
    const auto burst = queue_burst(rate, spec.egress_burst);
    const auto limit = 2 * (bytes_in(rate, patience_of(spec)) + burst) + gso_frame;
    return {SL_QOS_HTB_MAJOR,
            SL_QOS_HTB_LEAF,
            {{SL_QOS_HTB_ROOT, 0, rate, rate, burst, 0, 0, 0},
             {SL_QOS_HTB_LEAF, SL_QOS_HTB_ROOT, rate, rate, burst, shared_priority,
              quantum_of(1, 1), limit}}};
}

bool limits_ingress(const QosPortSpec& spec) {
    return spec.ingress_rate != unlimited || spec.pps != unlimited;
}

bool remarks(const QosPortSpec& spec) {
    return spec.dscp != SL_DSCP_KEEP || spec.pcp_of_dscp || spec.dscp_of_pcp;
}

void plan_ingress(sl_qos& entry, const QosPortSpec& spec, const QosKernel& kernel) {
    entry.in_bytes =
        byte_bucket(spec.ingress_rate, policer_burst(spec.ingress_rate, spec.ingress_burst),
                    kernel.jiffy, false);
    give_credit(entry.in_bytes, kernel.cpus);
    entry.in_frames = frame_bucket(spec.pps, kernel.jiffy);
    entry.dscp = spec.dscp;
    if (spec.pcp_of_dscp) {
        entry.pcp_rules = 1;
        std::ranges::copy(*spec.pcp_of_dscp, entry.pcp);
    }
    if (spec.dscp_of_pcp) {
        entry.dscp_rules = 1;
        std::ranges::copy(*spec.dscp_of_pcp, entry.dscps);
    }
}

void plan_egress(sl_qos& entry, const QosPortSpec& spec, std::optional<Shaper> shaper,
                 bool classified, const QosKernel& kernel) {
    const bool queued = is_queue(shaper);
    entry.out = byte_bucket(spec.egress_rate, egress_burst(spec, shaper), kernel.jiffy, queued);
    if (!queued) return give_credit(entry.out, kernel.cpus);
    entry.patience = bucket_time(patience_of(spec));
    entry.mark_at = entry.patience / 4;
    if (spec.latency.count() != 0) entry.late_at = entry.patience;
    if (classified && shaper == Shaper::htb) entry.handle = SL_QOS_HTB_MAJOR << 16;
}

std::uint16_t flags_for(const QosPortSpec& spec, std::optional<Shaper> shaper, bool classified) {
    unsigned flags = 0;
    if (limits_ingress(spec)) flags |= SL_QOS_POLICE;
    if (spec.ingress_rate == 0 || spec.pps != unlimited) flags |= SL_QOS_SINGLY;
    if (remarks(spec)) flags |= SL_QOS_REMARK;
    if (shaper || classified) flags |= SL_QOS_EGRESS;
    if (classified) flags |= SL_QOS_CLASSES;
    // Classes are told apart by the egress program, which XDP would pass by as well.
    if (classified || (shaper && *shaper != Shaper::police)) flags |= SL_QOS_QUEUED;
    if (shaper == Shaper::fq) flags |= SL_QOS_EDT;
    if (shaper && *shaper != Shaper::police && spec.ecn) flags |= SL_QOS_ECN;
    return static_cast<std::uint16_t>(flags);
}

/// The tables of the classifier, filled match by match.
class TableBuilder {
public:
    TableBuilder(const DesiredState& desired) : desired_(desired) {}

    std::unique_ptr<QosTables> build() {
        std::ranges::fill(tables_->rules.dscp, static_cast<__u8>(SL_DSCP_KEEP));
        for (const auto& it : desired_.qos_classes) {
            tables_->rules.dscp[it.id] = it.dscp;
            tables_->rules.urgent[it.id] = has_priority(it) ? 1 : 0;
            for (const auto& match : it.matches)
                for (const auto& plain : spell_out(match)) add(plain, it.id);
        }
        cut_intervals();
        return std::move(tables_);
    }

private:
    void add(const QosMatch& match, std::uint8_t class_id) {
        if (matches_.size() == SL_QOS_MATCHES_MAX) return;  // refused when it was added
        const auto number = matches_.size();
        const auto bit = 1ull << number;
        const auto set = [bit](__u64& sets) { sets |= bit; };
        auto& rules = tables_->rules;
        rules.class_of[number] = class_id;
        matches_.push_back(match);

        if (match.vm.empty() && match.interface.empty()) std::ranges::for_each(rules.by_port, set);
        for (const auto& port : desired_.ports)
            if (is_at(match, port.name)) set(rules.by_port[port.id]);
        choose(rules.by_vlan, match.vlan == 0 ? std::nullopt : std::optional(match.vlan), set);
        choose(rules.by_dscp, match.dscp, set);
        if (match.protocol || match.ports.empty()) {
            choose(rules.by_protocol, match.protocol, set);
        } else {
            set(rules.by_protocol[IPPROTO_TCP]);
            set(rules.by_protocol[IPPROTO_UDP]);
        }
        // What is no IP packet has no DSCP either.
        if (match.dscp) rules.by_protocol[SL_QOS_NO_PROTOCOL] &= ~bit;
    }

    template <std::size_t Size>
    static void choose(__u64 (&sets)[Size], auto value, const auto& set) {
        if (value)
            set(sets[*value]);
        else
            std::ranges::for_each(sets, set);
    }

    [[nodiscard]] bool is_at(const QosMatch& match, const std::string& port) const {
        if (!match.interface.empty()) return match.interface == port;
        return std::ranges::any_of(desired_.vm_ports, [&](const VmPort& it) {
            return it.vm == match.vm && it.port == port;
        });
    }

    /// Ports that the same matches want are one interval. Port 0, which is none, is in interval 0,
    /// that of matches which do not ask for ports.
    void cut_intervals() {
        std::map<__u64, __u8> interval_of;
        auto& rules = tables_->rules;
        for (std::uint32_t port = 0; port < 65536; ++port) {
            const auto wanting = matches_wanting(static_cast<std::uint16_t>(port));
            const auto [it, added] =
                interval_of.try_emplace(wanting, static_cast<__u8>(interval_of.size()));
            if (added) rules.by_interval[it->second] = wanting;
            tables_->intervals.of[port] = it->second;
        }
    }

    [[nodiscard]] __u64 matches_wanting(std::uint16_t port) const {
        __u64 wanting = 0;
        for (std::size_t number = 0; number < matches_.size(); ++number) {
            const auto& ports = matches_[number].ports;
            const auto has = [&](const PortRange& range) { return range.contains(port); };
            if (ports.empty() || std::ranges::any_of(ports, has)) wanting |= 1ull << number;
        }
        return wanting;
    }

    const DesiredState& desired_;
    std::vector<QosMatch> matches_;
    std::unique_ptr<QosTables> tables_ = std::make_unique<QosTables>();
};

void plan_port_qos(QosPlan& plan, const QosPortSpec& spec, const DesiredState& desired,
                   const Host& host, const QosKernel& kernel) {
    const auto* port = find_port(desired.ports, spec.port);
    const Link* link = port == nullptr ? nullptr : host.link(*port);
    if (link == nullptr) return;
    const auto shaper = shaper_in_force(spec, desired, kernel.has_fq);
    const bool classified = is_classified(spec, desired);
    auto& entry = plan.ports[port->id];
    plan_ingress(entry, spec, kernel);
    plan_egress(entry, spec, shaper, classified, kernel);
    plan.flags[port->id] = flags_for(spec, shaper, classified);
    if (shaper == Shaper::fq) plan.queues[link->ifindex] = {spec.port, std::nullopt};
    if (shaper == Shaper::htb)
        plan.queues[link->ifindex] = {
            spec.port,
            classified ? class_tree(spec, with_default(desired.qos_classes)) : plain_tree(spec)};
}

}  // namespace

std::uint16_t QosPlan::flags_of(std::uint16_t port) const {
    const auto found = flags.find(port);
    return found == flags.end() ? 0 : found->second;
}

std::uint64_t bucket_time(std::chrono::nanoseconds duration) {
    return static_cast<std::uint64_t>(duration.count()) << SL_BUCKET_TIME_SHIFT;
}

sl_bucket byte_bucket(std::uint64_t rate, std::uint64_t burst, std::chrono::nanoseconds jiffy,
                      bool fine) {
    if (rate == unlimited) return {};
    if (rate == 0) return blocked_bucket;
    return bucket(scaled(8, second_in_cost, rate), {burst, gso_frame, largest_frame}, jiffy, fine);
}

void give_credit(sl_bucket& bucket, std::size_t cpus) {
    constexpr std::uint64_t most = 65'536, least = 3'000;  // less than two frames save nothing
    constexpr std::uint64_t part = 16;  // of the burst: what is with one CPU is lost to the others
    if (bucket.cost == 0) return;
    const auto burst = scaled(bucket.limit, 1 << SL_BUCKET_COST_SHIFT, bucket.cost);
    const auto chunk = std::min(burst / (part * cpus), most);
    // A large frame would leave no room in a small burst for a chunk beside it.
    if (burst < 2 * gso_frame || chunk < least) return;
    bucket.chunk = static_cast<__u32>(chunk);
    bucket.limit -= cpus * scaled(bucket.cost, chunk, 1 << SL_BUCKET_COST_SHIFT);
}

sl_bucket frame_bucket(std::uint64_t rate, std::chrono::nanoseconds jiffy) {
    if (rate == unlimited) return {};
    if (rate == 0) return blocked_bucket;
    constexpr std::uint64_t segments = 64, most_segments = 1024;  // of a GSO frame
    const auto burst = std::max(rate / 100, segments);
    return bucket(second_in_cost / rate, {burst, segments, most_segments}, jiffy, false);
}

std::uint64_t policer_burst(std::uint64_t rate, std::uint64_t asked) {
    return burst_in_force(rate, asked, policed_burst);
}

std::uint64_t queue_burst(std::uint64_t rate, std::uint64_t asked) {
    return burst_in_force(rate, asked, queued_burst);
}

std::uint64_t egress_burst(const QosPortSpec& spec, std::optional<Shaper> shaper) {
    return is_queue(shaper) ? queue_burst(spec.egress_rate, spec.egress_burst)
                            : policer_burst(spec.egress_rate, spec.egress_burst);
}

std::chrono::microseconds patience_of(const QosPortSpec& spec) {
    return spec.latency.count() != 0 ? spec.latency : default_patience;
}

bool is_classified(const QosPortSpec& spec, const DesiredState& desired) {
    return spec.classes && !desired.qos_classes.empty() && spec.egress_rate != 0;
}

std::optional<Shaper> shaper_in_force(const QosPortSpec& spec, const DesiredState& desired,
                                      bool has_fq) {
    if (spec.egress_rate == unlimited) return std::nullopt;
    if (spec.egress_rate == 0) return Shaper::police;
    if (spec.shaper != Shaper::automatic) return spec.shaper;
    return has_fq && !is_classified(spec, desired) ? Shaper::fq : Shaper::htb;
}

std::vector<QosClassSpec> with_default(std::span<const QosClassSpec> classes) {
    std::vector<QosClassSpec> all(classes.begin(), classes.end());
    if (all.empty() || all.front().id != 0) all.insert(all.begin(), {.name = "default"});
    return all;
}

std::vector<ClassShare> class_shares(std::span<const QosClassSpec> classes, std::uint64_t rate) {
    std::uint64_t shared = rate, weights = 0;
    for (const auto& it : classes) {
        if (has_priority(it))
            shared -= std::min(shared, percent_of(rate, it.max_percent));
        else
            weights += it.weight;
    }
    std::vector<ClassShare> shares;
    for (const auto& it : classes) {
        const auto most = it.max_percent == 0 ? rate : percent_of(rate, it.max_percent);
        const auto assured = has_priority(it) ? most : scaled(shared, it.weight, weights);
        shares.push_back({std::min(assured, most), most});
    }
    return shares;
}

std::size_t count_matches(std::span<const QosClassSpec> classes) {
    std::size_t count = 0;
    for (const auto& it : classes)
        for (const auto& match : it.matches) count += spell_out(match).size();
    return count;
}

QosPlan plan_qos(const DesiredState& desired, const Host& host, const QosKernel& kernel) {
    QosPlan plan;
    plan.tables = TableBuilder(desired).build();
    for (const auto& spec : desired.qos_ports) plan_port_qos(plan, spec, desired, host, kernel);
    return plan;
}

}  // namespace sluice
