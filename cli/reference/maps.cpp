// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/reference/maps.hpp"

#include <algorithm>
#include <cctype>
#include <regex>

#include "cli/reference/text.hpp"
#include "loader/base/text_file.hpp"

namespace sluice::cli {
namespace {

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
    SL_TRY(declared, declared_maps());
    SL_TRY(paragraphs, comments_below(source));
    std::vector<MapReference> maps;
    for (auto& map : declared) {
        auto meaning = meaning_of(map.name, paragraphs);
        maps.push_back({std::move(map), std::move(meaning)});
    }
    return maps;
}

}  // namespace sluice::cli
