// Two CPUs learn the same MACs on two ports at once, as in a loop: each MAC has one entry, and the
// counts of learned MACs are exact when it is over. A count that stays too high would lock a port
// with a limit for good.
#include <gtest/gtest.h>
#include <sched.h>

#include <atomic>
#include <memory>
#include <set>
#include <thread>
#include <vector>

#include "sluice/abi/switch.h"
#include "tests/packet/scenario.hpp"

namespace sluice::test {
namespace {

class SwitchRace : public testing::Test {
protected:
    static constexpr int rounds = 4;
    static constexpr std::uint32_t macs = 1000;

    void SetUp() override {
        if (std::thread::hardware_concurrency() < 2) GTEST_SKIP() << "needs two CPUs";
        auto loaded = Gate::load();
        ASSERT_TRUE(loaded) << loaded.error().message;
        gate_ = std::move(*loaded);
        for (const Link& link : {lan0, lan1}) {
            sl_port port = port_entry(link);
            port.flags = SL_PORT_SWITCHED;
            gate_->set_port(link, port);
            // It learns, but nothing is flooded: no copies leave.
            sl_switch_port switched{};
            switched.flags = SL_SWITCH_LEARN;
            switched.ifindex = port.ifindex;
            switched.mtu = 1500;
            switched.pvid = 10;
            switched.mode = SL_VLAN_ACCESS;
            gate_->map<__u32, sl_switch_port>("sl_switch_ports").put(link.id, switched);
        }
        for (std::uint32_t i = 0; i < macs; ++i) frames_.push_back(from_mac(i));
    }
    static Bytes from_mac(std::uint32_t number) {
        const Mac mac{2,
                      0x77,
                      0,
                      0,
                      static_cast<std::uint8_t>(number >> 8),
                      static_cast<std::uint8_t>(number)};
        return serialise(Eth{.dst = {2, 0x78, 0, 0, 0, 1}, .src = mac, .type = 0x88b6} /
                         payload(46));
    }
    /// Each frame at the same time as the other CPU, as far as that can be.
    void send_all(int cpu, const Link& link) {
        cpu_set_t set;
        CPU_ZERO(&set);
        CPU_SET(static_cast<std::size_t>(cpu), &set);
        sched_setaffinity(0, sizeof(set), &set);
        for (std::uint32_t i = 0; i < macs; ++i) {
            step_.fetch_add(1);
            while (step_.load() < 2 * (i + 1)) sched_yield();
            if (!gate_->run(Hook::tc, link, frames_[i])) ++errors_;
        }
    }
    [[nodiscard]] std::uint32_t learned(const Link& link) const {
        return gate_->map<__u32, sl_switch_state>("sl_switch_states").get(link.id)->learned;
    }
    void expect_counts() const {
        std::set<std::uint64_t> keys;
        std::size_t on_lan0 = 0, on_lan1 = 0;
        for (const sl_fdb& entry : gate_->fdb().entries()) {
            EXPECT_TRUE(keys.insert(entry.key).second) << "two entries of one MAC";
            EXPECT_EQ(entry.port, entry.counted);
            on_lan0 += entry.counted == lan0.id;
            on_lan1 += entry.counted == lan1.id;
        }
        EXPECT_EQ(keys.size(), macs);
        EXPECT_EQ(learned(lan0), on_lan0);
        EXPECT_EQ(learned(lan1), on_lan1);
        const auto live = gate_->map<__u32, sl_live>("sl_live").get(0);
        EXPECT_EQ(live->macs, keys.size());
    }

    std::unique_ptr<Gate> gate_;
    std::vector<Bytes> frames_;
    std::atomic<std::uint32_t> step_{0}, errors_{0};
};

TEST_F(SwitchRace, CountsAreExact) {
    for (int round = 0; round < rounds && !HasFailure(); ++round) {
        gate_->fdb().clear();
        gate_->map<__u32, sl_live>("sl_live").put(0, {});
        for (const Link& link : {lan0, lan1})
            gate_->map<__u32, sl_switch_state>("sl_switch_states").put(link.id, {});
        step_ = 0;
        std::thread other([this] { send_all(1, lan1); });
        std::thread one([this] { send_all(0, lan0); });
        one.join();
        other.join();
        EXPECT_EQ(errors_, 0u);
        expect_counts();
    }
}

}  // namespace
}  // namespace sluice::test
