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

class DoorKeeper {
public:
    /// @param mark Settings::door_mark; 0: there is no door, and nothing is done
    DoorKeeper(std::string instance, std::uint32_t mark)
        : instance_(std::move(instance)), mark_(mark) {}

    /// Shuts it to whatever is not as it will be.
    [[nodiscard]] Result<> close(const DesiredState& desired, const Host& host,
                                 const FoundInterfaces& found, Journal& journal);

    /// Shuts it to all ports, those that are no more to be among them.
    [[nodiscard]] Result<> close_all(const DesiredState& desired, const Host& host,
                                     Journal& journal);

    /// After close(), when all ports are in place.
    [[nodiscard]] Result<> open(const DesiredState& desired, const Host& host,
                                const FoundInterfaces& found, Journal& journal);

    /// When nothing is left that it could be shut to.
    [[nodiscard]] Result<> remove(Journal& journal);

private:
    [[nodiscard]] Result<> look();
    [[nodiscard]] Result<> shut_to(const DoorSets& wanted, const DoorSets& between,
                                   const Host& host, Journal& journal);

    std::string instance_;
    std::uint32_t mark_;
    bool looked_ = false;
    std::optional<DoorSets> now_;  ///< none: it is not there
};

Result<> DoorKeeper::look() {
    if (looked_) return {};
    SL_TRY(door, read_door(instance_, mark_));
    if (door) now_ = std::move(door->sets);
    looked_ = true;
    return {};
}

Result<> DoorKeeper::shut_to(const DoorSets& wanted, const DoorSets& between, const Host& host,
                             Journal& journal) {
    SL_CHECK(check_names(wanted));
    if (now_ && *now_ == between) return {};
    if (now_)
        SL_CHECK(journal.step(closing(*now_, between, host),
                              [&] { return change_door(instance_, *now_, between); }));
    else
        SL_CHECK(journal.step("make the door of the ports, closed",
                              [&] { return make_door(instance_, mark_, between); }));
    now_ = between;
    return {};
}

Result<> DoorKeeper::close(const DesiredState& desired, const Host& host,
                           const FoundInterfaces& found, Journal& journal) {
    if (mark_ == 0) return {};
    SL_CHECK(look());
    SL_TRY(wanted, wanted_sets(desired, host, found));
    return shut_to(wanted, now_ ? door_between(*now_, wanted) : shut(wanted), host, journal);
}

Result<> DoorKeeper::close_all(const DesiredState& desired, const Host& host, Journal& journal) {
    if (mark_ == 0) return {};
    SL_CHECK(look());
    const auto wanted = plan_door(desired.ports, host, {});
    return shut_to(wanted, shut(now_ ? door_between(*now_, wanted) : wanted), host, journal);
}

Result<> DoorKeeper::open(const DesiredState& desired, const Host& host,
                          const FoundInterfaces& found, Journal& journal) {
    if (mark_ == 0 || !now_) return {};
    SL_TRY(wanted, wanted_sets(desired, host, found));
    if (*now_ == wanted) return {};
    SL_CHECK(journal.step(opening(*now_, wanted, host),
                          [&] { return change_door(instance_, *now_, wanted); }));
    now_ = wanted;
    return {};
}

Result<> DoorKeeper::remove(Journal& journal) {
    if (mark_ == 0) return {};
    SL_CHECK(look());
    if (!now_ && journal.planning()) return {};
    if (!now_) return remove_door(instance_);  // what is left of one, if anything is
    now_.reset();
    return journal.step("take the door of the ports away", [&] { return remove_door(instance_); });
}

class DoorFeature : public Feature {
public:
    Result<> prepare(Round& round) override {
        return keeper(round.datapath.instance(), round.desired)
            .close(round.desired, round.host, round.found, round.journal);
    }

    Result<> clean(Round& round) override {
        return keeper(round.datapath.instance(), round.desired)
            .open(round.desired, round.host, round.found, round.journal);
    }

    Result<> shut(const Removal& removal) override {
        return keeper(removal.instance, removal.desired)
            .close_all(removal.desired, removal.host, removal.journal);
    }

    Result<> remove(const Removal& removal) override {
        if (!removal.for_good) return {};
        return keeper(removal.instance, removal.desired).remove(removal.journal);
    }

private:
    /// What it saw of the door is remembered from one step to the next.
    DoorKeeper& keeper(const std::string& instance, const DesiredState& desired) {
        if (!keeper_) keeper_.emplace(instance, desired.settings.door_mark);
        return *keeper_;
    }

    std::optional<DoorKeeper> keeper_;
};

}  // namespace

std::unique_ptr<Feature> door_feature() { return std::make_unique<DoorFeature>(); }

}  // namespace sluice
