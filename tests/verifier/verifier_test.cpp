// Every program loads on this kernel, and what that costs is written to a table, so that a
// program which grows towards the verifier's limits is seen before it reaches them.
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <fstream>
#include <iostream>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "sluice_tc.skel.h"
#include "sluice_xdp.skel.h"

namespace sluice::test {
namespace {

/// Of the kernel: BPF_COMPLEXITY_LIMIT_INSNS and MAX_BPF_STACK.
constexpr std::uint32_t instruction_limit = 1'000'000;
constexpr std::uint32_t stack_limit = 512;
/// How near to the limit a program may come: other kernels count differently.
constexpr std::uint32_t most_verified = instruction_limit / 2;

struct Cost {
    std::string program;
    std::uint32_t instructions = 0;  ///< as loaded
    std::uint32_t verified = 0;      ///< looked at by the verifier, over all paths
    std::uint32_t stack = 0;         ///< bytes, of the largest frame
    std::uint32_t native_bytes = 0;
};

/// The largest frame in "stack depth 208+112+0", where the verifier lists the program and its
/// functions.
std::uint32_t largest_frame(std::string_view log) {
    constexpr std::string_view label = "stack depth ";
    const std::size_t at = log.find(label);
    if (at == std::string_view::npos) return 0;
    std::uint32_t largest = 0;
    const char* next = log.data() + at + label.size();
    const char* end = log.data() + log.size();
    for (;;) {
        std::uint32_t frame = 0;
        const auto [stop, error] = std::from_chars(next, end, frame);
        if (error != std::errc{}) break;
        largest = std::max(largest, frame);
        if (stop == end || *stop != '+') break;
        next = stop + 1;
    }
    return largest;
}

Cost cost_of(const bpf_program* program, std::string_view log) {
    bpf_prog_info info{};
    __u32 size = sizeof(info);
    EXPECT_EQ(bpf_obj_get_info_by_fd(bpf_program__fd(program), &info, &size), 0);
    return {bpf_program__name(program), info.xlated_prog_len / 8, info.verified_insns,
            largest_frame(log), info.jited_prog_len};
}

class Verifier : public testing::Test {
protected:
    static void TearDownTestSuite() {
        std::ofstream table(SLUICE_VERIFIER_TABLE);
        const std::string head = fmt::format("{:<20}{:>14}{:>12}{:>8}{:>14}\n", "program",
                                             "instructions", "verified", "stack", "native bytes");
        table << head;
        std::cout << head;
        for (const Cost& cost : costs_) {
            const std::string row =
                fmt::format("{:<20}{:>14}{:>12}{:>8}{:>14}\n", cost.program, cost.instructions,
                            cost.verified, cost.stack, cost.native_bytes);
            table << row;
            std::cout << row;
        }
    }

    /// Loads the object with the verifier's statistics and holds every program to the limits.
    static void load(bpf_object* object) {
        struct Entry {
            bpf_program* program;
            std::vector<char> log;
        };
        std::vector<Entry> entries;
        bpf_program* program = nullptr;
        bpf_object__for_each_program(program, object) {
            entries.push_back({program, std::vector<char>(64 * 1024)});
        }
        for (Entry& entry : entries) {
            constexpr __u32 statistics_only = 4;  // BPF_LOG_STATS
            bpf_program__set_log_level(entry.program, statistics_only);
            bpf_program__set_log_buf(entry.program, entry.log.data(), entry.log.size());
        }
        ASSERT_EQ(bpf_object__load(object), 0) << std::strerror(errno);
        for (const Entry& entry : entries) {
            const Cost cost = cost_of(entry.program, entry.log.data());
            EXPECT_GT(cost.verified, 0u) << cost.program;
            EXPECT_LE(cost.verified, most_verified) << cost.program;
            EXPECT_LE(cost.stack, stack_limit) << cost.program;
            costs_.push_back(cost);
        }
    }

    inline static std::vector<Cost> costs_;
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
