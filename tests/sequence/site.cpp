// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/sequence/site.hpp"

#include <bpf/bpf.h>
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <iostream>
#include <map>
#include <memory>
#include <thread>
#include <utility>

#include "loader/base/fd.hpp"
#include "loader/block/store.hpp"
#include "loader/guard/store.hpp"
#include "loader/instance/change.hpp"
#include "loader/instance/lifecycle.hpp"
#include "loader/nat/store.hpp"
#include "loader/policy/store.hpp"
#include "loader/port/commands.hpp"
#include "loader/port/store.hpp"
#include "tests/harness/held_view.hpp"
#include "tests/sequence/forget.hpp"
#include "tests/sequence/must.hpp"
#include "tests/sequence/rules_text.hpp"

namespace sluice::test::sequence {
namespace {

constexpr std::chrono::milliseconds sweep(100);  // bpf/sweep/sweep.h
constexpr std::array ports_of_site{At::a, At::b, At::wan, At::thin};

/// Everything that a sequence may have commanded is undone, but for the ports.
Result<> remove_rules(const Change& it) {
    for (const auto& rule : it.before.masquerades)
        SL_CHECK(erase_masquerade(it.database.connection(), rule.source, rule.uplink));
    for (const auto& rule : it.before.forwards)
        SL_CHECK(erase_forward(it.database.connection(), rule.protocol, rule.external));
    const auto& connection = it.database.connection();
    for (const auto& guard : it.before.guards) SL_CHECK(erase_guard(connection, guard.port));
    SL_CHECK(erase_block_entries(connection));
    SL_CHECK(erase_policy(connection));
    for (auto port : it.before.ports) {
        port.flows = FlowScope::all;
        SL_CHECK(put_port(it.database.connection(), port));
    }
    return {};
}

}  // namespace

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

PortSpec port_spec(At at, Hooks hooks) {
    const bool xdp = hooks == Hooks::xdp || (hooks == Hooks::both && is_uplink(at));
    PortSpec port;
    port.name = link_at(at).name;
    port.role = is_uplink(at) ? Role::uplink : Role::access;
    port.hook = xdp ? HookPolicy::xdp : HookPolicy::tc;
    return port;
}

Site& Site::with(Hooks hooks) {
    static std::map<Hooks, std::unique_ptr<Site>> sites;
    auto& site = sites[hooks];
    if (site)
        site->ground_.enter();
    else
        site.reset(new Site(hooks));
    return *site;
}

Site::Site(Hooks hooks) : hooks_(hooks) {
    target_.instance = fmt::format("seq-{}-{}", getpid(), hooks_text(hooks));
    UpOptions options;
    options.max_flows = options.max_flows6 = options.max_bindings = 1024;
    options.max_leases = options.max_macs = 64;
    must(bring_up(target_, options));
    for (const At at : ports_of_site) must(add_port(target_, port_spec(at, hooks)));
    rules_ = rules_text(target_);
    datapath_.emplace(must(Datapath::open(target_.instance)));
}

Site::~Site() {
    ground_.enter();
    const auto down = take_down(target_, true);
    if (!down) std::cerr << down.error().message << "\n";
}

void Site::reset() {
    set_aged(false);
    if (rules_text(target_) != rules_) {
        must(change(target_, remove_rules));
        if (!id(At::thin)) must(add_port(target_, port_spec(At::thin, hooks_)));
    }
    ground_.set_route(std::nullopt);
    (void)ground_.receive();
    forget_traffic(datapath_->pins());
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

std::uint64_t Site::held(At at) const {
    const auto port = id(at);
    const Fd fd(bpf_obj_get(datapath_->pins().map("sl_held").c_str()));
    return port && fd ? held_fragments(MapView<__u32, sl_held>(fd.get()), *port) : 0;
}

}  // namespace sluice::test::sequence
