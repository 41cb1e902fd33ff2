// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/port/apply.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "loader/base/by_bytes.hpp"
#include "loader/flow/session.hpp"
#include "loader/instance/interface.hpp"
#include "loader/kernel/bpffs.hpp"
#include "loader/kernel/link_settings.hpp"
#include "loader/kernel/sysctl.hpp"
#include "loader/port/plan.hpp"
#include "loader/port/store.hpp"

namespace sluice {
namespace {

class PortReconciler {
public:
    explicit PortReconciler(Round& round)
        : round_(round),
          datapath_(round.datapath),
          host_(round.host),
          found_(round.found),
          journal_(round.journal),
          door_(round.desired.settings.door_mark != 0),
          plan_(plan_ports(round.desired.ports, round.host, round.desired.policy.has_value())) {}

    Result<> run() {
        for (const auto& name : plan_.absent)
            if (!journal_.has_failed("port " + name))
                journal_.warn(
                    fmt::format("port {}: there is no such interface now; when it is back, "
                                "`sluice restore` attaches it",
                                name));
        for (const auto& [name, ifindex] : host_.renamed)
            journal_.warn(fmt::format(
                "port {0}: its interface is named {1} now, and is not found by that name after a "
                "reboot: `ip link set {1} name {0}`, or `sluice port del {0}` and add {1}",
                name, name_of(ifindex)));
        SL_CHECK(claim_new_ports());
        // Closed first: the host stops to forward before anything that judges its packets goes.
        SL_CHECK(find_leaving());
        if (!journal_.planning())
            for (const auto& interface : leaving_) SL_CHECK(stop_forwarding(interface, host_));
        SL_CHECK(forget_entries());
        SL_CHECK(release_interfaces());
        SL_CHECK(each_port(&PortReconciler::prepare));
        SL_CHECK(keep_to_ports());
        // All are known as ways out before anything enters by one of them: what finds no port there
        // would be left to the kernel.
        SL_CHECK(each_port(&PortReconciler::introduce));
        for (const auto& [ifindex, entry] : plan_.segments) SL_CHECK(put_entry(entry, "segment"));
        // Behind the shut door the host may forward before anything enters. Without a door not
        // before the programs run; what they ask meanwhile is not answered, and dropped.
        if (door_) SL_CHECK(let_forward());
        SL_CHECK(each_port(&PortReconciler::attach));
        // Whether anything redirects by XDP is known when all are attached.
        SL_CHECK(each_port(&PortReconciler::put_port));
        SL_CHECK(aim_redirects());
        return door_ ? Result<>{} : let_forward();
    }

private:
    /// Takes the step for each port. One that it fails for goes on as a port whose interface is not
    /// there, if the others are to do without it.
    Result<> each_port(Result<> (PortReconciler::*step)(PlannedPort&)) {
        for (auto port = plan_.ports.begin(); port != plan_.ports.end();) {
            SL_TRY(done, journal_.take("port " + port->spec.name, (this->*step)(*port)));
            if (!done) SL_CHECK(leave_out(*port));
            port = done ? port + 1 : plan_.ports.erase(port);
        }
        return {};
    }

    Result<> leave_out(const PlannedPort& port) {
        round_.host.left_out.insert(port.link.ifindex);
        if (journal_.planning()) return {};
        SL_CHECK(datapath_.maps().ports.erase(port.link.ifindex));
        SL_TRY(touched, found_.list());
        for (const auto& interface : touched)
            if (interface.name == port.link.name && interface.ifindex == port.link.ifindex)
                return release_interface(datapath_.pins(), found_, interface, host_);
        return {};
    }

    /// Map entries of what is no port any more.
    Result<> forget_entries() {
        std::set<std::uint32_t> wanted;
        for (const auto& port : plan_.ports) wanted.insert(port.link.ifindex);
        for (const auto& [ifindex, entry] : plan_.segments) wanted.insert(ifindex);

        std::vector<sl_port> stale;
        SL_CHECK(datapath_.maps().ports.for_each([&](const __u32& ifindex, const sl_port& entry) {
            ids_before_.insert(entry.id);
            if (!wanted.contains(ifindex)) stale.push_back(entry);
            return true;
        }));
        for (const auto& entry : stale)
            SL_CHECK(journal_.step(fmt::format("forget interface {}", name_of(entry.ifindex)),
                                   [&] { return forget(entry); }));
        return {};
    }

