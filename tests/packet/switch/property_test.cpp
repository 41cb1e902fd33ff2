// SPDX-License-Identifier: GPL-2.0-or-later
// Random frames, with up to three tags, over eight random ports and five VLANs: every copy that
// leaves is the one that a model of the switch says, which was written from IEEE 802.1Q and the
// documentation, not from the datapath. So no frame crosses VLANs, none is lost and none is sent
// twice. The seed is fixed, so a failure repeats; SLUICE_TEST_LONG makes it twenty times as long.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <optional>
#include <random>
#include <utility>
#include <vector>

#include "tests/harness/dissect.hpp"
#include "tests/packet/switch/scenario.hpp"

namespace sluice::test {
namespace {

constexpr std::array<std::uint16_t, 5> model_vlans{10, 20, 30, 40, 50};
constexpr std::size_t model_ports = 8;

/// A frame inside the switch: its VLAN, and what of its head goes with it.
struct Inside {
    std::uint16_t vlan = 0;
    std::uint8_t pcp = 0;
    std::vector<Vlan> kept{};
};

struct ModelPort : Switched {
    [[nodiscard]] bool carries(std::uint16_t vlan) const {
        if (mode != SL_VLAN_TRUNK) return vlan == pvid;
        return std::ranges::count(vlans, vlan) > 0;
    }
    [[nodiscard]] std::uint16_t tpid() const { return flags & SL_SWITCH_STAG ? 0x88a8 : 0x8100; }

    [[nodiscard]] std::optional<Inside> take(const std::vector<Vlan>& tags) const {
        Inside frame{.vlan = pvid, .pcp = tags.empty() ? std::uint8_t{0} : tags[0].pcp};
        if (flags & SL_SWITCH_PCP_MAP) frame.pcp = pcp[frame.pcp];
        if (mode == SL_VLAN_TUNNEL) {
            frame.kept = tags;
            return frame;
        }
        if (tags.empty()) return frame.vlan ? std::optional(frame) : std::nullopt;
        const Vlan& outer = tags[0];
        if (outer.vid == 4095 || outer.tpid != tpid()) return std::nullopt;
        frame.kept.assign(tags.begin() + 1, tags.end());
        if (mode == SL_VLAN_ACCESS && (outer.vid != 0 || !frame.kept.empty())) return std::nullopt;
        if (outer.vid != 0) frame.vlan = from_wire(outer.vid);
        return frame.vlan && carries(frame.vlan) ? std::optional(frame) : std::nullopt;
    }
    [[nodiscard]] std::vector<Vlan> tags_of(const Inside& frame) const {
        std::vector<Vlan> tags = frame.kept;
        if (mode != SL_VLAN_TRUNK || (frame.vlan == pvid && tags.empty())) return tags;
        std::uint16_t wire = frame.vlan;
        for (const Translation& each : translations)
            if (each.vlan == frame.vlan) wire = each.wire;
        tags.insert(tags.begin(), {.vid = wire, .pcp = frame.pcp, .tpid = tpid()});
        return tags;
    }

private:
    [[nodiscard]] std::uint16_t from_wire(std::uint16_t id) const {
        for (const Translation& each : translations)
            if (each.wire == id) return each.vlan;
        for (const Translation& each : translations)
            if (each.vlan == id) return 0;
        return id;
    }
};

bool may_talk(const Switched& a, const Switched& b) {
    const auto promiscuous = [](const Switched& port) {
        return !(port.flags & SL_SWITCH_ISOLATED) && port.community == 0;
    };
    if (promiscuous(a) || promiscuous(b)) return true;
    return !((a.flags | b.flags) & SL_SWITCH_ISOLATED) && a.community == b.community;
}

struct RandomFrame {
    Mac from, to;
    std::vector<Vlan> tags;
    [[nodiscard]] Packet packet(unsigned seed) const { return with(tags, seed); }
    [[nodiscard]] Packet with(const std::vector<Vlan>& other, unsigned seed) const {
        Packet packet = frame(from, to, seed);
        for (auto tag = other.rbegin(); tag != other.rend(); ++tag) packet = tagged(packet, *tag);
        return packet;
    }
};

class SwitchModel {
public:
    std::vector<ModelPort> ports;
    std::map<std::pair<std::uint16_t, Mac>, std::size_t> table;
    std::map<std::uint16_t, std::array<std::uint64_t, SL_VLAN_COUNTS>> counts;

    [[nodiscard]] Copies send(std::size_t by, const RandomFrame& sent, unsigned seed) {
        const auto inside = ports[by].take(sent.tags);
        if (!inside) return {};
        if (ports[by].flags & SL_SWITCH_LEARN) table[{inside->vlan, sent.from}] = by;
        Copies copies;
        const bool known = is_known(inside->vlan, sent.to);
        for (std::size_t to = 0; to < ports.size(); ++to)
            if (to != by && reaches(by, to, *inside, sent.to))
                copies.push_back({to, sent.with(ports[to].tags_of(*inside), seed)});
        ++counts[inside->vlan][copies.empty() ? SL_VLAN_DROPPED
                               : known        ? SL_VLAN_SWITCHED
                                              : SL_VLAN_FLOODED];
        return copies;
    }

private:
    [[nodiscard]] bool is_known(std::uint16_t vlan, const Mac& mac) const {
        const auto entry = table.find({vlan, mac});
        return !(mac[0] & 1) && entry != table.end() && ports[entry->second].carries(vlan);
    }
    [[nodiscard]] bool reaches(std::size_t by, std::size_t to, const Inside& frame,
                               const Mac& dst) const {
        const ModelPort& port = ports[to];
        if (!port.carries(frame.vlan) || !may_talk(ports[by], port)) return false;
        if (dst == everybody) return port.flags & SL_SWITCH_BROADCAST;
        if (dst[0] & 1) return port.flags & SL_SWITCH_MULTICAST;
        if (is_known(frame.vlan, dst)) return table.at({frame.vlan, dst}) == to;
        return port.flags & SL_SWITCH_FLOOD;
    }
};

class SwitchProperty : public SwitchTest {
protected:
    std::uint32_t below(std::size_t limit) { return static_cast<std::uint32_t>(random_() % limit); }
    std::uint16_t any_vlan() { return model_vlans[below(model_vlans.size())]; }

