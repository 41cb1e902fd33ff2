// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/block/list.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <tuple>

namespace sluice {
namespace {

constexpr std::size_t longest_shown = 60;  // of a line in an error; networks are shorter
constexpr std::size_t lines_a_report = 65'536;
constexpr std::uint8_t packed_v6 = 64;  // added to the length; of IPv4 it is 32 at most
constexpr std::string_view blanks = " \t\r\v\f";

/// The line without comment and blanks around it.
std::string_view bare_line(std::string_view line) {
    line = line.substr(0, line.find_first_of("#;"));
    const auto first = line.find_first_not_of(blanks);
    if (first == std::string_view::npos) return {};
    return line.substr(first, line.find_last_not_of(blanks) - first + 1);
}

std::unexpected<Error> bad_line(std::string_view name, std::size_t number, const Error& error) {
    const auto hint = error.hint.empty() ? "" : error.hint + "; ";
    return fail(ErrorCode::usage, fmt::format("{}:{}: {}", name, number, error.message),
                hint + "a list has one address or network a line, comments behind # and ;");
}

std::uint64_t mixed(std::uint64_t hash, std::uint64_t value) {
    hash = (hash ^ value) * 0x9e3779b97f4a7c15;  // 2^64 / the golden ratio
    return hash ^ hash >> 32;
}

}  // namespace

Result<std::vector<Prefix>> parse_block_list(std::string_view text, std::string_view name,
                                             const BlockProgress& progress) {
    std::vector<Prefix> prefixes;
    for (std::size_t number = 1; !text.empty(); ++number) {
        const auto end = std::min(text.find('\n'), text.size());
        const auto line = bare_line(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
        if (progress && number % lines_a_report == 0) progress(number);
        if (line.empty()) continue;
        const auto prefix = Prefix::parse(line.substr(0, longest_shown));
        if (!prefix) return bad_line(name, number, prefix.error());
        prefixes.push_back(*prefix);
    }
    return prefixes;
}

void normalise_block_list(std::vector<Prefix>& prefixes) {
    std::ranges::sort(prefixes, {}, [](const Prefix& it) {
        return std::tuple(!it.address.is_v4(), it.address, it.length);
    });
    auto kept = prefixes.begin();
    for (const auto& it : prefixes)
        if (kept == prefixes.begin() || !std::prev(kept)->contains(it.address)) *kept++ = it;
    prefixes.erase(kept, prefixes.end());
}

std::uint64_t block_list_digest(std::span<const Prefix> prefixes) {
    std::uint64_t digest = prefixes.size();
    for (const auto& prefix : prefixes) {
        const auto raw = prefix.address.raw();
        std::uint64_t halves[2];
        std::memcpy(halves, raw.b, sizeof halves);
        digest = mixed(mixed(mixed(digest, halves[0]), halves[1]), prefix.mapped_length());
    }
    return digest == 0 ? 1 : digest;
}

std::string pack_block_list(std::span<const Prefix> prefixes) {
    std::string packed;
    packed.reserve(prefixes.size() * 5);
    for (const auto& prefix : prefixes) {
        const auto raw = prefix.address.raw();
        const std::size_t skipped = prefix.address.is_v4() ? 12 : 0;
        const int tag = prefix.address.is_v4() ? prefix.length : packed_v6 + prefix.length;
        packed.push_back(static_cast<char>(tag));
        packed.append(reinterpret_cast<const char*>(raw.b) + skipped, sizeof raw - skipped);
    }
    return packed;
}

Result<std::vector<Prefix>> unpack_block_list(std::string_view packed) {
    std::vector<Prefix> prefixes;
    prefixes.reserve(packed.size() / 5);
    while (!packed.empty()) {
        const auto tag = static_cast<std::uint8_t>(packed.front());
        const bool v4 = tag <= 32;
        const std::size_t bytes = v4 ? 4 : 16;
        if (packed.size() <= bytes || (!v4 && (tag < packed_v6 || tag > packed_v6 + 128)))
            return fail(ErrorCode::failed, "a block list in the database is damaged",
                        "`sluice block load` replaces it");
        sl_addr raw{};
        if (v4) raw.b[10] = raw.b[11] = 0xff;
        std::memcpy(raw.b + sizeof raw - bytes, packed.data() + 1, bytes);
        prefixes.push_back({Address(raw), v4 ? tag : tag - packed_v6});
        packed.remove_prefix(1 + bytes);
    }
    return prefixes;
}

}  // namespace sluice