    /// The sessions of a port that is gone for good end with it.
    Result<> forget(const sl_port& entry) const {
        SL_CHECK(datapath_.maps().ports.erase(entry.ifindex));
        const auto is_it = [&](const PlannedPort& port) { return port.spec.id == entry.id; };
        if (entry.id == 0 || std::ranges::any_of(plan_.ports, is_it)) return {};
        return flush_port(datapath_, entry.id);
    }

    /// Finds the ports that are not in the table yet; they must be in nobody else's. The lock is
    /// held until they are in ours, so that of two instances that want one interface the second
    /// sees it.
    Result<> claim_new_ports() {
        for (const auto& port : plan_.ports) {
            SL_TRY(now, datapath_.maps().ports.lookup(port.link.ifindex));
            if (!now || now->id != port.spec.id) introduced_.insert(port.link.ifindex);
        }
        if (introduced_.empty()) return {};
        if (!journal_.planning()) {
            SL_TRY(claim, lock_pins());
            claim_ = std::move(claim);
        }
        find_others();
        return each_port(&PortReconciler::refuse_port_of_others);
    }

    /// The other instances of this network namespace.
    void find_others() {
        for (const auto& name : pinned_instances()) {
            if (name == datapath_.instance()) continue;
            auto other = Datapath::open(name);
            if (other && other->netns() == datapath_.netns()) others_.push_back(std::move(*other));
        }
    }

    /// Two instances on one interface would both rewrite its packets.
    Result<> refuse_port_of_others(PlannedPort& port) {
        if (!introduced_.contains(port.link.ifindex)) return {};
        for (const auto& other : others_) SL_CHECK(refuse_port_of(other, port.link));
        return {};
    }

    static Result<> refuse_port_of(const Datapath& other, const Link& link) {
        SL_TRY(entry, other.maps().ports.lookup(link.ifindex));
        if (!entry || entry->role == SL_ROLE_SEGMENT) return {};
        SL_TRY(runs, other.runs_on(link));
        if (!runs) return {};
        return fail(ErrorCode::refused,
                    fmt::format("{} is a port of instance {}", link.name, other.instance()),
                    fmt::format("take it out there first: `sluice --instance {} port del {}`",
                                other.instance(), link.name));
    }

    /// Interfaces we touched and have nothing to do with any more, or that were re-created.
    Result<> find_leaving() {
        SL_TRY(touched, found_.list());
        for (auto& interface : touched)
            if (!plan_.touches(interface.name, interface.ifindex))
                leaving_.push_back(std::move(interface));
        return {};
    }

    Result<> release_interfaces() {
        for (const auto& interface : leaving_)
            SL_CHECK(journal_.step(fmt::format("restore {} as it was found", interface.name), [&] {
                return release_interface(datapath_.pins(), found_, interface, host_);
            }));
        return {};
    }

    Result<> prepare(PlannedPort& port) {
        if (!journal_.planning()) {
            SL_CHECK(keep_found(found_, port.link));
            SL_CHECK(keep_found(found_, port.l3));
        }
        if (!routes(port)) SL_CHECK(see_all_frames(port));
        return attach_tc(port, TcDirection::egress);
    }

    /// A port that is new is in the table, with its guard and its rates, before it has programs
    /// that let anything in.
    Result<> introduce(PlannedPort& port) {
        if (!introduced_.contains(port.link.ifindex)) return {};
        if (journal_.planning()) return {};  // put_port() says so
        auto entry = port.entry;
        complete(entry);
        if (!ids_before_.contains(entry.id))
            for (const auto& feature : round_.features)
                SL_CHECK(feature->forget_port(datapath_.maps(), entry.id));
        return datapath_.maps().ports.update(entry.ifindex, entry);
    }

    /// Adds what other features decide of the entry.
    void complete(sl_port& entry) {
        const auto& fields = round_.ports[entry.id];
        entry.flags |= fields.flags;
        entry.guard = fields.guard;
        entry.qos = fields.qos;
    }

