// SPDX-License-Identifier: GPL-2.0-or-later
// What Prometheus is told: names, labels and values of its text format.
#include "cli/view/metrics.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <prometheus/text_serializer.h>

#include <regex>
#include <set>

namespace sluice::cli {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;

PortCounters counted_port() {
    PortCounters counters{.port = "tap0"};
    counters.stats.rx[SL_COUNT_OBSERVED] = {6, 600};
    counters.stats.rx[SL_COUNT_FORWARDED] = {3, 300};
    counters.stats.rx[SL_COUNT_PASSED] = {2, 200};
    counters.stats.rx[SL_COUNT_DROPPED] = {1, 100};
    counters.stats.unattributed = {4, 400};
    return counters;
}

GuardStatus audited_port() {
    GuardStatus guard;
    guard.port = "tap0";
    guard.counts = {{&drop_reasons()[SL_DROP_GUARD_ARP - 1], {0, 0}, {4, 240}},
                    {&drop_reasons()[SL_DROP_GUARD_MAC - 1], {0, 0}, {0, 0}}};
    guard.duplicates = 2;
    return guard;
}

QosPortStatus queued_port(const char* name, bool present) {
    QosPortStatus port;
    port.spec.port = name;
    port.present = present;
    port.in.conformed = {1'000, 1'514'000};
    port.in.throttled = 1.5;
    port.out.rate = 1'000'000'000;
    port.queue = {12'000, 8, 0.0005, 3};
    port.classes = {{.spec = {.name = "voice"}, .counts = {{5, 1'000}, {1, 200}}}};
    return port;
}

/// Something of everything.
Metrics all_metrics() {
    Metrics metrics;
    metrics.since = 1'700'000'000;
    metrics.sessions4 = {12, 500'000};
    metrics.events = SL_EVENTS + 5;
    metrics.ports = {{"tap0", Role::access, "web1"}};
    metrics.counters = {counted_port()};
    for (const auto* port : {"tap0", "eth0"})
        for (const auto& reason : drop_reasons()) metrics.drops.push_back({port, &reason, {}});
    metrics.drops[SL_DROP_TOO_BIG - 1].count = {2, 3'028};
    metrics.guards = {audited_port()};
    auto& switched = metrics.switch_ports.emplace_back();
    switched.spec.port = "tap0";
    switched.learned = 3;
    switched.closed = SL_CLOSED_LOOP;
    metrics.qos_ports = {queued_port("tap0", true), queued_port("gone0", false)};
    PoolStatus pool;
    pool.address = *Address::parse("192.0.2.1");
    pool.protocol = 17;
    pool.range = {2000, 5000};
    pool.used = 10;
    metrics.nat_pools = {pool};
    auto& macs = metrics.mac_pools.emplace_back();
    macs.pool.name = "vms";
    macs.held = 7;
    metrics.talkers = {{"tap0", "web1", "10.0.0.2", 123'456'789'012}};
    return metrics;
}

std::string exposed(const Result<Metrics>& reading) {
    return prometheus::TextSerializer().Serialize(metric_families(Target{}, reading));
}

TEST(Metrics, Values) {
    const auto text = exposed(all_metrics());
    for (const auto* line : {
             "sluice_up 1\n",
             "sluice_instance_info{name=\"default\",netns=\"\"} 1\n",
             "sluice_start_time_seconds 1700000000\n",
             "sluice_sessions{family=\"ipv4\"} 12\n",
             "sluice_sessions_limit{family=\"ipv4\"} 500000\n",
             "sluice_events_total 4101\n",
             "sluice_events_overwritten_total 5\n",
             "sluice_port_info{port=\"tap0\",role=\"access\",vm=\"web1\"} 1\n",
             "sluice_port_observed_packets_total{port=\"tap0\",direction=\"rx\"} 6\n",
             "sluice_port_bytes_total{port=\"tap0\",direction=\"rx\",fate=\"forwarded\"} 300\n",
             "sluice_port_packets_total{port=\"tap0\",direction=\"rx\",fate=\"passed\"} 2\n",
             "sluice_port_packets_total{port=\"tap0\",direction=\"tx\",fate=\"dropped\"} 0\n",
             "sluice_port_unattributed_bytes_total{port=\"tap0\"} 400\n",
             "sluice_dropped_packets_total{reason=\"too-big\"} 2\n",
             "sluice_dropped_bytes_total{reason=\"qos-pps\"} 0\n",
             "sluice_port_dropped_bytes_total{port=\"tap0\",reason=\"too-big\"} 3028\n",
             "sluice_port_audited_packets_total{port=\"tap0\",reason=\"guard-arp\"} 4\n",
             "sluice_port_duplicate_mac_packets_total{port=\"tap0\"} 2\n",
             "sluice_switch_port_macs{port=\"tap0\"} 3\n",
             "sluice_switch_port_closed{port=\"tap0\"} 1\n",
             "sluice_qos_rate_bytes_per_second{port=\"tap0\",direction=\"tx\"} 125000000\n",
             "sluice_qos_conformed_bytes_total{port=\"tap0\",direction=\"rx\"} 1514000\n",
             "sluice_qos_throttled_seconds_total{port=\"tap0\",direction=\"rx\"} 1.5\n",
             "sluice_qos_queue_delay_seconds{port=\"tap0\"} 0.0005\n",
             "sluice_qos_class_sent_packets_total{port=\"tap0\",class=\"voice\"} 5\n",
             "sluice_nat_pool_ports{pool=\"0\",address=\"192.0.2.1\",protocol=\"udp\"} 3001\n",
             "sluice_nat_pool_used_ports{pool=\"0\",address=\"192.0.2.1\",protocol=\"udp\"} 10\n",
             "sluice_mac_pool_leases{pool=\"vms\"} 7\n",
             "sluice_talker_sent_bytes{port=\"tap0\",vm=\"web1\",address=\"10.0.0.2\"} "
             "123456789012\n",
         })
        EXPECT_THAT(text, HasSubstr(line));
}

TEST(Metrics, WhatDidNotOccurAtAPortIsNoSeries) {
    const auto text = exposed(all_metrics());
    EXPECT_THAT(text, Not(HasSubstr("port=\"eth0\",reason=")));
    EXPECT_THAT(text, Not(HasSubstr("reason=\"guard-mac\"} 0\nsluice_port")));
    EXPECT_THAT(text, Not(HasSubstr("gone0"))) << "zeros of an interface that is not there";
    EXPECT_THAT(text, Not(HasSubstr("direction=\"rx\"} 2.3e+18"))) << "no rate is no number";
}

TEST(Metrics, NamesAreAsTheGuideOfPrometheusHasThem) {
    const std::regex name("sluice_[a-z0-9_]+");
    std::set<std::string> seen;
    for (const auto& it : metric_families(Target{}, all_metrics())) {
        EXPECT_TRUE(std::regex_match(it.name, name)) << it.name;
        EXPECT_TRUE(seen.insert(it.name).second) << it.name << " twice";
        EXPECT_FALSE(it.help.empty()) << it.name;
        EXPECT_FALSE(it.metric.empty()) << it.name;
        const bool counts = it.type == prometheus::MetricType::Counter;
        EXPECT_EQ(counts, it.name.ends_with("_total")) << it.name;
        std::set<std::vector<std::string>> labels;
        for (const auto& sample : it.metric) {
            std::vector<std::string> values;
            for (const auto& label : sample.label) values.push_back(label.value);
            EXPECT_TRUE(labels.insert(values).second) << it.name << " has a series twice";
        }
    }
    EXPECT_GT(seen.size(), 50u);
}

TEST(Metrics, DownIsAValueNotAFailure) {
    const auto text = exposed(fail(ErrorCode::refused, "instance default is down"));
    EXPECT_THAT(text, HasSubstr("sluice_up 0\n"));
    EXPECT_THAT(text, HasSubstr("sluice_build_info{"));
    EXPECT_THAT(text, Not(HasSubstr("sluice_port")));
    EXPECT_THAT(text, EndsWith("\n"));
}

/// The kernel takes nearly any bytes for the name of an interface.
TEST(Metrics, LabelsAreEscapedAndUtf8) {
    Metrics metrics;
    metrics.ports = {{"a\"b\\c", Role::access, ""},
                     {"caf\xc3\xa9", Role::access, ""},
                     {"bad\xff", Role::access, ""}};
    const auto text = exposed(metrics);
    EXPECT_THAT(text, HasSubstr(R"(port="a\"b\\c")"));
    EXPECT_THAT(text, HasSubstr("port=\"caf\xc3\xa9\""));
    EXPECT_THAT(text, HasSubstr("port=\"bad\xef\xbf\xbd\"")) << "the replacement character";
}

}  // namespace
}  // namespace sluice::cli
