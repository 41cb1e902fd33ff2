// SPDX-License-Identifier: GPL-2.0-or-later
// Policies in the kernel say what they say rule by rule, and what a question costs.
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <memory>
#include <string_view>
#include <thread>

#include "loader/base/clock.hpp"
#include "loader/kernel/datapath.hpp"
#include "loader/policy/image.hpp"
#include "policy_ask.skel.h"
#include "tests/harness/policy_dice.hpp"

namespace sluice::test {
namespace {

constexpr std::size_t asked_at_once = 64;
constexpr std::size_t shortest_frame = 64;

/// The datapath's clock steps by jiffies: what expires has done so for so long, in ms.
constexpr std::int64_t past_expiry = 10'000;

class PolicyKernel : public testing::Test {
protected:
    void SetUp() override {
        if (::geteuid() != 0) GTEST_SKIP() << "needs root";
        object_.reset(policy_ask_bpf__open());
        ASSERT_TRUE(object_);
        bpf_map* map = nullptr;
        bpf_object__for_each_map(map, object_->obj) {
            const std::string_view name = bpf_map__name(map);
            const bool used = name.starts_with("sl_policy") || name == "sl_rules" ||
                              name == "asked" || bpf_map__is_internal(map);
            bpf_map__set_autocreate(map, used);
        }
        ASSERT_EQ(policy_ask_bpf__load(object_.get()), 0);
    }

    static PolicyImage image_of(const ResolvedPolicy& policy, std::uint16_t generation) {
        const auto uptime = static_cast<std::int64_t>(now_monotonic() / 1'000'000);
        const auto zero = wall_now - (uptime - past_expiry);
        return compile_policy(policy, {generation, 0, zero}).value();
    }
    void put(const PolicyImage& image) const {
        ASSERT_TRUE(put_policy_image(bpf_map__fd(object_->maps.sl_policy), image));
        sl_rules state{};
        state.policy = image.front().header.generation;
        set_state(state);
    }
    void set_state(const sl_rules& state) const {
        const __u32 zero = 0;
        ASSERT_EQ(bpf_map_update_elem(bpf_map__fd(object_->maps.sl_rules), &zero, &state, 0), 0);
    }
    void ask(__u32 number, const PolicyPacket& packet) const {
        const auto query = query_of(packet);
        ASSERT_EQ(bpf_map_update_elem(bpf_map__fd(object_->maps.asked), &number, &query, 0), 0);
    }
    [[nodiscard]] sl_policy_query answer(__u32 number) const {
        sl_policy_query query{};
        EXPECT_EQ(bpf_map_lookup_elem(bpf_map__fd(object_->maps.asked), &number, &query), 0);
        return query;
    }
    struct Run {
        std::uint32_t result, nanoseconds;
    };
    static Run run(const bpf_program* program, std::size_t frame, int repeat) {
        std::array<std::uint8_t, shortest_frame + asked_at_once> bytes{};
        bpf_test_run_opts options{};
        options.sz = sizeof(options);
        options.data_in = bytes.data();
        options.data_size_in = static_cast<__u32>(frame);
        options.repeat = repeat;
        EXPECT_EQ(bpf_prog_test_run_opts(bpf_program__fd(program), &options), 0);
        return {options.retval, options.duration};
    }
    [[nodiscard]] Run ask_kernel(__u32 number) const {
        return run(object_->progs.ask_policy, shortest_frame + number, 1);
    }

    struct Destroy {
        void operator()(policy_ask_bpf* object) const { policy_ask_bpf__destroy(object); }
    };
    std::unique_ptr<policy_ask_bpf, Destroy> object_;
};

TEST_F(PolicyKernel, WithoutAPolicyAllIsAllowed) {
    ask(0, packet_of_host(1));
    EXPECT_EQ(ask_kernel(0).result, SL_POLICY_ALLOW);
    EXPECT_EQ(answer(0).generation, 0);
    put(image_of({.rules = {{.name = "none", .action = PolicyAction::deny}}}, 1));
    EXPECT_EQ(ask_kernel(0).result, SL_POLICY_DENY);
    set_state({});
    EXPECT_EQ(ask_kernel(0).result, SL_POLICY_ALLOW);
    EXPECT_EQ(answer(0).rule, 0);
}

TEST_F(PolicyKernel, SaysWhatTheRulesSay) {
    PolicyDice dice(61);
    for (std::uint16_t i = 1; i <= 60; ++i) {
        const auto policy = dice.policy(i % 4 == 0 ? 500 : 12);
        put(image_of(policy, i));
        for (int j = 0; j < 50; ++j) {
            const auto packet = dice.packet();
            ask(3, packet);
            const auto expected = judge(policy, packet, wall_now + past_expiry);
            ASSERT_EQ(ask_kernel(3).result, static_cast<std::uint32_t>(expected.action)) << i;
            const auto query = answer(3);
            ASSERT_EQ(query.rule, expected.rule);
            ASSERT_EQ(query.generation, i);
        }
    }
}

// Each question is answered by one policy alone: all of the odd ones deny, all even ones allow,
// and the rule is the generation's.
TEST_F(PolicyKernel, ReloadsAreAtomic) {
    const auto policy_of = [](std::uint16_t generation) {
        auto policy = many_hosts(200);
        for (auto& rule : policy.rules)
            rule.action = generation % 2 == 0 ? PolicyAction::allow : PolicyAction::deny;
        for (std::uint16_t i = 0; i < generation; ++i)
            policy.rules.insert(policy.rules.begin(),
                                ResolvedRule{.name = "other", .vlans = {{9, 9}}});
        return image_of(policy, generation);
    };
    put(policy_of(1));
    ask(0, packet_of_host(7));
    std::atomic<bool> done = false;
    std::atomic<std::size_t> asked = 0;
    std::jthread asker([&] {
        while (!done) {
            const auto [result, time] = ask_kernel(0);
            const auto query = answer(0);
            ASSERT_EQ(query.rule, 8 + query.generation);
            ASSERT_EQ(result, query.generation % 2 == 0 ? SL_POLICY_ALLOW : SL_POLICY_DENY);
            ++asked;
        }
    });
    for (std::uint16_t generation = 2; generation <= 101; ++generation) put(policy_of(generation));
    done = true;
    asker.join();
    EXPECT_GT(asked, 100u);
}

TEST_F(PolicyKernel, CostsAboutTheSameWithTenThousandRules) {
    constexpr int repeat = 100'000;
    const auto idle = run(object_->progs.ask_nothing, shortest_frame, repeat).nanoseconds;
    std::uint32_t with_ten = 0;
    for (const std::uint32_t count : {10u, 1'000u, 10'000u, 16'000u}) {
        put(image_of(many_hosts(count), 1));
        for (__u32 i = 0; i < asked_at_once; ++i) ask(i, packet_of_host(i * 7919 % count));
        const auto cost =
            run(object_->progs.ask_in_turn, shortest_frame, repeat).nanoseconds - idle;
        if (count == 10) with_ten = cost;
        fmt::print("{} rules: {} ns a question\n", count, cost);
        EXPECT_LT(cost, 5 * with_ten + 500);
    }
}

}  // namespace
}  // namespace sluice::test
