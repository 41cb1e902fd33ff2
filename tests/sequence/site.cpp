#include "tests/sequence/site.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <map>
#include <memory>
#include <thread>

#include "loader/change.hpp"
#include "loader/instance.hpp"
#include "loader/port.hpp"
#include "loader/store/block_store.hpp"
#include "loader/store/guard_store.hpp"
#include "loader/store/policy_store.hpp"
#include "tests/sequence/forget.hpp"
#include "tests/sequence/rules_text.hpp"

namespace sluice::test::sequence {
namespace {

/// A frame that the host routes and answers goes through no more queues.
constexpr int hops = 4;
constexpr std::chrono::milliseconds sweep(100);  // bpf/stage/sweep.h
/// To whom the host reports its groups (RFC 3810), whenever it likes.
constexpr Mac group_reports{0x33, 0x33, 0, 0, 0, 0x16};

[[noreturn]] void give_up(const std::string& what) {
    std::cerr << "the site itself failed: " << what << "\n";
    std::abort();
}
[[noreturn]] void give_up_errno(const std::string& what) {
    give_up(what + ": " + std::strerror(errno));
}

template <class T>
T must(Result<T> result) {
    if (!result) give_up(result.error().message + " " + result.error().hint);
    if constexpr (!std::is_void_v<T>) return std::move(*result);
}

Fd this_namespace() {
    Fd fd(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
    if (!fd) give_up_errno("a network namespace");
    return fd;
}

void enter(const Fd& netns) {
    if (setns(netns.get(), CLONE_NEWNET)) give_up_errno("entering a network namespace");
}

std::string far_end(const Link& link) { return fmt::format("{}-peer", link.name); }

constexpr std::array ports_of_site{At::a, At::b, At::wan, At::thin};

/// Everything that a sequence may have commanded is undone, but for the ports.
Result<> remove_rules(const Change& it) {
    for (const auto& rule : it.before.masquerades)
        SL_CHECK(it.database.remove_masquerade(rule.source, rule.uplink));
    for (const auto& rule : it.before.forwards)
        SL_CHECK(it.database.remove_forward(rule.protocol, rule.external));
    const auto& connection = it.database.connection();
    for (const auto& guard : it.before.guards) SL_CHECK(erase_guard(connection, guard.port));
    SL_CHECK(erase_block_entries(connection));
    SL_CHECK(erase_policy(connection));
    for (auto port : it.before.ports) {
        port.flows = FlowScope::all;
        SL_CHECK(it.database.set_port(port));
    }
    return {};
}

}  // namespace

const Link& link_at(At at) { return links[static_cast<std::size_t>(at)]; }

const Host& host_at(At at) {
    static const std::array<const Host*, cables.size()> hosts{&vm_a, &vm_b, &router, &thin_host,
                                                              &spare_host};
    return *hosts[static_cast<std::size_t>(at)];
}

const char* hooks_text(Hooks hooks) {
    switch (hooks) {
        case Hooks::tc:
            return "tc";
        case Hooks::xdp:
            return "xdp";
        case Hooks::both:
            return "both";
    }
    return "?";
}

Site& Site::with(Hooks hooks) {
    static std::map<Hooks, std::unique_ptr<Site>> sites;
    auto& site = sites[hooks];
    if (site)
        enter(site->inside_);
    else
        site.reset(new Site(hooks));
    return *site;
}

Site::Site(Hooks hooks) : hooks_(hooks) {
    target_.instance = fmt::format("seq-{}-{}", getpid(), hooks_text(hooks));
    if (unshare(CLONE_NEWNET)) give_up_errno("a network namespace");
    outside_ = this_namespace();
    must(build_lab());
    inside_ = this_namespace();
    lay_cables();
    bring_up_instance();
}

Site::~Site() {
    enter(inside_);
    const auto down = take_down(target_, true);
    if (!down) std::cerr << down.error().message << "\n";
}

void Site::lay_cables() {
    std::string lines = "neigh add 192.0.2.7 lladdr 02:00:00:00:0c:07 dev wan0 nud permanent\n";
    std::string far_lines;
    for (const At at : cables) {
        const std::string far = far_end(link_at(at));
        lines += fmt::format("link set {} netns /proc/{}/fd/{}\n", far, getpid(), outside_.get());
        far_lines += fmt::format("link set {} arp off addrgenmode none up\n", far);
    }
    must(ip_batch(lines));
    for (const auto& [path, value] : {std::pair{"net/ipv4/conf/all/promote_secondaries", "1"},
                                      {"net/ipv4/icmp_ratelimit", "0"},
                                      {"net/ipv6/icmp/ratelimit", "0"}})
        must(test::write_sysctl(path, value));
    netlink_ = must(Netlink::open(NETLINK_ROUTE));
    raw_ = Fd(::socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW));
    if (!raw_) give_up_errno("a raw socket");

