// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/flow/top.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <functional>
#include <thread>
#include <unordered_map>
#include <utility>

namespace sluice {
namespace {

constexpr std::array<std::pair<FlowOrder, std::string_view>, 6> flow_orders{{
    {FlowOrder::bytes, "bytes"},
    {FlowOrder::packets, "packets"},
    {FlowOrder::age, "age"},
    {FlowOrder::idle, "idle"},
    {FlowOrder::rtt, "rtt"},
    {FlowOrder::rate, "rate"},
}};

std::uint64_t all_bytes(const Session& session) {
    return session.sent.bytes + session.received.bytes;
}

/// Two sessions with the same one are as likely as a flipped bit.
std::uint64_t fingerprint(const Session& session) {
    std::uint64_t hash = 0;
    const auto mix = [&](std::uint64_t value) {
        hash = (hash ^ value) * 0x9e3779b97f4a7c15;  // 2^64 / the golden ratio
        hash ^= hash >> 29;
    };
    for (const auto* end : {&session.source, &session.destination}) {
        for (const auto word : end->address.raw().w) mix(word);
        mix(end->port);
    }
    mix(static_cast<std::uint64_t>(session.domain) << 8 | session.protocol);
    return hash;
}

double value_of(const FlowRow& row, FlowOrder order) {
    switch (order) {
        case FlowOrder::bytes:
            return static_cast<double>(all_bytes(row.session));
        case FlowOrder::packets:
            return static_cast<double>(row.session.sent.packets + row.session.received.packets);
        case FlowOrder::age:
            return row.session.age;
        case FlowOrder::idle:
            return row.session.idle;
        case FlowOrder::rtt:
            return row.session.handshake;
        case FlowOrder::rate:
            break;
    }
    return row.rate;
}

/// Keeps the greatest: a heap with the least of them on top.
class Greatest {
public:
    Greatest(FlowOrder order, std::size_t limit) : order_(order), limit_(limit) {}

    void offer(const FlowRow& row) {
        const auto value = value_of(row, order_);
        if (rows_.size() == limit_) {
            if (limit_ == 0 || value <= rows_.front().first) return;
            std::ranges::pop_heap(rows_, std::greater{}, &Valued::first);
            rows_.pop_back();
        }
        rows_.emplace_back(value, row);
        std::ranges::push_heap(rows_, std::greater{}, &Valued::first);
    }

    std::vector<FlowRow> take() {
        std::ranges::sort_heap(rows_, std::greater{}, &Valued::first);
        std::vector<FlowRow> rows;
        rows.reserve(rows_.size());
        for (const auto& it : rows_) rows.push_back(it.second);
        return rows;
    }

private:
    using Valued = std::pair<double, FlowRow>;
    FlowOrder order_;
    std::size_t limit_;
    std::vector<Valued> rows_;
};

using BytesBefore = std::unordered_map<std::uint64_t, std::uint64_t>;

Result<BytesBefore> look_before(const SessionTable& table, const SessionFilter& filter) {
    BytesBefore before;
    table.for_each(filter, [&](const Session& session) {
        before[fingerprint(session)] = all_bytes(session);
        return true;
    });
    return before;
}

}  // namespace

Result<FlowOrder> parse_flow_order(std::string_view text) {
    std::string names;
    for (const auto& [order, name] : flow_orders) {
        if (name == text) return order;
        names += fmt::format("{}{}", names.empty() ? "" : ", ", name);
    }
    return fail(ErrorCode::usage, fmt::format("`{}` is not an order of flows", text),
                "it is one of " + names);
}

std::string_view flow_order_text(FlowOrder order) {
    return std::ranges::find(flow_orders, order, &std::pair<FlowOrder, std::string_view>::first)
        ->second;
}

Result<FlowTop> top_flows(const SessionTable& table, const SessionFilter& filter, FlowOrder order,
                          std::size_t limit, std::chrono::milliseconds interval) {
    BytesBefore before;
    const auto start = std::chrono::steady_clock::now();
    if (interval.count() != 0) {
        SL_TRY(found, look_before(table, filter));
        before = std::move(found);
        std::this_thread::sleep_for(interval);
    }
    const auto elapsed = std::chrono::duration<double>(std::chrono::steady_clock::now() - start);
    FlowTop top;
    Greatest greatest(order, limit);
    table.for_each(filter, [&](const Session& session) {
        FlowRow row{session, 0};
        if (interval.count() != 0) {
            const auto then = before.find(fingerprint(session));
            const auto bytes = all_bytes(session) - (then == before.end() ? 0 : then->second);
            row.rate = static_cast<double>(bytes) * 8 / elapsed.count();
        }
        top.rate += row.rate;
        ++(session.source.address.is_v4() ? top.sessions.ipv4 : top.sessions.ipv6);
        greatest.offer(row);
        return true;
    });
    top.rows = greatest.take();
    return top;
}

}  // namespace sluice
