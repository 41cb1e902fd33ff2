// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/reference/words.hpp"

#include <algorithm>
#include <cctype>
#include <map>
#include <regex>

#include "loader/event/reasons.hpp"
#include "loader/model/detectors.hpp"
#include "sluice/dscp.hpp"

namespace sluice::cli {
namespace {

std::vector<std::string> split(const std::string& text, const std::regex& separator) {
    return {std::sregex_token_iterator(text.begin(), text.end(), separator, -1), {}};
}

Words dscp_names() {
    Words names;
    for (std::uint8_t dscp = 0; dscp < 64; ++dscp)
        if (auto text = dscp_text(dscp); std::isdigit(static_cast<unsigned char>(text[0])) == 0)
            names.push_back(std::move(text));
    return names;
}

Words detector_names() {
    Words names;
    for (const auto& it : detector_infos()) names.emplace_back(it.name);
    names.emplace_back("all");
    return names;
}

Words reason_names() {
    Words names;
    for (const auto& it : drop_reasons()) names.emplace_back(it.name);
    return names;
}

/// What stands for a value, wherever it stands.
const std::map<std::string, Words>& placeholders() {
    static const std::map<std::string, Words> all{
        {"IF", {"@ports"}},         {"FILE", {"@files"}},
        {"PATH", {"@files"}},       {"SOCKET", {"@files"}},
        {"VM", {"@vms"}},           {"SET", {"@sets"}},
        {"DSCP", dscp_names()},     {"DETECTOR", detector_names()},
        {"REASON", reason_names()},
    };
    return all;
}

/// What the command or the key says besides.
const std::map<std::string, Words>& at_one_place() {
    static const std::map<std::string, Words> all{
        {"sluice --instance", {"@instances"}},
        {"sluice --netns", {"@netns"}},
        {"sluice port add IF", {"@interfaces"}},
        {"sluice mac pool del NAME", {"@pools"}},
        {"sluice mac pool show NAME", {"@pools"}},
        {"sluice mac alloc --pool", {"@pools"}},
        {"sluice qos class set NAME", {"@classes"}},
        {"sluice qos class del NAME", {"@classes"}},
        {"pool=", {"@pools"}},
        {"vm=", {"@vms"}},
        {"dscp=", dscp_names()},
    };
    return all;
}

/// `auto|tc|xdp`, `keep|N|A:B,...`: what is written small is meant literally, and the beginning of
/// `community:N` too.
Words literals(const std::string& value) {
    static const std::regex bar(R"(\|)"), list(R"(,\.\.\.$)");
    static const std::regex word("[a-z][a-z0-9-]*"), beginning("([a-z]+:)[A-Z]+");
    Words words;
    for (const auto& part : split(value, bar)) {
        const auto one = std::regex_replace(part, list, "");
        std::smatch begin;
        if (std::regex_match(one, word)) words.push_back(one);
        if (std::regex_match(one, begin, beginning)) words.push_back(begin[1]);
        if (const auto known = placeholders().find(one); known != placeholders().end())
            words.insert(words.end(), known->second.begin(), known->second.end());
    }
    return words;
}

/// `STATE` of the key `state`: the meaning begins with the list of words.
Words listed(const FilterKey& key) {
    static const std::regex comma(", (or )?"), word("[a-z-]+");
    auto name = key.name;
    std::ranges::transform(name, name.begin(), [](unsigned char c) { return std::toupper(c); });
    if (key.value != name) return {};
    auto words = split(key.meaning.substr(0, key.meaning.find(':')), comma);
    const bool all = std::ranges::all_of(
        words, [](const std::string& it) { return std::regex_match(it, word); });
    return all ? words : Words{};
}

}  // namespace

Words words_of(const std::string& line, const Argument& argument) {
    const auto place = at_one_place().find(line + " " + argument.name);
    if (place != at_one_place().end()) return place->second;
    return literals(argument.name.starts_with("--") ? argument.value : argument.name);
}

Words words_of(const FilterKey& key) {
    const auto place = at_one_place().find(key.name + "=");
    if (place != at_one_place().end()) return place->second;
    auto words = listed(key);
    return words.empty() ? literals(key.value) : words;
}

bool takes_keys(const Argument& argument) {
    return argument.value.find("KEY=VALUE") != argument.value.npos ||
           argument.meaning.starts_with("KEY=VALUE");
}

}  // namespace sluice::cli
