// SPDX-License-Identifier: GPL-2.0-or-later
// The binary against the kernel, in a network namespace of its own. Needs root.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>

#include "tests/cli/capture.hpp"

namespace sluice::cli {

inline Captured shell(const std::string& command) {
    Captured result;
    std::FILE* pipe = ::popen(command.c_str(), "r");
    std::array<char, 4096> buffer{};
    while (const auto got = std::fread(buffer.data(), 1, buffer.size(), pipe))
        result.out.append(buffer.data(), got);
    result.code = WEXITSTATUS(::pclose(pipe));
    return result;
}

/// tap0 and up0 are interfaces, vm0 and out0 their other ends.
class Live : public testing::Test {
protected:
    void SetUp() override {
        if (::geteuid() != 0) GTEST_SKIP() << "needs root";
        ASSERT_EQ(must("ip netns add " + name_), "");
        must("ip -n " + name_ + " link add tap0 type veth peer name vm0");
        must("ip -n " + name_ + " link add up0 type veth peer name out0");
        for (const auto* interface : {"tap0", "vm0", "up0", "out0"})
            must("ip -n " + name_ + " link set " + interface + " up");
        must("ip -n " + name_ + " addr add 10.0.0.1/24 dev tap0");
        must("ip -n " + name_ + " addr add 192.0.2.1/24 dev up0");
    }
    void TearDown() override {
        if (::geteuid() != 0) return;
        sluice("down --purge");
        shell("ip netns del " + name_ + " 2>&1");
        std::filesystem::remove_all(state_);
    }

    static std::string must(const std::string& command) {
        const auto result = shell(command + " 2>&1");
        EXPECT_EQ(result.code, 0) << command << ": " << result.out;
        return result.out;
    }

    /// One command of the instance under test, with its JSON.
    Captured sluice(const std::string& arguments) const {
        return shell("SLUICE_STATE_DIR=" + state_ + " " SLUICE_BINARY " --json --instance " +
                     name_ + " " + arguments);
    }
    Json done(const std::string& arguments) const {
        const auto result = sluice(arguments);
        EXPECT_EQ(result.code, 0) << arguments << ": " << result.out;
        return Json::parse(result.out, nullptr, false);
    }
    void refused(int code, const std::string& arguments, const std::string& message) const {
        const auto before = done("status")["ports"];
        const auto result = sluice(arguments);
        EXPECT_EQ(result.code, code) << arguments << ": " << result.out;
        EXPECT_THAT(result.out, testing::HasSubstr(message));
        EXPECT_TRUE(Json::parse(result.out).contains("error"));
        EXPECT_EQ(done("status")["ports"], before);
        EXPECT_EQ(done("status")["drift"], Json::array()) << "after " << arguments;
    }
    std::string in_netns(const std::string& command) const {
        return must("ip netns exec " + name_ + " " + command);
    }
    void bring_up() const {
        done("--netns " + name_ + " up --max-flows 1000 --max-flows6 1000 --max-bindings 1000");
    }
    void add_ports() const {
        done("port add tap0 --role access");
        done("port add up0 --role uplink");
    }

    std::string name_ = "cli-test-" + std::to_string(::getpid());
    std::string state_ = "/tmp/sluice-" + name_;
};

}  // namespace sluice::cli
