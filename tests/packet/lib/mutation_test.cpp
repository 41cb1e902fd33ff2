// SPDX-License-Identifier: GPL-2.0-or-later
// Random damage to valid packets, through both hooks. Whatever comes: what
// passes is untouched, what is forwarded is sound. The seed is fixed, so a
// failure repeats.
#include <netinet/in.h>

#include <cstdlib>
#include <random>
#include <string>
#include <vector>

#include "tests/harness/checksum.hpp"
#include "tests/harness/dissect.hpp"
#include "tests/packet/scenario.hpp"

namespace sluice::test {
namespace {

struct Sample {
    const Link* by;
    Bytes frame;
};

class Mutation : public GateTest {
protected:
    static constexpr int rounds = 40'000;

    void SetUp() override {
        GateTest::SetUp();
        masquerade_a();
        gate().forward(IPPROTO_TCP, external, 8080, vm_b.v4, 80, wan0);
        const Raw data = payload(60);
        add(lan0, a_to_server4() / Tcp{.sport = 4000, .dport = 80, .options = Bytes(12, 1)} / data);
        add(lan0, a_to_server4() / Udp{.sport = 4000, .dport = 53} / data);
        add(lan0, a_to_server4() / echo_request4(4000) / data);
        add(lan0, a_to_server6() / Tcp{.sport = 4000, .dport = 80} / data);
        add(lan0, a_to_server6() / Udp{.sport = 4000, .dport = 53} / data);
        add(lan0, a_to_server6() / Ip6Extension{.type = 0, .body = Bytes(6)} /
                      Ip6Extension{.type = 60, .body = Bytes(14)} /
                      Udp{.sport = 4001, .dport = 53} / data);
        add(lan0, a_to_server6() / echo_request6(4) / data);
        add(wan0, server_to(external) / Udp{.sport = 53, .dport = 4000} / data);
        add(wan0, server_to(external) / Tcp{.sport = 999, .dport = 8080} / data);
        for (const Packet& part :
             fragments(a_to_server4() / Udp{.sport = 7, .dport = 8} / data, 24))
            add(lan0, part);
        for (const Packet& part :
             fragments(a_to_server6() / Udp{.sport = 7, .dport = 8} / data, 24))
            add(lan0, part);
        const Bytes cause = serialise(with_source(
            routed(a_to_server4() / Udp{.sport = 4000, .dport = 53} / data, wan0, router), external,
            4000));
        add(wan0, server_to(external) / Icmp{.type = 3, .code = 3} /
                      Raw{Bytes(cause.begin() + 14, cause.end())});
        // All flows exist before the damage begins.
        for (const Sample& sample : samples_) send(Hook::tc, *sample.by, sample.frame);
    }

    void add(const Link& by, const Packet& packet) { samples_.push_back({&by, serialise(packet)}); }

    std::uint32_t below(std::size_t limit) {
        return std::uniform_int_distribution<std::uint32_t>(
            0, static_cast<std::uint32_t>(limit - 1))(random_);
    }

    Bytes damaged(Bytes frame) {
        const std::uint32_t wounds = 1 + below(3);
        for (std::uint32_t i = 0; i < wounds; ++i) {
            switch (below(6)) {
                case 0:
                    frame.resize(std::max<std::size_t>(14, below(frame.size() + 1)));
                    break;
                case 1:
                    frame.resize(frame.size() + below(64));
                    break;
                default: {  // most often in the headers, which is where decisions are made
                    const std::size_t reach = std::min<std::size_t>(frame.size(), 90);
                    frame[12 + below(reach - 12)] = static_cast<std::uint8_t>(below(256));
                }
            }
        }
        return frame;
    }

    static void judge(Hook hook, const Link& by, const Bytes& in) {
        if (!can_be_skb(in)) hook = Hook::xdp;
        const Outcome got = send_alone(hook, by, in);
        if (got.verdict == Verdict::pass) {
            EXPECT_EQ(difference(in, got.packet), "") << "passed, but not as it came";
            return;
        }
        if (got.verdict == Verdict::drop) return;
        EXPECT_TRUE(locate(in)) << "forwarded a malformed frame\n" << hex_dump(in);
        const bool sound = checksum_fault(in).empty();
        EXPECT_TRUE(!sound || checksum_fault(got.packet).empty())
            << checksum_fault(got.packet) << "\nin:\n"
            << hex_dump(in) << "out:\n"
            << hex_dump(got.packet);
        expect_no_inside_source(got.packet);
    }

    /// Invariant: nothing of a masqueraded network leaves an uplink untranslated.
    static void expect_no_inside_source(const Bytes& out) {
        const bool by_wan0 = std::equal(wan0.mac.begin(), wan0.mac.end(), out.begin() + 6);
        const bool v4 = out[12] == 0x08 && out[13] == 0x00;
        if (!by_wan0 || !v4) return;
        EXPECT_FALSE(out[26] == 10 && out[27] == 0 && out[28] == 0) << hex_dump(out);
    }

    std::vector<Sample> samples_;
    std::mt19937 random_{20240607};
};

TEST_F(Mutation, RawDamage) {
    for (int i = 0; i < rounds && !HasFailure(); ++i) {
        const Sample& sample = samples_[below(samples_.size())];
        judge(below(2) ? Hook::tc : Hook::xdp, *sample.by, damaged(sample.frame));
    }
}

// With its checksums mended a damaged packet gets further.
TEST_F(Mutation, DamageWithGoodChecksums) {
    for (int i = 0; i < rounds && !HasFailure(); ++i) {
        const Sample& sample = samples_[below(samples_.size())];
        Bytes frame = damaged(sample.frame);
        mend_checksums(frame);
        judge(below(2) ? Hook::tc : Hook::xdp, *sample.by, frame);
    }
}

TEST_F(Mutation, AnyLinearPartOnXdp) {
    for (int i = 0; i < rounds / 4 && !HasFailure(); ++i) {
        const Sample& sample = samples_[below(samples_.size())];
        const std::size_t linear = 14 + below(sample.frame.size() - 13);
        const Outcome got = send(Hook::xdp, *sample.by, sample.frame, {.linear = linear});
        if (got.verdict == Verdict::pass)
            EXPECT_EQ(difference(sample.frame, got.packet), "") << "linear part " << linear;
        else
            EXPECT_EQ(checksum_fault(got.packet), "") << "linear part " << linear;
    }
}

}  // namespace
}  // namespace sluice::test
