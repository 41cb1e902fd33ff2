// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/qos/file.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

#include "loader/qos/match.hpp"
#include "tests/unit/expect_error.hpp"

namespace sluice {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

constexpr std::uint64_t megabit = 1'000'000;

constexpr std::string_view whole_file = R"(# what the header of qos_file.hpp shows
vms:
  - name: web1
    bandwidth: 1Gbps
    pps: 100kpps
    latency: 2ms
    ingress-burst: 256kb
    egress-burst: 64kib
    shaper: htb
  - port: tap1
    ingress: 500Mbps
    egress: unlimited
classes:
  - name: voice
    match: [app=voip, "vm=pbx port=5060"]
    priority: 0
    max: 20%
    dscp: ef
  - name: web
    match: "proto=tcp port=80,443"
    weight: 4
  - {name: default, weight: 2, dscp: keep}
)";

QosFile read(std::string_view text) {
    auto file = parse_qos_file(text, "q.yaml");
    EXPECT_TRUE(file) << text << "\n" << file.error().message;
    return file.value_or(QosFile{});
}

/// @param place `LINE:COLUMN`
/// @param hint a part of it
void expect_refused(std::string_view text, std::string_view place, const std::string& message,
                    const std::string& hint = {}) {
    const auto file = parse_qos_file(text, "q.yaml");
    ASSERT_FALSE(file) << text;
    EXPECT_EQ(file.error().code, ErrorCode::usage);
    EXPECT_THAT(file.error().message, StartsWith(fmt::format("q.yaml:{}: ", place))) << text;
    EXPECT_THAT(file.error().message, HasSubstr(message)) << text;
    EXPECT_THAT(file.error().hint, HasSubstr(hint)) << text;
}

/// `vms` of one VM web1, whose other keys begin in line 3, column 5.
std::string vm_with(std::string_view keys) {
    return fmt::format("vms:\n  - name: web1\n    {}\n", keys);
}

/// `classes` of one class web, whose other keys begin in line 4, column 5.
std::string class_with(std::string_view keys) {
    return fmt::format("classes:\n  - name: web\n    match: port=80\n    {}\n", keys);
}

