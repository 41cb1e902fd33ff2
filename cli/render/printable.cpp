// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/render/printable.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace sluice::cli {
namespace {

using Byte = unsigned char;

bool is_plain(char c) { return c == '\n' || c == '\t' || (c >= ' ' && c <= '~'); }

/// Bytes of the character that begins here, 0 if none does: RFC 3629. Those of U+0080 to U+009F are
/// control characters.
std::size_t character_length(std::string_view text) {
    struct Lead {
        Byte first, last;      ///< bytes that begin it
        Byte least, greatest;  ///< of its second byte
        std::size_t length;
    };
    constexpr std::array<Lead, 9> leads{{{0xc2, 0xc2, 0xa0, 0xbf, 2},
                                         {0xc3, 0xdf, 0x80, 0xbf, 2},
                                         {0xe0, 0xe0, 0xa0, 0xbf, 3},
                                         {0xe1, 0xec, 0x80, 0xbf, 3},
                                         {0xed, 0xed, 0x80, 0x9f, 3},
                                         {0xee, 0xef, 0x80, 0xbf, 3},
                                         {0xf0, 0xf0, 0x90, 0xbf, 4},
                                         {0xf1, 0xf3, 0x80, 0xbf, 4},
                                         {0xf4, 0xf4, 0x80, 0x8f, 4}}};
    const auto at = [&](std::size_t i) { return static_cast<Byte>(text[i]); };
    for (const auto& it : leads) {
        if (at(0) < it.first || at(0) > it.last) continue;
        if (text.size() < it.length || at(1) < it.least || at(1) > it.greatest) return 0;
        for (std::size_t i = 2; i < it.length; ++i)
            if ((at(i) & 0xc0) != 0x80) return 0;
        return it.length;
    }
    return 0;
}

}  // namespace

std::string printable(std::string_view text) {
    std::string shown;
    while (!text.empty()) {
        const auto plain =
            static_cast<std::size_t>(std::ranges::find_if_not(text, is_plain) - text.begin());
        shown += text.substr(0, plain);
        text.remove_prefix(plain);
        if (text.empty()) break;
        const auto length = character_length(text);
        if (length == 0)
            shown += fmt::format("\\x{:02x}", static_cast<Byte>(text[0]));
        else
            shown += text.substr(0, length);
        text.remove_prefix(std::max<std::size_t>(length, 1));
    }
    return shown;
}

}  // namespace sluice::cli
