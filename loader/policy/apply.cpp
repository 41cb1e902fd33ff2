// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/policy/apply.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <functional>

#include "loader/base/clock.hpp"
#include "loader/policy/image.hpp"
#include "loader/policy/store.hpp"

namespace sluice {
namespace {

void mix_in(std::uint64_t& hash, std::string_view text) {
    hash = (hash ^ std::hash<std::string_view>()(text)) * 0x9e3779b97f4a7c15;
}

std::uint64_t hash_of_text(const PolicySpec& spec) {
    std::uint64_t hash = static_cast<std::uint64_t>(spec.loaded);
    mix_in(hash, spec.text);
    return hash;
}

/// Differs if anything does that an image is made of.
std::uint64_t fingerprint_of(const PolicySpec& spec, const std::vector<PortSpec>& ports) {
    auto hash = hash_of_text(spec);
    for (const auto& vm : spec.vms) {
        mix_in(hash, vm.name);
        for (const auto& address : vm.addresses) mix_in(hash, address.text());
        for (const auto& port : vm.ports) mix_in(hash, port);
    }
    for (const auto& port : ports) mix_in(hash, fmt::format("{}={}", port.name, port.id));
    return hash;
}

/// When the first rule expires that has not yet; 0: none will.
std::uint64_t soonest_expiry(const PolicyImage& image, std::uint64_t now) {
    const auto& header = image.front().header;
    std::uint64_t soonest = 0;
    for (std::size_t bit = 0; bit < std::size_t{header.out_defaults} * 64; ++bit) {
        const auto expires = image[header.rules + bit / 4].rules[bit % 4].expires;
        if (expires > now && (soonest == 0 || expires < soonest)) soonest = expires;
    }
    return soonest;
}

/// Counts belong to the rules of one text.
Result<> clear_hits(const CounterArray<sl_policy_hit>& hits) {
    std::vector<std::uint32_t> counted;
    SL_CHECK(hits.for_each([&](std::uint32_t index, const sl_policy_hit& hit) {
        if (hit.flows != 0 || hit.denied != 0) counted.push_back(index);
        return true;
    }));
    for (const auto index : counted) SL_CHECK(hits.clear(index));
    return {};
}

/// The generation changes when the image is there: sessions are judged anew by it.
Result<> put_in_force(const Maps& maps, const DesiredState& desired, std::uint64_t fingerprint) {
    const auto& spec = *desired.policy;
    auto& state = maps.rules.entry();
    SL_TRY(file, parse_policy_file(spec.text, spec.name));
    const auto number = maps.rules.take_number();
    const auto now = now_monotonic();
    const PolicyStamp stamp{
        .generation = static_cast<std::uint16_t>(number),
        .fingerprint = fingerprint,
        .monotonic_zero = now_wall_ms() - static_cast<std::int64_t>(now / 1'000'000)};
    SL_TRY(image, compile_policy(resolve_policy(file, spec, desired.ports), stamp));
    SL_CHECK(put_policy_image(maps.policy.fd(), image));
    const auto text = hash_of_text(spec);
    if (state.text != text) SL_CHECK(clear_hits(maps.policy_hits));
    state.text = text;
    std::atomic_ref(state.expires).store(soonest_expiry(image, now));
    std::atomic_ref(state.policy).store(number);
    maps.rules.take_generation();
    std::atomic_ref(state.loaded).store(number);
    return {};
}

/// From the first on no packet is judged any more.
Result<> put_out_of_force(const Maps& maps) {
    std::atomic_ref(maps.rules.entry().policy).store(0);
    maps.rules.take_generation();
    return remove_policy_image(maps.policy);
}

/// Was a load of this fingerprint carried through to its end?
bool is_in_force(const std::optional<sl_policy_header>& header, const sl_rules& state,
                 std::uint64_t fingerprint) {
    return header && header->fingerprint == fingerprint && state.policy != 0 &&
           header->generation == static_cast<std::uint16_t>(state.loaded);
}

Result<> reconcile_policy(const Datapath& datapath, const DesiredState& desired, Journal& journal) {
    const Maps& maps = datapath.maps();
    SL_TRY(header, read_policy_header(maps.policy));
    const auto& state = maps.rules.entry();
    if (!desired.policy) {
        if (state.policy == 0 && !header) return {};
        return journal.step("clear the policy", [&] { return put_out_of_force(maps); });
    }
    const auto fingerprint = fingerprint_of(*desired.policy, desired.ports);
    if (is_in_force(header, state, fingerprint)) return {};
    return journal.step(fmt::format("load the policy {}", desired.policy->name),
                        [&] { return put_in_force(maps, desired, fingerprint); });
}

class PolicyFeature : public Feature {
public:
    Result<> load(const Connection& rows, DesiredState& state) const override {
        SL_TRY(policy, load_policy(rows));
        state.policy = std::move(policy);
        return {};
    }

    Result<> prepare(Round& round) override {
        return reconcile_policy(round.datapath, round.desired, round.journal);
    }
};

}  // namespace

std::unique_ptr<Feature> policy_feature() { return std::make_unique<PolicyFeature>(); }

}  // namespace sluice
