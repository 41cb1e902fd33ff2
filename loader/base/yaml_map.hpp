// SPDX-License-Identifier: GPL-2.0-or-later
// Reading YAML by tables of keys. All but YamlFile::fail_at() throws what yaml-cpp throws: who
// calls it catches that in one place.
#pragma once

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <array>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "loader/base/nearest.hpp"
#include "sluice/error.hpp"

namespace sluice {

/// Errors with their place in the file.
struct YamlFile {
    std::string_view name;

    [[nodiscard]] std::unexpected<Error> fail_at(const YAML::Mark& mark, std::string_view message,
                                                 std::string hint) const {
        // A null mark, which some exceptions have, is at -1.
        return fail(ErrorCode::usage,
                    fmt::format("{}:{}:{}: {}", name, std::max(mark.line, 0) + 1,
                                std::max(mark.column, 0) + 1, message),
                    std::move(hint));
    }
};

/// A key of a map whose values are read into an Item. An Item with `at(const YAML::Mark&)` is told
/// where each of them stands.
template <class Item>
struct YamlKey {
    std::string_view name;
    Result<> (*read)(std::string_view text, Item& item);
    bool list = false;  ///< its value may be a list, of which each is read
};

/// Visits the keys that stand in a map.
using KeyMarks = std::map<std::string_view, YAML::Mark>;

/// @param read Result<>(std::string_view)
template <class Read>
Result<> read_scalar(const YamlFile& file, std::string_view key, const YAML::Node& value,
                     Read&& read) {
    if (!value.IsScalar())
        return file.fail_at(value.Mark(), fmt::format("{}: this is not one value", key),
                            fmt::format("write `{}: VALUE`", key));
    const Result<> done = read(std::string_view(value.Scalar()));
    if (done) return {};
    return file.fail_at(value.Mark(), fmt::format("{}: {}", key, done.error().message),
                        done.error().hint);
}

template <class Item>
Result<> read_key(const YamlFile& file, const YamlKey<Item>& key, const YAML::Mark& mark,
                  const YAML::Node& value, Item& item) {
    const auto read = [&](const YAML::Node& scalar) {
        if constexpr (requires { item.at(scalar.Mark()); }) item.at(scalar.Mark());
        return read_scalar(file, key.name, scalar,
                           [&](std::string_view text) { return key.read(text, item); });
    };
    if (value.IsNull() || (key.list && value.IsSequence() && value.size() == 0))
        return file.fail_at(mark, fmt::format("{} has no value", key.name),
                            "write one, or leave the key out");
    if (!key.list || !value.IsSequence()) return read(value);
    for (const auto& element : value) SL_CHECK(read(element));
    return {};
}

/// @param names of the keys that there are
/// @param read Result<>(std::size_t index, const YAML::Node& key, const YAML::Node& value)
template <class Read>
Result<> each_key(const YamlFile& file, const YAML::Node& map, std::string_view what,
                  std::span<const std::string_view> names, Read&& read) {
    const auto known = fmt::format("keys of {}: {}", what, fmt::join(names, ", "));
    if (!map.IsMap())
        return file.fail_at(map.Mark(), fmt::format("here should be {}: KEY: VALUE", what), known);
    std::map<std::string_view, YAML::Mark> seen;
    for (const auto& entry : map) {
        const YAML::Node& key = entry.first;
        if (!key.IsScalar()) return file.fail_at(key.Mark(), "this is not a key", known);
        const auto name = std::ranges::find(names, std::string_view(key.Scalar()));
        if (name == names.end()) {
            const auto nearest = nearest_name(names, key.Scalar());
            return file.fail_at(
                key.Mark(), fmt::format("unknown key \"{}\" for {}", key.Scalar(), what),
                nearest ? fmt::format("did you mean {}? {}", *nearest, known) : known);
        }
        const auto [before, is_first] = seen.emplace(*name, key.Mark());
        if (!is_first)
            return file.fail_at(
                key.Mark(),
                fmt::format("{} stands twice, first in line {}", *name, before->second.line + 1),
                "leave one of them out");
        SL_CHECK(read(static_cast<std::size_t>(name - names.begin()), key, entry.second));
    }
    return {};
}

template <class Item, std::size_t Count>
Result<KeyMarks> read_map(const YamlFile& file, const YAML::Node& map, std::string_view what,
                          const std::array<YamlKey<Item>, Count>& keys, Item& item) {
    std::array<std::string_view, Count> names;
    std::ranges::transform(keys, names.begin(), &YamlKey<Item>::name);
    KeyMarks marks;
    SL_CHECK(each_key(file, map, what, names,
                      [&](std::size_t index, const YAML::Node& key, const YAML::Node& value) {
                          marks.emplace(names[index], key.Mark());
                          return read_key(file, keys[index], key.Mark(), value, item);
                      }));
    return marks;
}

/// @param read Result<>(const YAML::Node& item)
template <class Read>
Result<> each_item(const YamlFile& file, const YAML::Node& key, const YAML::Node& list,
                   Read&& read) {
    if (!list.IsSequence())
        return file.fail_at(key.Mark(), fmt::format("{} should be a list", key.Scalar()),
                            "each begins with `- ` in a line of its own");
    for (const auto& node : list) SL_CHECK(read(node));
    return {};
}

template <class Item>
Result<> read_list(const YamlFile& file, const YAML::Node& key, const YAML::Node& list,
                   std::vector<Item>& items,
                   Result<> (*read)(const YamlFile&, const YAML::Node&, std::vector<Item>&)) {
    return each_item(file, key, list,
                     [&](const YAML::Node& node) { return read(file, node, items); });
}

}  // namespace sluice
