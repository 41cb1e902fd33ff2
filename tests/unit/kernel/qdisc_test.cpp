// SPDX-License-Identifier: GPL-2.0-or-later
// The kernel's queues, in a network namespace of their own: needs root, and changes nothing
// outside.
#include "loader/kernel/qdisc.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <memory>

#include "loader/base/fd.hpp"
#include "tests/unit/expect_error.hpp"

namespace sluice {
namespace {

using testing::ElementsAre;
using testing::Field;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr std::uint32_t tested_major = 0x51ce;
constexpr std::uint64_t mbit = 1'000'000, gbit = 1'000'000'000;

/// What a command writes.
std::string output_of(const std::string& command) {
    const std::unique_ptr<FILE, int (*)(FILE*)> pipe(popen(command.c_str(), "r"), pclose);
    std::string text;
    std::array<char, 4096> part;
    while (pipe && fgets(part.data(), part.size(), pipe.get()) != nullptr) text += part.data();
    return text;
}

/// A pair of interfaces, q0 and q1, in a namespace that ends with the test.
class Qdiscs : public testing::Test {
protected:
    void SetUp() override {
        outside_ = Fd(open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
        if (unshare(CLONE_NEWNET) != 0) GTEST_SKIP() << "needs root";
        ASSERT_EQ(std::system("sysctl -qw net.ipv6.conf.default.disable_ipv6=1;"
                              "ip link add q0 type veth peer name q1 &&"
                              "ip link set q0 up && ip link set q1 up"),
                  0);
        q0_ = if_nametoindex("q0");
    }
    void TearDown() override { ASSERT_EQ(setns(outside_.get(), CLONE_NEWNET), 0); }

    [[nodiscard]] HtbTree tree_of_kernel() const {
        const auto found = read_htb(q0_, tested_major);
        if (!found || !*found) return {};
        return **found;
    }

    /// Puts the tree, and finds it in the kernel.
    void put(const HtbTree& tree) const {
        const auto done = put_htb(q0_, tree);
        ASSERT_TRUE(done) << done.error().message;
        const auto found = read_htb(q0_, tested_major);
        ASSERT_TRUE(found) << found.error().message;
        ASSERT_TRUE(*found);
        EXPECT_TRUE(same_tree(tree, **found));
    }

    /// Sends frames of some bytes by q0, of a socket whose priority names the class.
    void send(std::uint32_t minor, int frames, std::size_t bytes) const {
        const Fd socket(::socket(AF_PACKET, SOCK_RAW, 0));
        const std::uint32_t priority = tested_major << 16 | minor;
        ASSERT_EQ(setsockopt(socket.get(), SOL_SOCKET, SO_PRIORITY, &priority, sizeof priority), 0);
        sockaddr_ll to{};
        to.sll_family = AF_PACKET;
        to.sll_ifindex = static_cast<int>(q0_);
        const std::vector<char> frame(bytes, '\x0e');
        for (int i = 0; i < frames; ++i)
            sendto(socket.get(), frame.data(), frame.size(), 0, reinterpret_cast<sockaddr*>(&to),
                   sizeof to);
    }

    std::uint32_t q0_ = 0;

private:
    Fd outside_;
};

HtbTree small_tree() {
    return {.major = tested_major,
            .default_class = 0x10,
            .classes = {
                {1, 0, 100 * mbit, 100 * mbit, 125'000, 0, 0, 0},
                {0x10, 1, 80 * mbit, 100 * mbit, 125'000, 3, 1514, 400'000},
                {0x11, 1, 20 * mbit, 20 * mbit, 72'000, 0, 3028, 144'000},
            }};
}

TEST_F(Qdiscs, RootIsTheKernelsUntilOneIsPut) {
    const auto before = root_qdisc(q0_);
    ASSERT_TRUE(before) << before.error().message;
    EXPECT_TRUE(!*before || (*before)->handle == 0);
    put(small_tree());
    const auto root = root_qdisc(q0_);
    ASSERT_TRUE(root && *root);
    EXPECT_EQ((*root)->kind, "htb");
    EXPECT_EQ((*root)->handle, tested_major << 16);
    ASSERT_TRUE(remove_root(q0_, tested_major));
    EXPECT_EQ(root_qdisc(q0_)->has_value(), before->has_value());
    EXPECT_THAT(output_of("tc qdisc show dev q0"), Not(HasSubstr("htb")));
    EXPECT_TRUE(remove_root(q0_, tested_major)) << "nothing there is no error";
}

TEST_F(Qdiscs, OfAnInterfaceThatIsNotThereAreNone) {
    EXPECT_EQ(*root_qdisc(0x7ffffff0), std::nullopt);
    EXPECT_EQ(*read_htb(0x7ffffff0, tested_major), std::nullopt);
    EXPECT_THAT(*read_queues(0x7ffffff0, tested_major), IsEmpty());
    EXPECT_TRUE(remove_root(0x7ffffff0, tested_major));
    EXPECT_FALSE(put_htb(0x7ffffff0, small_tree()));
}

TEST_F(Qdiscs, HtbIsWhatTcShows) {
    put(small_tree());
    const auto classes = output_of("tc class show dev q0");
    EXPECT_THAT(classes, HasSubstr("class htb 51ce:1 root rate 100Mbit ceil 100Mbit burst 125000b "
                                   "cburst 125000b"));
    EXPECT_THAT(classes, HasSubstr("class htb 51ce:11 parent 51ce:1 leaf "));
    EXPECT_THAT(classes, HasSubstr("prio 0 rate 20Mbit ceil 20Mbit burst 72000b cburst 72000b"));
    EXPECT_THAT(classes, HasSubstr("prio 3 rate 80Mbit ceil 100Mbit burst 124"));
    EXPECT_THAT(output_of("tc -d class show dev q0 classid 51ce:11"), HasSubstr("quantum 3028"));
    const auto qdiscs = output_of("tc qdisc show dev q0");
    EXPECT_THAT(qdiscs, HasSubstr("qdisc htb 51ce: root"));
    EXPECT_THAT(qdiscs, HasSubstr("default 0x10"));
    EXPECT_THAT(qdiscs, HasSubstr("parent 51ce:10 limit 400000b"));
    EXPECT_THAT(qdiscs, HasSubstr("parent 51ce:11 limit 144000b"));
}

TEST_F(Qdiscs, HtbTakesEveryRate) {
    for (const std::uint64_t rate : std::initializer_list<std::uint64_t>{
             64'000, 1'000'001, 10 * mbit, gbit, 34 * gbit, 35 * gbit, 100 * gbit, 100'390'625'000})
        for (const std::uint64_t burst :
             std::initializer_list<std::uint64_t>{1514, 72'000, rate / 800, rate * 100}) {
            SCOPED_TRACE(testing::Message() << rate << " bit/s, burst " << burst);
            auto tree = small_tree();
            for (auto& it : tree.classes) it.rate = it.ceil = rate, it.burst = burst;
            put(tree);
        }
    EXPECT_THAT(output_of("tc class show dev q0"), HasSubstr("rate 100390Mbit"));
}

TEST_F(Qdiscs, HtbIsChangedInPlace) {
    put(small_tree());
    const auto handles = output_of("tc qdisc show dev q0 | cut -d' ' -f3");
    auto tree = small_tree();
    tree.classes[0].rate = tree.classes[0].ceil = 40 * gbit;
    tree.classes[1].rate = 39 * gbit;
    tree.classes[1].ceil = 40 * gbit;
    tree.classes[1].burst = 1'000'000;
    tree.classes[1].limit = 5'000'000'000;
    tree.classes[2].quantum = 60'000;
    tree.classes[2].limit = 200'000;
    put(tree);
    EXPECT_EQ(output_of("tc qdisc show dev q0 | cut -d' ' -f3"), handles) << "none is a new one";
}

TEST_F(Qdiscs, HtbGainsAndLosesClasses) {
    put(small_tree());
    auto tree = small_tree();
    tree.classes.push_back({0x12, 1, 10 * mbit, 100 * mbit, 125'000, 3, 1514, 144'000});
    put(tree);
    tree.classes.erase(tree.classes.begin() + 2);
    put(tree);
    EXPECT_THAT(output_of("tc class show dev q0"), Not(HasSubstr("51ce:11")));
    EXPECT_EQ(tree_of_kernel().classes.size(), 3u);
}

TEST_F(Qdiscs, HtbOfAnotherShapeIsMadeAnew) {
    put(small_tree());
    auto tree = small_tree();
    tree.default_class = 0x11;
    put(tree);
    tree.classes[1] = {0x20, 1, 80 * mbit, 100 * mbit, 125'000, 0, 0, 0};  // its number is higher
    tree.classes[2].parent = 0x20;
    put(tree);
    tree.classes.push_back({0x12, 0x20, 10 * mbit, 100 * mbit, 125'000, 3, 1514, 144'000});
    put(tree);
    tree.classes.resize(2);
    tree.classes[1].limit = 144'000;  // was the parent of leaves
    tree.classes[1].quantum = 1514;
    tree.default_class = 0x20;
    put(tree);
    put(small_tree());
}

TEST_F(Qdiscs, HtbThatSomebodyChangedIsMended) {
    put(small_tree());
    for (const char* change : {
             "tc class change dev q0 parent 51ce:1 classid 51ce:11 htb rate 5mbit ceil 20mbit",
             "tc class change dev q0 parent 51ce:1 classid 51ce:10 htb rate 80mbit ceil 100mbit "
             "burst 125000b cburst 125000b prio 5 quantum 1514",
             "tc qdisc replace dev q0 parent 51ce:10 pfifo limit 10",
             "tc qdisc del dev q0 parent 51ce:11",
             "tc class add dev q0 parent 51ce:1 classid 51ce:77 htb rate 1mbit",
             "tc class del dev q0 classid 51ce:11",
             "tc qdisc del dev q0 root && tc qdisc add dev q0 root handle 51ce: htb",
         }) {
        SCOPED_TRACE(change);
        ASSERT_EQ(std::system(change), 0);
        EXPECT_FALSE(same_tree(small_tree(), tree_of_kernel()));
        put(small_tree());
    }
}

TEST_F(Qdiscs, OneOfSomebodyElseIsLeftAlone) {
    ASSERT_EQ(std::system("tc qdisc add dev q0 root handle 5: tbf rate 1mbit burst 9k limit 9k"),
              0);
    expect_error(put_htb(q0_, small_tree()), ErrorCode::refused, "tbf 5:");
    expect_error(put_fq(q0_, tested_major, 1000), ErrorCode::refused, "tbf 5:");
    EXPECT_TRUE(remove_root(q0_, tested_major));
    EXPECT_EQ(*read_htb(q0_, tested_major), std::nullopt);
    EXPECT_EQ((*root_qdisc(q0_))->kind, "tbf");
    EXPECT_THAT(*read_queues(q0_, tested_major), IsEmpty());
}

TEST_F(Qdiscs, OneOfOursOfAnotherKindMakesRoom) {
    ASSERT_EQ(std::system("tc qdisc add dev q0 root handle 51ce: pfifo limit 7"), 0);
    put(small_tree());
}

TEST_F(Qdiscs, HtbThatCannotBeMadeWholeIsNotLeft) {
    auto tree = small_tree();
    tree.classes[2].rate = 0;
    EXPECT_FALSE(put_htb(q0_, tree));
    EXPECT_THAT(output_of("tc qdisc show dev q0"), Not(HasSubstr("htb")));
}

TEST_F(Qdiscs, FqIsAskedForAndNotMade) {
    const auto before = output_of("tc qdisc show");
    const auto has = kernel_has_fq();
    ASSERT_TRUE(has) << has.error().message;
    EXPECT_EQ(output_of("tc qdisc show"), before);
    ASSERT_EQ(std::system("tc qdisc add dev lo root handle 7: pfifo limit 9"), 0);
    EXPECT_EQ(kernel_has_fq().value(), *has) << "whatever loopback has";
    EXPECT_THAT(output_of("tc qdisc show dev lo"), HasSubstr("pfifo 7: root"));
    const auto done = put_fq(q0_, tested_major, 100'000);
    if (!*has) {
        expect_error(done, ErrorCode::unsupported, "fq");
        return;
    }
    ASSERT_TRUE(done) << done.error().message;
    ASSERT_TRUE(put_fq(q0_, tested_major, 50'000));
    EXPECT_THAT(output_of("tc qdisc show dev q0"), HasSubstr("limit 50000p flow_limit 50000p"));
    EXPECT_THAT(*read_queues(q0_, tested_major), ElementsAre(Field(&QueueCounts::minor, 0u)));
    put(small_tree());
}

TEST_F(Qdiscs, QueuesCountWhatTheyDid) {
    auto tree = small_tree();
    tree.classes[2].rate = tree.classes[2].ceil = 64'000;
    tree.classes[2].burst = 10'000;
    tree.classes[2].limit = 20'000;
    put(tree);
    send(0x10, 5, 200);
    send(0x77, 2, 200);  // no such class: the default
    send(0x11, 100, 1000);
    const auto queues = read_queues(q0_, tested_major);
    ASSERT_TRUE(queues) << queues.error().message;
    ASSERT_EQ(queues->size(), 2u);
    const auto &normal = queues->at(0), &slow = queues->at(1);
    EXPECT_EQ(normal.minor, 0x10u);
    EXPECT_EQ(normal.sent.packets, 7u);
    EXPECT_EQ(normal.sent.bytes, 1400u);
    EXPECT_EQ(normal.dropped, 0u);
    EXPECT_EQ(normal.backlog_packets, 0u);
    EXPECT_EQ(slow.minor, 0x11u);
    EXPECT_EQ(slow.backlog_packets, 20u);
    EXPECT_EQ(slow.backlog_bytes, 20'000u);
    EXPECT_NEAR(static_cast<double>(slow.sent.packets), 11, 1);
    EXPECT_EQ(slow.sent.bytes, slow.sent.packets * 1000);
    EXPECT_EQ(slow.dropped, 100 - 20 - slow.sent.packets);
    EXPECT_GT(slow.over_limits, 0u);
}

TEST_F(Qdiscs, AChangeLosesNoFrameThatWaits) {
    auto tree = small_tree();
    tree.classes[2].rate = tree.classes[2].ceil = 64'000;
    tree.classes[2].burst = 2'000;
    put(tree);
    send(0x11, 52, 1000);
    const auto waiting = read_queues(q0_, tested_major)->at(1).backlog_packets;
    ASSERT_GE(waiting, 49u);
    tree.classes[2].limit = 300'000;
    tree.classes[2].quantum = 9000;
    tree.classes[2].rate = tree.classes[2].ceil = 80'000;
    tree.classes[1].limit = 300'000;
    put(tree);
    const auto after = read_queues(q0_, tested_major)->at(1);
    EXPECT_EQ(after.backlog_packets + after.sent.packets, 52u);
    EXPECT_EQ(after.dropped, 0u);
}

TEST_F(Qdiscs, ANewPriorityCountsForAQueueThatIsNeverEmpty) {
    auto tree = small_tree();
    for (auto& it : tree.classes) it.rate = it.ceil = 8 * mbit, it.burst = 3000, it.priority = 3;
    tree.classes[1].rate = tree.classes[2].rate = 64'000;
    tree.classes[1].limit = tree.classes[2].limit = 100'000;
    put(tree);
    const auto fill = [&] { send(0x10, 100, 1000), send(0x11, 100, 1000); };
    fill();
    tree.classes[1].priority = 5;
    tree.classes[2].priority = 1;
    put(tree);
    fill();
    const auto before = *read_queues(q0_, tested_major);
    for (int i = 0; i < 20; ++i) usleep(10'000), fill();
    const auto after = *read_queues(q0_, tested_major);
    const auto sent = [&](std::size_t i) { return after[i].sent.packets - before[i].sent.packets; };
    EXPECT_GT(sent(1), 10 * sent(0)) << sent(1) << " and " << sent(0);
}

}  // namespace
}  // namespace sluice
