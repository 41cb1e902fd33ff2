// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/view/flow.hpp"

#include "cli/view/events.hpp"

namespace sluice::cli {
namespace {

constexpr std::size_t flow_end_width = 21;  // IPv4 with a port of five digits

std::vector<Field> flow_fields() {
    return {{"PROTO", "/protocol", Format::plain, 5},
            {"SOURCE", "/source", Format::endpoint, flow_end_width},
            {"DESTINATION", "/destination", Format::endpoint, flow_end_width},
            {"VM", "/vm", Format::plain, 8},
            {"IN", "/in_port", Format::plain, 8},
            {"OUT", "/out_port", Format::plain, 8},
            {"VLAN", "/vlan", Format::plain, 4},
            {"STATE", "/state", Format::plain, 11},
            {"SENT", "/sent/bytes", Format::bytes, 8},
            {"RECEIVED", "/received/bytes", Format::bytes, 8}};
}

std::vector<Field> with_fields(std::vector<Field> fields, std::vector<Field> more) {
    fields.insert(fields.end(), more.begin(), more.end());
    return fields;
}

}  // namespace

Stream flow_stream() {
    return {"sluice.flow.list/1", "flows",
            with_fields(flow_fields(), {{"RTT", "/handshake", Format::wait, 7},
                                        {"AGE", "/age", Format::duration, 5},
                                        {"IDLE", "/idle", Format::duration, 5}}),
            "no flows"};
}

Document flow_top_view(const FlowTop& top) {
    Json rows = Json::array();
    for (const auto& row : top.rows) {
        auto json = session_json(row.session);
        json["rate"] = row.rate;
        rows.push_back(std::move(json));
    }
    const auto count = top.sessions.ipv4 + top.sessions.ipv6;
    return {"sluice.flow.top/1",
            {{"count", count}, {"rate", top.rate}, {"flows", std::move(rows)}},
            {Facts{"", {{"flows", "/count", Format::count}, {"rate", "/rate", Format::bit_rate}}},
             Table{"", "/flows", with_fields({{"RATE", "/rate", Format::bit_rate}}, flow_fields()),
                   "no flows"}},
            {}};
}

Stream flow_watch_stream() {
    return {
        "sluice.flow.watch/1", "flows",
        with_fields({{"TIME", "/time", Format::plain, 24}, {"EVENT", "/event", Format::plain, 5}},
                    flow_fields()),
        "no flows", true};
}

Json flow_record_json(const FlowRecord& record) {
    Json json{{"time", wall_time_text(record.time)}, {"event", record.ended ? "ended" : "began"}};
    json.update(session_json(record.session));
    return json;
}

}  // namespace sluice::cli