    ModelPort any_port() {
        ModelPort port{};
        const std::uint32_t kind = below(8);
        if (kind < 3) {
            static_cast<Switched&>(port) = kind ? access(any_vlan()) : tunnel(any_vlan());
        } else {
            std::vector<std::uint16_t> vlans;
            for (const std::uint16_t vlan : model_vlans)
                if (below(3)) vlans.push_back(vlan);
            static_cast<Switched&>(port) = trunk(vlans, below(2) ? any_vlan() : std::uint16_t{0},
                                                 kind == 3 ? std::uint32_t{SL_SWITCH_STAG} : 0u);
            if (kind == 4) port.translations = {{100, 10}, {20, 30}, {30, 20}};
        }
        if (below(2)) port.port_flags |= SL_PORT_TRACK;  // which changes nothing
        if (below(4) == 0) port.flags |= SL_SWITCH_ISOLATED;
        if (below(4) == 0) port.community = static_cast<std::uint16_t>(1 + below(2));
        for (const std::uint32_t flag :
             {SL_SWITCH_FLOOD, SL_SWITCH_MULTICAST, SL_SWITCH_BROADCAST, SL_SWITCH_LEARN})
            if (below(8) == 0) port.flags &= ~flag;
        if (below(4) == 0) {
            port.flags |= SL_SWITCH_PCP_MAP;
            for (auto& pcp : port.pcp) pcp = static_cast<std::uint8_t>(below(8));
        }
        return port;
    }

    SwitchModel any_switch() {
        SwitchModel model;
        for (std::size_t i = 0; i < model_ports; ++i) {
            model.ports.push_back(any_port());
            rig().set(i, model.ports.back());
        }
        return model;
    }

    RandomFrame any_frame() {
        constexpr std::array<std::uint16_t, 9> ids{0, 10, 20, 30, 40, 50, 100, 60, 4095};
        const std::array<Mac, 2> groups{everybody, all_nodes};
        const auto one = [this] { return station(0x40, static_cast<std::uint8_t>(below(10))); };
        RandomFrame sent{.from = one(), .to = below(4) ? one() : groups[below(2)], .tags = {}};
        constexpr std::array<std::uint32_t, 8> tag_counts{0, 0, 1, 1, 1, 1, 2, 3};
        for (std::uint32_t n = tag_counts[below(tag_counts.size())]; n > 0; --n)
            sent.tags.push_back({.vid = ids[below(below(3) ? 6 : ids.size())],
                                 .pcp = static_cast<std::uint8_t>(below(8)),
                                 .tpid = below(5) ? std::uint16_t{0x8100} : std::uint16_t{0x88a8}});
        return sent;
    }

    static void expect_counts(const SwitchModel& model) {
        for (const std::uint16_t vlan : model_vlans) {
            const auto counts = model.counts.find(vlan);
            if (counts == model.counts.end()) continue;
            for (int i = 0; i < SL_VLAN_COUNTS; ++i)
                EXPECT_EQ(rig().vlan_count(vlan, static_cast<sl_vlan_count>(i)),
                          counts->second[static_cast<std::size_t>(i)])
                    << "VLAN " << vlan << ", count " << i;
        }
    }

    std::mt19937_64 random_{20261123};
};

TEST_F(SwitchProperty, EveryCopyIsTheModels) {
    const int rounds = std::getenv("SLUICE_TEST_LONG") ? 800 : 40;
    std::size_t one = 0, several = 0, none = 0;
    for (int round = 0; round < rounds && !HasFailure(); ++round) {
        gate().reset();
        rig().reset();
        SwitchModel model = any_switch();
        for (unsigned i = 0; i < 400 && !HasFailure(); ++i) {
            const std::size_t by = below(model_ports);
            const RandomFrame sent = any_frame();
            const Copies copies = model.send(by, sent, i);
            expect_copies(below(2) ? Way::tc : Way::xdp, by, sent.packet(i), copies);
            if (HasFailure()) ADD_FAILURE() << "round " << round << ", frame " << i;
            ++(copies.empty() ? none : copies.size() == 1 ? one : several);
        }
        expect_counts(model);
        rig().expect_balanced();
    }
    // It would hold as well if next to nothing were sent on.
    const std::size_t all = none + one + several;
    EXPECT_GT(one, all / 8);
    EXPECT_GT(several, all / 8);
    EXPECT_GT(none, all / 8);
}

}  // namespace
}  // namespace sluice::test
