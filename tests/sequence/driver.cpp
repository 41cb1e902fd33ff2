// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/sequence/driver.hpp"

#include <fmt/format.h>
#include <netinet/in.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "loader/block/commands.hpp"
#include "loader/flow/session.hpp"
#include "loader/guard/commands.hpp"
#include "loader/nat/commands.hpp"
#include "loader/policy/commands.hpp"
#include "loader/port/commands.hpp"
#include "tests/sequence/rules_text.hpp"

namespace sluice::test::sequence {
namespace {

constexpr int tries = 3;
constexpr std::uint16_t flood_flows = 600, flood_port = 10'000;

Address main_address(At at) { return Address(address_of(link_at(at).v4)); }

}  // namespace

Driver::Driver(Site& site, const std::set<std::string>& known) : site_(site), known_(known) {
    site_.reset();
    for (const At at : cables) before_[static_cast<std::size_t>(at)] = counts(at);
}

std::optional<Fault> Driver::run(const std::vector<Event>& events) {
    for (at_ = 0; at_ < events.size(); ++at_)
        if (auto fault =
                unless_known(std::visit([&](const auto& it) { return run(it); }, events[at_])))
            return fault;
    return unless_known(counters_fault());
}

Driver::MaybeFault Driver::unless_known(MaybeFault fault) const {
    return fault && known_.contains(fault->property) ? std::nullopt : fault;
}

std::uint16_t Driver::next_number() { return ++number_ == 0 ? ++number_ : number_; }

Driver::MaybeFault Driver::pass(const Sent& sent, bool& carried) {
    site_.set_aged(sent.aged);
    for (const Bytes& frame : frames_of(sent)) {
        const auto all = sent.by_host
                             ? site_.ground().send_from_host(View(frame).subspan(eth_header))
                             : site_.ground().send(sent.by, frame);
        for (const Seen& seen : all) {
            if (auto fault = unless_known(fault_of(sent, seen, model_))) return fault;
            carried |= is_carried(sent, seen);
        }
    }
    return std::nullopt;
}

/// Who has flooded pays for what he opens, and for what comes to him from outside.
bool Driver::is_paid_by_flooder(const Sent& sent) const {
    if (!is_uplink(sent.by)) return flooded_.contains(sent.by);
    const auto vm = vm_with(model_.rules.inside_of(sent.tuple).address);
    return vm && flooded_.contains(*vm);
}

Driver::MaybeFault Driver::pass_rightly(const Sent& sent) {
    const bool rightful = is_rightful(sent, model_) && !sent.backwards && !is_paid_by_flooder(sent);
    bool carried = false;
    if (auto fault = pass(sent, carried)) return fault;
    if (!rightful || carried) return std::nullopt;
    Sent again = sent;
    again.aged = true;
    for (int i = 1; i < tries; ++i) {  // nobody tries again at once
        site_.wait_for_sweeper();
        if (auto fault = pass(again, carried)) return fault;
        if (carried) return std::nullopt;
    }
    return Fault{"liveness",
                 fmt::format("{} does not get through in {} tries", text(sent.tuple), tries)};
}

Driver::MaybeFault Driver::run(const Send& it) {
    said_.push_back(it);
    return pass_rightly(packet_of(it, next_number()));
}

Driver::MaybeFault Driver::run(const Again& it) {
    if (said_.empty()) return std::nullopt;
    const Send before = said_[said_.size() - 1 - it.which % said_.size()];
    return pass_rightly(packet_of(repeated(it, before), next_number()));
}

Driver::MaybeFault Driver::run(const Say& it) {
    const auto* about = model_.memory.recent(it.which);
    if (!about) return std::nullopt;
    return pass_rightly(packet_of(it, *about, next_number()));
}

template <class Command>
Driver::MaybeFault Driver::command(Command&& command, bool& done) {
    site_.set_aged(false);
    const auto before = rules_text(site_.target());
    const auto outcome = command();
    done = outcome.has_value();
    // Whatever was on its way is judged by the old rules or by the new ones.
    model_.memory.begin_era();
    if (done) return std::nullopt;
    if (outcome.error().code == ErrorCode::failed)
        return Fault{"command", "it failed: " + outcome.error().message};
    const auto after = rules_text(site_.target());
    if (after == before) return std::nullopt;
    return Fault{"command", fmt::format("it failed ({}) and changed something:\n{}\n{}",
                                        outcome.error().message, before, after)};
}

Driver::MaybeFault Driver::run(const Masquerade& it) {
    MasqueradeSpec rule;
    rule.source = Prefix::parse(it.net == At::a ? "10.0.0.0/24" : "10.0.1.0/24").value();
    rule.uplink = link_at(it.uplink).name;
    rule.ports = masquerade_ports;
    bool done = false;
    auto fault = command(
        [&] {
            return it.on ? add_masquerade(site_.target(), rule)
                         : remove_masquerade(site_.target(), rule.source, rule.uplink);
        },
        done);
    if (done && it.on) model_.rules.masquerades.insert({it.net, it.uplink});
    if (done && !it.on) model_.rules.masquerades.erase({it.net, it.uplink});
    return fault;
}

Driver::MaybeFault Driver::run(const Forward& it) {
    const std::uint8_t protocol = it.tcp ? IPPROTO_TCP : IPPROTO_UDP;
    const End outside{main_address(it.uplink), it.port};
    const End inside{Address(host_at(it.to).v4), static_cast<std::uint16_t>(it.port + 1)};
    const Endpoint external{outside.address, {outside.port, outside.port}};
    const ForwardSpec rule{protocol, external, {inside.address, {inside.port, inside.port}}};
    bool done = false;
    auto fault = command(
        [&] {
            return it.on ? add_forward(site_.target(), rule)
                         : remove_forward(site_.target(), protocol, external);
        },
        done);
    if (done && it.on) model_.rules.forwards[{protocol, outside}] = inside;
    if (done && !it.on) model_.rules.forwards.erase({protocol, outside});
    return fault;
}

Driver::MaybeFault Driver::run(const LoadPolicy& it) {
    bool done = false;
    auto fault = command(
        [&] {
            return it.policy == Policy::none ? clear_policy(site_.target())
                                             : load_policy(site_.target(), policy_file(it.policy));
        },
        done);
    if (done) model_.rules.policy = it.policy;
    return fault;
}

Driver::MaybeFault Driver::run(const Block& it) {
    const std::vector<Prefix> prefixes{{Address(server.v4), 32}};
    bool done = false;
    auto fault = command(
        [&] {
            return it.on ? add_blocks(site_.target(), prefixes, std::nullopt)
                         : remove_blocks(site_.target(), prefixes);
        },
        done);
    if (done) model_.rules.blocked = it.on;
    return fault;
}

Driver::MaybeFault Driver::run(const Guard& it) {
    GuardChange change;
    const Host& host = host_at(it.at);
    MacAddress mac;
    mac.bytes = host.mac;
    change.macs = std::vector{mac};
    change.addresses = std::vector{Prefix{Address(host.v4), 32}, Prefix{Address(host.v6), 128}};
    bool done = false;
    auto fault = command(
        [&] {
            return it.on ? set_guard(site_.target(), link_at(it.at).name, change)
                         : remove_guard(site_.target(), link_at(it.at).name);
        },
        done);
    if (done && it.on) model_.rules.guarded.insert(it.at);
    if (done && !it.on) model_.rules.guarded.erase(it.at);
    return fault;
}

Driver::MaybeFault Driver::run(const ThinPort& it) {
    bool done = false;
    auto fault = command(
        [&] {
            return it.on ? add_port(site_.target(), port_spec(At::thin, site_.hooks()))
                         : remove_port(site_.target(), thin0.name);
        },
        done);
    if (done) model_.rules.thin_is_port = it.on;
    if (done) uncounted_.insert(At::thin);
    return fault;
}

Driver::MaybeFault Driver::run(const Flows& it) {
    PortChange change;
    change.flows = it.routed ? FlowScope::routed : FlowScope::all;
    bool done = false;
    return command([&] { return set_port(site_.target(), link_at(it.at).name, change); }, done);
}

Driver::MaybeFault Driver::run(const Route& it) {
    model_.rules.route = it.there ? std::optional(it.uplink) : std::nullopt;
    site_.ground().set_route(model_.rules.route);
    model_.memory.begin_era();
    return std::nullopt;
}

Driver::MaybeFault Driver::run(const Flush&) {
    const auto table = SessionTable::open(site_.target(), SessionScope::all);
    if (table) (void)table->flush(parse_session_filter({}).value());
    model_.memory.begin_era();
    return std::nullopt;
}

Driver::MaybeFault Driver::run(const Expire&) {
    site_.set_aged(false);
    site_.expire();
    model_.memory.begin_era();
    return std::nullopt;
}

Driver::MaybeFault Driver::run(const Sweep&) {
    site_.wait_for_sweeper();
    return std::nullopt;
}

Driver::MaybeFault Driver::run(const Flood& it) {
    bool carried = false;
    for (std::uint16_t i = 0; i < flood_flows; ++i) {
        const Sent one = packet_of(it, static_cast<std::uint16_t>(flood_port + i), next_number());
        flooded_.insert(one.by);
        if (auto fault = pass(one, carried)) return fault;
    }
    return std::nullopt;
}

/// The host says something of its own now and then: until nothing came between the two readings.
std::optional<Driver::Counts> Driver::counts(At at) const {
    while (true) {
        (void)site_.ground().receive();
        const auto before = site_.ground().traffic(at);
        const auto held = site_.held(at);
        const auto stats = site_.stats(at);
        if (!stats) return std::nullopt;
        const auto drops = site_.drops(at);
        (void)site_.ground().receive();
        if (site_.ground().traffic(at).arrived == before.arrived && site_.held(at) == held)
            return Counts{*stats, drops, held, before};
    }
}

Driver::MaybeFault Driver::counters_fault() const {
    for (const At at : cables) {
        const auto now = counts(at), then = before_[static_cast<std::size_t>(at)];
        if (!now || !then || uncounted_.contains(at)) continue;
        for (const bool in : {true, false}) {
            const auto& counts = in ? now->stats.rx : now->stats.tx;
            const auto& before = in ? then->stats.rx : then->stats.tx;
            const auto& [observed, forwarded, passed, dropped] = counts;
            const std::string where = fmt::format("{} of {}", in ? "rx" : "tx", link_at(at).name);
            if (observed.packets != forwarded.packets + passed.packets + dropped.packets ||
                observed.bytes != forwarded.bytes + passed.bytes + dropped.bytes)
                return Fault{"counters", where + " does not add up"};
            const auto seen = observed.packets - before[SL_COUNT_OBSERVED].packets;
            const auto gone = dropped.packets - before[SL_COUNT_DROPPED].packets;
            const auto there = in ? now->traffic.sent - then->traffic.sent - now->held
                                  : now->traffic.arrived - then->traffic.arrived + gone;
            if (seen != there)
                return Fault{"counters",
                             fmt::format("{}: {} frames, counted {}", where, there, seen)};
        }
        if (now->drops !=
            now->stats.rx[SL_COUNT_DROPPED].packets + now->stats.tx[SL_COUNT_DROPPED].packets)
            return Fault{"counters",
                         fmt::format("the reasons of {} do not add up", link_at(at).name)};
    }
    return std::nullopt;
}

}  // namespace sluice::test::sequence
