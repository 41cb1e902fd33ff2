// SPDX-License-Identifier: GPL-2.0-or-later
// What is translated and too large for the way out is cut into fragments, if its sender allows it
// (RFC 791, RFC 4787 REQ-13); what is only routed is left to the kernel.
#include <netinet/in.h>

#include <algorithm>
#include <vector>

#include "tests/packet/scenario.hpp"
#include "tests/packet/switch/scenario.hpp"

namespace sluice::test {
namespace {

constexpr std::size_t thin_chunk = (1400 - 20) / 8 * 8;  // thin0's MTU
const sl_addr thin = ip("198.51.100.1");

Packet to_thin(bool df = false) {
    return to_gateway(vm_a, lan0) / Ip4{.src = vm_a.v4, .dst = thin_host.v4, .id = 77, .df = df};
}

class CutUp : public SwitchTest {
protected:
    void SetUp() override {
        SwitchTest::SetUp();
        lan_ = rig().join(lan0);
        thin_ = rig().join(thin0);
        gate().masquerade(ip("10.0.0.0"), 24, thin0, {thin}, 1024, 65535);
    }
    /// `whole` leaves cut, the pieces as long as they may be.
    void expect_cut(const Packet& in, const Packet& whole) {
        Copies copies;
        for (const Packet& part : fragments(whole, thin_chunk)) copies.push_back({thin_, part});
        ASSERT_GT(copies.size(), 1u);
        expect_copies(Way::tc, lan_, in, copies);
    }
    static Packet translated(const Packet& in) {
        return with_source(routed(in, thin0, thin_host), thin, 4000);
    }

    std::size_t lan_ = 0, thin_ = 0;
};

TEST_F(CutUp, IntoAsManyAsItTakes) {
    for (const std::size_t length : std::initializer_list<std::size_t>{
             1373, 1400, 2 * thin_chunk - 8, 2 * thin_chunk - 7, 4000, 8900}) {
        SCOPED_TRACE(length);
        const Packet in = to_thin() / udp / payload(length);
        for (int round = 0; round < 2; ++round) expect_cut(in, translated(in));
    }
    EXPECT_EQ(gate().flows4().entries().size(), 2u) << "one session";
    const Packet fits = to_thin() / udp / payload(1372);
    expect_copies(Way::tc, lan_, fits, by({thin_}, translated(fits)));
}

TEST_F(CutUp, EveryProtocolThatIsTranslated) {
    const Packet tcp = to_thin() / Tcp{.sport = 4000, .dport = 80} / payload(3000);
    expect_cut(tcp, translated(tcp));
    const Packet echo = to_thin() / echo_request4(4000) / payload(3000);
    expect_cut(echo, translated(echo));
    const Packet no_sum =
        to_thin() / Udp{.sport = 4000, .dport = 53, .sum = Sum::none} / payload(3000);
    expect_cut(no_sum, translated(no_sum));
}

// A device of the sender's was to complete it: it is complete before it is cut.
TEST_F(CutUp, PartialChecksums) {
    const auto expect_complete = [&](const Packet& in, const Packet& whole) {
        rig().send_partial(lan_, serialise(in));
        std::vector<Arrival> expected;
        for (const Packet& part : fragments(whole, thin_chunk))
            expected.push_back({thin_, serialise(part)});
        std::ranges::sort(expected);
        EXPECT_TRUE(rig().receive() == expected);
        EXPECT_EQ(rig().unfinished(), 0u) << "a device would sum each fragment";
    };
    for (const std::size_t length : {1500, 1501, 1502, 1503, 8000}) {
        SCOPED_TRACE(length);
        Packet in = to_thin() / udp / payload(length);
        const Packet whole = translated(in);
        in.get<Udp>().sum = Sum::partial;
        expect_complete(in, whole);
    }
    Packet tcp = to_thin() / Tcp{.sport = 4000, .dport = 80} / payload(3001);
    const Packet whole = translated(tcp);
    tcp.get<Tcp>().sum = Sum::partial;
    expect_complete(tcp, whole);
}

// What is a fragment already is cut once more, at its own place.
TEST_F(CutUp, Fragments) {
    const Packet in = to_thin() / udp / payload(8000);
    const auto sent = fragments(in, 3000 / 8 * 8), left = fragments(translated(in), 3000 / 8 * 8);
    for (std::size_t i = 0; i < sent.size(); ++i) {
        Copies copies;
        const Bytes part = serialise(left[i]);
        Packet head = left[i];
        const Ip4 ip4 = head.get<Ip4>();
        Raw rest{Bytes(part.begin() + 34, part.end())};
        for (std::size_t at = 0; at < rest.bytes.size(); at += thin_chunk) {
            const std::size_t bytes = std::min(thin_chunk, rest.bytes.size() - at);
            Ip4 piece = ip4;
            piece.offset = static_cast<std::uint16_t>(ip4.offset + at);
            piece.mf = ip4.mf || at + bytes < rest.bytes.size();
            piece.protocol = IPPROTO_UDP;
            const auto begin = rest.bytes.begin() + static_cast<std::ptrdiff_t>(at);
            copies.push_back(
                {thin_, head.get<Eth>() / piece /
                            Raw{Bytes(begin, begin + static_cast<std::ptrdiff_t>(bytes))}});
        }
        expect_copies(Way::tc, lan_, sent[i], copies);
    }
}

TEST_F(CutUp, NotWhatMustNotBe) {
    const Packet in = to_thin(true) / udp / payload(2000);
    rig().send(Way::tc, lan_, serialise(in));
    EXPECT_TRUE(
        std::ranges::none_of(rig().receive(), [&](const Arrival& it) { return it.port == thin_; }));
    EXPECT_EQ(rig().drops(lan_, SL_DROP_TOO_BIG), 1u);
}

}  // namespace
}  // namespace sluice::test
