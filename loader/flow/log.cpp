// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/flow/log.hpp"

#include <fmt/format.h>

#include <atomic>

#include "loader/base/clock.hpp"

namespace sluice {
namespace {

using namespace std::chrono_literals;

// Who asks less often than that misses what began meanwhile.
constexpr std::chrono::duration<__u64, std::nano> watch_time = 5s;

}  // namespace

FlowLog::FlowLog(Target target, SessionTable table, bool begins)
    : target_(std::move(target)),
      table_(std::move(table)),
      reader_(table_.datapath().maps().flow_log.entries(),
              table_.datapath().maps().flow_log_head.entries()[0].newest),
      begins_(begins) {
    reader_.skip_to_end();
}

Result<FlowLog> FlowLog::open(const Target& target, bool begins) {
    SL_TRY(table, SessionTable::open(target, SessionScope::all));
    FlowLog log(target, std::move(table), begins);
    log.watch();
    return log;
}

void FlowLog::watch() {
    if (!begins_) return;
    auto& head = table_.datapath().maps().flow_log_head.entries()[0];
    std::atomic_ref(head.watched_until)
        .store(now_monotonic() + watch_time.count(), std::memory_order_relaxed);
}

FlowPage FlowLog::next() {
    watch();
    const auto batch = reader_.read();
    FlowPage page;
    page.lost = batch.lost;
    for (const auto& record : batch.records) {
        const bool ended = record.kind == SL_FLOW_ENDED;
        if (ended || begins_)
            page.records.push_back({wall_time(record.time), ended, table_.form(record)});
    }
    return page;
}

Result<> FlowLog::keep_up() {
    const auto now = Datapath::open(target_.instance);
    const auto& ours = table_.datapath().maps().flow_log.info();
    if (now && now->maps().flow_log.info().id == ours.id) return table_.read_names(target_);
    return fail(
        ErrorCode::refused,
        fmt::format("instance {} {}", target_.instance, now ? "was brought up anew" : "went down"),
        now ? "start this command again" : "`sluice up` brings it up");
}

}  // namespace sluice
