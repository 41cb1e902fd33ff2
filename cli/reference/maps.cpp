#include "cli/reference/maps.hpp"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <fmt/format.h>
#include <sluice_tc.skel.h>
#include <sluice_xdp.skel.h>

#include <algorithm>
#include <cctype>
#include <memory>
#include <regex>

#include "cli/reference/text.hpp"
#include "loader/base/text_file.hpp"
#include "loader/kernel/datapath.hpp"

namespace sluice::cli {
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

MapReference map_reference(const bpf_object* object, bpf_map* map) {
    const auto* types = bpf_object__btf(object);
    MapReference reference;
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

void add_maps(const bpf_object* object, std::vector<MapReference>& all) {
    bpf_map* map = nullptr;
    bpf_object__for_each_map(map, object) {
        if (bpf_map__is_internal(map)) continue;
        if (std::ranges::find(all, bpf_map__name(map), &MapReference::name) == all.end())
            all.push_back(map_reference(object, map));
    }
}

/// All paragraphs of the comments in a file, each on one line.
void add_paragraphs(const std::string& text, std::vector<std::string>& paragraphs) {
    static const std::regex line_begin(R"(\n[ \t]*\*?[ \t]*)");
    for (auto at = text.find("/*"); at != text.npos; at = text.find("/*", at)) {
        const auto end = text.find("*/", at);
        // An empty line becomes two line ends.
        auto comment = std::regex_replace(text.substr(at + 2, end - at - 2), line_begin, "\n");
        comment = replaced(comment, "\n\n", "\v");
        std::ranges::replace(comment, '\n', ' ');
        for (std::size_t begin = 0; begin < comment.size();) {
            const auto stop = std::min(comment.find('\v', begin), comment.size());
            paragraphs.push_back(comment.substr(begin, stop - begin));
            begin = stop + 1;
        }
        at = end;
    }
}

Result<std::vector<std::string>> comments_below(const std::filesystem::path& source) {
    std::vector<std::string> paragraphs;
    for (const auto* folder : {"include/sluice/abi", "bpf"})
        for (const auto& file : std::filesystem::recursive_directory_iterator(source / folder)) {
            if (!file.is_regular_file()) continue;
            SL_TRY(text, read_text(file.path().string(), ""));
            add_paragraphs(text, paragraphs);
        }
    return paragraphs;
}

std::string trimmed(const std::string& text) {
    const auto first = text.find_first_not_of(' '), last = text.find_last_not_of(' ');
    return first == text.npos ? "" : text.substr(first, last - first + 1);
}

/// What a paragraph says behind `Map NAME`, or `Maps OTHER and NAME`, and what is in parentheses
/// there.
std::string meaning_of(const std::string& name, const std::vector<std::string>& paragraphs) {
    const std::regex begin("[Mm]aps? (sl_[a-z0-9_]+ and )?" + name +
                           "\\b( and sl_[a-z0-9_]+)?( \\([^)]*\\))?[,:.]? *");
    std::string meaning;
    for (const auto& paragraph : paragraphs) {
        std::smatch found;
        if (!std::regex_search(paragraph, found, begin)) continue;
        auto text = trimmed(found.suffix());
        if (text.empty()) continue;
        text[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(text[0])));
        // The one that begins a sentence is meant for this map.
        if (found.str().starts_with("Map")) return text;
        meaning = text;
    }
    return meaning;
}

}  // namespace

Result<std::vector<MapReference>> map_references(const std::filesystem::path& source) {
    const std::unique_ptr<sluice_tc_bpf, void (*)(sluice_tc_bpf*)> tc(sluice_tc_bpf__open(),
                                                                      sluice_tc_bpf__destroy);
    const std::unique_ptr<sluice_xdp_bpf, void (*)(sluice_xdp_bpf*)> xdp(sluice_xdp_bpf__open(),
                                                                         sluice_xdp_bpf__destroy);
    if (!tc || !xdp) return fail(ErrorCode::failed, "the BPF objects could not be read");
    std::vector<MapReference> maps;
    add_maps(tc->obj, maps);
    add_maps(xdp->obj, maps);

    SL_TRY(paragraphs, comments_below(source));
    for (auto& map : maps) map.meaning = meaning_of(map.name, paragraphs);
    std::ranges::sort(maps, {}, &MapReference::name);
    for (const auto& [name, entries] : map_capacities({}))
        if (const auto map = std::ranges::find(maps, std::string(name), &MapReference::name);
            map != maps.end()) {
            map->entries = entries;
            map->sized_by_up = true;
        }
    return maps;
}

}  // namespace sluice::cli
