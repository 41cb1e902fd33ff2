// SPDX-License-Identifier: GPL-2.0-or-later
// What of loader/kernel needs no privilege: the rest is tested in namespaces by others.
#include <arpa/inet.h>
#include <bpf/libbpf.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <algorithm>
#include <fstream>

#include "loader/kernel/datapath.hpp"
#include "loader/kernel/lock.hpp"
#include "loader/kernel/log.hpp"
#include "loader/kernel/sockets.hpp"
#include "loader/kernel/sysctl.hpp"
#include "tests/unit/temporary_folder.hpp"

namespace sluice {
namespace {

using std::chrono::milliseconds;
using testing::Contains;
using testing::HasSubstr;

TEST(Netns, NameIsShortForItsPath) {
    EXPECT_EQ(netns_path("blue"), "/run/netns/blue");
    EXPECT_EQ(netns_path("/proc/1/ns/net"), "/proc/1/ns/net");
    EXPECT_EQ(netns_path("./blue"), "./blue");
}

TEST(Netns, OneThatIsNotThereIsNotFound) {
    const auto entered = enter_netns("sluice-unit-none");
    ASSERT_FALSE(entered);
    EXPECT_EQ(entered.error().code, ErrorCode::not_found);
    EXPECT_THAT(entered.error().message, HasSubstr("sluice-unit-none"));
}

TEST(Netns, CurrentIsOneAndTheSame) {
    ASSERT_TRUE(current_netns());
    EXPECT_EQ(*current_netns(), *current_netns());
    EXPECT_NE(current_netns()->ino, 0u);
}

TEST(Pins, StandInTheInstancesFolder) {
    const Pins pins("blue");
    EXPECT_EQ(pins.folder(), "/sys/fs/bpf/sluice/blue");
    EXPECT_EQ(pins.map("sl_flows4"), "/sys/fs/bpf/sluice/blue/maps/sl_flows4");
    EXPECT_EQ(pins.program("tc_ingress"), "/sys/fs/bpf/sluice/blue/progs/tc_ingress");
    EXPECT_EQ(pins.link("tap0", "xdp"), "/sys/fs/bpf/sluice/blue/links/tap0-xdp");
    EXPECT_EQ(pins.aside().folder(), "/sys/fs/bpf/sluice/new:blue");
}

TEST(Pins, HaveNoDots) {
    EXPECT_EQ(Pins("blue").link("eth0.10", "egress").filename(), "eth0:10-egress");
}

TEST(Links, LoopbackIsThere) {
    const auto link = find_link("lo");
    ASSERT_TRUE(link) << link.error().message;
    EXPECT_EQ(link->name, "lo");
    EXPECT_FALSE(link->ethernet);
    EXPECT_FALSE(link->physical);
    EXPECT_EQ(find_link(link->ifindex)->name, "lo");
    const auto links = list_links();
    ASSERT_TRUE(links);
    EXPECT_TRUE(std::ranges::any_of(*links, [](const Link& found) { return found.name == "lo"; }));
}

TEST(Links, UnknownOnesAreNotFound) {
    EXPECT_EQ(find_link("sluice-none").error().code, ErrorCode::not_found);
    EXPECT_THAT(find_link("sluice-none").error().message, HasSubstr("sluice-none"));
    EXPECT_EQ(find_link(0x7ffffff0).error().code, ErrorCode::not_found);
    EXPECT_EQ(find_link("").error().code, ErrorCode::usage);
    EXPECT_EQ(find_link("a234567890123456").error().code, ErrorCode::usage);
}

TEST(Sysctls, AreReadWithoutTheirNewline) {
    EXPECT_EQ(read_sysctl("net/ipv4/conf/lo/forwarding")->value_or("none").size(), 1u);
    EXPECT_EQ(read_sysctl("net/no/such/setting"), std::nullopt);
    EXPECT_EQ(write_sysctl("net/no/such/setting", "1").error().code, ErrorCode::not_found);
}

TEST(LocalPorts, ShowASocketOfOurs) {
    const Fd socket(::socket(AF_INET, SOCK_DGRAM, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    ASSERT_EQ(bind(socket.get(), generic, size), 0);
    ASSERT_EQ(getsockname(socket.get(), generic, &size), 0);
    const LocalPort ours{IPPROTO_UDP, *Address::parse("127.0.0.1"), ntohs(address.sin_port)};
    const auto ports = list_local_ports();
    ASSERT_TRUE(ports) << ports.error().message;
    EXPECT_THAT(*ports, Contains(ours));
    EXPECT_TRUE(std::ranges::is_sorted(*ports));
}

TEST(LocalPorts, ShowAnIPv6SocketOfOurs) {
    const Fd socket(::socket(AF_INET6, SOCK_STREAM, 0));
    if (!socket) GTEST_SKIP() << "this kernel has no IPv6";
    sockaddr_in6 address{};
    address.sin6_family = AF_INET6;
    socklen_t size = sizeof(address);
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    ASSERT_EQ(bind(socket.get(), generic, size), 0);
    ASSERT_EQ(listen(socket.get(), 1), 0);
    ASSERT_EQ(getsockname(socket.get(), generic, &size), 0);
    const LocalPort ours{IPPROTO_TCP, Address(), ntohs(address.sin6_port)};
    EXPECT_THAT(*list_local_ports(), Contains(ours));
}

TEST(LocalPorts, OfAWildcardCoverEveryAddress) {
    const Address v4 = *Address::parse("192.0.2.1");
    const Address v6 = *Address::parse("2001:db8::1");
    const LocalPort any_v4{IPPROTO_UDP, Address::v4(0), 53};
    const LocalPort any_v6{IPPROTO_UDP, Address(), 53};
    const LocalPort one{IPPROTO_UDP, v4, 53};
    EXPECT_TRUE(any_v4.covers(v4));
    EXPECT_FALSE(any_v4.covers(v6));
    EXPECT_TRUE(any_v6.covers(v4));
    EXPECT_TRUE(any_v6.covers(v6));
    EXPECT_TRUE(one.covers(v4));
    EXPECT_FALSE(one.covers(*Address::parse("192.0.2.2")));
}

TEST(Counters, AreSummedWordByWord) {
    const std::vector<std::uint64_t> per_cpu{1, 10, 2, 20, 3, UINT64_MAX};
    std::vector<std::uint64_t> sum{7, 7};
    sum_words(per_cpu, sum);
    EXPECT_EQ(sum, (std::vector<std::uint64_t>{6, 29}));
    EXPECT_GE(possible_cpus(), 1u);
}

TEST(Ticks, AreRoundedUpAndBounded) {
    Settings settings;
    settings.udp_timeout = milliseconds(300'000);
    settings.tcp_established_timeout = milliseconds(0);
    settings.tcp_transitory_timeout = milliseconds(1);
    settings.icmp_timeout = milliseconds(2);
    settings.other_timeout = milliseconds::max();
    const sl_settings ticks = settings_in_ticks(settings);
    EXPECT_EQ(ticks.udp_timeout, 286'103u);  // 300 s / 1.048576 ms = 286102.3
    EXPECT_EQ(ticks.tcp_established_timeout, 1u);
    EXPECT_EQ(ticks.tcp_transitory_timeout, 1u);
    EXPECT_EQ(ticks.icmp_timeout, 2u);
    EXPECT_EQ(ticks.other_timeout, 0x7fffffffu);
    EXPECT_EQ(ticks.nexthop_ttl, 477u);
    EXPECT_EQ(ticks.tracked_until4, 375'000u);
    EXPECT_EQ(ticks.tracked_until6, 93'750u);
    EXPECT_EQ(ticks.max_sessions4, 500'000u);
    EXPECT_EQ(ticks.max_sessions6, 125'000u);
}

TEST(Log, KeepsWarningsAndTheirEnd) {
    const LogCapture outer;
    {
        const LogCapture inner;
        EXPECT_EQ(bpf_object__open_file("/no/such/object.o", nullptr), nullptr);
        EXPECT_THAT(inner.text(), HasSubstr("/no/such/object.o"));
        EXPECT_TRUE(inner.tail().starts_with('\n'));
        EXPECT_FALSE(inner.tail().ends_with('\n'));
    }
    EXPECT_EQ(outer.tail(), "");
    for (int i = 0; i < 20; ++i)
        EXPECT_EQ(bpf_object__open_file(("/no/" + std::to_string(i)).c_str(), nullptr), nullptr);
    const std::string tail = outer.tail();
    EXPECT_EQ(std::ranges::count(tail, '\n'), 16);
    EXPECT_THAT(tail, HasSubstr("/no/19"));
}

class LockTest : public testing::Test {
protected:
    [[nodiscard]] std::filesystem::path folder() const { return temporary_.path() / "blue"; }
    [[nodiscard]] Result<WriterLock> acquire() const {
        return WriterLock::acquire(folder(), milliseconds(50));
    }
    /// What a writer does that is killed in the middle, or after its work.
    void write_and_die(bool in_the_middle) const {
        const pid_t child = fork();
        ASSERT_GE(child, 0);
        if (child == 0) {
            auto lock = acquire();
            if (lock && !lock->mark_busy()) _exit(1);
            if (!in_the_middle && !lock->mark_idle()) _exit(1);
            kill(getpid(), SIGKILL);
        }
        int status = 0;
        ASSERT_EQ(waitpid(child, &status, 0), child);
        ASSERT_TRUE(WIFSIGNALED(status));
    }

    TemporaryFolder temporary_;
};

TEST_F(LockTest, LetsOneWriterIn) {
    EXPECT_FALSE(*WriterLock::left_interrupted(folder())) << "nobody was ever there";
    auto first = acquire();
    ASSERT_TRUE(first) << first.error().message;
    EXPECT_FALSE(first->interrupted());
    const auto second = acquire();
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, ErrorCode::refused);
    EXPECT_THAT(second.error().message, HasSubstr("process " + std::to_string(getpid()) + ")"));
    EXPECT_THAT(second.error().message, HasSubstr("blue"));
    first = fail(ErrorCode::failed, "let go");
    EXPECT_TRUE(acquire());
}

TEST_F(LockTest, WaitsForTheOtherWriter) {
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
        const auto lock = acquire();
        usleep(300'000);
        _exit(lock ? 0 : 1);
    }
    while (!std::filesystem::exists(folder() / "lock")) usleep(1'000);
    usleep(50'000);
    EXPECT_TRUE(WriterLock::acquire(folder(), std::chrono::seconds(5)));
    int status = 0;
    waitpid(child, &status, 0);
    EXPECT_EQ(status, 0);
}

TEST_F(LockTest, TellsTheNextWriterOfAnInterruption) {
    write_and_die(true);
    EXPECT_TRUE(*WriterLock::left_interrupted(folder()));
    {
        auto lock = acquire();
        EXPECT_TRUE(lock->interrupted());
        EXPECT_FALSE(*WriterLock::left_interrupted(folder())) << "somebody is at work on it";
    }
    {
        auto lock = acquire();
        EXPECT_TRUE(lock->interrupted()) << "nobody has mended it yet";
        ASSERT_TRUE(lock->mark_busy());
        ASSERT_TRUE(lock->mark_idle());
        EXPECT_FALSE(lock->interrupted());
    }
    EXPECT_FALSE(acquire()->interrupted());
    EXPECT_FALSE(*WriterLock::left_interrupted(folder()));
}

TEST_F(LockTest, IsFreeAfterADeathOutsideAChange) {
    write_and_die(false);
    EXPECT_FALSE(*WriterLock::left_interrupted(folder()));
    EXPECT_FALSE(acquire()->interrupted());
}

TEST_F(LockTest, IsNotFooledByARemovedFolder) {
    const auto purging = acquire();
    ASSERT_TRUE(purging);
    std::filesystem::remove_all(folder());
    const auto next = acquire();
    ASSERT_TRUE(next);
    EXPECT_TRUE(std::filesystem::exists(folder() / "lock"));
}

}  // namespace
}  // namespace sluice
