// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/sequence/events.hpp"

#include <fmt/format.h>

#include <numeric>
#include <ostream>
#include <utility>

namespace sluice::test::sequence {
namespace {

template <class Enum, std::size_t N>
const char* word(Enum value, const char* const (&words)[N]) {
    const auto index = static_cast<std::size_t>(value);
    return index < N ? words[index] : "?";
}

const char* word(From from) {
    return word(from, {"a", "b", "the server, by wan0", "the server, by thin0",
                       "a neighbour on wan0", "a process of the host"});
}
const char* word(To to) {
    return word(to, {"the server", "the neighbour on wan0", "a", "b", "the gateway",
                     "wan0's address", "thin0's address"});
}
const char* word(Source source) {
    return word(source, {"its own", "the other VM's", "the gateway's", "wan0's", "the server's",
                         "another of its network"});
}
const char* word(Protocol protocol) { return word(protocol, {"udp", "tcp", "icmp echo"}); }
const char* word(Dress dress) {
    return word(dress, {"", ", with VLAN tag 0", ", to nobody's MAC", ", to the broadcast MAC"});
}
const char* word(Shape shape) {
    return word(shape, {"", ", in fragments", ", in fragments, the last one first",
                        ", its later fragments only", ", with a source route"});
}
const char* word(Twist twist) {
    return word(
        twist, {"says more", "has somebody else answer in its place",
                "says more by the other uplink", "sends a RST with a wrong number",
                "sends a SYN with a wrong number", "sends a FIN", "sends an ICMP error",
                "is not who sends an ICMP error about it", "sends an ICMP error to somebody else"});
}
const char* word(Policy policy) {
    return word(policy,
                {"none", "deny udp port 53", "deny source 10.0.0.2", "deny destination 10.0.0.2"});
}
const char* net(At at) { return at == At::a ? "10.0.0.0/24" : "10.0.1.0/24"; }
const char* verb(bool on) { return on ? "add" : "del"; }

std::string line(const Send& drawn) {
    const Send it = meant(drawn);
    return fmt::format(
        "{} sends {}{} {} > {} port {}{}{}{}{}", word(it.from), it.ipv6 ? "IPv6 " : "",
        word(it.protocol), it.sport, word(it.to), it.dport,
        it.source == Source::own ? "" : fmt::format(", as {} address", word(it.source)),
        word(it.dress), word(it.shape), it.later ? ", half a second later" : "");
}
std::string line(const Say& it) {
    return fmt::format("conversation {} from the newest: the {} {}{}{}", it.which,
                       it.side == Side::opener ? "opener" : "responder", word(it.twist),
                       word(it.dress), it.later ? ", half a second later" : "");
}
std::string line(const Again& it) {
    return fmt::format("packet {} from the newest{} once more{}{}", it.which,
                       it.mirrored ? ", turned round, comes from outside" : ", sent",
                       word(it.dress), it.later ? ", half a second later" : "");
}
std::string line(const Masquerade& it) {
    return fmt::format("nat masquerade {} --source {} --uplink {}", verb(it.on), net(it.net),
                       link_at(it.uplink).name);
}
std::string line(const Forward& it) {
    return fmt::format("nat forward {} --proto {} --external {}'s:{} --internal {}:{}", verb(it.on),
                       it.tcp ? "tcp" : "udp", link_at(it.uplink).name, it.port,
                       it.to == At::a ? "a" : "b", it.port + 1);
}
std::string line(const LoadPolicy& it) {
    return it.policy == Policy::none ? "policy clear"
                                     : fmt::format("policy load: {}", word(it.policy));
}
std::string line(const Block& it) { return fmt::format("block {} 203.0.113.5", verb(it.on)); }
std::string line(const Guard& it) {
    return fmt::format("guard set {} {}", link_at(it.at).name, it.on ? "" : "off");
}
std::string line(const ThinPort& it) { return fmt::format("port {} thin0", verb(it.on)); }
std::string line(const Flows& it) {
    return fmt::format("port set {} --flows {}", link_at(it.at).name, it.routed ? "routed" : "all");
}
std::string line(const Route& it) {
    return it.there ? fmt::format("ip route replace default dev {}", link_at(it.uplink).name)
                    : "ip route del default";
}
std::string line(const Flush&) { return "nat session flush"; }
std::string line(const Expire&) { return "every session expires"; }
std::string line(const Sweep&) { return "the sweeper comes round"; }
std::string line(const Flood& it) {
    return fmt::format("{} floods {} with {} flows", word(it.from), word(it.to),
                       it.tcp ? "tcp" : "udp");
}

}  // namespace

Send meant(Send it) {
    const bool outside = it.from != From::a && it.from != From::b && it.from != From::host;
    if (outside && (it.to == To::server || it.to == To::near)) it.to = To::wan_address;
    if (it.from == From::a && it.to == To::a) it.to = To::b;
    if (it.from == From::b && it.to == To::b) it.to = To::a;
    if (it.ipv6 && it.to == To::near) it.to = To::server;
    if (it.from == From::host) {
        it.dress = Dress::plain;
        it.shape = Shape::whole;
        it.ipv6 = false;
    }
    return it;
}

Send repeated(const Again& again, const Send& before) {
    Send it = meant(before);
    it.dress = again.dress;
    it.later = again.later;
    if (!again.mirrored) return it;
    it.from = it.to == To::near ? From::near : From::wan;
    it.to = To::wan_address;
    it.source = Source::own;
    std::swap(it.sport, it.dport);
    return it;
}

std::string text(const Event& event) {
    return std::visit([](const auto& it) { return line(it); }, event);
}

void showValue(const Sequence& sequence, std::ostream& out) {
    out << "hook " << hooks_text(sequence.hooks);
    for (const auto& event : sequence.events) out << "\n  " << text(event);
}

rc::Gen<std::size_t> weighted(std::vector<int> weights) {
    return [weights](const rc::Random& seed, int) {
        rc::Random random = seed;
        const auto total =
            static_cast<unsigned>(std::accumulate(weights.begin(), weights.end(), 0));
        auto left = static_cast<int>(random.next() % total);
        std::size_t index = 0;
        while (left >= weights[index]) left -= weights[index++];
        return rc::shrinkable::shrinkRecur(
            index, [](std::size_t value) { return rc::shrink::towards(value, std::size_t{0}); });
    };
}

namespace {

template <class T>
rc::Gen<T> one_of(std::vector<T> values, std::vector<int> weights) {
    return rc::gen::map(weighted(std::move(weights)),
                        [values](std::size_t i) -> T { return values[i]; });
}

template <class T>
rc::Gen<T> mostly(T usual, bool others_too, std::vector<T> others, int usual_weight = 6) {
    if (!others_too) return rc::gen::just(usual);
    std::vector<int> weights(others.size() + 1, 1);
    weights[0] = usual_weight;
    others.insert(others.begin(), usual);
    return one_of(others, weights);
}

rc::Gen<bool> seldom() { return one_of<bool>({false, true}, {3, 1}); }
rc::Gen<At> vm() { return one_of<At>({At::a, At::b}, {2, 1}); }
rc::Gen<At> uplink() { return one_of<At>({At::wan, At::thin}, {3, 1}); }
rc::Gen<bool> on() { return one_of<bool>({true, false}, {3, 2}); }

rc::Gen<Dress> dress(const Profile& profile) {
    return mostly(Dress::plain, profile.odd, {Dress::priority_tag, Dress::nobody, Dress::broadcast},
                  5);
}

rc::Gen<Event> send(const Profile& profile) {
    return rc::gen::cast<Event>(rc::gen::build<Send>(
        rc::gen::set(&Send::from,
                     one_of<From>({From::a, From::b, From::wan, From::thin, From::near, From::host},
                                  {8, 3, 5, 1, 1, 1})),
        rc::gen::set(&Send::to, one_of<To>({To::server, To::near, To::a, To::b, To::gateway,
                                            To::wan_address, To::thin_address},
                                           {8, 1, 2, 1, 1, 6, 1})),
        rc::gen::set(&Send::protocol,
                     one_of<Protocol>({Protocol::udp, Protocol::tcp, Protocol::echo}, {4, 2, 1})),
        rc::gen::set(&Send::sport, one_of<std::uint16_t>({4000, 4001, 53, 80}, {5, 2, 3, 1})),
        rc::gen::set(&Send::dport, one_of<std::uint16_t>({53, 80, 4000, 5000}, {5, 2, 4, 3})),
        rc::gen::set(&Send::source, mostly(Source::own, profile.forged,
                                           {Source::other_vm, Source::gateway, Source::wan_address,
                                            Source::server})),
        rc::gen::set(&Send::dress, dress(profile)),
        rc::gen::set(&Send::shape,
                     mostly(Shape::whole, profile.cut || profile.forged,
                            profile.cut ? std::vector{Shape::fragments, Shape::backwards,
                                                      Shape::tail, Shape::source_routed}
                                        : std::vector{Shape::source_routed},
                            profile.cut ? 4 : 10)),
        rc::gen::set(&Send::ipv6, mostly(false, profile.ipv6, {true}, 4)),
        rc::gen::set(&Send::later, seldom())));
}

rc::Gen<Event> say(const Profile& profile) {
    return rc::gen::cast<Event>(rc::gen::build<Say>(
        rc::gen::set(&Say::which, one_of<std::uint8_t>({0, 1, 2}, {3, 1, 1})),
        rc::gen::set(&Say::side, one_of<Side>({Side::responder, Side::opener}, {2, 3})),
        rc::gen::set(&Say::twist, mostly(Twist::honest, profile.twisted,
                                         {Twist::stranger, Twist::other_uplink, Twist::rst,
                                          Twist::syn, Twist::fin, Twist::error,
                                          Twist::error_of_another, Twist::error_astray})),
        rc::gen::set(&Say::dress, dress(profile)), rc::gen::set(&Say::later, seldom())));
}

rc::Gen<Event> again(const Profile& profile) {
    return rc::gen::cast<Event>(rc::gen::build<Again>(
        rc::gen::set(&Again::which, one_of<std::uint8_t>({0, 1, 2}, {3, 2, 1})),
        rc::gen::set(&Again::mirrored, seldom()), rc::gen::set(&Again::dress, dress(profile)),
        rc::gen::set(&Again::later, seldom())));
}

rc::Gen<Event> event(const Profile& it) {
    std::vector<std::pair<std::size_t, rc::Gen<Event>>> all;
    const auto add = [&](int weight, rc::Gen<Event> gen) {
        if (weight > 0) all.emplace_back(static_cast<std::size_t>(weight), std::move(gen));
    };
    add(it.send, send(it));
    add(it.say, say(it));
    add(it.again, again(it));
    add(it.masquerade,
        rc::gen::cast<Event>(rc::gen::build<Masquerade>(
            rc::gen::set(&Masquerade::on, on()), rc::gen::set(&Masquerade::net, vm()),
            rc::gen::set(&Masquerade::uplink, uplink()))));
    add(it.forward, rc::gen::cast<Event>(rc::gen::build<Forward>(
                        rc::gen::set(&Forward::on, on()), rc::gen::set(&Forward::uplink, uplink()),
                        rc::gen::set(&Forward::tcp, seldom()),
                        rc::gen::set(&Forward::port, one_of<std::uint16_t>({5000, 4000}, {3, 1})),
                        rc::gen::set(&Forward::to, vm()))));
    add(it.policy, rc::gen::cast<Event>(rc::gen::build<LoadPolicy>(rc::gen::set(
                       &LoadPolicy::policy,
                       one_of<Policy>({Policy::none, Policy::no_dns, Policy::a_opens_nothing,
                                       Policy::nobody_opens_to_a},
                                      {1, 2, 1, 1})))));
    add(it.block, rc::gen::cast<Event>(rc::gen::build<Block>(rc::gen::set(&Block::on, on()))));
    add(it.guard, rc::gen::cast<Event>(rc::gen::build<Guard>(rc::gen::set(&Guard::on, on()),
                                                             rc::gen::set(&Guard::at, vm()))));
    add(it.thin_port,
        rc::gen::cast<Event>(rc::gen::build<ThinPort>(rc::gen::set(&ThinPort::on, on()))));
    add(it.flows, rc::gen::cast<Event>(rc::gen::build<Flows>(rc::gen::set(&Flows::at, vm()),
                                                             rc::gen::set(&Flows::routed, on()))));
    add(it.route, rc::gen::cast<Event>(rc::gen::build<Route>(
                      rc::gen::set(&Route::there, one_of<bool>({true, false}, {4, 1})),
                      rc::gen::set(&Route::uplink, uplink()))));
    add(it.flush, rc::gen::just<Event>(Flush{}));
    add(it.expire, rc::gen::just<Event>(Expire{}));
    add(it.sweep, rc::gen::just<Event>(Sweep{}));
    add(it.flood,
        rc::gen::cast<Event>(rc::gen::build<Flood>(
            rc::gen::set(&Flood::from, one_of<From>({From::a, From::b, From::wan}, {2, 1, 2})),
            rc::gen::set(&Flood::to,
                         one_of<To>({To::server, To::wan_address, To::gateway}, {2, 2, 1})),
            rc::gen::set(&Flood::tcp, seldom()))));
    return [all](const rc::Random& seed, int size) {
        rc::Random random = seed;
        rc::Random rest = random.split();
        std::size_t total = 0, index = 0;
        for (const auto& [weight, gen] : all) total += weight;
        std::size_t left = random.next() % total;
        while (left >= all[index].first) left -= all[index++].first;
        return all[index].second(rest, size);
    };
}

}  // namespace

void PrintTo(const Profile& profile, std::ostream* out) { *out << profile.name; }

rc::Gen<Sequence> sequences(const Profile& profile) {
    return rc::gen::build<Sequence>(
        rc::gen::set(&Sequence::hooks,
                     one_of<Hooks>({Hooks::tc, Hooks::xdp, Hooks::both}, {1, 1, 1})),
        rc::gen::set(&Sequence::events, rc::gen::container<std::vector<Event>>(event(profile))));
}

}  // namespace sluice::test::sequence
