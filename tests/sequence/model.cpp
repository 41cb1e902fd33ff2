// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/sequence/model.hpp"

#include <netinet/in.h>

#include <algorithm>

namespace sluice::test::sequence {
namespace {

Prefix network(std::string_view text) { return Prefix::parse(text).value(); }

}  // namespace

bool is_inside(const Address& address) {
    static const std::array networks{network("10.0.0.0/24"), network("10.0.1.0/24"),
                                     network("fd00:a::/64"), network("fd00:b::/64")};
    return std::ranges::any_of(networks, [&](const auto& it) { return it.contains(address); });
}

bool is_hosts(const Address& address) {
    static const auto own = [] {
        std::vector<Address> all{Address(external)};
        for (const auto& link : links)
            for (const char* each : {link.v4, link.v6}) all.emplace_back(address_of(each));
        return all;
    }();
    return std::ranges::find(own, address) != own.end();
}

std::optional<At> vm_with(const Address& address) {
    for (const At at : {At::a, At::b})
        if (address == Address(host_at(at).v4) || address == Address(host_at(at).v6)) return at;
    return std::nullopt;
}

namespace {

bool is_of(At net, const Address& address) {
    return network(net == At::a ? "10.0.0.0/24" : "10.0.1.0/24").contains(address);
}

}  // namespace

bool Rules::masquerades_by(const Address& source, At uplink) const {
    return std::ranges::any_of(masquerades, [&](const auto& it) {
        return it.second == uplink && is_of(it.first, source);
    });
}

End Rules::inside_of(const Tuple& in) const {
    const auto forward = forwards.find({in.protocol, in.dst});
    return forward != forwards.end() ? forward->second : in.dst;
}

bool Rules::sends_as(std::uint8_t protocol, const End& inside, const End& external,
                     At uplink) const {
    const auto forward = forwards.find({protocol, external});
    return forward != forwards.end() && forward->second == inside &&
           external.address == Address(address_of(link_at(uplink).v4));
}

bool Rules::is_private(const Address& address) const {
    return std::ranges::any_of(masquerades,
                               [&](const auto& it) { return is_of(it.first, address); });
}

bool Rules::denies(const Tuple& opening) const {
    switch (policy) {
        case Policy::none:
            return false;
        case Policy::no_dns:
            return opening.protocol == IPPROTO_UDP && opening.dst.port == 53;
        case Policy::a_opens_nothing:
            return opening.src.address == Address(vm_a.v4);
        case Policy::nobody_opens_to_a:
            return opening.dst.address == Address(vm_a.v4);
    }
    return false;
}

void Memory::note(const Conversation& conversation) {
    const Tuple answer = conversation.delivered.turned();
    std::erase(order_, answer);
    order_.push_back(answer);
    by_answer_[answer] = conversation;
    by_answer_[answer].era = era_;
}

const Conversation* Memory::answered_by(const Tuple& answer) const {
    const auto found = by_answer_.find(answer);
    return found != by_answer_.end() ? &found->second : nullptr;
}

const Conversation* Memory::opened_as(const Tuple& opening) const {
    for (auto it = order_.rbegin(); it != order_.rend(); ++it)
        if (by_answer_.at(*it).opened == opening) return &by_answer_.at(*it);
    return nullptr;
}

const Conversation* Memory::recent(std::size_t which) const {
    if (order_.empty()) return nullptr;
    return &by_answer_.at(order_[order_.size() - 1 - which % order_.size()]);
}

std::optional<End> Memory::bound(std::uint8_t protocol, const End& inside, At uplink) const {
    const auto found = bindings_.find({protocol, {inside, uplink}});
    return found != bindings_.end() ? std::optional(found->second) : std::nullopt;
}

std::optional<End> Memory::owner(std::uint8_t protocol, const End& external) const {
    const auto found = owners_.find({protocol, external});
    return found != owners_.end() ? std::optional(found->second) : std::nullopt;
}

void Memory::bind(std::uint8_t protocol, const End& inside, At uplink, const End& external) {
    bindings_[{protocol, {inside, uplink}}] = external;
    owners_[{protocol, external}] = inside;
}

void Memory::begin_era() {
    ++era_;
    bindings_.clear();
    owners_.clear();
}

}  // namespace sluice::test::sequence