    Result<> attach(PlannedPort& port) {
        SL_CHECK(attach_tc(port, TcDirection::ingress));
        return attach_xdp(port);
    }

    static bool routes(const PlannedPort& port) {
        return !port.switched || port.spec.role == Role::internal;
    }

    Result<> let_forward() {
        for (const auto& port : plan_.ports)
            if (routes(port)) SL_CHECK(allow_forwarding(port.l3));
        return {};
    }

    Result<> allow_forwarding(const Link& link) {
        const bool uplink = std::ranges::any_of(plan_.ports, [&](const PlannedPort& port) {
            return port.spec.role == Role::uplink && port.l3.ifindex == link.ifindex;
        });
        SL_TRY(changes, forwarding_changes(found_, link, uplink));
        for (const auto& [path, value] : changes)
            SL_CHECK(journal_.step(fmt::format("set {} to {}", path, value),
                                   [&] { return write_sysctl(path, value); }));
        return {};
    }

    /// Where the host did not forward before, what sluice leaves to it may go to ports only.
    Result<> keep_to_ports() {
        std::map<std::uint32_t, __u16> narrow;
        for (const auto& port : plan_.ports) {
            if (!routes(port)) continue;
            SL_TRY(before, host_forwarding(found_, port.l3));
            narrow[port.l3.ifindex] = static_cast<__u16>((before.v4 ? 0 : SL_PORT_NARROW4) |
                                                         (before.v6 ? 0 : SL_PORT_NARROW6));
        }
        for (auto& port : plan_.ports)
            if (narrow.contains(port.link.ifindex)) port.entry.flags |= narrow[port.link.ifindex];
        for (auto& [ifindex, entry] : plan_.segments)
            if (narrow.contains(ifindex)) entry.flags |= narrow[ifindex];
        return {};
    }

    /// A NIC gives a switch every frame, and XDP the tags that are on them.
    Result<> see_all_frames(const PlannedPort& port) {
        const auto& name = port.link.name;
        if (!port.link.promiscuous)
            SL_CHECK(journal_.step(fmt::format("make {} promiscuous", name),
                                   [&] { return set_promiscuous(port.link.ifindex, true); }));
        if (!port.xdp || !has_tags(port.spec) || !takes_tags_out(name)) return {};
        journal_.warn(fmt::format("{}: rx-vlan-offload is off as long as XDP runs on it", name));
        return journal_.step(fmt::format("turn rx-vlan-offload of {} off", name),
                             [&] { return set_takes_tags_out(name, false); });
    }

    Result<> attach_tc(const PlannedPort& port, TcDirection direction) {
        SL_TRY(attached, datapath_.query_tc(port.link, direction));
        if (attached) return {};
        return journal_.step(
            fmt::format("attach TC {} to {}", tc_direction_text(direction), port.spec.name),
            [&]() -> Result<> {
                SL_CHECK(datapath_.attach_tc(port.link, direction));
                return {};
            });
    }

    /// Leaves in port.xdp whether the XDP program runs there.
    Result<> attach_xdp(PlannedPort& port) {
        SL_TRY(attached, datapath_.query_xdp(port.link));
        if (attached.has_value() == port.xdp) return {};
        SL_TRY(entry, datapath_.maps().ports.lookup(port.link.ifindex));
        const bool known = entry && !introduced_.contains(port.link.ifindex);
        if (port.xdp_no_tcp && known && (entry->flags & SL_PORT_XDP) == 0) {
            port.xdp = port.xdp_no_tcp = false;  // tried when it was added
            return {};
        }
        if (!port.xdp)
            return journal_.step(fmt::format("detach XDP from {}", port.spec.name), [&] {
                return datapath_.detach_xdp(port.link.name, port.link.ifindex);
            });
        return journal_.step(fmt::format("attach XDP to {}", port.spec.name), [&]() -> Result<> {
            auto done = datapath_.attach_xdp(port.link);
            if (done) return {};
            // Asked for by name it must work; auto does with TC alone.
            if (port.spec.hook == HookPolicy::xdp) return std::unexpected(done.error());
            port.xdp = port.xdp_no_tcp = false;
            journal_.warn(fmt::format("port {}: works by TC alone: {}", port.spec.name,
                                      done.error().message));
            return {};
        });
    }

