// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/policy/terms.hpp"

#include <fmt/format.h>
#include <net/if.h>

#include <algorithm>
#include <set>

#include "loader/base/name.hpp"
#include "loader/base/nearest.hpp"

namespace sluice {
namespace {

constexpr std::size_t most_groups = 4096;  // is_cyclic() calls itself as deep as that

std::unexpected<Error> wrong_term(std::string message, std::string hint) {
    return fail(ErrorCode::usage, std::move(message), std::move(hint));
}

Result<std::string> parse_port_name(std::string_view text) {
    if (!text.empty() && text.size() < IFNAMSIZ && text.find('/') == text.npos)
        return std::string(text);
    return wrong_term(fmt::format("`{}` is not an interface name", text),
                      fmt::format("a name has 1 to {} bytes", IFNAMSIZ - 1));
}

Result<PolicyTerm> parse_term(std::string_view text, const PolicyFile& policy) {
    if (text.starts_with("vm:")) return parse_vm_term(text.substr(3));
    if (text.starts_with("port:")) return parse_port_term(text.substr(5));
    const auto prefix = Prefix::parse(text);
    if (prefix) return PolicyTerm{.kind = PolicyTerm::Kind::prefix, .name = {}, .prefix = *prefix};
    // What can't be a name was meant for a prefix, and that one's error tells the mend.
    if (text.find_first_of("/:") != text.npos) return std::unexpected(prefix.error());
    return parse_group_term(text, policy);
}

Result<> name_groups(const YamlFile& file, const YAML::Node& groups, PolicyReader& reader) {
    if (!groups.IsMap())
        return file.fail_at(groups.Mark(), "groups should be a map",
                            "write `NAME: [vm:web1, 10.0.0.0/24]`");
    if (groups.size() > most_groups)
        return file.fail_at(groups.Mark(),
                            fmt::format("there are more than {} groups", most_groups),
                            "a group may have as many members as you like");
    for (const auto& entry : groups) {
        const auto& key = entry.first;
        if (!key.IsScalar()) return file.fail_at(key.Mark(), "this is not the name of a group", {});
        if (const auto good = check_name(key.Scalar(), {"a name of a group"}); !good)
            return file.fail_at(key.Mark(), good.error().message, good.error().hint);
        // What could be an address would hide one.
        if (Prefix::parse(key.Scalar()))
            return file.fail_at(key.Mark(), fmt::format("group {} is an address", key.Scalar()),
                                "give it another name");
        if (!reader.policy.groups.emplace(key.Scalar(), std::vector<PolicyTerm>{}).second)
            return file.fail_at(key.Mark(), fmt::format("group {} stands twice", key.Scalar()),
                                "leave one of them out");
    }
    return {};
}

/// The group leads back to one that is on the way to it.
bool is_cyclic(const PolicyFile& policy, const std::string& name, std::set<std::string>& done,
               std::set<std::string>& way) {
    if (done.contains(name)) return false;
    if (!way.insert(name).second) return true;
    for (const auto& term : policy.groups.at(name))
        if (term.kind == PolicyTerm::Kind::group && is_cyclic(policy, term.name, done, way))
            return true;
    way.erase(name);
    done.insert(name);
    return false;
}

struct GroupDraft {
    PolicyReader& reader;
    std::vector<PolicyTerm>& terms;

    void at(const YAML::Mark& mark) const { reader.mark = mark; }
};

}  // namespace

Result<PolicyTerm> parse_vm_term(std::string_view name) {
    SL_CHECK(check_name(name, {"a VM name"}));
    return PolicyTerm{PolicyTerm::Kind::vm, std::string(name)};
}

Result<PolicyTerm> parse_port_term(std::string_view name) {
    SL_TRY(port, parse_port_name(name));
    return PolicyTerm{PolicyTerm::Kind::port, port};
}

Result<PolicyTerm> parse_group_term(std::string_view name, const PolicyFile& policy) {
    if (policy.groups.contains(name)) return PolicyTerm{PolicyTerm::Kind::group, std::string(name)};
    std::vector<std::string_view> names(policy.groups.size());
    std::ranges::transform(policy.groups, names.begin(),
                           [](const auto& it) { return std::string_view(it.first); });
    const auto nearest = nearest_name(names, name);
    return wrong_term(fmt::format("unknown group \"{}\"", name),
                      nearest ? fmt::format("did you mean {}?", *nearest)
                              : "write a prefix, vm:NAME, port:IF, or a group of this file");
}

void note_name(PolicyReader& reader, const PolicyTerm& term) {
    const FilePlace place{reader.mark.line + 1, reader.mark.column + 1};
    if (term.kind == PolicyTerm::Kind::vm) reader.policy.vms.emplace(term.name, place);
    if (term.kind == PolicyTerm::Kind::port) reader.policy.ports.emplace(term.name, place);
}

Result<> read_term(std::string_view text, PolicyReader& reader, std::vector<PolicyTerm>& terms) {
    SL_TRY(term, parse_term(text, reader.policy));
    note_name(reader, term);
    terms.push_back(std::move(term));
    return {};
}

Result<> read_groups(const YamlFile& file, const YAML::Node& groups, PolicyReader& reader) {
    SL_CHECK(name_groups(file, groups, reader));
    for (const auto& entry : groups) {
        const YamlKey<GroupDraft> key{
            entry.first.Scalar(),
            [](auto text, auto& it) { return read_term(text, it.reader, it.terms); }, true};
        GroupDraft draft{reader, reader.policy.groups.at(entry.first.Scalar())};
        SL_CHECK(read_key(file, key, entry.first.Mark(), entry.second, draft));
    }
    std::set<std::string> done;
    for (const auto& entry : groups) {
        std::set<std::string> way;
        if (is_cyclic(reader.policy, entry.first.Scalar(), done, way))
            return file.fail_at(entry.first.Mark(),
                                fmt::format("group {} is in itself", entry.first.Scalar()),
                                fmt::format("by way of: {}", fmt::join(way, ", ")));
    }
    return {};
}

std::string PolicyTerm::text() const {
    switch (kind) {
        case Kind::prefix:
            return prefix.text();
        case Kind::vm:
            return "vm:" + name;
        case Kind::port:
            return "port:" + name;
        case Kind::group:
            break;
    }
    return name;
}

}  // namespace sluice
