// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/port/door.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <charconv>
#include <optional>

#include "loader/instance/interface.hpp"
#include "loader/port/door_plan.hpp"

namespace sluice {
namespace {

/// The name in an element of door_name().
std::string_view unquoted(std::string_view element) {
    return element.substr(1, element.size() - 2);
}

/// Names of what `of` has in the set and `than` has not.
std::set<std::string> names_in(const char* set, const DoorSets& of, const DoorSets& than,
                               const Host& host) {
    std::set<std::string> names;
    for (const auto& element : of.at(set)) {
        if (than.at(set).contains(element)) continue;
        std::uint32_t ifindex = 0;
        const auto* end = element.data() + element.size();
        const bool index = std::from_chars(element.data(), end, ifindex).ptr == end;
        const Link* link = index ? host.link(ifindex) : nullptr;
        if (!index)
            names.emplace(unquoted(element));
        else if (link != nullptr)
            names.insert(link->name);
    }
    return names;
}

std::string opening(const DoorSets& now, const DoorSets& wanted, const Host& host) {
    const auto opened = names_in("inet open", wanted, now, host);
    const auto gone = names_in("bridge ports", now, wanted, host);
    if (!opened.empty()) return fmt::format("open the door of {}", fmt::join(opened, ", "));
    if (!gone.empty()) return fmt::format("take the door of {} away", fmt::join(gone, ", "));
    return "set by which interfaces the ports' packets may leave";
}

std::string closing(const DoorSets& now, const DoorSets& between, const Host& host) {
    auto closed = names_in("inet open", now, between, host);
    closed.merge(names_in("bridge ports", between, now, host));
    if (closed.empty()) return "limit by which interfaces the ports' packets may leave";
    return fmt::format("close the door of {}", fmt::join(closed, ", "));
}

Result<> check_names(const DoorSets& sets) {
    for (const auto* set : {"bridge ports", "inet ways"})
        for (const auto& element : sets.at(set)) SL_CHECK(check_door_name(unquoted(element)));
    return {};
}

/// How the host forwarded, by the interfaces that have the addresses of these ports.
Result<ForwardedBefore> forwarded_before(const std::vector<PortSpec>& ports, const Host& host,
                                         const FoundInterfaces& found) {
    ForwardedBefore before;
    for (const auto& port : ports) {
        const Link* link = port.role == Role::internal ? host.link(port.name) : host.link(port);
        if (link == nullptr) continue;
        const Link& l3 = port.role == Role::internal ? *link : host.l3(*link);
        if (before.contains(l3.ifindex)) continue;
        SL_TRY(forwarding, host_forwarding(found, l3));
        before[l3.ifindex] = forwarding;
    }
    return before;
}

Result<DoorSets> wanted_sets(const DesiredState& desired, const Host& host,
                             const FoundInterfaces& found) {
    SL_TRY(before, forwarded_before(desired.ports, host, found));
    return plan_door(desired.ports, host, before);
}

/// What it saw of the door is remembered from one step to the next.
class DoorFeature : public Feature {
public:
    /// Shuts it to whatever is not as it will be.
    Result<> prepare(Round& round) override {
        const auto& instance = round.datapath.instance();
        if (!has_door(round.desired)) return {};
        SL_CHECK(look(instance, round.desired));
        SL_TRY(wanted, wanted_sets(round.desired, round.host, round.found));
        return shut_to(instance, round.desired, wanted,
                       now_ ? door_between(*now_, wanted) : sluice::shut(wanted), round.host,
                       round.journal);
    }

    /// Opens it, when all ports are in place.
    Result<> clean(Round& round) override {
        if (!has_door(round.desired) || !now_) return {};
        SL_TRY(wanted, wanted_sets(round.desired, round.host, round.found));
        if (*now_ == wanted) return {};
        SL_CHECK(round.journal.step(opening(*now_, wanted, round.host), [&] {
            return change_door(round.datapath.instance(), *now_, wanted);
        }));
        now_ = wanted;
        return {};
    }

    /// Shuts it to all ports, those that are no more to be among them.
    Result<> shut(const Removal& removal) override {
        const auto& [instance, desired, host, journal, for_good] = removal;
        if (!has_door(desired)) return {};
        SL_CHECK(look(instance, desired));
        const auto wanted = plan_door(desired.ports, host, {});
        return shut_to(instance, desired, wanted,
                       sluice::shut(now_ ? door_between(*now_, wanted) : wanted), host, journal);
    }

    /// Takes it away, when nothing is left that it could be shut to.
    Result<> remove(const Removal& removal) override {
        const auto& [instance, desired, host, journal, for_good] = removal;
        if (!for_good || !has_door(desired)) return {};
        SL_CHECK(look(instance, desired));
        if (!now_ && journal.planning()) return {};
        if (!now_) return remove_door(instance);  // what is left of one, if anything is
        now_.reset();
        return journal.step("take the door of the ports away",
                            [&] { return remove_door(instance); });
    }

private:
    static bool has_door(const DesiredState& desired) { return desired.settings.door_mark != 0; }

    Result<> look(const std::string& instance, const DesiredState& desired) {
        if (looked_) return {};
        SL_TRY(door, read_door(instance, desired.settings.door_mark));
        if (door) now_ = std::move(door->sets);
        looked_ = true;
        return {};
    }

    Result<> shut_to(const std::string& instance, const DesiredState& desired,
                     const DoorSets& wanted, const DoorSets& between, const Host& host,
                     Journal& journal) {
        SL_CHECK(check_names(wanted));
        if (now_ && *now_ == between) return {};
        if (now_)
            SL_CHECK(journal.step(closing(*now_, between, host),
                                  [&] { return change_door(instance, *now_, between); }));
        else
            SL_CHECK(journal.step("make the door of the ports, closed", [&] {
                return make_door(instance, desired.settings.door_mark, between);
            }));
        now_ = between;
        return {};
    }

    bool looked_ = false;
    std::optional<DoorSets> now_;  ///< none: it is not there
};

}  // namespace

std::unique_ptr<Feature> door_feature() { return std::make_unique<DoorFeature>(); }

}  // namespace sluice
