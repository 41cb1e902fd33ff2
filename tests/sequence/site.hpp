// SPDX-License-Identifier: GPL-2.0-or-later
// The ground with a real instance on it. Commands are the functions of the loader that the command
// line calls, run in this process; frames go over the cables, so that what sluice leaves to the
// kernel is seen as well if it gets out.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "loader/instance/target.hpp"
#include "loader/kernel/datapath.hpp"
#include "sluice/abi/reason.h"
#include "sluice/abi/stats.h"
#include "tests/sequence/ground.hpp"

namespace sluice::test::sequence {

/// By which programs frames enter.
enum class Hooks : std::uint8_t {
    tc,
    xdp,
    both,  ///< VMs by TC, uplinks by XDP: what `--hook auto` makes of taps and NICs
};
[[nodiscard]] const char* hooks_text(Hooks hooks);

/// How a port of the ground is added.
[[nodiscard]] PortSpec port_spec(At at, Hooks hooks);

class Site {
public:
    /// The process's one with these hooks, made at its first use; the process is in its namespace
    /// afterwards.
    [[nodiscard]] static Site& with(Hooks hooks);
    ~Site();
    Site(const Site&) = delete;
    Site& operator=(const Site&) = delete;

    [[nodiscard]] const Target& target() const { return target_; }
    [[nodiscard]] Hooks hooks() const { return hooks_; }
    [[nodiscard]] Ground& ground() { return ground_; }
    /// As at the beginning: every port, no rule, no session, no default route.
    void reset();

    /// The kernel's former answers about ways out count as old while it is set.
    void set_aged(bool aged);
    /// The sweeper has been round.
    void wait_for_sweeper() const;
    /// Every session is idle for longer than it may be, and the sweeper has been round.
    void expire();

    /// Both directions of a port; none: it is no port now.
    [[nodiscard]] std::optional<sl_port_stats> stats(At at) const;
    /// All that it dropped, for whatever reason.
    [[nodiscard]] std::uint64_t drops(At at) const;
    /// Fragments that wait there for their first one, and are not counted yet.
    [[nodiscard]] std::uint64_t held(At at) const;

private:
    explicit Site(Hooks hooks);
    [[nodiscard]] std::optional<std::uint16_t> id(At at) const;
    [[nodiscard]] sl_settings settings() const;
    void put_settings(const sl_settings& settings) const;

    Hooks hooks_;
    Ground ground_;
    Target target_;
    std::string rules_;  ///< as they are at the beginning
    std::optional<Datapath> datapath_;
    std::optional<sl_settings> before_aged_;
};

}  // namespace sluice::test::sequence
