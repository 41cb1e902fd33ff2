// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/bench/load.hpp"

#include <bpf/libbpf.h>
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <memory>
#include <string_view>

#include "loader/kernel/datapath.hpp"
#include "loader/kernel/log.hpp"
#include "loader/kernel/map.hpp"

namespace sluice::bench {
namespace {

using Object = std::unique_ptr<bpf_object, decltype(&bpf_object__close)>;

/// So many that what a map has besides its entries does not count.
constexpr std::uint32_t sessions = 16'384;

/// Room for so many IPv4 sessions, each translated by a binding of its own, and for nothing else.
Settings room_for(std::uint32_t count) {
    Settings settings;
    settings.max_flows = 2 * count;
    settings.max_bindings = count;
    settings.max_flows6 = 0;
    settings.max_leases = settings.max_macs = 1;
    return settings;
}

/// Whether the loader gives the map more entries for more sessions.
bool grows(std::string_view map) {
    const auto entries_with = [map](std::uint32_t count) {
        const auto all = map_capacities(room_for(count));
        const auto found = std::ranges::find(
            all, map, [](const MapCapacity& one) -> std::string_view { return one.map; });
        return found == all.end() ? 0 : found->entries;
    };
    return entries_with(sessions) > entries_with(1);
}

}  // namespace

Result<LoadCost> load_object(const std::string& path) {
    if (!std::filesystem::exists(path)) return fail(ErrorCode::not_found, "there is no " + path);
    const LogCapture log;
    const Object object(bpf_object__open_file(path.c_str(), nullptr), bpf_object__close);
    if (!object) return fail_errno(errno, "can't open " + path + log.tail());
    for (const auto& [name, entries] : map_capacities(room_for(sessions)))
        if (bpf_map* map = bpf_object__find_map_by_name(object.get(), name); map != nullptr)
            bpf_map__set_max_entries(map, entries);
    const auto programs = test::load_for_cost(object.get());
    if (!programs) return load_error(-programs.error(), "can't load " + path, log);

    LoadCost cost{*programs, {}};
    bpf_map* map = nullptr;
    bpf_object__for_each_map(map, object.get()) {
        const std::string name = bpf_map__name(map);
        SL_TRY(bytes, memory_of_map(bpf_map__fd(map)));
        const bool per_session = grows(name);
        cost.maps.push_back({name, per_session ? 0 : bytes,
                             per_session ? static_cast<double>(bytes) / sessions : 0.0});
    }
    return cost;
}

}  // namespace sluice::bench
