// SPDX-License-Identifier: GPL-2.0-or-later
// Block lists: nothing is thrown, what is accepted packs and unpacks, and every error of a list
// tells its place.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "loader/block/list.hpp"

namespace {

void require(bool held) {
    if (!held) std::abort();
}

void read_list(std::string_view text) {
    auto prefixes = sluice::parse_block_list(text, "f");
    if (!prefixes) {
        require(prefixes.error().message.starts_with("f:"));
        return;
    }
    const auto all = *prefixes;
    sluice::normalise_block_list(*prefixes);
    for (const auto& it : all)
        require(std::ranges::any_of(*prefixes,
                                    [&](const auto& kept) { return kept.contains(it.address); }));
    require(sluice::unpack_block_list(sluice::pack_block_list(*prefixes)) == *prefixes);
    require(sluice::block_list_digest(*prefixes) != 0);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    read_list(text);
    if (const auto unpacked = sluice::unpack_block_list(text))
        require(sluice::pack_block_list(*unpacked) == text);
    return 0;
}