TEST(QosFile, VmsSayWhatIsSet) {
    const auto file = read(whole_file);
    ASSERT_EQ(file.vms.size(), 2u);
    const auto& web = file.vms[0];
    EXPECT_EQ(web.vm, "web1");
    EXPECT_EQ(web.port, "");
    EXPECT_EQ(web.line, 3);
    EXPECT_EQ(web.change.ingress_rate, 1000 * megabit);
    EXPECT_EQ(web.change.egress_rate, 1000 * megabit);
    EXPECT_EQ(web.change.pps, 100'000u);
    EXPECT_EQ(web.change.latency, 2ms);
    EXPECT_EQ(web.change.ingress_burst, 256'000u);
    EXPECT_EQ(web.change.egress_burst, 65'536u);
    EXPECT_EQ(web.change.shaper, Shaper::htb);
    EXPECT_EQ(web.change.classes, std::nullopt);
    const auto& tap = file.vms[1];
    EXPECT_EQ(tap.vm, "");
    EXPECT_EQ(tap.port, "tap1");
    EXPECT_EQ(tap.line, 10);
    EXPECT_EQ(tap.change.ingress_rate, 500 * megabit);
    EXPECT_EQ(tap.change.egress_rate, unlimited);
    EXPECT_EQ(tap.change.pps, std::nullopt);
    EXPECT_EQ(tap.change.latency, std::nullopt);
    EXPECT_EQ(tap.change.ingress_burst, std::nullopt);
    EXPECT_EQ(tap.change.shaper, std::nullopt);
}

TEST(QosFile, ClassesSayWhatTheyAre) {
    QosClassSpec voice, web, rest;
    voice.name = "voice";
    voice.matches = {parse_qos_match("app=voip").value(),
                     parse_qos_match("vm=pbx port=5060").value()};
    voice.priority = 0;
    voice.max_percent = 20;
    voice.dscp = 46;
    web.name = "web";
    web.matches = {parse_qos_match("proto=tcp port=80,443").value()};
    web.weight = 4;
    rest.name = "default";
    rest.weight = 2;
    EXPECT_THAT(read(whole_file).classes, ElementsAre(voice, web, rest));
}

TEST(QosFile, EitherPartMayBeMissing) {
    EXPECT_THAT(read(vm_with("egress: 0")).classes, IsEmpty());
    EXPECT_EQ(read(vm_with("egress: 0")).vms.at(0).change.egress_rate, 0u);
    EXPECT_THAT(read(class_with("weight: 1")).vms, IsEmpty());
    EXPECT_THAT(read("vms: []\nclasses: []\n").vms, IsEmpty());
}

TEST(QosFile, AVmMayHaveSeveralPorts) {
    const auto file = read(
        "vms: [{name: a, port: tap0, pps: 1pps}, {name: a, port: tap1, pps: 2pps},"
        " {port: tap2, pps: 1pps}]");
    ASSERT_EQ(file.vms.size(), 3u);
    EXPECT_EQ(file.vms[1].vm, "a");
    EXPECT_EQ(file.vms[1].port, "tap1");
}

TEST(QosFile, UnknownKeysNameTheKnownAndTheNearest) {
    expect_refused("vm:\n  - name: a\n", "1:1", "unknown key \"vm\" for the file",
                   "did you mean vms? keys of the file: vms, classes");
    expect_refused(vm_with("bandwith: 1gbit"), "3:5", "unknown key \"bandwith\" for a VM",
                   "did you mean bandwidth? keys of a VM: name, port, bandwidth, ingress, egress, "
                   "pps, latency, ingress-burst, egress-burst, shaper");
    expect_refused(class_with("colour: red"), "4:5", "unknown key \"colour\" for a class",
                   "keys of a class: name, match, priority, weight, max, dscp");
    expect_refused(vm_with("<<: {pps: 1pps}"), "3:5", "unknown key \"<<\"");
    expect_refused(vm_with("[a, b]: 1"), "3:5", "this is not a key");
}

TEST(QosFile, KeysStandOnce) {
    expect_refused(vm_with("pps: 1pps\n    pps: 1pps"), "4:5", "pps stands twice, first in line 3");
    expect_refused("vms: []\nclasses: []\nvms: []\n", "3:1", "vms stands twice, first in line 1");
    expect_refused(class_with("weight: 1\n    weight: 2"), "5:5", "weight stands twice");
}

TEST(QosFile, VmsPortsAndClassesStandOnce) {
    expect_refused("vms:\n- {name: a, pps: 1pps}\n- {name: b, pps: 1pps}\n- {name: a, pps: 2pps}\n",
                   "4:3", "VM a stands twice, first in line 2");
    expect_refused("vms:\n- {name: a, pps: 1pps}\n- {name: a, port: tap0, pps: 1pps}\n", "3:3",
                   "VM a stands twice, first in line 2");
    expect_refused("vms:\n- {name: a, port: tap0, pps: 1pps}\n- {name: a, pps: 1pps}\n", "3:3",
                   "VM a stands twice");
    expect_refused("vms:\n- {port: t, pps: 1pps}\n- {name: b, port: t, pps: 1pps}\n", "3:3",
                   "port t stands twice, first in line 2");
    expect_refused("classes:\n- {name: a, match: port=1}\n- {name: a, match: port=2}\n", "3:3",
                   "class a stands twice");
    expect_refused("classes:\n- {name: a, match: port=1}\n- {name: b, match: [port=2, port=1]}\n",
                   "3:3", "\"port=1\" of class b is class a's already");
    expect_refused("classes:\n- {name: a, match: [port=1, port=1]}\n", "2:29",
                   "\"port=1\" stands twice");
}

TEST(QosFile, EntriesSayWhomAndWhat) {
    expect_refused("vms:\n  - pps: 1pps\n", "2:5", "neither a VM nor a port", "name: VM");
    expect_refused("vms:\n  - name: a\n", "2:5", "nothing is set");
    expect_refused("vms:\n  - {name: a, port: tap0}\n", "2:5", "nothing is set");
    expect_refused("vms:\n  - {}\n", "2:5", "neither a VM nor a port");
    expect_refused("classes:\n  - match: port=1\n", "2:5", "no name");
    expect_refused("classes:\n  - name: a\n", "2:5", "class a matches nothing");
    expect_refused("classes:\n  - {name: default, match: port=1}\n", "2:21",
                   "match contradicts the name default");
}

TEST(QosFile, ContradictionsAreRefusedWhereTheyStand) {
    for (const auto* key : {"ingress", "egress"}) {
        const auto message = fmt::format("{} contradicts bandwidth", key);
        expect_refused(vm_with(fmt::format("bandwidth: 1gbit\n    {}: 1gbit", key)), "4:5",
                       message);
        expect_refused(vm_with(fmt::format("{}: 1gbit\n    bandwidth: 1gbit", key)), "3:5",
                       message);
    }
    expect_refused(vm_with("ingress: unlimited\n    ingress-burst: 1kb"), "4:5",
                   "ingress-burst contradicts ingress, which is unlimited");
    expect_refused(vm_with("egress-burst: 1kb\n    egress: 0"), "3:5",
                   "egress-burst contradicts egress, which is 0");
    expect_refused(vm_with("bandwidth: unlimited\n    latency: 1ms"), "4:5",
                   "latency contradicts bandwidth, which is unlimited");
    expect_refused(vm_with("latency: 1ms\n    shaper: police"), "3:5",
                   "latency contradicts shaper");
    read(vm_with("ingress: unlimited\n    egress: 1mbit\n    egress-burst: 1kb\n    latency: 1ms"));
    read(vm_with("latency: 1ms"));  // the rate may have been set before
}

TEST(QosFile, StrictPriorityNeedsACapAndHasNoWeight) {
    expect_refused(class_with("priority: 3"), "4:5", "priority 3 needs max", "max: 20%");
    expect_refused(class_with("priority: 3\n    max: 20%\n    weight: 4"), "6:5",
                   "weight contradicts priority, which is 3");
    EXPECT_EQ(read(class_with("priority: 6\n    max: 100%")).classes[0].max_percent, 100);
    EXPECT_EQ(read(class_with("priority: 7\n    weight: 9")).classes[0].weight, 9);
    EXPECT_EQ(read(class_with("max: 1%")).classes[0].priority, shared_priority);
}

TEST(QosFile, WrongValuesAreRefusedWhereTheyStand) {
    expect_refused(vm_with("bandwidth: 100mb"), "3:16", "bandwidth: `100mb` is not a rate",
                   "100mbit");
    for (const auto* pair :
         {"ingress: 1", "ingress: -5mbit", "egress: 63kbit", "egress: 101gbit", "pps: 1.5pps",
          "pps: 1mbit", "latency: 99us", "latency: 10001ms", "latency: 2", "latency: unlimited",
          "ingress-burst: 64kbit", "egress-burst: 64", "shaper: sfq", "shaper: ''",
          "port: sixteen-letters1", "port: ''", "pps: [1pps]", "pps: {a: b}"}) {
        const std::string_view text(pair);
        expect_refused(vm_with(text), fmt::format("3:{}", 5 + text.find(' ') + 1),
                       std::string(text.substr(0, text.find(' '))));
    }
    for (const auto* pair :
         {"priority: 8", "priority: -1", "priority: high", "weight: 0", "weight: 1001", "max: 20",
          "max: 0%", "max: 101%", "max: '%'", "max: 1.5%", "dscp: 64", "dscp: ''"}) {
        const std::string_view text(pair);
        expect_refused(class_with(text), fmt::format("4:{}", 5 + text.find(' ') + 1),
                       std::string(text.substr(0, text.find(' '))));
    }
    EXPECT_EQ(read(vm_with("latency: 100us")).vms[0].change.latency, 100us);
    EXPECT_EQ(read(vm_with("latency: 10s")).vms[0].change.latency, 10s);
    expect_refused("vms:\n- {name: -a, pps: 1pps}\n", "2:10", "not a VM name");
    expect_refused("classes:\n- {name: a b, match: port=1}\n", "2:10", "not a name of a class");
    expect_refused("classes:\n- name: a\n  match:\n  - port=1\n  - prot=tcp\n", "5:5",
                   "match: unknown match key \"prot\"", "did you mean");
    expect_refused("classes:\n- name: a\n  match: {port: 1}\n", "3:10", "not one value");
    expect_refused("classes:\n- name: a\n  match: [[port=1]]\n", "3:11", "not one value");
}

TEST(QosFile, NamesOfClassesHaveUpTo31Letters) {
    const auto with_name = [](const std::string& name) {
        return "classes:\n- {name: " + name + ", match: port=1}\n";
    };
    EXPECT_EQ(read(with_name("A-b_9")).classes[0].name, "A-b_9");
    EXPECT_EQ(read(with_name(std::string(31, 'x'))).classes.size(), 1u);
    expect_refused(with_name(std::string(32, 'x')), "2:10", "not a name of a class");
    expect_refused(with_name("''"), "2:10", "not a name of a class");
}

TEST(QosFile, KeysHaveValues) {
    expect_refused(vm_with("pps:\n    latency: 1ms"), "3:5", "pps has no value");
    expect_refused(vm_with("pps: ~"), "3:5", "pps has no value");
    expect_refused("classes:\n- name: a\n  match: []\n", "3:3", "match has no value");
    expect_refused("vms:\n", "1:1", "vms should be a list");
    expect_refused("vms: {name: a}\n", "1:1", "vms should be a list");
    expect_refused("classes: voice\n", "1:1", "classes should be a list");
    expect_refused("vms:\n  - web1\n", "2:5", "here should be a VM");
    expect_refused("- name: a\n", "1:1", "here should be the file");
    expect_refused("just words\n", "1:1", "here should be the file");
}

TEST(QosFile, WhatIsNoYamlSaysWhere) {
    expect_refused("vms:\n  - name: \"a\n", "2:13", "no YAML: ");
    expect_refused("classes:\n- name: a\n  match: 'port=80\n\n \n", "3:18", "no YAML: ");
    expect_refused("vms:\n  - name: a\n   pps: 1pps\n", "3:4", "no YAML: ");
    expect_refused("vms:\n\t- name: a\n", "2:2", "no YAML: ");
    expect_refused("vms: [\n", "1:7", "no YAML: ");
    expect_refused("vms: []\nclasses: [a,\n  b", "3:4", "no YAML: ");
    expect_refused("vms: *nowhere\n", "1:6", "no YAML: ");
    expect_refused("vms: a: b\n", "1:7", "no YAML: ");
    expect_refused("vms: []\n---\nclasses: []\n", "2:1", "the document ends before this");
    // Before what cannot begin a document, YAML::LoadAll() finds empty ones without end.
    for (const auto* text : {",vms: [{n,", ",", ": ,", "]", "}", "vms: []\n,"})
        EXPECT_FALSE(parse_qos_file(text, "q.yaml")) << text;
}

TEST(QosFile, EmptyFilesAndStrangeBytesAreRefused) {
    for (const auto* text : {"", "\n", "# nothing\n", "---\n", "~\n", "{}\n"})
        expect_refused(text, "1:1", "there is nothing in it");
    using namespace std::string_view_literals;
    // yaml-cpp would take 0x04 for the end, and read the rest as if it were not there.
    expect_refused("vms: []\n \x04\nrubbish"sv, "2:2", "a control character (0x04)");
    expect_refused("v\0m\0s\0"sv, "1:2", "a control character (0x00)");
    expect_refused("vms: []\x7f"sv, "1:8", "a control character (0x7f)");
    EXPECT_THAT(read("\xef\xbb\xbfvms: []\r\n").vms, IsEmpty());
}

TEST(QosFile, TooMuchIsRefused) {
    std::string vms = "vms:\n", matches = "classes:\n- name: a\n  match:\n", classes = "classes:\n";
    for (int i = 0; i < 1024; ++i) vms += fmt::format("- {{name: a{}, pps: 1pps}}\n", i);
    EXPECT_EQ(read(vms).vms.size(), 1024u);
    expect_refused(vms + "- {name: b, pps: 1pps}\n", "1026:3", "more than 1024 VMs");
    for (int i = 1; i <= 64; ++i) matches += fmt::format("  - port={}\n", 2 * i);
    EXPECT_EQ(read(matches).classes[0].matches.size(), 64u);
    expect_refused(matches + "  - port=65000\n", "68:5", "more than 64 matches");
    expect_refused(matches + "- {name: b, match: port=65000}\n", "68:3", "more than 64 matches");
    matches.erase(matches.rfind("  - "));
    expect_refused(matches + "  - app=voip\n", "2:3", "more than 64 matches");
    for (int i = 1; i <= 15; ++i) classes += fmt::format("- {{name: c{}, match: port={}}}\n", i, i);
    EXPECT_EQ(read(classes + "- {name: default, weight: 2}\n").classes.size(), 16u);
    expect_refused(classes + "- {name: b, match: port=99}\n", "17:3", "more than 15 classes");
    classes.insert(classes.find('-'), "- {name: default, weight: 2}\n");
    EXPECT_EQ(read(classes).classes.size(), 16u);
}

// What is made to take long or to overflow the stack is refused, before the time for a test is
// over.
TEST(QosFile, HostileFilesDoNoHarm) {
    const std::string padding(999'000, ' ');
    EXPECT_THAT(read("vms: []\n" + padding).vms, IsEmpty());
    expect_refused("vms: []\n" + padding + std::string(1'000, ' '), "1:1", "1 MB are too many");
    const auto repeated = [](std::string_view what, std::size_t times) {
        std::string text;
        while (times-- != 0) text += what;
        return text;
    };
    expect_refused("vms: " + std::string(900'000, '['), "1:1", "too deep");
    for (const auto* opening : {"{", "- ", "? "}) {
        const auto file = parse_qos_file(repeated(opening, 400'000), "q.yaml");
        expect_error(file, ErrorCode::usage, "q.yaml:1:");
    }
    std::string laughs = "a0: &a0 [x, x]\n";
    for (int i = 1; i < 100; ++i)
        laughs += fmt::format("a{0}: &a{0} [*a{1}, *a{1}, *a{1}, *a{1}, *a{1}]\n", i, i - 1);
    expect_refused(laughs, "1:1", "unknown key \"a0\"");
    expect_refused("vms: &a [*a]\n", "1:6", "here should be a VM");
    expect_refused("vms: [&a {name: x, pps: 1pps}" + repeated(",*a", 200'000) + "]", "1:7",
                   "VM x stands twice");
    expect_refused("classes: [{name: a, match: [&a port=1" + repeated(",*a", 200'000) + "]}]",
                   "1:29", "stands twice");
    std::string distinct = "classes:\n- name: a\n  match:\n";
    for (int i = 1; i < 60'000; ++i) distinct += fmt::format("  - port={}\n", i);
    expect_refused(distinct, "68:5", "more than 64 matches");
}

TEST(QosFile, AnchorsMayShareValues) {
    const auto file = read("vms: [{name: a, pps: &p 5kpps}, {name: b, pps: *p}]");
    EXPECT_EQ(file.vms.at(1).change.pps, 5'000u);
}

}  // namespace
}  // namespace sluice
