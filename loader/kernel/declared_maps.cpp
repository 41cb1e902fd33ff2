// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/kernel/declared_maps.hpp"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <fmt/format.h>
#include <sluice_tc.skel.h>
#include <sluice_xdp.skel.h>

#include <algorithm>
#include <memory>

#include "loader/kernel/datapath.hpp"

namespace sluice {
namespace {

/// `struct sl_flow4`; of a map of maps `u32`, which has none in BTF.
std::string type_text(const btf* types, __u32 id, std::uint32_t size) {
    const auto* type = id == 0 ? nullptr : btf__type_by_id(types, id);
    if (type == nullptr) return fmt::format("{} bytes", size);
    const auto* kind = btf_is_struct(type) ? "struct " : btf_is_union(type) ? "union " : "";
    return std::string(kind) + btf__name_by_offset(types, type->name_off);
}

std::vector<std::string> flag_texts(std::uint32_t flags) {
    std::vector<std::string> texts;
    if ((flags & BPF_F_MMAPABLE) != 0) texts.emplace_back("mapped into processes");
    if ((flags & BPF_F_NO_PREALLOC) != 0) texts.emplace_back("allocated on demand");
    if ((flags & BPF_F_INNER_MAP) != 0) texts.emplace_back("of any size");
    return texts;
}

DeclaredMap declared_map(const bpf_object* object, bpf_map* map) {
    const auto* types = bpf_object__btf(object);
    DeclaredMap reference;
    reference.name = bpf_map__name(map);
    reference.type = libbpf_bpf_map_type_str(bpf_map__type(map));
    reference.key = type_text(types, bpf_map__btf_key_type_id(map), bpf_map__key_size(map));
    reference.value = type_text(types, bpf_map__btf_value_type_id(map), bpf_map__value_size(map));
    reference.entries = bpf_map__max_entries(map);
    reference.flags = flag_texts(bpf_map__map_flags(map));
    if (auto* inner = bpf_map__inner_map(map)) {
        reference.value =
            fmt::format("{} of {} bytes", libbpf_bpf_map_type_str(bpf_map__type(inner)),
                        bpf_map__value_size(inner));
        reference.flags = flag_texts(bpf_map__map_flags(inner));
    }
    return reference;
}

void add_maps(const bpf_object* object, std::vector<DeclaredMap>& all) {
    bpf_map* map = nullptr;
    bpf_object__for_each_map(map, object) {
        if (bpf_map__is_internal(map)) continue;
        if (std::ranges::find(all, bpf_map__name(map), &DeclaredMap::name) == all.end())
            all.push_back(declared_map(object, map));
    }
}

}  // namespace

Result<std::vector<DeclaredMap>> declared_maps() {
    const std::unique_ptr<sluice_tc_bpf, void (*)(sluice_tc_bpf*)> tc(sluice_tc_bpf__open(),
                                                                      sluice_tc_bpf__destroy);
    const std::unique_ptr<sluice_xdp_bpf, void (*)(sluice_xdp_bpf*)> xdp(sluice_xdp_bpf__open(),
                                                                         sluice_xdp_bpf__destroy);
    if (!tc || !xdp) return fail(ErrorCode::failed, "the BPF objects could not be read");
    std::vector<DeclaredMap> maps;
    add_maps(tc->obj, maps);
    add_maps(xdp->obj, maps);
    std::ranges::sort(maps, {}, &DeclaredMap::name);
    for (const auto& [name, entries] : map_capacities({}))
        if (const auto map = std::ranges::find(maps, std::string(name), &DeclaredMap::name);
            map != maps.end()) {
            map->entries = entries;
            map->sized_by_up = true;
        }
    return maps;
}

}  // namespace sluice
