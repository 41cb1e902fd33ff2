// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/view/views.hpp"

namespace sluice::cli {
Document masquerades_view(const std::vector<MasqueradeStatus>& rules) {
    Json list = Json::array();
    for (const auto& [spec, addresses] : rules)
        list.push_back({{"source", spec.source.text()},
                        {"uplink", spec.uplink},
                        {"addresses", addresses_json(addresses)},
                        {"follows_uplink", spec.addresses.empty()},
                        {"ports", spec.ports.text()},
                        {"pool", spec.pool}});
    return {"sluice.nat.masquerade.list/1",
            {{"masquerades", std::move(list)}},
            {Table{"",
                   "/masquerades",
                   {{"SOURCE", "/source"},
                    {"UPLINK", "/uplink"},
                    {"ADDRESSES", "/addresses"},
                    {"PORTS", "/ports"},
                    {"POOL", "/pool", Format::count},
                    {"FOLLOWS UPLINK", "/follows_uplink"}},
                   "no masquerades; `sluice nat masquerade add` adds one"}},
            {}};
}

Document forwards_view(const std::vector<ForwardSpec>& rules) {
    Json list = Json::array();
    for (const auto& rule : rules)
        list.push_back({{"protocol", protocol_text(rule.protocol)},
                        {"external", rule.external.text()},
                        {"internal", rule.internal.text()}});
    return {"sluice.nat.forward.list/1",
            {{"forwards", std::move(list)}},
            {Table{"",
                   "/forwards",
                   {{"PROTO", "/protocol"}, {"EXTERNAL", "/external"}, {"INTERNAL", "/internal"}},
                   "no forwards; `sluice nat forward add` adds one"}},
            {}};
}

Document pools_view(const std::vector<PoolStatus>& pools) {
    Json list = Json::array();
    for (const auto& pool : pools)
        list.push_back({{"pool", pool.pool},
                        {"uplinks", pool.uplinks},
                        {"address", pool.address.text()},
                        {"protocol", protocol_text(pool.protocol)},
                        {"range", pool.range.text()},
                        {"ports", pool.range.size()},
                        {"reserved", pool.reserved},
                        {"used", pool.used},
                        {"free", pool.free},
                        {"highest", pool.highest},
                        {"allocated", pool.allocated},
                        {"refused", pool.refused},
                        {"retries", pool.retries}});
    return {"sluice.nat.pool.show/1",
            {{"pools", std::move(list)}},
            {Table{"",
                   "/pools",
                   {{"POOL", "/pool", Format::count},
                    {"UPLINK", "/uplinks"},
                    {"ADDRESS", "/address"},
                    {"PROTO", "/protocol"},
                    {"RANGE", "/range"},
                    {"PORTS", "/ports", Format::count},
                    {"RESERVED", "/reserved", Format::count},
                    {"USED", "/used", Format::count},
                    {"FREE", "/free", Format::count},
                    {"HIGHEST", "/highest", Format::count},
                    {"ALLOCATED", "/allocated", Format::count},
                    {"REFUSED", "/refused", Format::count},
                    {"RETRIES", "/retries", Format::count}},
                   "no pools; a masquerade makes one"}},
            {}};
}

}  // namespace sluice::cli
