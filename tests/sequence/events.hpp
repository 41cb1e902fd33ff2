// SPDX-License-Identifier: GPL-2.0-or-later
// What can happen to a gate, as plain values: a sequence is a list of them, and every list means
// something, so that a shorter one does too. Which addresses and ports there are is few on purpose:
// what goes wrong goes wrong where two things meet.
#pragma once

#include <rapidcheck.h>

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "tests/sequence/site.hpp"

namespace sluice::test::sequence {

/// Who sends: a VM, an outside host by one of the uplinks, a neighbour on the network of `wan`, or
/// a process of the host.
enum class From : std::uint8_t { a, b, wan, thin, near, host };
enum class To : std::uint8_t { server, near, a, b, gateway, wan_address, thin_address };
/// Whose address the sender says is its own.
enum class Source : std::uint8_t { own, other_vm, gateway, wan_address, server, inside };
enum class Protocol : std::uint8_t { udp, tcp, echo };
/// How the frame is addressed.
enum class Dress : std::uint8_t { plain, priority_tag, nobody, broadcast };
enum class Shape : std::uint8_t { whole, fragments, backwards, tail, source_routed };

/// A packet that opens a flow, or would.
struct Send {
    From from = From::a;
    To to = To::server;
    Protocol protocol = Protocol::udp;
    std::uint16_t sport = 4000, dport = 53;
    Source source = Source::own;
    Dress dress = Dress::plain;
    Shape shape = Shape::whole;
    bool ipv6 = false;
    bool later = false;  ///< so much later that what the kernel said of ways out is asked again
};

/// Where it goes in truth: nobody sends to himself, and who is outside sends to no one there. What
/// the host sends itself has no frame that could be odd.
[[nodiscard]] Send meant(Send send);

enum class Side : std::uint8_t { responder, opener };
enum class Twist : std::uint8_t {
    honest,
    stranger,      ///< from another address than the one it should be from
    other_uplink,  ///< by the wrong one
    rst,
    syn,
    fin,
    error,             ///< an ICMP error about what the other side sent
    error_of_another,  ///< likewise, from who is at neither end
    error_astray,      ///< likewise, to who did not send it
};
/// Another packet of a conversation that there was.
struct Say {
    std::uint8_t which = 0;  ///< counted from the newest
    Side side = Side::responder;
    Twist twist = Twist::honest;
    Dress dress = Dress::plain;
    bool later = false;
};

/// A packet that was sent before, whatever became of it.
struct Again {
    std::uint8_t which = 0;  ///< counted from the newest
    bool mirrored = false;   ///< from outside to wan's address instead, as its answer would come
    Dress dress = Dress::plain;
    bool later = false;
};
/// @param before what it says again
[[nodiscard]] Send repeated(const Again& again, const Send& before);

/// Commands. A rule that there is is removed, one that there is not is made, if `on` says so; else
/// the command is given all the same, and fails.
struct Masquerade {
    bool on = true;
    At net = At::a;  ///< whose
    At uplink = At::wan;
};
struct Forward {
    bool on = true;
    At uplink = At::wan;
    bool tcp = false;
    std::uint16_t port = 5000;
    At to = At::a;
};
enum class Policy : std::uint8_t { none, no_dns, a_opens_nothing, nobody_opens_to_a };
struct LoadPolicy {
    Policy policy = Policy::none;
};
/// The server's address.
struct Block {
    bool on = true;
};
struct Guard {
    bool on = true;
    At at = At::a;
};
/// The second uplink comes and goes as a port.
struct ThinPort {
    bool on = true;
};
struct Flows {
    At at = At::a;
    bool routed = true;  ///< --flows
};

/// What happens around it.
struct Route {
    bool there = true;
    At uplink = At::wan;
};
struct Flush {};   ///< nat session flush
struct Expire {};  ///< all sessions are idle for longer than they may be
struct Sweep {};   ///< the sweeper comes round
/// Many packets, each of a flow of its own.
struct Flood {
    From from = From::a;
    To to = To::server;
    bool tcp = false;
};

using Event = std::variant<Send, Say, Again, Masquerade, Forward, LoadPolicy, Block, Guard,
                           ThinPort, Flows, Route, Flush, Expire, Sweep, Flood>;

/// One line, as it is to be read.
[[nodiscard]] std::string text(const Event& event);

struct Sequence {
    Hooks hooks = Hooks::tc;
    std::vector<Event> events;
};
void showValue(const Sequence& sequence, std::ostream& out);

/// An index, drawn by weight whatever RapidCheck's size is; a shrunk one is nearer to the first.
[[nodiscard]] rc::Gen<std::size_t> weighted(std::vector<int> weights);

/// How often what is drawn: weights. What is 0 does not happen.
struct Profile {
    const char* name;
    int send = 10, say = 6, again = 6, masquerade = 4, forward = 2, policy = 0, block = 0,
        guard = 0, thin_port = 0, flows = 0, route = 2, flush = 0, expire = 0, sweep = 0, flood = 0;
    bool forged = false;   ///< sources that are not the sender's, and source routes
    bool cut = false;      ///< fragments
    bool odd = false;      ///< tags and MACs
    bool twisted = false;  ///< of Say
    bool ipv6 = false;
};
void PrintTo(const Profile& profile, std::ostream* out);
[[nodiscard]] rc::Gen<Sequence> sequences(const Profile& profile);

}  // namespace sluice::test::sequence
