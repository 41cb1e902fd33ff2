// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/sequence/properties.hpp"

#include <fmt/format.h>
#include <netinet/in.h>

#include <algorithm>

#include "tests/harness/checksum.hpp"
#include "tests/harness/dissect.hpp"
#include "tests/sequence/frames.hpp"

namespace sluice::test::sequence {
namespace {

using MaybeFault = std::optional<Fault>;

Fault fault(const char* property, std::string what) { return {property, std::move(what)}; }

bool is_link_local(const Address& address) {
    static const Prefix link_local = Prefix::parse("fe80::/10").value();
    return link_local.contains(address);
}

/// Whatever it is, and whoever made it: no inside address leaves where there is a masquerade.
MaybeFault inside_fault(const Headers& headers, At at, const Model& model) {
    const Rules& rules = model.rules;
    if (!is_uplink(at) || !rules.is_port(at)) return std::nullopt;
    const Tuple& it = headers.tuple;
    if (!rules.is_private(it.src.address)) return std::nullopt;
    const std::string what = fmt::format("{} leaves {} as it is", text(it), link_at(at).name);
    if (!rules.masquerades_by(it.src.address, at))
        return fault("uplink", what + ", being masqueraded by another uplink");
    const auto* before = model.memory.opened_as(it);
    if ((before && before->era != model.memory.era()) || model.memory.answered_by(it))
        return fault("anew", what + ", as it did before there was a masquerade");
    return fault("masquerade", what + ", being masqueraded");
}

/// Of what is carried: what the host says itself leaves it with sums that a device completes.
MaybeFault frame_fault(const Headers& headers, const Seen& seen) {
    if (const auto wrong = checksum_fault(seen.frame); !wrong.empty())
        return fault("complete", wrong);
    if (headers.tagged) return fault("complete", "it has a tag");
    if (headers.from != link_at(seen.at).mac) return fault("complete", "its source MAC");
    const Address& to = headers.tuple.dst.address;
    const bool near = to == Address(neighbour.v4) || to == Address(neighbour.v6);
    if (headers.to != (near ? neighbour.mac : host_at(seen.at).mac))
        return fault("complete", "its destination MAC");
    return std::nullopt;
}

/// Leaving by an uplink, in the direction in which it was opened. From where a forward leads to it
/// leaves from the forward's external end.
MaybeFault outbound_fault(const Tuple& in, const Tuple& out, At at, const Rules& rules) {
    if (rules.sends_as(in.protocol, in.src, out.src, at) && out.dst == in.dst) return std::nullopt;
    if (!rules.masquerades_by(in.src.address, at)) {
        if (out == in) return std::nullopt;
        return fault("translation", fmt::format("no rule makes {} of {}", text(out), text(in)));
    }
    if (out.dst != in.dst || out.src.address != Address(address_of(link_at(at).v4)) ||
        !masquerade_ports.contains(out.src.port))
        return fault("translation", fmt::format("the masquerade on {} does not make {} of {}",
                                                link_at(at).name, text(out), text(in)));
    return std::nullopt;
}

/// Delivered to a VM, likewise.
MaybeFault inbound_fault(const Tuple& in, const Tuple& out, At by, At at, const Rules& rules) {
    if (vm_with(out.dst.address) != at)
        return fault("owner", fmt::format("{} is delivered to {}", text(out), link_at(at).name));
    const auto forward = rules.forwards.find({in.protocol, in.dst});
    if (forward != rules.forwards.end()) {
        const bool hairpin = is_access(by) && is_hosts(out.src.address);
        if (out.dst == forward->second && (out.src == in.src || hairpin)) return std::nullopt;
        return fault("translation",
                     fmt::format("the forward does not make {} of {}", text(out), text(in)));
    }
    if (out != in)
        return fault("owner", fmt::format("nothing makes {} of {}: it is no answer, and there is "
                                          "no forward",
                                          text(out), text(in)));
    // From an interface that is no port it is the kernel that forwards.
    if (is_uplink(by) && rules.is_port(by) && rules.is_private(out.dst.address))
        return fault(
            "inbound",
            fmt::format("{} comes in to a masqueraded network without a forward", text(in)));
    return std::nullopt;
}

/// What the rules of now have against a flow being opened so.
MaybeFault opening_fault(const Conversation& it, const Rules& rules) {
    const Tuple& in = it.opened;
    const Tuple& out = it.delivered;
    if (rules.denies({in.protocol, in.src, out.dst}))
        return fault("policy", fmt::format("{} is denied, and gets to {}", text(in),
                                           link_at(it.responder).name));
    const Address blocked(server.v4);
    if (rules.blocked && !it.by_host && (in.src.address == blocked || in.dst.address == blocked))
        return fault("block", fmt::format("{} is blocked", text(in)));
    if (it.responder == At::spare)
        return it.by_host ? MaybeFault{}
                          : fault("ports", fmt::format("{} leaves by an interface that is no port",
                                                       text(in)));
    if (is_uplink(it.responder))
        return rules.is_port(it.responder) ? outbound_fault(in, out, it.responder, rules)
                                           : std::nullopt;
    if (it.by_host && out == in) return std::nullopt;  // the host speaks to its VMs as it likes
    return inbound_fault(in, out, it.opener, it.responder, rules);
}

/// One external end for each inside end, and one inside end for each external one.
MaybeFault binding_fault(const Tuple& in, const Tuple& out, At at, Memory& memory) {
    const auto bound = memory.bound(in.protocol, in.src, at);
    if (bound && *bound != out.src)
        return fault("binding", fmt::format("{} was {} a moment ago, now it is {}", text(in.src),
                                            text(*bound), text(out.src)));
    const auto owner = memory.owner(in.protocol, out.src);
    if (owner && *owner != in.src)
        return fault("binding", fmt::format("{} and {} are both {}", text(*owner), text(in.src),
                                            text(out.src)));
    memory.bind(in.protocol, in.src, at, out.src);
    return std::nullopt;
}

/// The whole frame is the sent one with these addresses and ports, one hop older, and nothing else.
MaybeFault rest_fault(const Sent& sent, const Tuple& out, const Headers& headers, View frame) {
    for (const Bytes& expected : carried_frames(sent, out, headers.to, headers.from))
        if (read_headers(expected)->offset == headers.offset) {
            const auto differs = difference(expected, frame);
            return differs.empty() ? MaybeFault{} : fault("complete", differs);
        }
    return fault("complete", "no fragment of it begins there");
}

/// Where nobody asks a policy it is a packet like others, whatever it says: as it was sent.
MaybeFault stray_error_fault(const Sent& sent, const Headers& headers, const Rules& rules) {
    if (rules.policy != Policy::none)
        return fault("policy", "an ICMP error that nobody has asked for passes a policy");
    if (headers.tuple.src == sent.tuple.src && headers.tuple.dst == sent.tuple.dst &&
        headers.quoted == sent.quoted)
        return std::nullopt;
    return fault(
        "owner",
        fmt::format("an ICMP error about {} is made one about {}, by {}", text(*sent.quoted),
                    headers.quoted ? text(*headers.quoted) : "nothing", text(headers.tuple)));
}

/// An ICMP error goes to who sent what it quotes, and quotes it as that one sent it.
MaybeFault error_fault(const Sent& sent, const Headers& headers, At at, const Model& model) {
    if (is_uplink(at) && headers.quoted &&
        (model.rules.is_private(headers.quoted->src.address) ||
         model.rules.is_private(headers.quoted->dst.address)))
        return fault("masquerade", fmt::format("an ICMP error tells {} of {}", link_at(at).name,
                                               text(*headers.quoted)));
    const auto* about = model.memory.answered_by(sent.quoted->turned());
    if (about && at == about->opener && headers.quoted == about->opened) return std::nullopt;
    const auto* own = model.memory.opened_as(sent.quoted->turned());
    if (own && at == own->responder && headers.quoted == own->delivered.turned())
        return std::nullopt;  // about an answer, from who would get it
    const auto* back = model.memory.answered_by(*sent.quoted);
    if (back && at == back->responder && headers.quoted == back->delivered.turned())
        return std::nullopt;
    if (headers.quoted == sent.quoted &&
        !(is_access(at) && is_uplink(sent.by) && model.rules.is_private(headers.tuple.dst.address)))
        return std::nullopt;
    return fault("owner",
                 fmt::format("an ICMP error about {} goes to {}, about {}", text(*sent.quoted),
                             link_at(at).name, headers.quoted ? text(*headers.quoted) : "nothing"));
}

/// A later fragment whose first one did not come may be carried where nobody needs to
/// know its ports.
MaybeFault tail_fault(const Sent& sent, const Headers& headers, const Rules& rules) {
    const Tuple& in = sent.tuple;
    // Its ports may be those that a rule is about.
    if (rules.policy == Policy::no_dns || rules.denies({in.protocol, in.src, in.dst}))
        return fault("policy", "a fragment whose ports nobody knows passes a policy");
    if (headers.tuple.src.address != in.src.address || headers.tuple.dst.address != in.dst.address)
        return fault("translation", "a fragment whose ports nobody knows is translated");
    if (is_uplink(sent.by) && rules.is_private(in.dst.address))
        return fault("inbound", "a fragment comes in to a masqueraded network");
    return std::nullopt;
}

/// What is only routed goes back where the routes say, perhaps by another uplink.
bool is_answer(const Conversation* to, const Tuple& out, At at) {
    if (!to || out != to->opened.turned()) return false;
    const bool routed = to->opened == to->delivered;
    return at == to->opener || (routed && is_uplink(to->opener) && is_uplink(at));
}

MaybeFault way_fault(const Sent& sent, At at, const Rules& rules) {
    const bool known = sent.tuple.dst.address == Address(neighbour.v4) || !is_uplink(at);
    if (known || !sent.aged || rules.route == at) return std::nullopt;
    return fault("route", fmt::format("it leaves by {}, which is not the way", link_at(at).name));
}

}  // namespace

bool is_carried(const Sent& sent, const Seen& seen) {
    const auto layout = locate(seen.frame);
    if (!layout) return false;
    const std::size_t l3 = layout->l3;
    if (layout->v4 != sent.whole_has_v4()) return false;
    if (layout->v4) return (seen.frame[l3 + 4] << 8 | seen.frame[l3 + 5]) == sent.number;
    return ((seen.frame[l3 + 2] << 8) | seen.frame[l3 + 3]) == sent.number;
}

std::optional<Fault> fault_of(const Sent& sent, const Seen& seen, Model& model) {
    const auto headers = read_headers(seen.frame);
    if (!headers) {
        const bool arp = seen.frame[12] == 0x08 && seen.frame[13] == 0x06;
        return arp ? MaybeFault{} : fault("complete", "it is no sound packet");
    }
    if (auto wrong = inside_fault(*headers, seen.at, model)) return wrong;
    if (is_link_local(headers->tuple.src.address)) return std::nullopt;
    if (!is_carried(sent, seen)) {
        if (is_hosts(headers->tuple.src.address)) return std::nullopt;
        return fault("source", fmt::format("the host says {}", text(headers->tuple)));
    }
    if (auto wrong = frame_fault(*headers, seen)) return wrong;
    // What enters by an interface that is no port is the kernel's, which minds no IPv6 source.
    if (sent.forged && is_uplink(sent.by) && !model.rules.is_port(sent.by)) return std::nullopt;
    if (sent.forged) return fault("source", fmt::format("{}: {}", sent.forged, text(sent.tuple)));
    if (sent.stray) return stray_error_fault(sent, *headers, model.rules);
    if (sent.quoted) return error_fault(sent, *headers, seen.at, model);
    if (headers->tail && sent.tail_only) return tail_fault(sent, *headers, model.rules);

    const auto* answered = model.memory.answered_by(sent.tuple);
    Tuple out = headers->tuple;
    if (headers->tail) {  // its ports are those of the first one
        const auto* known = model.memory.opened_as(sent.tuple);
        if (!known && !answered) return tail_fault(sent, *headers, model.rules);
        out = known ? known->delivered : answered->opened.turned();
    }
    if (auto wrong = rest_fault(sent, out, *headers, seen.frame)) return wrong;
    if (is_answer(answered, out, seen.at)) {
        const Conversation conversation = *answered;
        const auto denied = opening_fault(conversation, model.rules);
        // What comes after a session has expired may open one of its own: that is judged below.
        const bool may_open = conversation.era != model.memory.era();
        if (denied && !may_open)
            return fault("anew", "an answer passes by rules that are no more: " + denied->what);
        if (!denied) {
            if (seen.at != conversation.opener)
                if (auto wrong = way_fault(sent, seen.at, model.rules)) return wrong;
            model.memory.note(conversation);
            return std::nullopt;
        }
    }
    const Conversation conversation{.opened = sent.tuple,
                                    .delivered = out,
                                    .opener = sent.by,
                                    .responder = seen.at,
                                    .by_host = sent.by_host};
    if (auto wrong = opening_fault(conversation, model.rules)) return wrong;
    if (auto wrong = way_fault(sent, seen.at, model.rules)) return wrong;
    if (is_uplink(seen.at) && out.src != sent.tuple.src)
        if (auto wrong = binding_fault(sent.tuple, out, seen.at, model.memory)) return wrong;
    if (!sent.by_host && !headers->tail) model.memory.note(conversation);
    return std::nullopt;
}

namespace {

/// Whether the host has a way to an address outside.
bool is_reachable(const Address& address, const Rules& rules) {
    return address == Address(neighbour.v4) || rules.route.has_value();
}

bool is_address_of(const Address& address, At at) {
    return address == Address(address_of(link_at(at).v4));
}

/// Whether the host has a way back: of what is only routed any, else by where it came in, if that
/// has the address that the answers come from.
bool can_return(const Conversation& it, const Rules& rules) {
    if (it.opened == it.delivered) return is_reachable(it.opened.src.address, rules);
    if (!is_address_of(it.opened.dst.address, it.opener)) return false;
    if (it.opened.src.address == Address(neighbour.v4)) return it.opener == At::wan;
    return rules.route == it.opener;
}

bool may_open(const Sent& sent, const Rules& rules) {
    const Tuple& in = sent.tuple;
    const bool forwarded = rules.forwards.contains({in.protocol, in.dst});
    if (rules.denies({in.protocol, in.src, rules.inside_of(in)})) return false;
    if (rules.blocked &&
        (in.src.address == Address(server.v4) || in.dst.address == Address(server.v4)))
        return false;
    if (is_uplink(sent.by)) {
        return forwarded && is_reachable(in.src.address, rules) && rules.is_port(sent.by) &&
               is_address_of(in.dst.address, sent.by);
    }
    if (vm_with(in.dst.address)) return vm_with(in.dst.address) != sent.by;
    const bool to_neighbour = in.dst.address == Address(neighbour.v4);
    if (in.dst.address != Address(server.v4) && in.dst.address != Address(server.v6) &&
        !to_neighbour)
        return false;
    const auto way = to_neighbour ? std::optional(At::wan) : rules.route;
    return way && rules.is_port(*way) &&
           (rules.masquerades_by(in.src.address, *way) || !rules.is_private(in.src.address));
}

}  // namespace

bool is_rightful(const Sent& sent, const Model& model) {
    if (sent.forged || sent.foreign || sent.tail_only || sent.by_host || sent.quoted) return false;
    // A guard has no use for tags, those with VID 0 included.
    if (sent.whole.has<Vlan>() && model.rules.guarded.contains(sent.by)) return false;
    const auto* answered = model.memory.answered_by(sent.tuple);
    if (answered && sent.by == answered->responder)
        return !(is_uplink(answered->opener) && is_inside(answered->opened.src.address)) &&
               answered->era == model.memory.era() && !opening_fault(*answered, model.rules) &&
               (is_access(answered->opener) || can_return(*answered, model.rules));
    return may_open(sent, model.rules);
}

}  // namespace sluice::test::sequence
