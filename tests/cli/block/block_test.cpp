// SPDX-License-Identifier: GPL-2.0-or-later
// sluice block: documents, usage errors, and each command live.
#include "cli/view/block.hpp"

#include <gmock/gmock.h>

#include <fstream>

#include "tests/cli/golden.hpp"
#include "tests/cli/live.hpp"

namespace sluice::cli {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::SizeIs;

constexpr std::uint64_t noon = 1'800'000'000'000;  // ms

BlockStatus some_blocks() {
    BlockStatus status;
    status.sets = {{"drop", "/srv/drop.txt", noon / 1000 - 60, 0, 1'048'576, 1},
                   {"hour", "-", noon / 1000, noon + 3'600'000, 12, 2}};
    status.entries = {{*Prefix::parse("203.0.113.7"), {}, 0},
                      {*Prefix::parse("2001:db8:bad::/48"), {}, noon + 1'500},
                      {*Prefix::parse("198.51.100.9"), "port-scan", noon + 60'000}};
    status.memory = 12'345'600;
    return status;
}

TEST(BlockGolden, Documents) {
    expect_golden("block-list.json", blocks_view(some_blocks(), noon));
    expect_golden("block-list-empty.json", blocks_view({}, noon));
    expect_golden("block-load.json",
                  block_loaded_view({}, "drop", {{{"block 3 networks"}, {}}, 3, 1}));
}

TEST(BlockUsage, SaysWhatIsWrong) {
    const std::pair<const char*, const char*> cases[] = {
        {"block add 10.0.0.1/24", "host bits"},
        {"block add nonsense", "is not an IP address"},
        {"block add 192.0.2.1 --expire 5", "5"},
        {"block add 192.0.2.1 --expire 10ms", "out of range"},
        {"block add", "CIDR"},
        {"block load /nowhere --name a/b", "is not a name for a set"},
        {"block load /nowhere --name manual", "is not loaded from files"},
    };
    for (const auto& [arguments, message] : cases) {
        const auto result = shell(std::string(SLUICE_BINARY " --json ") + arguments);
        EXPECT_EQ(result.code, 2) << arguments;
        EXPECT_THAT(result.out, HasSubstr(message)) << arguments;
    }
}

class LiveBlock : public Live {
protected:
    void SetUp() override {
        Live::SetUp();
        if (IsSkipped()) return;
        bring_up();
        add_ports();
    }
    std::string list(const char* lines) const {
        const auto file = state_ + "/list.txt";
        std::ofstream(file) << lines;
        return file;
    }
    void send_from_vm(const char* source) const {
        must("ip netns exec " + name_ +
             " python3 -c 'import socket\n"
             "s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW); s.bind((\"vm0\", 0))\n"
             "ip = bytes.fromhex(\"4500001c000100004011\") + b\"\\0\\0\" + socket.inet_aton(\"" +
             source +
             "\") + socket.inet_aton(\"10.0.0.1\")\n"
             "s.send(b\"\\xff\" * 6 + b\"\\2\\0\\0\\0\\0\\2\\x08\\0\" + ip + "
             "b\"\\0\\1\\0\\2\\0\\x08\\0\\0\")'");
    }
    std::uint64_t blocked() const {
        const auto answer = done("drops");
        for (const auto& drop : answer["drops"])
            if (drop["reason"] == "blocked") return drop["packets"];
        return 0;
    }
};

TEST_F(LiveBlock, AddAndDel) {
    EXPECT_THAT(done("block add 203.0.113.7 198.51.100.0/24 --expire 1h")["actions"], SizeIs(1));
    EXPECT_THAT(done("block add 203.0.113.8")["actions"], SizeIs(1));
    EXPECT_THAT(done("block add 203.0.113.8")["actions"], SizeIs(0)) << "it is there";
    EXPECT_THAT(done("block list")["entries"], SizeIs(3));
    send_from_vm("203.0.113.8");
    send_from_vm("198.51.100.77");
    send_from_vm("203.0.113.9");
    EXPECT_EQ(blocked(), 2u);
    EXPECT_EQ(done("status")["drift"], Json::array());
    done("block del 203.0.113.8 198.51.100.0/24");
    send_from_vm("203.0.113.8");
    send_from_vm("198.51.100.77");
    EXPECT_EQ(blocked(), 2u);
    refused(3, "block del 203.0.113.8", "was not added by itself");
    refused(4, "block add ::/0", "would drop all that enters");
}

TEST_F(LiveBlock, SetsAreReplacedAsAWhole) {
    const auto loaded =
        done("block load " + list("203.0.113.0/24 # a\n203.0.113.7\n") + " --name first");
    EXPECT_EQ(loaded["networks"], 1);
    EXPECT_EQ(loaded["covered"], 1);
    done("block load " + list("198.51.100.1\n2001:db8::/32\n") + " --name second");
    send_from_vm("203.0.113.200");
    send_from_vm("198.51.100.1");
    EXPECT_EQ(blocked(), 2u);
    refused(2, "block load " + list("203.0.113.0/24\nbad\n") + " --name first",
            "list.txt:2: `bad`");
    refused(4, "block load " + list("# nothing\n") + " --name first", "lists nothing");
    send_from_vm("203.0.113.200");
    EXPECT_EQ(blocked(), 3u) << "a bad file changes nothing";
    done("block load " + list("192.0.2.7\n") + " --name first");
    send_from_vm("203.0.113.200");
    send_from_vm("198.51.100.1");
    EXPECT_EQ(blocked(), 4u) << "the other set stays";
    EXPECT_EQ(done("block list --set second")["count"], 2);
    refused(3, "block clear --set firts", "there is no set firts");
    EXPECT_THAT(done("--dry-run block clear")["actions"], SizeIs(1));
    done("block clear --set second");
    EXPECT_THAT(done("block list")["sets"], SizeIs(1));
    done("block clear");
    EXPECT_THAT(done("block list")["sets"], SizeIs(0));
    EXPECT_EQ(done("block list")["memory"], 0);
}

TEST_F(LiveBlock, SurvivesARestartAndExpires) {
    done("block load " + list("203.0.113.0/24\n"));
    done("block load " + list("192.0.2.0/25\n192.0.2.200\n") + " --name brief --expire 1h");
    done("block add 198.51.100.9 --expire 1h");
    done("down");
    done("up");
    EXPECT_THAT(done("block list")["sets"], SizeIs(2));
    send_from_vm("203.0.113.1");
    send_from_vm("198.51.100.9");
    EXPECT_EQ(blocked(), 2u);
    done("block load " + list("192.0.2.0/25\n192.0.2.200\n") + " --name brief --expire 1s");
    ::sleep(2);
    send_from_vm("192.0.2.5");
    EXPECT_EQ(blocked(), 2u);
    EXPECT_THAT(done("block list")["sets"], SizeIs(1));
    EXPECT_EQ(done("status")["drift"], Json::array());
}

TEST_F(LiveBlock, WarnsOfTheHostsOwn) {
    const auto answer = done("block add 10.0.0.0/8");
    ASSERT_THAT(answer["warnings"], SizeIs(1));
    EXPECT_THAT(answer["warnings"][0].get<std::string>(),
                AllOf(HasSubstr("10.0.0.0/8"), HasSubstr("tap0"), HasSubstr("10.0.0.1")));
}

}  // namespace
}  // namespace sluice::cli
