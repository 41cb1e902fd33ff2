// SPDX-License-Identifier: GPL-2.0-or-later
// Does what a sequence says to a site, keeps the model beside it, and compares the two.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "tests/sequence/properties.hpp"

namespace sluice::test::sequence {

class Driver {
public:
    /// From a site as it is at the beginning.
    /// @param known properties that are known not to hold: they are not told again
    Driver(Site& site, const std::set<std::string>& known);

    /// The first thing that is wrong; none: all is well.
    [[nodiscard]] std::optional<Fault> run(const std::vector<Event>& events);
    /// The event at which run() ended, from 0.
    [[nodiscard]] std::size_t at() const { return at_; }

private:
    using MaybeFault = std::optional<Fault>;

    MaybeFault run(const Send& event);
    MaybeFault run(const Say& event);
    MaybeFault run(const Again& event);
    MaybeFault run(const Masquerade& event);
    MaybeFault run(const Forward& event);
    MaybeFault run(const LoadPolicy& event);
    MaybeFault run(const Block& event);
    MaybeFault run(const Guard& event);
    MaybeFault run(const ThinPort& event);
    MaybeFault run(const Flows& event);
    MaybeFault run(const Route& event);
    MaybeFault run(const Flush& event);
    MaybeFault run(const Expire& event);
    MaybeFault run(const Sweep& event);
    MaybeFault run(const Flood& event);

    /// Into the cable, and a look at all that comes out. @param carried whether it got through
    MaybeFault pass(const Sent& sent, bool& carried);
    /// The same, as often as a sender tries who has a right to get through.
    MaybeFault pass_rightly(const Sent& sent);
    [[nodiscard]] MaybeFault unless_known(MaybeFault fault) const;
    [[nodiscard]] bool is_paid_by_flooder(const Sent& sent) const;
    /// Does a command; if it fails, everything must be as it was. @return whether it was done
    template <class Command>
    MaybeFault command(Command&& command, bool& done);
    [[nodiscard]] MaybeFault counters_fault() const;
    [[nodiscard]] std::uint16_t next_number();

    struct Counts {
        sl_port_stats stats{};
        std::uint64_t drops = 0, held = 0;
        Ground::Traffic traffic{};
    };
    [[nodiscard]] std::optional<Counts> counts(At at) const;

    Site& site_;
    const std::set<std::string>& known_;
    Model model_;
    std::vector<Send> said_;  ///< what was sent, the newest last
    std::set<At> flooded_;    ///< who has used up what there is
    std::set<At> uncounted_;  ///< ports that were none for a while
    std::array<std::optional<Counts>, cables.size()> before_{};
    std::uint16_t number_ = 0;
    std::size_t at_ = 0;
};

}  // namespace sluice::test::sequence
