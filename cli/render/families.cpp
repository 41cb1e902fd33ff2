// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/render/families.hpp"

#include "cli/render/document.hpp"

namespace sluice::cli {
namespace {

/// Names of interfaces are bytes, not always UTF-8, and one label that is not would cost the whole
/// scrape.
std::string as_utf8(const std::string& text) {
    return Json::parse(Json(text).dump(-1, ' ', false, Json::error_handler_t::replace));
}

}  // namespace

void Families::counter(const std::string& name, const std::string& help) {
    families_.push_back({name, help, prometheus::MetricType::Counter, {}});
}

void Families::gauge(const std::string& name, const std::string& help) {
    families_.push_back({name, help, prometheus::MetricType::Gauge, {}});
}

void Families::add(Labels labels, double value) {
    auto& family = families_.back();
    auto& sample = family.metric.emplace_back();
    for (auto& [name, value] : labels) value = as_utf8(value);
    sample.label = std::move(labels);
    if (family.type == prometheus::MetricType::Counter)
        sample.counter.value = value;
    else
        sample.gauge.value = value;
}

std::vector<prometheus::MetricFamily> Families::take() {
    std::erase_if(families_, [](const auto& family) { return family.metric.empty(); });
    return std::exchange(families_, {});
}

}  // namespace sluice::cli
