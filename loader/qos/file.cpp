// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/qos/file.hpp"

#include <fmt/format.h>
#include <net/if.h>

#include <algorithm>
#include <charconv>
#include <span>

#include "loader/base/yaml_text.hpp"
#include "loader/qos/match.hpp"
#include "sluice/dscp.hpp"
#include "sluice/units.hpp"

namespace sluice {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t largest_file = 1'000'000;
constexpr std::chrono::microseconds least_latency = 100us, greatest_latency = 10s;
constexpr std::uint16_t greatest_weight = 1000;
constexpr std::uint8_t whole_percent = 100;

template <class Value, class Field>
Result<> take(Result<Value> value, Field& field) {
    SL_CHECK(value);
    field = *value;
    return {};
}

Result<int> parse_within(std::string_view text, int first, int last) {
    int number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    const bool whole = error == std::errc{} && end == text.data() + text.size();
    if (whole && number >= first && number <= last) return number;
    return fail(ErrorCode::usage, fmt::format("`{}` is not a number {} to {}", text, first, last));
}

Result<std::string> parse_interface_name(std::string_view text) {
    if (!text.empty() && text.size() < IFNAMSIZ) return std::string(text);
    return fail(ErrorCode::usage, fmt::format("`{}` is not an interface name", text),
                fmt::format("a name has 1 to {} bytes", IFNAMSIZ - 1));
}

Result<std::chrono::microseconds> parse_latency(std::string_view text) {
    SL_TRY(latency, parse_short_duration(text));
    if (latency >= least_latency && latency <= greatest_latency) return latency;
    return fail(ErrorCode::usage, fmt::format("a latency of {} is out of range", text),
                fmt::format("it is {} to {}", short_duration_text(least_latency),
                            short_duration_text(greatest_latency)));
}

Result<> read_vm_name(std::string_view text, QosFileEntry& entry) {
    entry.vm = text;
    return check_name(text, {"a VM name"});
}

Result<> read_bandwidth(std::string_view text, QosFileEntry& entry) {
    SL_CHECK(take(parse_rate(text), entry.change.ingress_rate));
    entry.change.egress_rate = entry.change.ingress_rate;
    return {};
}

constexpr std::array<YamlKey<QosFileEntry>, 10> vm_keys{{
    {"name", read_vm_name},
    {"port", [](auto text, auto& it) { return take(parse_interface_name(text), it.port); }},
    {"bandwidth", read_bandwidth},
    {"ingress", [](auto text, auto& it) { return take(parse_rate(text), it.change.ingress_rate); }},
    {"egress", [](auto text, auto& it) { return take(parse_rate(text), it.change.egress_rate); }},
    {"pps", [](auto text, auto& it) { return take(parse_pps(text), it.change.pps); }},
    {"latency", [](auto text, auto& it) { return take(parse_latency(text), it.change.latency); }},
    {"ingress-burst",
     [](auto text, auto& it) { return take(parse_size(text), it.change.ingress_burst); }},
    {"egress-burst",
     [](auto text, auto& it) { return take(parse_size(text), it.change.egress_burst); }},
    {"shaper", [](auto text, auto& it) { return take(parse_shaper(text), it.change.shaper); }},
}};

Result<> read_class_name(std::string_view text, QosClassSpec& spec) {
    spec.name = text;
    return check_name(text, qos_class_name);
}

Result<> read_match(std::string_view text, QosClassSpec& spec) {
    if (spec.matches.size() == SL_QOS_MATCHES_MAX)
        return fail(ErrorCode::usage,
                    fmt::format("there are more than {} matches", SL_QOS_MATCHES_MAX),
                    "one match can have many ports: port=80,443,8000-8080");
    SL_TRY(match, parse_qos_match(text));
    if (std::ranges::find(spec.matches, match) != spec.matches.end())
        return fail(ErrorCode::usage, fmt::format("\"{}\" stands twice", qos_match_text(match)));
    spec.matches.push_back(std::move(match));
    return {};
}

Result<> read_max(std::string_view text, QosClassSpec& spec) {
    if (text.ends_with('%'))
        if (const auto percent = parse_within(text.substr(0, text.size() - 1), 1, whole_percent))
            return take(percent, spec.max_percent);
    return fail(ErrorCode::usage, fmt::format("`{}` is not a part of the port's rate", text),
                "write 1% to 100%");
}

Result<> read_class_dscp(std::string_view text, QosClassSpec& spec) {
    if (text != "keep") return take(parse_dscp(text), spec.dscp);
    spec.dscp = SL_DSCP_KEEP;
    return {};
}

constexpr std::array<YamlKey<QosClassSpec>, 6> class_keys{{
    {"name", read_class_name},
    {"match", read_match, true},
    {"priority",
     [](auto text, auto& it) { return take(parse_within(text, 0, shared_priority), it.priority); }},
    {"weight",
     [](auto text, auto& it) { return take(parse_within(text, 1, greatest_weight), it.weight); }},
    {"max", read_max},
    {"dscp", read_class_dscp},
}};

bool limits(const std::optional<std::uint64_t>& rate) {
    return !rate || (*rate != 0 && *rate != unlimited);
}

/// What shapes a direction that its own entry says is not limited, or blocked.
Result<> check_needs_rate(const YamlFile& file, const KeyMarks& marks, std::string_view key,
                          std::string_view direction, const std::optional<std::uint64_t>& rate) {
    const auto mark = marks.find(key);
    if (mark == marks.end() || limits(rate)) return {};
    return file.fail_at(
        mark->second,
        fmt::format("{} contradicts {}, which is {}", key, direction, rate_text(*rate)),
        fmt::format("{} goes with a rate: leave one of them out", key));
}

Result<> check_vm_entry(const YamlFile& file, const YAML::Mark& mark, const KeyMarks& marks,
                        const QosFileEntry& entry) {
    const auto stands = [&](std::string_view key) { return marks.contains(key); };
    if (entry.vm.empty() && entry.port.empty())
        return file.fail_at(mark, "this says neither a VM nor a port",
                            "write `name: VM` or `port: IF`");
    if (marks.size() == static_cast<std::size_t>(stands("name")) + stands("port"))
        return file.fail_at(mark, "nothing is set here", "write `bandwidth: 1gbit`, for example");
    for (const auto* one : {"ingress", "egress"})
        if (stands("bandwidth") && stands(one))
            return file.fail_at(marks.at(one), fmt::format("{} contradicts bandwidth", one),
                                "write bandwidth for both directions, or ingress and egress");
    const auto& change = entry.change;
    const auto* in = stands("bandwidth") ? "bandwidth" : "ingress";
    const auto* out = stands("bandwidth") ? "bandwidth" : "egress";
    SL_CHECK(check_needs_rate(file, marks, "ingress-burst", in, change.ingress_rate));
    SL_CHECK(check_needs_rate(file, marks, "egress-burst", out, change.egress_rate));
    SL_CHECK(check_needs_rate(file, marks, "latency", out, change.egress_rate));
    if (stands("latency") && change.shaper == Shaper::police)
        return file.fail_at(marks.at("latency"), "latency contradicts shaper, which is police",
                            "what is policed does not wait: leave one of them out");
    return {};
}

/// A VM may stand with one of its ports here and another one there.
Result<> check_named_once(const YamlFile& file, const YAML::Mark& mark, const QosFileEntry& entry,
                          std::span<const QosFileEntry> before) {
    for (const auto& other : before) {
        const bool same_port = !entry.port.empty() && entry.port == other.port;
        const bool same_vm =
            !entry.vm.empty() && entry.vm == other.vm && (entry.port.empty() || other.port.empty());
        if (!same_port && !same_vm) continue;
        return file.fail_at(
            mark,
            fmt::format("{} {} stands twice, first in line {}", same_port ? "port" : "VM",
                        same_port ? entry.port : entry.vm, other.line),
            "leave one of them out");
    }
    return {};
}

Result<> read_vm(const YamlFile& file, const YAML::Node& node, std::vector<QosFileEntry>& vms) {
    if (vms.size() == SL_MAX_PORTS)
        return file.fail_at(node.Mark(), fmt::format("there are more than {} VMs", SL_MAX_PORTS),
                            "an instance has no more ports than that");
    QosFileEntry entry;
    entry.line = node.Mark().line + 1;
    SL_TRY(marks, read_map(file, node, "a VM", vm_keys, entry));
    SL_CHECK(check_vm_entry(file, node.Mark(), marks, entry));
    SL_CHECK(check_named_once(file, node.Mark(), entry, vms));
    vms.push_back(std::move(entry));
    return {};
}

bool is_default(const QosClassSpec& spec) { return spec.name == "default"; }

Result<> check_class(const YamlFile& file, const YAML::Mark& mark, const KeyMarks& marks,
                     const QosClassSpec& spec) {
    if (spec.name.empty())
        return file.fail_at(mark, "this class has no name", "write `name: NAME`");
    if (is_default(spec) && !spec.matches.empty())
        return file.fail_at(marks.at("match"), "match contradicts the name default",
                            "in that class is what no other class matches");
    if (!is_default(spec) && spec.matches.empty())
        return file.fail_at(mark, fmt::format("class {} matches nothing", spec.name),
                            "write `match: [app=voip]`, for example");
    if (spec.priority == shared_priority) return {};
    if (marks.contains("weight"))
        return file.fail_at(
            marks.at("weight"),
            fmt::format("weight contradicts priority, which is {}", spec.priority),
            fmt::format("classes of priority {} share by weight, those before them have max",
                        shared_priority));
    if (!marks.contains("max"))
        return file.fail_at(marks.at("priority"),
                            fmt::format("priority {} needs max", spec.priority),
                            "without it the class could take all of the rate: write `max: 20%`");
    return {};
}

Result<> check_against(const YamlFile& file, const YAML::Mark& mark, const QosClassSpec& spec,
                       std::span<const QosClassSpec> before) {
    std::size_t matches = 0, classes = 0;
    for (const auto& other : before) {
        if (other.name == spec.name)
            return file.fail_at(mark, fmt::format("class {} stands twice", spec.name),
                                "leave one of them out");
        for (const auto& match : spec.matches)
            if (std::ranges::find(other.matches, match) != other.matches.end())
                return file.fail_at(mark,
                                    fmt::format("\"{}\" of class {} is class {}'s already",
                                                qos_match_text(match), spec.name, other.name),
                                    "leave one of them out: the first class would have all");
        classes += !is_default(other);
        for (const auto& match : other.matches) matches += spell_out(match).size();
    }
    for (const auto& match : spec.matches) matches += spell_out(match).size();
    if (matches > SL_QOS_MATCHES_MAX)
        return file.fail_at(mark, fmt::format("there are more than {} matches", SL_QOS_MATCHES_MAX),
                            "one match can have many ports: port=80,443,8000-8080");
    if (!is_default(spec) && classes + 1 >= SL_QOS_CLASSES_MAX)
        return file.fail_at(mark,
                            fmt::format("there are more than {} classes", SL_QOS_CLASSES_MAX - 1),
                            "put some of them together: a class may have several matches");
    return {};
}

Result<> read_class(const YamlFile& file, const YAML::Node& node,
                    std::vector<QosClassSpec>& classes) {
    QosClassSpec spec;
    SL_TRY(marks, read_map(file, node, "a class", class_keys, spec));
    SL_CHECK(check_class(file, node.Mark(), marks, spec));
    SL_CHECK(check_against(file, node.Mark(), spec, classes));
    classes.push_back(std::move(spec));
    return {};
}

Result<> read_document(const YamlFile& file, const YAML::Node& root, QosFile& result) {
    static constexpr std::array<std::string_view, 2> names{"vms", "classes"};
    return each_key(
        file, root, "the file", names,
        [&](std::size_t index, const YAML::Node& key, const YAML::Node& value) -> Result<> {
            if (index == 0) return read_list(file, key, value, result.vms, read_vm);
            return read_list(file, key, value, result.classes, read_class);
        });
}

}  // namespace

Result<QosFile> parse_qos_file(std::string_view text, std::string_view name) {
    const YamlFile file{name};
    QosFile result;
    SL_CHECK(read_yaml(file, {text, largest_file, "vms, classes"},
                       [&](const YAML::Node& root) { return read_document(file, root, result); }));
    return result;
}

}  // namespace sluice
