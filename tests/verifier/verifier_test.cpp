// SPDX-License-Identifier: GPL-2.0-or-later
// Every program loads on this kernel, and what that costs is written to a table, so that a
// program which grows towards the verifier's limits is seen before it reaches them.
#include <bpf/libbpf.h>
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <fstream>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "sluice_tc.skel.h"
#include "sluice_xdp.skel.h"
#include "tests/harness/program_cost.hpp"

namespace sluice::test {
namespace {

/// Of the kernel: BPF_COMPLEXITY_LIMIT_INSNS and MAX_BPF_STACK.
constexpr std::uint32_t instruction_limit = 1'000'000;
constexpr std::uint32_t stack_limit = 512;
/// How near to the limit a program may come: other kernels count differently.
constexpr std::uint32_t most_verified = instruction_limit / 2;

class Verifier : public testing::Test {
protected:
    static void TearDownTestSuite() {
        std::ofstream table(SLUICE_VERIFIER_TABLE);
        const std::string head =
            fmt::format("{:<20}{:>14}{:>12}{:>8}{:>14}{:>6}\n", "program", "instructions",
                        "verified", "stack", "native bytes", "maps");
        table << head;
        std::cout << head;
        for (const ProgramCost& cost : costs_) {
            const std::string row =
                fmt::format("{:<20}{:>14}{:>12}{:>8}{:>14}{:>6}\n", cost.program, cost.instructions,
                            cost.verified, cost.stack.bytes, cost.native_bytes, cost.maps);
            table << row;
            std::cout << row;
        }
    }

    /// Loads the object with the verifier's statistics and holds every program to the limits.
    static void load(bpf_object* object) {
        const auto costs = load_for_cost(object);
        ASSERT_TRUE(costs) << std::strerror(-costs.error())
                           << " (E2BIG: a program uses more than 64 maps, MAX_USED_MAPS)";
        for (const ProgramCost& cost : *costs) {
            EXPECT_GT(cost.verified, 0u) << cost.program;
            EXPECT_LE(cost.verified, most_verified) << cost.program;
            EXPECT_LE(cost.stack.bytes, stack_limit)
                << cost.program << ": " << cost.stack.functions;
            costs_.push_back(cost);
        }
    }

    inline static std::vector<ProgramCost> costs_;
};

TEST_F(Verifier, TcPrograms) {
    const std::unique_ptr<sluice_tc_bpf, decltype(&sluice_tc_bpf__destroy)> skeleton(
        sluice_tc_bpf__open(), sluice_tc_bpf__destroy);
    ASSERT_TRUE(skeleton);
    load(skeleton->obj);
}

TEST_F(Verifier, XdpProgram) {
    const std::unique_ptr<sluice_xdp_bpf, decltype(&sluice_xdp_bpf__destroy)> skeleton(
        sluice_xdp_bpf__open(), sluice_xdp_bpf__destroy);
    ASSERT_TRUE(skeleton);
    load(skeleton->obj);
}

}  // namespace
}  // namespace sluice::test
