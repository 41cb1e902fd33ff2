// SPDX-License-Identifier: GPL-2.0-or-later
// Messages to the host's log, at a socket of our own.
#include "loader/event/syslog.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <array>
#include <filesystem>
#include <optional>
#include <thread>

#include "tests/unit/expect_error.hpp"
#include "tests/unit/temporary_folder.hpp"

namespace sluice {
namespace {

using testing::EndsWith;
using testing::MatchesRegex;
using testing::StartsWith;

/// Listens at a path, as syslogd does, until it goes.
class Listener {
public:
    explicit Listener(const std::string& path) : path_(path) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        path.copy(address.sun_path, sizeof address.sun_path - 1);
        EXPECT_EQ(bind(socket_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    }
    Listener(const Listener&) = delete;
    Listener& operator=(const Listener&) = delete;
    ~Listener() { std::filesystem::remove(path_); }

    std::string receive() const {
        std::array<char, 4096> buffer{};
        const auto got = recv(socket_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
        return got < 0 ? "nothing" : std::string(buffer.data(), static_cast<std::size_t>(got));
    }

private:
    std::string path_;
    Fd socket_{socket(AF_UNIX, SOCK_DGRAM, 0)};
};

class SyslogTest : public testing::Test {
protected:
    TemporaryFolder folder_;
    std::string path_ = folder_.path() / "log";
};

TEST_F(SyslogTest, WritesAsSyslogDoes) {
    const Listener listener(path_);
    auto log = *Syslog::open(path_);
    ASSERT_TRUE(log.send("warning", "kind=drop"));
    EXPECT_THAT(
        listener.receive(),
        MatchesRegex("<28>[A-Z][a-z]{2} [ 1-3][0-9] [0-9:]{8} sluice\\[[0-9]+\\]: kind=drop"));
    for (const auto& [severity, priority] :
         {std::pair{"error", "<27>"}, std::pair{"notice", "<29>"}, std::pair{"info", "<30>"}}) {
        ASSERT_TRUE(log.send(severity, "x"));
        EXPECT_THAT(listener.receive(), StartsWith(priority)) << "RFC 5424 section 6.2.1";
    }
}

TEST_F(SyslogTest, NobodyListens) {
    expect_error(Syslog::open(path_), ErrorCode::not_found, "nobody listens on " + path_);
    expect_error(Syslog::open(std::string(200, 'x')), ErrorCode::usage, "too long");
}

TEST_F(SyslogTest, OutlivesWhoListens) {
    std::optional<Listener> listener(path_);
    auto log = *Syslog::open(path_);
    listener.reset();
    std::jthread restart([&] {
        std::this_thread::sleep_for(std::chrono::milliseconds(300));
        listener.emplace(path_);
    });
    ASSERT_TRUE(log.send("info", "after the restart"));
    restart.join();
    EXPECT_THAT(listener->receive(), EndsWith(": after the restart"));
}

}  // namespace
}  // namespace sluice
