// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/qos/commands.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>
#include <span>

#include "loader/base/text_file.hpp"
#include "loader/instance/change.hpp"
#include "loader/kernel/qdisc.hpp"
#include "loader/model/ports.hpp"
#include "loader/qos/file.hpp"
#include "loader/qos/match.hpp"
#include "loader/qos/plan.hpp"
#include "loader/qos/store.hpp"

namespace sluice {
namespace {

constexpr unsigned most_urgent_percent = 90;  // of a rate, for all classes with a priority together
constexpr std::string_view default_class = "default";

QosPortSpec rates_of(const DesiredState& state, const std::string& name) {
    const auto found = std::ranges::find(state.qos_ports, name, &QosPortSpec::port);
    if (found != state.qos_ports.end()) return *found;
    QosPortSpec spec;
    spec.port = name;
    return spec;
}

bool has_rate(std::uint64_t rate) { return rate != unlimited && rate != 0; }

/// A burst must let the longest frame through that is no GSO frame.
Result<> check_burst(std::string_view option, std::uint64_t rate, std::uint64_t burst,
                     const Link* link) {
    if (burst == 0) return {};
    if (!has_rate(rate))
        return fail(ErrorCode::refused,
                    fmt::format("--{}-burst without a rate means nothing", option),
                    fmt::format("give --{}-rate as well", option));
    constexpr std::uint32_t headers = 14 + 2 * 4;
    if (link == nullptr || burst >= link->mtu + headers) return {};
    return fail(ErrorCode::refused,
                fmt::format("--{}-burst {}: a frame of {} is up to {} bytes long", option, burst,
                            link->name, link->mtu + headers),
                "give at least that; 64kb and more is kind to TCP");
}

Result<> check_shaper(const QosPortSpec& spec) {
    if (spec.latency.count() != 0 && !has_rate(spec.egress_rate))
        return fail(ErrorCode::refused, "--latency without a rate means nothing",
                    "give --egress-rate as well");
    if (spec.shaper == Shaper::police && spec.latency.count() != 0)
        return fail(ErrorCode::refused, "--latency is for a queue, and --shaper police has none",
                    "leave out one of them");
    if (spec.shaper != Shaper::fq || !has_rate(spec.egress_rate)) return {};
    SL_TRY(known, kernel_has_fq());
    if (known) return {};
    return fail(ErrorCode::unsupported, "this kernel has no fq qdisc (CONFIG_NET_SCH_FQ)",
                "--shaper htb does the same here; auto takes what there is");
}

Result<> check_root(const QosPortSpec& spec, const Link* link) {
    if (link == nullptr || !has_rate(spec.egress_rate) || spec.shaper == Shaper::police) return {};
    SL_TRY(root, root_qdisc(link->ifindex));
    if (!root || root->handle == 0 || root->handle == SL_QOS_HTB_MAJOR << 16) return {};
    return fail(
        ErrorCode::refused,
        fmt::format("{} has a qdisc already: {} {:x}:", link->name, root->kind, root->handle >> 16),
        fmt::format("remove it (`tc qdisc del dev {} root`), or let sluice drop what is too "
                    "much: --shaper police",
                    link->name));
}

Result<> check_rates(const Change& it, const QosPortSpec& spec, const PortSpec& port) {
    const Link* link = it.host.link(port);
    SL_CHECK(check_burst("ingress", spec.ingress_rate, spec.ingress_burst, link));
    SL_CHECK(check_burst("egress", spec.egress_rate, spec.egress_burst, link));
    SL_CHECK(check_shaper(spec));
    return check_root(spec, link);
}

Result<> put_rates_of(const Change& it, const std::string& name, const QosChange& wanted) {
    SL_TRY(port, require_port(it.before.ports, name));
    auto spec = rates_of(it.before, name);
    wanted.apply_to(spec);
    SL_CHECK(check_rates(it, spec, *port));
    return put_qos_port(it.database.connection(), spec);
}

/// Refuses a second class with the same match: the first would have all.
Result<> check_matched_once(std::span<const QosClassSpec> classes) {
    std::vector<std::pair<const QosMatch*, const QosClassSpec*>> seen;
    for (const auto& spec : classes)
        for (const auto& match : spec.matches) {
            const auto other =
                std::ranges::find_if(seen, [&](const auto& it) { return *it.first == match; });
            if (other != seen.end())
                return fail(ErrorCode::refused,
                            fmt::format("\"{}\" of class {} is class {}'s already",
                                        qos_match_text(match), spec.name, other->second->name),
                            "leave one of them out");
            seen.emplace_back(&match, &spec);
        }
    return {};
}

Result<> check_starves_none(std::span<const QosClassSpec> classes) {
    unsigned urgent = 0;
    std::vector<std::string> names;
    for (const auto& spec : classes)
        if (spec.priority < shared_priority) {
            urgent += spec.max_percent;
            names.push_back(fmt::format("{} {} %", spec.name, spec.max_percent));
        }
    if (urgent <= most_urgent_percent) return {};
    return fail(ErrorCode::refused,
                fmt::format("classes with a priority could take {} % of a rate ({}), at most {} % "
                            "may be theirs",
                            urgent, fmt::join(names, ", "), most_urgent_percent),
                "lower --max of one of them, or let it share by --weight");
}

Result<> check_classes(const Change& it) {
    SL_TRY(classes, load_qos_classes(it.database.connection()));
    if (const auto matches = count_matches(classes); matches > SL_QOS_MATCHES_MAX)
        return fail(ErrorCode::refused,
                    fmt::format("{} matches in all, and at most {} are possible", matches,
                                SL_QOS_MATCHES_MAX),
                    "an application counts as several: `sluice qos class add --help` lists them");
    SL_CHECK(check_matched_once(classes));
    return check_starves_none(classes);
}

Result<> check_class(const QosClassSpec& spec) {
    const bool is_default = spec.name == default_class;
    if (spec.priority < shared_priority && spec.max_percent == 0)
        return fail(ErrorCode::refused,
                    fmt::format("class {} goes before others and could starve them", spec.name),
                    "say how much of a rate it may have: --max 20%");
    if (spec.priority < shared_priority && is_default)
        return fail(ErrorCode::refused, "the class default can't go before others",
                    "give priority to what is urgent, by a class with a match");
    if (spec.priority < shared_priority && spec.weight != 1)
        return fail(ErrorCode::refused,
                    fmt::format("class {}: --weight is for classes that share, of priority {}",
                                spec.name, shared_priority),
                    "leave out one of them");
    if (is_default != spec.matches.empty())
        return fail(ErrorCode::refused,
                    is_default ? "the class default has no match: it is what no class matches"
                               : fmt::format("class {} matches nothing", spec.name),
                    is_default ? "leave out --match" : "give it a --match");
    return {};
}

Result<QosClassSpec> class_of(const DesiredState& state, const std::string& name) {
    const auto found = std::ranges::find(state.qos_classes, name, &QosClassSpec::name);
    if (found != state.qos_classes.end()) return *found;
    if (name == default_class) return QosClassSpec{.name = name};
    return fail(ErrorCode::not_found, fmt::format("there is no class {}", name),
                "`sluice qos class list` shows the classes");
}

/// The ports that an entry of a file is about.
Result<std::vector<std::string>> ports_of(const DesiredState& state, const QosFileEntry& entry,
                                          const std::string& file) {
    if (!entry.port.empty()) return std::vector{entry.port};
    std::vector<std::string> ports;
    for (const auto& it : state.vm_ports)
        if (it.vm == entry.vm) ports.push_back(it.port);
    if (!ports.empty()) return ports;
    return fail(ErrorCode::not_found,
                fmt::format("{}:{}: no port is known of VM {}", file, entry.line, entry.vm),
                fmt::format("give it a lease at one (`sluice mac alloc {} --port IF`), or say "
                            "`port: IF` here",
                            entry.vm));
}

Result<> put_entry_of(const Change& it, const QosFileEntry& entry, const std::string& file) {
    SL_TRY(ports, ports_of(it.before, entry, file));
    for (const auto& port : ports) {
        auto done = put_rates_of(it, port, entry.change);
        if (done) continue;
        auto error = std::move(done).error();
        error.message = fmt::format("{}:{}: {}", file, entry.line, error.message);
        return std::unexpected(std::move(error));
    }
    return {};
}

Result<> put_class_of(const Change& it, QosClassSpec spec) {
    SL_CHECK(check_class(spec));
    const auto& connection = it.database.connection();
    const auto known = std::ranges::find(it.before.qos_classes, spec.name, &QosClassSpec::name);
    if (known == it.before.qos_classes.end() && spec.name != default_class) {
        SL_CHECK(add_qos_class(connection, std::move(spec)));
        return {};
    }
    if (known != it.before.qos_classes.end()) spec.id = known->id;
    return put_qos_class(connection, spec);
}

template <class Value>
void set_given(Value& value, const std::optional<Value>& given) {
    if (given) value = *given;
}

}  // namespace

void QosChange::apply_to(QosPortSpec& spec) const {
    set_given(spec.ingress_rate, ingress_rate);
    set_given(spec.ingress_burst, ingress_burst);
    set_given(spec.pps, pps);
    set_given(spec.egress_rate, egress_rate);
    set_given(spec.egress_burst, egress_burst);
    set_given(spec.shaper, shaper);
    set_given(spec.latency, latency);
    set_given(spec.classes, classes);
    set_given(spec.ecn, ecn);
    set_given(spec.dscp, dscp);
    set_given(spec.pcp_of_dscp, pcp_of_dscp);
    set_given(spec.dscp_of_pcp, dscp_of_pcp);
    // A burst and a latency are part of what was said of a rate, and go with it.
    if (ingress_rate && !has_rate(*ingress_rate) && !ingress_burst) spec.ingress_burst = 0;
    if (!egress_rate || has_rate(*egress_rate)) return;
    if (!egress_burst) spec.egress_burst = 0;
    if (!latency) spec.latency = {};
}

void QosClassChange::apply_to(QosClassSpec& spec) const {
    set_given(spec.priority, priority);
    set_given(spec.weight, weight);
    set_given(spec.max_percent, max_percent);
    set_given(spec.dscp, dscp);
    set_given(spec.matches, matches);
}

Result<Outcome> set_qos(const Target& target, const std::string& port, const QosChange& wanted) {
    return change(target, [&](const Change& it) { return put_rates_of(it, port, wanted); });
}

Result<Outcome> remove_qos(const Target& target, const std::string& port) {
    return change(target, [&](const Change& it) -> Result<> {
        SL_CHECK(require_port(it.before.ports, port));
        SL_TRY(erased, erase_qos_port(it.database.connection(), port));
        if (erased) return {};
        return fail(ErrorCode::not_found, fmt::format("no QoS is set for {}", port),
                    "`sluice qos list` shows the ports that have some");
    });
}

Result<Outcome> load_qos(const Target& target, const std::string& file) {
    SL_TRY(text, read_text(file, "give the path of a YAML file"));
    const auto name = file == "-" ? "standard input" : file;
    SL_TRY(parsed, parse_qos_file(text, name));
    return change(target, [&](const Change& it) -> Result<> {
        for (const auto& entry : parsed.vms) SL_CHECK(put_entry_of(it, entry, name));
        for (const auto& spec : parsed.classes) SL_CHECK(put_class_of(it, spec));
        return check_classes(it);
    });
}

Result<Outcome> add_qos_class(const Target& target, QosClassSpec spec) {
    SL_CHECK(check_name(spec.name, qos_class_name));
    return change(target, [&](const Change& it) -> Result<> {
        SL_CHECK(check_class(spec));
        SL_CHECK(add_qos_class(it.database.connection(), spec));
        return check_classes(it);
    });
}

Result<Outcome> set_qos_class(const Target& target, const std::string& name,
                              const QosClassChange& wanted) {
    return change(target, [&](const Change& it) -> Result<> {
        SL_TRY(spec, class_of(it.before, name));
        wanted.apply_to(spec);
        SL_CHECK(check_class(spec));
        SL_CHECK(put_qos_class(it.database.connection(), spec));
        return check_classes(it);
    });
}

Result<Outcome> remove_qos_class(const Target& target, const std::string& name) {
    return change(target, [&](const Change& it) -> Result<> {
        SL_TRY(erased, erase_qos_class(it.database.connection(), name));
        if (erased) return {};
        return fail(ErrorCode::not_found, fmt::format("nothing is set for a class {}", name),
                    "`sluice qos class list` shows the classes");
    });
}

Result<std::vector<QosClassSpec>> list_qos_classes(const Target& target) {
    SL_TRY(instance, open_instance(target));
    auto classes = with_default(instance.desired.qos_classes);
    std::ranges::rotate(classes, classes.begin() + 1);
    return classes;
}

}  // namespace sluice
