#include "loader/reconcile_policy.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <functional>

#include "loader/policy_image.hpp"

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

/// Of all that an image is made of.
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

std::int64_t wall_clock_ms() {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
}

std::uint16_t next_generation(std::uint16_t last) {
    return static_cast<std::uint16_t>(last == UINT16_MAX ? 1 : last + 1);
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

Result<> put_in_force(const Maps& maps, const DesiredState& desired, std::uint64_t fingerprint,
                      sl_policy_state state) {
    const auto& spec = *desired.policy;
    SL_TRY(file, parse_policy_file(spec.text, spec.name));
    PolicyStamp stamp;
    stamp.generation = next_generation(state.last);
    stamp.fingerprint = fingerprint;
    stamp.monotonic_zero = wall_clock_ms() - static_cast<std::int64_t>(now_monotonic() / 1'000'000);
    SL_TRY(image, compile_policy(resolve_policy(file, spec, desired.ports), stamp));
    SL_CHECK(put_policy_image(maps.policy.fd(), image));
    const auto text = hash_of_text(spec);
    if (state.text != text) SL_CHECK(clear_hits(maps.policy_hits));
    state.generation = state.last = stamp.generation;
    state.text = text;
    return maps.policy_state.update(0, state);
}

/// From the first on no packet is judged any more.
Result<> put_out_of_force(const Maps& maps, sl_policy_state state) {
    state.generation = 0;
    SL_CHECK(maps.policy_state.update(0, state));
    return remove_policy_image(maps.policy);
}

}  // namespace

Result<> reconcile_policy(const Datapath& datapath, const DesiredState& desired, Journal& journal) {
    const Maps& maps = datapath.maps();
    SL_TRY(found, maps.policy_state.lookup(0));
    const auto state = found.value_or(sl_policy_state{});
    SL_TRY(header, read_policy_header(maps.policy));
    if (!desired.policy) {
        if (state.generation == 0 && !header) return {};
        return journal.step("clear the policy", [&] { return put_out_of_force(maps, state); });
    }
    const auto fingerprint = fingerprint_of(*desired.policy, desired.ports);
    if (header && header->fingerprint == fingerprint && header->generation == state.generation)
        return {};
    return journal.step(fmt::format("load the policy {}", desired.policy->name),
                        [&] { return put_in_force(maps, desired, fingerprint, state); });
}

}  // namespace sluice
