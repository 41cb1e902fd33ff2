// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/kernel/door.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <net/if.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>

#include "loader/kernel/nft.hpp"

namespace sluice {
namespace {

using Json = nlohmann::json;

constexpr std::array families{"bridge", "inet", "arp"};

struct SetKind {
    std::string_view family, name, type;
    bool lets_pass;
};
constexpr std::array set_kinds{
    SetKind{"bridge", "ports", "ifname", false},
    SetKind{"bridge", "open", "iface_index", true},
    SetKind{"inet", "ports", "ifname", false},
    SetKind{"inet", "bridges", "ifname", false},
    SetKind{"inet", "open", "iface_index", true},
    SetKind{"inet", "narrow4", "ifname", false},
    SetKind{"inet", "narrow6", "ifname", false},
    SetKind{"inet", "segments", "ifname", false},
    SetKind{"inet", "ways", "ifname", true},
    SetKind{"arp", "ports", "ifname", false},
    SetKind{"inet", "hairpins", "ifname . ifname", true},
    SetKind{"arp", "open", "iface_index", true},
};

// Before everybody else's rules, so that nobody's have seen, tracked or translated what is dropped,
// and nobody has written over the mark. In the bridge family also before br_netfilter (0).
constexpr std::string_view bridge_rules = R"(
    chain enter {{
        type filter hook prerouting priority -400; policy accept;
        iifname @ports iif != @open counter name closed drop
        iifname @ports meta mark & {mark} == 0 counter name closed drop
    }}
    chain leave {{
        type filter hook postrouting priority -400; policy accept;
        oifname @ports oif != @open counter name closed drop
    }}
)";

// What comes to a bridge that is a port itself, or from it, is looked at where it is delivered,
// forwarded or sent: prerouting and postrouting see by br_netfilter also frames that stay inside,
// and those that come to the bridge before it has them and not again afterwards.
// The mark is taken off where its work is done: rules of the host may compare the whole mark.
constexpr std::string_view inet_rules = R"(
    chain narrow {{
        iifname @segments meta mark & {mark} == 0 counter name outside drop
        oifname != @ways counter name outside drop
    }}
    chain enter {{
        type filter hook prerouting priority -450; policy accept;
        iifname @ports iif != @open counter name closed drop
        iifname @ports meta mark & {mark} == 0 counter name closed drop
        iifname @ports meta mark set meta mark & {others}
    }}
    chain deliver {{
        type filter hook input priority -450; policy accept;
        iifname @bridges iif != @open counter name closed drop
        iifname @bridges meta mark & {mark} == 0 counter name closed drop
    }}
    chain forward {{
        type filter hook forward priority -450; policy accept;
        iifname . oifname @hairpins accept
        iifname @bridges iif != @open counter name closed drop
        iifname @bridges meta mark & {mark} == 0 counter name closed drop
        oifname @bridges oif != @open counter name closed drop
        meta nfproto ipv4 iifname @narrow4 jump narrow
        meta nfproto ipv6 iifname @narrow6 jump narrow
    }}
    chain leave {{
        type filter hook postrouting priority -450; policy accept;
        oifname @ports oif != @open counter name closed drop
    }}
    chain send {{
        type filter hook output priority -450; policy accept;
        oifname @bridges oif != @open counter name closed drop
    }}
)";

constexpr std::string_view arp_rules = R"(
    chain enter {{
        type filter hook input priority -400; policy accept;
        iifname @ports iif != @open counter name closed drop
        iifname @ports meta mark & {mark} == 0 counter name closed drop
    }}
)";

std::string rules_of(std::string_view family, std::uint32_t mark) {
    const auto text = family == "bridge" ? bridge_rules : family == "inet" ? inet_rules : arp_rules;
    return fmt::format(fmt::runtime(text), fmt::arg("mark", mark), fmt::arg("others", ~mark));
}

std::string table_name(std::string_view instance) { return fmt::format("sluice_{}", instance); }

/// The name of an empty chain, which tells by which rules the table was made.
std::string stamp_of(std::uint32_t mark) {
    std::string all;
    for (const auto* family : families) all += rules_of(family, mark);
    return fmt::format("rules_{:016x}", std::hash<std::string>{}(all));
}

std::size_t rules_in(std::uint32_t mark) {
    std::size_t rules = 0;
    for (const auto* family : families) {
        const auto text = rules_of(family, mark);
        for (std::string_view rest = text; !rest.empty();) {
            const auto line = rest.substr(0, rest.find('\n'));
            if (line.starts_with("        ") && line.find("hook") == line.npos) ++rules;
            rest.remove_prefix(std::min(line.size() + 1, rest.size()));
        }
    }
    return rules;
}

std::string table_text(std::string_view instance, std::string_view family, std::uint32_t mark,
                       const DoorSets& sets) {
    auto text = fmt::format(
        "table {0} {1}\ndelete table {0} {1}\ntable {0} {1} {{\n"
        "    counter closed {{ }}\n    counter outside {{ }}\n    chain {2} {{ }}\n",
        family, table_name(instance), stamp_of(mark));
    for (const auto& kind : set_kinds) {
        if (kind.family != family) continue;
        text += fmt::format("    set {} {{\n        type {}\n", kind.name, kind.type);
        const auto found = sets.find(fmt::format("{} {}", family, kind.name));
        if (found != sets.end() && !found->second.empty())
            text += fmt::format("        elements = {{ {} }}\n", fmt::join(found->second, ", "));
        text += "    }\n";
    }
    return text + rules_of(family, mark) + "}\n";
}

