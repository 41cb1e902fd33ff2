// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/policy/commands.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "loader/base/clock.hpp"
#include "loader/base/nearest.hpp"
#include "loader/base/text_file.hpp"
#include "loader/instance/change.hpp"
#include "loader/policy/question.hpp"
#include "loader/policy/store.hpp"

namespace sluice {
namespace {

std::unexpected<Error> unknown_name(const PolicySpec& spec, const FilePlace& place,
                                    std::string message, std::string hint) {
    return fail(ErrorCode::not_found,
                fmt::format("{}:{}:{}: {}", spec.name, place.line, place.column, message),
                std::move(hint));
}

Result<> check_ports_known(const PolicyFile& file, const PolicySpec& spec,
                           std::span<const PortSpec> ports) {
    std::vector<std::string_view> names;
    for (const auto& port : ports) names.push_back(port.name);
    for (const auto& [name, place] : file.ports) {
        if (std::ranges::find(names, name) != names.end()) continue;
        const auto nearest = nearest_name(names, name);
        return unknown_name(spec, place, fmt::format("{} is not a port of this instance", name),
                            nearest ? fmt::format("did you mean port:{}?", *nearest)
                                    : "`sluice port list` shows its ports");
    }
    return {};
}

/// The VMs that the file names, as their leases say.
Result<std::vector<PolicyVm>> vms_of(const PolicyFile& file, const PolicySpec& spec,
                                     const Connection& connection) {
    std::vector<PolicyVm> vms;
    for (const auto& [name, place] : file.vms) {
        SL_TRY(known, vm_has_lease(connection, name));
        if (!known)
            return unknown_name(spec, place, fmt::format("VM {} has no lease", name),
                                fmt::format("`sluice mac alloc {} --port IF` gives it one; `sluice "
                                            "mac list` shows those that have",
                                            name));
        SL_TRY(vm, load_policy_vm(connection, name));
        vms.push_back(std::move(vm));
    }
    return vms;
}

struct ReadPolicy {
    PolicySpec spec;
    PolicyFile file;
};

Result<ReadPolicy> read_policy_file(const std::string& path) {
    SL_TRY(text, read_text(path, "give the path of a YAML file"));
    ReadPolicy policy;
    policy.spec.name = path == "-" ? "standard input" : path;
    policy.spec.loaded = now_wall_ms();
    SL_TRY(file, parse_policy_file(text, policy.spec.name));
    policy.spec.text = std::move(text);
    for (const auto& rule : file.rules) policy.spec.rules.push_back(rule.name);
    policy.file = std::move(file);
    return policy;
}

Result<> check_names(ReadPolicy& policy, const Connection& connection,
                     std::span<const PortSpec> ports) {
    SL_CHECK(check_ports_known(policy.file, policy.spec, ports));
    SL_TRY(vms, vms_of(policy.file, policy.spec, connection));
    policy.spec.vms = std::move(vms);
    return {};
}

std::unexpected<Error> no_policy() {
    return fail(ErrorCode::not_found, "no policy is loaded",
                "`sluice policy load FILE` loads one; without one everything is allowed");
}

/// As list_policy(), of the file in place of what is loaded if there is a name.
Result<LoadedPolicy> policy_to_test(const Target& target, const std::string& path) {
    if (path.empty()) return list_policy(target);
    SL_TRY(policy, read_policy_file(path));
    SL_TRY(instance, open_instance(target));
    SL_CHECK(check_names(policy, instance.database.connection(), instance.desired.ports));
    auto resolved = resolve_policy(policy.file, policy.spec, instance.desired.ports);
    return LoadedPolicy{std::move(policy.spec), std::move(policy.file), std::move(resolved)};
}

/// The default that a resolved one was made of.
const PolicyDefault& default_of(const LoadedPolicy& policy, PolicyDirection direction,
                                std::size_t number) {
    for (const auto& it : policy.file.defaults)
        if (it.direction == direction && number-- == 0) return it;
    return policy.file.defaults.back();
}

void describe(const LoadedPolicy& policy, const PolicyVerdict& verdict, PolicyTest& test) {
    test.action = verdict.action;
    test.rule = verdict.rule;
    if (verdict.decided == nullptr) return;
    if (verdict.direction) {
        const auto& defaults = *verdict.direction == PolicyDirection::in
                                   ? policy.resolved.in_defaults
                                   : policy.resolved.out_defaults;
        const auto number = static_cast<std::size_t>(verdict.decided - defaults.data());
        test.name = policy_default_text(default_of(policy, *verdict.direction, number));
        return;
    }
    test.name = verdict.decided->name;
    test.asks = properties_of(policy.file.rules[verdict.rule - 1]);
}

std::vector<PolicyNearMiss> near_misses(const ResolvedPolicy& policy, const PolicyPacket& packet,
                                        std::size_t before) {
    std::vector<PolicyNearMiss> misses;
    for (std::size_t i = 0; i < before; ++i) {
        const auto wrong = misfits(policy.rules[i], packet, now_wall_ms());
        if (wrong.size() == 1)
            misses.push_back({i + 1, policy.rules[i].name, policy.rules[i].action, wrong.front()});
    }
    return misses;
}

PolicyHits hits_of_default(const PolicyDefault& rule) {
    return {.rule = 0, .name = policy_default_text(rule), .action = *rule.action};
}

Result<> count_hits(const CounterArray<sl_policy_hit>& counts, std::size_t index, PolicyHits hits,
                    std::vector<PolicyHits>& all) {
    SL_TRY(sum, counts.read(static_cast<__u32>(index)));
    hits.counts = sum;
    all.push_back(std::move(hits));
    return {};
}

}  // namespace

Result<Outcome> load_policy(const Target& target, const std::string& file) {
    SL_TRY(policy, read_policy_file(file));
    return change(target, [&](const Change& it) -> Result<> {
        const auto& connection = it.database.connection();
        SL_CHECK(check_names(policy, connection, it.before.ports));
        return put_policy(connection, policy.spec);
    });
}

Result<Outcome> clear_policy(const Target& target) {
    return change(target, [&](const Change& it) -> Result<> {
        SL_TRY(erased, erase_policy(it.database.connection()));
        if (!erased) return no_policy();
        return {};
    });
}

Result<LoadedPolicy> list_policy(const Target& target) {
    SL_TRY(instance, open_instance(target));
    auto& spec = instance.desired.policy;
    if (!spec) return no_policy();
    SL_TRY(file, parse_policy_file(spec->text, spec->name));
    auto resolved = resolve_policy(file, *spec, instance.desired.ports);
    LoadedPolicy policy{std::move(*spec), std::move(file), std::move(resolved)};
    if (instance.datapath) {
        policy.generation = instance.datapath->maps().rules.entry().policy;
    }
    return policy;
}

Result<std::vector<PolicyHits>> policy_hits(const Target& target) {
    SL_TRY(policy, list_policy(target));
    SL_TRY(datapath, open_datapath(target));
    const auto& counts = datapath.maps().policy_hits;
    SL_TRY(header, read_policy_header(datapath.maps().policy));
    if (!header) return no_policy();
    std::vector<PolicyHits> hits;
    for (std::size_t i = 0; i < policy.file.rules.size(); ++i) {
        const auto& rule = policy.file.rules[i];
        SL_CHECK(count_hits(counts, i + 1, {i + 1, rule.name, *rule.action}, hits));
    }
    std::size_t out = std::size_t{header->out_defaults} * 64;
    std::size_t in = std::size_t{header->in_defaults} * 64;
    for (const auto& it : policy.file.defaults) {
        auto& bit = it.direction == PolicyDirection::in ? in : out;
        SL_CHECK(count_hits(counts, ++bit, hits_of_default(it), hits));
    }
    SL_CHECK(count_hits(counts, 0, {}, hits));
    return hits;
}

Result<std::vector<PolicyDifference>> diff_policy(const Target& target, const std::string& file) {
    SL_TRY(policy, read_policy_file(file));
    SL_TRY(instance, open_instance(target));
    SL_CHECK(check_names(policy, instance.database.connection(), instance.desired.ports));
    PolicyFile before;
    if (const auto& spec = instance.desired.policy) {
        SL_TRY(loaded, parse_policy_file(spec->text, spec->name));
        before = std::move(loaded);
    }
    return compare_policies(before, policy.file);
}

Result<PolicyTest> test_policy(const Target& target, const std::string& file,
                               std::span<const std::string> flow) {
    SL_TRY(instance, open_instance(target));
    SL_TRY(packet, parse_policy_flow(flow, instance.desired.ports));
    SL_TRY(policy, policy_to_test(target, file));
    const auto verdict = judge(policy.resolved, packet, now_wall_ms());
    PolicyTest test;
    describe(policy, verdict, test);
    const auto before = verdict.rule == 0 ? policy.resolved.rules.size() : verdict.rule - 1;
    test.near_misses = near_misses(policy.resolved, packet, before);
    return test;
}

}  // namespace sluice
