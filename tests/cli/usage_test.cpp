// SPDX-License-Identifier: GPL-2.0-or-later
// Usage errors and what needs no kernel: no root needed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cctype>
#include <regex>
#include <sstream>

#include "cli/command.hpp"
#include "loader/monitor/counters.hpp"
#include "sluice/abi/types.h"
#include "tests/cli/capture.hpp"

namespace sluice::cli {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

const std::vector<std::vector<std::string>> commands{
    {"up"},
    {"down"},
    {"restore"},
    {"status"},
    {"serve"},
    {"port", "add"},
    {"port", "del"},
    {"port", "set"},
    {"port", "list"},
    {"port", "show"},
    {"nat", "masquerade", "add"},
    {"nat", "masquerade", "del"},
    {"nat", "masquerade", "list"},
    {"nat", "forward", "add"},
    {"nat", "forward", "del"},
    {"nat", "forward", "list"},
    {"nat", "pool", "show"},
    {"nat", "session", "list"},
    {"nat", "session", "count"},
    {"nat", "session", "flush"},
    {"guard", "set"},
    {"guard", "del"},
    {"guard", "show"},
    {"guard", "list"},
    {"qos", "set"},
    {"qos", "del"},
    {"qos", "show"},
    {"qos", "list"},
    {"qos", "top"},
    {"qos", "load"},
    {"qos", "class", "add"},
    {"qos", "class", "set"},
    {"qos", "class", "del"},
    {"qos", "class", "list"},
    {"stats"},
    {"drops"},
    {"events"},
    {"version"},
};

TEST(Help, EveryCommandHasExamples) {
    for (auto command : commands) {
        command.emplace_back("--help");
        testing::internal::CaptureStdout();
        const auto result = run_captured(command);
        const auto help = testing::internal::GetCapturedStdout();
        EXPECT_EQ(result.code, 0);
        EXPECT_THAT(help, HasSubstr("Examples:\n  sluice ")) << command[0];
    }
}

TEST(Version, InTextAndJson) {
    EXPECT_THAT(run_captured({"version"}).out, StartsWith("sluice"));
    const auto json = run_captured({"version", "--json"}).json();
    EXPECT_EQ(json["schema"], "sluice.version/1");
    EXPECT_EQ(json["abi"], SL_ABI_VERSION);
}

TEST(Usage, GlobalOptionsStandBeforeOrAfterTheObject) {
    EXPECT_EQ(run_captured({"--json", "version"}).json(),
              run_captured({"version", "--json"}).json());
    EXPECT_EQ(run_captured({"version", "--pretty"}).json(),
              run_captured({"version", "--json"}).json());
}

/// All of these are refused before anything is opened.
TEST(Usage, ErrorsExitWith2) {
    const std::vector<std::vector<std::string>> wrong{
        {},
        {"bogus"},
        {"port"},
        {"port", "bogus"},
        {"port", "add"},
        {"port", "add", "tap0"},
        {"port", "add", "tap0", "--role", "boss"},
        {"port", "add", "tap0", "--role", "access", "--hook", "fish"},
        {"port", "add", "tap0", "--role", "access", "--vlan", "x"},
        {"port", "add", "tap0", "--role", "access", "--vlan", "4095"},
        {"port", "add", "tap0", "--role", "access", "--vlan", "-1"},
        {"port", "add", "tap0", "--role", "access", "--vlan", "0x10"},
        {"flow", "list", "--limit", "-1"},
        {"port", "add", "tap0", "--role", "access", "--vlans", "1,2"},
        {"port", "add", "tap0", "--role", "trunk", "--vlans", "30-20"},
        {"port", "add", "tap0", "--role", "trunk", "--vlans", "10,10-20"},
        {"port", "add", "tap0", "--role", "uplink", "--vlan", "5"},
        {"nat", "masquerade", "add", "--source", "10.0.0.1/24", "--uplink", "eth0"},
        {"nat", "masquerade", "add", "--source", "10.0.0.0/33", "--uplink", "eth0"},
        {"nat", "masquerade", "add", "--source", "10.0.0.0/24", "--uplink", "eth0", "--ports",
         "0-9"},
        {"nat", "masquerade", "add", "--source", "10.0.0.0/24", "--uplink", "eth0", "--ports",
         "9-5"},
        {"nat", "masquerade", "add", "--source", "10.0.0.0/24", "--uplink", "eth0", "--ports",
         "1-65536"},
        {"nat", "masquerade", "add", "--source", "10.0.0.0/24", "--uplink", "eth0", "--address",
         "eth1"},
        {"nat", "forward", "add", "--proto", "icmp", "--external", "192.0.2.1:1", "--internal",
         "10.0.0.2:1"},
        {"nat", "forward", "add", "--proto", "tcp", "--external", "192.0.2.1", "--internal",
         "10.0.0.2:1"},
        {"nat", "forward", "add", "--proto", "tcp", "--external", "192.0.2.1:1-2", "--internal",
         "10.0.0.2:1"},
        {"nat", "session", "list", "colour=red"},
        {"drops", "flows-ful"},
        {"nat", "session", "flush", "src"},
        {"up", "--max-flows", "0"},
        {"up", "--max-flows", "many"},
        {"up", "--max-flows", "5000000000"},
        {"up", "--host-ports", "0"},
        {"up", "--door-mark", "0x3"},
        {"qos", "class", "add", "a b", "--match", "app=voip"},
        {"detect", "set", "syn-flood", "--window", "2h"},
        {"mac", "pool", "add", "p", "--prefix", "02:1a:2b", "--vlan", "4095"},
        {"up", "--udp-timeout", "30"},
        {"up", "--udp-timeout", "400d"},
        {"serve"},
        {"serve", "--prometheus", "9100"},
        {"serve", "--prometheus", "localhost:9100"},
        {"serve", "--prometheus", "127.0.0.1:9100-9101"},
        {"serve", "--prometheus", "127.0.0.1:9100", "--top", "1001"},
        {"events", "--since", "yesterday"},
        {"events", "--since", "2026-11-22T20:48:42"},
        {"--instance", "a/b", "status"},
        {"status", "--json", "--pretty"},
    };
    for (const auto& arguments : wrong) {
        const auto result = run_captured(arguments);
        EXPECT_EQ(result.code, 2) << testing::PrintToString(arguments) << result.err;
    }
}

/// What a script's unset variable leaves.
TEST(Usage, NothingIsNoValue) {
    const std::vector<std::vector<std::string>> wrong{
        {"block", "clear", "--set", ""},
        {"block", "add", "192.0.2.1", "--expire", ""},
        {"detect", "set", "syn-flood", "--window", ""},
        {"qos", "set", "tap0", "--ingress-rate", ""},
        {"port", "set", "", "--vlan", "5"},
        {"qos", "class", "add", "", "--match", "app=voip"},
        {"--instance", "", "status"},
        {"status", "--netns", ""},
    };
    for (const auto& arguments : wrong) {
        const auto result = run_captured(arguments);
        EXPECT_EQ(result.code, 2) << testing::PrintToString(arguments);
        EXPECT_THAT(result.err, HasSubstr(" is empty")) << testing::PrintToString(arguments);
    }
}

TEST(Usage, NumbersAreDecimal) {
    const auto parsed = [](const std::string& typed) {
        CLI::App app;
        std::uint16_t number = 0;
        add_number(&app, "--n", number, 1, 4094, "");
        app.parse("--n " + typed);
        return number;
    };
    EXPECT_EQ(parsed("010"), 10);
    EXPECT_EQ(parsed("4094"), 4094);
    for (const char* typed : {"0", "4095", "65537", "1.5", "1e3", "0x1", "ten"})
        EXPECT_THROW(parsed(typed), CLI::ValidationError) << typed;
}

/// The commands in a text, `sluice guard set IF --tags off`, one a pair of backticks.
std::vector<std::string> commands_in(std::string_view text) {
    std::vector<std::string> commands;
    const std::string whole(text);
    const std::regex quoted("`sluice ([^`]+)`");
    for (std::sregex_iterator it(whole.begin(), whole.end(), quoted), end; it != end; ++it)
        commands.push_back((*it)[1]);
    return commands;
}

/// What is to be done about a drop can be done: each command and each option is there.
TEST(Usage, MendsOfDropsAreCommands) {
    for (const auto& reason : drop_reasons())
        for (const auto& command : commands_in(reason.mend)) {
            std::vector<std::string> words;
            std::istringstream stream(command);
            for (std::string word; stream >> word && std::islower(word.front()) != 0;)
                words.push_back(word);
            words.emplace_back("--help");
            testing::internal::CaptureStdout();
            EXPECT_EQ(run_captured(words).code, 0) << reason.name << ": " << command;
            const auto help = testing::internal::GetCapturedStdout();
            const std::regex option("--[a-z-]+");
            for (std::sregex_iterator it(command.begin(), command.end(), option), end; it != end;
                 ++it)
                EXPECT_THAT(help, HasSubstr(it->str() + " ")) << reason.name << ": " << command;
        }
}

TEST(Usage, TextErrorsGoToStderr) {
    const auto result = run_captured({"port", "bogus"});
    EXPECT_THAT(result.out, IsEmpty());
    EXPECT_EQ(result.err,
              "sluice: port: unknown command: bogus\n"
              "  hint: `sluice port --help` shows how it is used\n");
}

TEST(Usage, JsonErrorsAreOneDocumentOnStdout) {
    const auto result = run_captured(
        {"nat", "masquerade", "add", "--source", "10.0.0.1/24", "--uplink", "eth0", "--json"});
    EXPECT_EQ(result.code, 2);
    EXPECT_THAT(result.err, IsEmpty());
    const auto error = result.json()["error"];
    EXPECT_EQ(error["code"], "usage");
    EXPECT_THAT(error["message"].get<std::string>(), HasSubstr("10.0.0.1/24"));
    EXPECT_THAT(error["hint"].get<std::string>(), HasSubstr("10.0.0.0/24"));
}

}  // namespace
}  // namespace sluice::cli