std::unexpected<Error> lacking(const Error& error) {
    if (error.message.find("not permitted") != std::string::npos)
        return fail(ErrorCode::permission, error.message, "run sluice as root (sudo)");
    return fail(ErrorCode::unsupported,
                "the kernel can't hold the door of the ports: " + error.message,
                "it needs nftables (CONFIG_NF_TABLES with the families bridge, inet and arp); "
                "`sluice up --door-mark 0` does without, and a port that is made anew is then open "
                "until `sluice restore`");
}

std::string element_of(const Json& json, std::string_view set) {
    if (json.contains("concat")) return door_hairpin(json["concat"][0].get<std::string>());
    const auto text = json.get<std::string>();
    if (!set.ends_with(" open")) return door_name(text);
    const auto ifindex = if_nametoindex(text.c_str());
    return ifindex == 0 ? text : door_index(ifindex);
}

sl_counter counter_of(const Json& json) {
    return {json["packets"].get<std::uint64_t>(), json["bytes"].get<std::uint64_t>()};
}

void add(sl_counter& sum, const sl_counter& more) {
    sum.packets += more.packets;
    sum.bytes += more.bytes;
}

/// Takes in what nft lists. @return how many of it are rules, and stamps
std::pair<std::size_t, std::size_t> take_in(const Json& listed, std::string_view stamp,
                                            Door& door) {
    std::size_t rules = 0, stamps = 0;
    for (const auto& item : listed["nftables"]) {
        if (item.contains("rule")) ++rules;
        if (item.contains("chain") && item["chain"]["name"] == stamp) ++stamps;
        if (item.contains("counter")) {
            const auto& counter = item["counter"];
            add(counter["name"] == "closed" ? door.closed : door.outside, counter_of(counter));
        }
        if (!item.contains("set")) continue;
        const auto& set = item["set"];
        const auto name =
            fmt::format("{} {}", set["family"].get<std::string>(), set["name"].get<std::string>());
        auto& elements = door.sets[name];
        if (set.contains("elem"))
            for (const auto& element : set["elem"]) elements.insert(element_of(element, name));
    }
    return {rules, stamps};
}

/// Elements that `of` has and `than` has not, as commands.
std::string changes(std::string_view verb, std::string_view instance, const DoorSets& of,
                    const DoorSets& than) {
    std::string text;
    for (const auto& [name, elements] : of) {
        std::set<std::string> missing;
        const auto other = than.find(name);
        for (const auto& element : elements)
            if (other == than.end() || !other->second.contains(element)) missing.insert(element);
        if (missing.empty()) continue;
        const auto space = name.find(' ');
        text += fmt::format("{} element {} {} {} {{ {} }}\n", verb, name.substr(0, space),
                            table_name(instance), name.substr(space + 1), fmt::join(missing, ", "));
    }
    return text;
}

}  // namespace

DoorSets no_door_sets() {
    DoorSets sets;
    for (const auto& kind : set_kinds) sets[fmt::format("{} {}", kind.family, kind.name)];
    return sets;
}

bool lets_pass(std::string_view set) {
    return std::ranges::any_of(set_kinds, [&](const SetKind& kind) {
        return kind.lets_pass && fmt::format("{} {}", kind.family, kind.name) == set;
    });
}

std::string door_name(std::string_view name) { return fmt::format("\"{}\"", name); }
std::string door_index(std::uint32_t ifindex) { return fmt::format("{}", ifindex); }
std::string door_hairpin(std::string_view bridge) {
    return fmt::format("\"{0}\" . \"{0}\"", bridge);
}

Result<> check_door_name(std::string_view name) {
    const bool number = name.find_first_not_of("0123456789") == name.npos;
    const bool text = Json::accept(door_name(name));  // else what nft lists could not be read
    if (!number && text && name.find_first_of("\"\\*") == name.npos) return {};
    return fail(
        ErrorCode::refused,
        fmt::format("nftables would take the name of interface {} for something else", name),
        "give it another name (`ip link set IF name NEW`), or do without a door: "
        "`sluice up --door-mark 0`");
}

/// One table at a time: libnftables 1.0.6 looks for several in the last one's family.
Result<std::optional<Door>> read_door(std::string_view instance, std::uint32_t mark) {
    Door door;
    std::size_t rules = 0, stamps = 0;
    const auto stamp = stamp_of(mark);
    for (const auto* family : families) {
        std::string errors;
        const auto printed =
            run_nft(fmt::format("list table {} {}", family, table_name(instance)), errors);
        if (!printed && errors.find("No such file") != std::string::npos) return std::nullopt;
        if (!printed) return lacking(printed.error());
        const auto listed = Json::parse(*printed, nullptr, false);
        if (listed.is_discarded() || !listed.contains("nftables")) return std::nullopt;
        const auto [some_rules, some_stamps] = take_in(listed, stamp, door);
        rules += some_rules;
        stamps += some_stamps;
    }
    if (rules != rules_in(mark) || stamps != families.size()) return std::nullopt;
    return door;
}

Result<> make_door(std::string_view instance, std::uint32_t mark, const DoorSets& sets) {
    std::string commands, errors;
    for (const auto* family : families) commands += table_text(instance, family, mark, sets);
    const auto done = run_nft(commands, errors);
    if (!done) return lacking(done.error());
    return {};
}

Result<> change_door(std::string_view instance, const DoorSets& from, const DoorSets& to) {
    std::string errors;
    const auto commands =
        changes("delete", instance, from, to) + changes("add", instance, to, from);
    if (commands.empty()) return {};
    SL_CHECK(run_nft(commands, errors));
    return {};
}

Result<> remove_door(std::string_view instance) {
    std::string commands, errors;
    for (const auto* family : families)
        commands +=
            fmt::format("table {0} {1}\ndelete table {0} {1}\n", family, table_name(instance));
    SL_CHECK(run_nft(commands, errors));
    return {};
}

}  // namespace sluice