    Result<> put_port(PlannedPort& port) {
        if (port.xdp) port.entry.flags |= SL_PORT_XDP;
        if (port.xdp_no_tcp) port.entry.flags |= SL_PORT_XDP_NO_TCP;
        complete(port.entry);
        SL_TRY(target, redirect_target(port));
        if (target) port.entry.flags |= SL_PORT_XDP_TARGET;
        return put_entry(port.entry, "port");
    }

    /// Whether XDP may redirect to it: frames into an interface that can't take them vanish
    /// without a trace. A packet routed to a bridge leaves by TC, and so does one that is queued.
    Result<bool> redirect_target(const PlannedPort& port) const {
        const auto runs_xdp = [](const PlannedPort& it) { return it.xdp; };
        if (std::ranges::none_of(plan_.ports, runs_xdp)) return false;
        if ((port.entry.qos & SL_QOS_QUEUED) != 0) return false;
        if (!port.link.carrier || port.l3.ifindex != port.link.ifindex) return false;
        return takes_xdp_redirects(port.link.ifindex);
    }

    Result<> put_entry(const sl_port& entry, std::string_view what) {
        SL_TRY(now, datapath_.maps().ports.lookup(entry.ifindex));
        const bool is_new = !now || introduced_.contains(entry.ifindex);
        if (!is_new && same_bytes(*now, entry)) return {};
        return journal_.step(
            fmt::format("{} {} {}", is_new ? "add" : "update", what, name_of(entry.ifindex)),
            [&] { return datapath_.maps().ports.update(entry.ifindex, entry); });
    }

    Result<> aim_redirects() {
        std::map<std::uint32_t, std::uint32_t> wanted;
        for (const auto& port : plan_.ports)
            if ((port.entry.flags & SL_PORT_XDP_TARGET) != 0)
                wanted[port.entry.id] = port.link.ifindex;

        const auto& targets = datapath_.maps().xdp_targets;
        std::vector<std::uint32_t> stale;
        SL_CHECK(targets.for_each([&](const __u32& id, const __u32& ifindex) {
            const auto found = wanted.find(id);
            if (found == wanted.end())
                stale.push_back(id);
            else if (found->second == ifindex)
                wanted.erase(found);
            return true;
        }));
        for (const auto id : stale)
            SL_CHECK(
                journal_.step(fmt::format("no XDP redirects to port {}", id), [&]() -> Result<> {
                    SL_CHECK(targets.erase(id));
                    return {};
                }));
        for (const auto& [id, ifindex] : wanted)
            SL_CHECK(journal_.step(fmt::format("XDP redirects to {}", name_of(ifindex)),
                                   [&] { return targets.update(id, ifindex); }));
        return {};
    }

    [[nodiscard]] std::string name_of(std::uint32_t ifindex) const {
        const Link* link = host_.link(ifindex);
        return link != nullptr ? link->name : fmt::format("{} (gone)", ifindex);
    }

    Round& round_;
    const Datapath& datapath_;
    const Host& host_;
    const FoundInterfaces& found_;
    Journal& journal_;
    bool door_;                ///< it is shut to ports that are new
    std::optional<Fd> claim_;  ///< on ports that are new
    std::vector<Datapath> others_;
    PortPlan plan_;
    std::vector<FoundInterface> leaving_;
    std::set<std::uint32_t> introduced_;  ///< indexes of ports that were not in the table
    std::set<std::uint16_t> ids_before_;  ///< that had an interface when we came
};

class PortFeature : public Feature {
public:
    Result<> load(const Connection& rows, DesiredState& state) const override {
        SL_TRY(ports, load_ports(rows));
        state.ports = std::move(ports);
        return {};
    }

    Result<> prepare(Round& round) override { return PortReconciler(round).run(); }

    Result<> forget_port(const Maps& maps, std::uint16_t id) const override {
        return maps.port_stats.clear(id);
    }
};

}  // namespace

std::unique_ptr<Feature> port_feature() { return std::make_unique<PortFeature>(); }

}  // namespace sluice
