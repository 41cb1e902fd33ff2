// SPDX-License-Identifier: GPL-2.0-or-later
// The host's rules by protocol, port and DSCP (`ip rule`) hold for what sluice forwards; what is
// decided by more than it can ask about is left to the kernel.
#include <netinet/in.h>

#include <string>
#include <vector>

#include "tests/packet/scenario.hpp"

namespace sluice::test {
namespace {

class RoutingPolicy : public GateTest {
protected:
    void SetUp() override {
        GateTest::SetUp();
        host(
            "route add default via 198.51.100.9 dev thin0 table 202\n"
            "route add default via 2001:db8:2::9 dev thin0 table 202\n");
    }
    void TearDown() override {
        host(
            "route del default via 198.51.100.9 dev thin0 table 202\n"
            "route del default via 2001:db8:2::9 dev thin0 table 202\n");
        GateTest::TearDown();
    }

    static void host(const std::string& lines, const char* family = "") {
        const auto done = ip_batch(lines, family);
        ASSERT_TRUE(done) << done.error().hint;
    }

    /// Rules for both families, as long as it lives.
    class Rule {
    public:
        explicit Rule(const std::string& what) : text_(what + " lookup 202\n") { change("add"); }
        Rule(const Rule&) = delete;
        Rule& operator=(const Rule&) = delete;
        ~Rule() { change("del"); }

    private:
        void change(const std::string& verb) {
            for (const auto* family : {"-4", "-6"}) host("rule " + verb + " " + text_, family);
        }
        std::string text_;
    };

    template <class Protocol>
    [[nodiscard]] static std::vector<Packet> both(const Protocol& protocol) {
        return {a_to_server4() / protocol, a_to_server6() / protocol};
    }
    static void expect_first(const Packet& in) { expect_both(lan0, in, routed(in, wan0, router)); }
    static void expect_second(const Packet& in) {
        expect_both(lan0, in, routed(in, thin0, thin_host));
    }
    /// An IPv4 and an IPv6 packet with this DSCP.
    static std::vector<Packet> marked(int dscp) {
        auto packets = both(udp);
        packets[0].get<Ip4>().tos = static_cast<std::uint8_t>(dscp << 2 | 1);
        packets[1].get<Ip6>().traffic_class = static_cast<std::uint8_t>(dscp << 2 | 1);
        return packets;
    }
    static void leave_to_kernel(__u32 routes) {
        auto settings = gate().map<__u32, sl_settings>("sl_settings").get(0).value();
        settings.kernel_routes = routes;
        gate().set_settings(settings);
        gate().take_generation();
    }
    static void protect(const sl_addr& address, int length) {
        const sl_masq_key key{32u + 96u + static_cast<__u32>(length), SL_MASQ_PROTECTED, address};
        gate().map<sl_masq_key, sl_masq>("sl_masquerades").put(key, sl_masq{0});
        gate().take_generation();
    }
};

TEST_F(RoutingPolicy, ByProtocolAndPorts) {
    const Rule by_dport("ipproto tcp dport 25"), by_sport("ipproto udp sport 5000-5010");
    for (const Packet& in : both(Tcp{.sport = 4000, .dport = 25, .flags = SYN}))
        expect_forward(Hook::tc, lan0, in, routed(in, thin0, thin_host));
    for (const Packet& in : both(Tcp{.sport = 4000, .dport = 26, .flags = SYN}))
        expect_forward(Hook::tc, lan0, in, routed(in, wan0, router));
    for (const Packet& in : both(Udp{.sport = 4000, .dport = 25})) expect_first(in);
    for (const Packet& in : both(Udp{.sport = 5005, .dport = 53})) expect_second(in);
}

// A rule is about the ports that the kernel would see when it routes: the internal port of a
// forward, and the one that a VM sends from.
TEST_F(RoutingPolicy, PortsAreThoseBeforeTheSourceIsTranslated) {
    const Rule by_sport("ipproto udp sport 4000");
    gate().masquerade(ip("10.0.0.0"), 16, thin0, {external}, 3000, 3000);
    const Packet in = a_to_server4() / udp;
    expect_both(lan0, in, with_source(routed(in, thin0, thin_host), external, 3000));
}

// The DSCP is the packet's own, not that of the flow's first; its ECN bits do not count.
TEST_F(RoutingPolicy, ByDscpOfEachPacket) {
    const Rule by_tos("tos 0x10");
    for (int round = 0; round < 3; ++round) {
        for (const Packet& in : marked(4)) expect_second(in);
        for (const Packet& in : marked(0)) expect_first(in);
    }
}

// What is left to the kernel is asked about by the same: a rule may lead to what is no port.
TEST_F(RoutingPolicy, IsAskedForWhatIsLeftToTheKernelToo) {
    host("route add default via 10.0.9.2 dev spare0 table 203\n");
    host("route add default via fd00:9::2 dev spare0 table 203\n");
    auto narrow = port_entry(lan0);
    narrow.flags |= SL_PORT_NARROW4 | SL_PORT_NARROW6;
    gate().set_port(lan0, narrow);
    for (const char* family : {"-4", "-6"})
        host("rule add ipproto udp dport 53 lookup 203", family);
    for (const Packet& in : both(udp)) expect_drop(Hook::tc, lan0, in, SL_DROP_OUTSIDE);
    for (const char* family : {"-4", "-6"})
        host("rule del ipproto udp dport 53 lookup 203", family);
    host("route del default via 10.0.9.2 dev spare0 table 203\n");
    host("route del default via fd00:9::2 dev spare0 table 203\n");
}

TEST_F(RoutingPolicy, UntranslatedIsLeftToTheKernel) {
    const auto packets = both(udp);
    for (const Packet& in : packets) expect_first(in);
    leave_to_kernel(SL_KERNEL_ROUTES4);
    for (const Hook hook : {Hook::xdp, Hook::tc}) expect_pass(hook, lan0, packets[0]);
    expect_first(packets[1]);
    leave_to_kernel(SL_KERNEL_ROUTES4 | SL_KERNEL_ROUTES6);
    for (const Packet& in : packets)
        for (const Hook hook : {Hook::xdp, Hook::tc}) expect_pass(hook, lan0, in);
    leave_to_kernel(0);
    for (const Packet& in : packets) expect_first(in);
}

TEST_F(RoutingPolicy, TranslatedIsLeftToTheKernelWhereItIsProtected) {
    masquerade_a(3000, 3000);
    const Packet in = a_to_server4() / udp;
    const Packet out = with_source(routed(in, wan0, router), external, 3000);
    expect_both(lan0, in, out);
    leave_to_kernel(SL_KERNEL_ROUTES4);
    expect_both(lan0, in, out);
    protect(server.v4, 32);
    for (const Hook hook : {Hook::xdp, Hook::tc}) expect_pass(hook, lan0, in);
}

// Its answers would go to the protected network in clear.
TEST_F(RoutingPolicy, ForwardsOfWhatIsProtectedAreLeftToTheKernel) {
    gate().forward(IPPROTO_UDP, external, 5000, vm_a.v4, 4000, wan0);
    leave_to_kernel(SL_KERNEL_ROUTES4);
    const Packet in = server_to(external) / Udp{.sport = 53, .dport = 5000};
    expect_both(wan0, in, routed(with_destination(in, vm_a.v4, 4000), lan0, vm_a));
    protect(server.v4, 32);
    for (const Hook hook : {Hook::xdp, Hook::tc}) expect_pass(hook, wan0, in);
}

}  // namespace
}  // namespace sluice::test