    enter(outside_);
    must(ip_batch("link set lo up\n" + far_lines));
    wire_.emplace();
    for (const At at : cables) {
        cable(at).far = if_nametoindex(far_end(link_at(at)).c_str());
        wire_->set_gro(far_end(link_at(at)));
    }
    enter(inside_);
}

void Site::bring_up_instance() {
    UpOptions options;
    options.max_flows = options.max_flows6 = options.max_bindings = 1024;
    options.max_leases = options.max_macs = 64;
    must(bring_up(target_, options));
    for (const At at : ports_of_site) must(add_port(target_, port_spec(at)));
    rules_ = rules_text(target_);
    datapath_.emplace(must(Datapath::open(target_.instance)));
}

PortSpec Site::port_spec(At at) const {
    const bool xdp = hooks_ == Hooks::xdp || (hooks_ == Hooks::both && is_uplink(at));
    PortSpec port;
    port.name = link_at(at).name;
    port.role = is_uplink(at) ? Role::uplink : Role::access;
    port.hook = xdp ? HookPolicy::xdp : HookPolicy::tc;
    return port;
}

void Site::reset() {
    set_aged(false);
    if (rules_text(target_) != rules_) {
        must(change(target_, remove_rules));
        if (!id(At::thin)) must(add_port(target_, port_spec(At::thin)));
    }
    set_route(std::nullopt);
    forget_traffic(datapath_->pins());
    (void)receive();
}

void Site::settle() {
    for (int round = 0; round < hops; ++round) {
        wire_->send_barrier();
        while (auto frame = wire_->receive()) {
            const auto it = std::ranges::find(cables_, frame->ifindex, &Cable::far);
            if (it == cables_.end()) continue;
            ++it->traffic.arrived;
            if (std::ranges::equal(group_reports, View(frame->bytes).first(6))) continue;
            waiting_.push_back({static_cast<At>(it - cables_.begin()), std::move(frame->bytes)});
        }
    }
}

std::vector<Seen> Site::receive() {
    settle();
    return std::exchange(waiting_, {});
}

std::vector<Seen> Site::send(At at, View frame) {
    ++cable(at).traffic.sent;
    wire_->send(cable(at).far, frame);
    return receive();
}

std::vector<Seen> Site::send_from_host(View packet) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    std::memcpy(&to.sin_addr, packet.data() + 16, sizeof to.sin_addr);
    // Without a route to there it does not leave.
    (void)!sendto(raw_.get(), packet.data(), packet.size(), 0, reinterpret_cast<sockaddr*>(&to),
                  sizeof to);
    return receive();
}

void Site::set_route(std::optional<At> uplink) {
    const At by = uplink ? *uplink : route_.value_or(At::wan);
    for (const int family : {AF_INET, AF_INET6}) {
        NetlinkRequest request(uplink ? RTM_NEWROUTE : RTM_DELROUTE,
                               uplink ? NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE : NLM_F_ACK);
        auto& route = request.header<rtmsg>();
        route.rtm_family = static_cast<unsigned char>(family);
        route.rtm_table = RT_TABLE_MAIN;
        if (uplink) {
            route.rtm_protocol = RTPROT_BOOT;
            route.rtm_scope = RT_SCOPE_UNIVERSE;
            route.rtm_type = RTN_UNICAST;
        } else {
            route.rtm_scope = RT_SCOPE_NOWHERE;
        }
        const sl_addr gateway = family == AF_INET ? host_at(by).v4 : host_at(by).v6;
        if (family == AF_INET)
            mnl_attr_put_u32(request.message(), RTA_GATEWAY, v4_raw(gateway));
        else
            mnl_attr_put(request.message(), RTA_GATEWAY, sizeof gateway.b, gateway.b);
        mnl_attr_put_u32(request.message(), RTA_OIF, ifindex(link_at(by)));
        const int err = netlink_->ask(request, [](const nlmsghdr*) {});
        if (err != 0 && err != ESRCH) give_up(std::string("route: ") + std::strerror(err));
    }
    route_ = uplink;
}

sl_settings Site::settings() const {
    return must(datapath_->maps().settings.lookup(0)).value_or(sl_settings{});
}

void Site::put_settings(const sl_settings& settings) const {
    must(datapath_->maps().settings.update(0, settings));
}

void Site::set_aged(bool aged) {
    if (aged == before_aged_.has_value()) return;
    if (!aged) return put_settings(*std::exchange(before_aged_, std::nullopt));
    before_aged_ = settings();
    sl_settings now = *before_aged_;
    now.nexthop_ttl = 0;
    put_settings(now);
}

void Site::wait_for_sweeper() const { std::this_thread::sleep_for(sweep + sweep / 4); }

void Site::expire() {
    const sl_settings before = settings();
    sl_settings now = before;
    now.udp_timeout = now.tcp_established_timeout = now.tcp_transitory_timeout = 1;
    now.icmp_timeout = now.other_timeout = 1;
    put_settings(now);
    wait_for_sweeper();
    put_settings(before);
}

std::optional<std::uint16_t> Site::id(At at) const {
    const auto entry = must(datapath_->maps().ports.lookup(ifindex(link_at(at))));
    return entry ? std::optional(entry->id) : std::nullopt;
}

std::optional<sl_port_stats> Site::stats(At at) const {
    const auto port = id(at);
    return port ? std::optional(must(datapath_->maps().port_stats.read(*port))) : std::nullopt;
}

std::uint64_t Site::drops(At at) const {
    std::uint64_t sum = 0;
    const auto port = id(at);
    for (__u32 reason = 0; port && reason < SL_DROP_COUNT; ++reason)
        sum += must(datapath_->maps().drops.read(*port * SL_DROP_MAX + reason)).packets;
    return sum;
}

}  // namespace sluice::test::sequence
