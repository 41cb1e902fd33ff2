// SPDX-License-Identifier: GPL-2.0-or-later
// What may leave where: the rules as a reader of the commands understands them, and what has been
// seen. It decides nothing by itself; properties.hpp asks it.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "tests/sequence/events.hpp"
#include "tests/sequence/tuple.hpp"

namespace sluice::test::sequence {

/// What commands and routes have made of the gate.
struct Rules {
    std::set<std::pair<At, At>> masquerades;               ///< whose network, by which uplink
    std::map<std::pair<std::uint8_t, End>, End> forwards;  ///< protocol, external end: internal end
    Policy policy = Policy::none;
    bool blocked = false;  ///< the server
    std::set<At> guarded;
    bool thin_is_port = true;
    std::optional<At> route;

    /// Whether sources there leave by this uplink translated.
    [[nodiscard]] bool masquerades_by(const Address& source, At uplink) const;
    /// Where this goes by the forwards: perhaps to where it was sent.
    [[nodiscard]] End inside_of(const Tuple& in) const;
    /// Whether a forward at this uplink leads from this external end to the inside one.
    [[nodiscard]] bool sends_as(std::uint8_t protocol, const End& inside, const End& external,
                                At uplink) const;
    /// Whether there is any masquerade of it: then nothing leaves any uplink with this source, and
    /// nothing new comes in to it but by a forward.
    [[nodiscard]] bool is_private(const Address& address) const;
    /// Whether the policy forbids to open this flow: addresses are the inside ones.
    [[nodiscard]] bool denies(const Tuple& opening) const;
    [[nodiscard]] bool is_port(At at) const {
        return at != At::spare && (at != At::thin || thin_is_port);
    }
};

/// The VM's cable that an inside address is at; none: it is nobody's.
[[nodiscard]] std::optional<At> vm_with(const Address& address);
[[nodiscard]] bool is_inside(const Address& address);
/// An address of the host itself.
[[nodiscard]] bool is_hosts(const Address& address);

/// A flow that was seen to be forwarded, in the form of each end.
struct Conversation {
    Tuple opened;     ///< as its opener sends
    Tuple delivered;  ///< as it came out
    At opener, responder;
    std::uint64_t era = 0;  ///< in which it was last seen to pass
    bool by_host = false;   ///< a process of the host is the opener
};

/// What has been seen, and what follows from it.
class Memory {
public:
    void note(const Conversation& conversation);
    /// By what its responder sends. None: it is no answer to anything.
    [[nodiscard]] const Conversation* answered_by(const Tuple& answer) const;
    [[nodiscard]] const Conversation* opened_as(const Tuple& opening) const;
    /// 0 = the newest. None: there has been none yet.
    [[nodiscard]] const Conversation* recent(std::size_t which) const;

    /// What an inside end was translated to on an uplink, while its binding lives.
    [[nodiscard]] std::optional<End> bound(std::uint8_t protocol, const End& inside,
                                           At uplink) const;
    /// The inside end that has an external one.
    [[nodiscard]] std::optional<End> owner(std::uint8_t protocol, const End& external) const;
    void bind(std::uint8_t protocol, const End& inside, At uplink, const End& external);

    /// Sessions may have ended, or are decided anew: bindings are no longer known, and who spoke
    /// before need not be answered now.
    void begin_era();
    [[nodiscard]] std::uint64_t era() const { return era_; }

private:
    std::map<Tuple, Conversation> by_answer_;
    std::vector<Tuple> order_;  ///< keys of by_answer_, the newest last
    std::map<std::pair<std::uint8_t, std::pair<End, At>>, End> bindings_;
    std::map<std::pair<std::uint8_t, End>, End> owners_;
    std::uint64_t era_ = 1;
};

struct Model {
    Rules rules;
    Memory memory;
};

}  // namespace sluice::test::sequence
