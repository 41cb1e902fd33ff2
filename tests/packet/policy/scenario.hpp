// SPDX-License-Identifier: GPL-2.0-or-later
// What the tests of the policy share: how one is put in force, and rules.
#pragma once

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "loader/base/fd.hpp"
#include "loader/kernel/policy_map.hpp"
#include "loader/policy/image.hpp"
#include "tests/harness/gate.hpp"

namespace sluice::test {

/// Of the gate, from outside of its class, so that the switch's tests have it too.
struct PolicyMaps {
    const Gate& gate;
    [[nodiscard]] auto states() const { return gate.map<__u32, sl_rules>("sl_rules"); }
    void put(const ResolvedPolicy& policy) const {
        auto state = states().get(0).value_or(sl_rules{});
        state.policy = state.generation = state.loaded = ++state.numbers;
        const PolicyStamp stamp{.generation = static_cast<std::uint16_t>(state.generation)};
        const auto image = compile_policy(policy, stamp);
        ASSERT_TRUE(image);
        ASSERT_TRUE(put_policy_image(gate.fd("sl_policy"), *image));
        states().put(0, state);
    }
    void clear() const {
        auto state = states().get(0).value_or(sl_rules{});
        state.policy = 0;
        state.generation = ++state.numbers;
        states().put(0, state);
        const __u32 zero = 0;
        bpf_map_delete_elem(gate.fd("sl_policy"), &zero);
        const std::vector<sl_policy_hit> none(static_cast<std::size_t>(libbpf_num_possible_cpus()));
        for (__u32 bit = 0; bit < 4 * SL_EVENT_BURST; ++bit)
            bpf_map_update_elem(gate.fd("sl_policy_hits"), &bit, none.data(), BPF_ANY);
    }
};

/// A fixture whose tests begin and end without a policy.
template <typename Base>
class WithPolicy : public Base {
protected:
    void SetUp() override {
        Base::SetUp();
        maps().clear();
    }
    void TearDown() override {
        maps().clear();
        Base::TearDown();
    }
    static PolicyMaps maps() { return {Base::gate()}; }
    static std::uint16_t generation() {
        return static_cast<std::uint16_t>(maps().states().get(0).value_or(sl_rules{}).generation);
    }
};

inline ResolvedRule rule(PolicyAction action) {
    return {.name = std::string(policy_action_text(action)), .action = action};
}

inline ResolvedRule about_port(PolicyAction action, std::uint16_t port) {
    auto it = rule(action);
    it.ports = {{port, port}};
    return it;
}

inline PolicyEnd at_port(std::uint16_t id) { return {.any = false, .prefixes = {}, .ports = {id}}; }

}  // namespace sluice::test
