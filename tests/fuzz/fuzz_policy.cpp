// SPDX-License-Identifier: GPL-2.0-or-later
// The YAML of `policy load` and what becomes of it: nothing is thrown, every error tells its place,
// and the image that is made of a policy says what its rules say.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "bpf/lib/policy_image.h"
#include "loader/policy/file.hpp"
#include "loader/policy/image.hpp"
#include "loader/policy/text.hpp"
#include "loader/policy/values.hpp"
#include "tests/harness/policy_dice.hpp"

namespace {

using namespace sluice;

void require(bool held) {
    if (!held) std::abort();
}

void read_values(std::string_view text) {
    if (const auto time = parse_time(text)) require(parse_time(time_text(*time)) == *time);
    if (const auto protocol = parse_policy_protocol(text))
        require(parse_policy_protocol(policy_protocol_text(*protocol)) == *protocol);
    if (const auto action = parse_policy_action(text)) require(policy_action_text(*action) == text);
}

void judge_both_ways(const PolicyFile& file) {
    const auto resolved = resolve_policy(file, PolicySpec{}, {});
    const auto image = compile_policy(resolved, {});
    if (!image) return;
    const sl_policy_image lines{image->data(), static_cast<__u32>(image->size())};
    test::PolicyDice dice(file.rules.size());
    for (int i = 0; i < 8; ++i) {
        const auto packet = dice.packet();
        auto query = test::query_of(packet);
        // Long before anything expires.
        const auto action = sl_policy_judge(const_cast<sl_policy_image*>(&lines), &query, 0);
        const auto expected = judge(resolved, packet, 0);
        require(query.rule == expected.rule);
        require(action == static_cast<__u32>(expected.action));
    }
}

void read_file(std::string_view text) {
    const auto file = parse_policy_file(text, "f");
    if (!file) {
        require(file.error().message.starts_with("f:"));
        return;
    }
    for (const auto& rule : file->rules) {
        require(!rule.name.empty() && rule.action);
        for (const auto& property : properties_of(rule)) require(!property.values.empty());
    }
    judge_both_ways(*file);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    read_values(text);
    read_file(text);
    return 0;
}
