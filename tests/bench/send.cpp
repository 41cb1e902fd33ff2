// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/bench/send.hpp"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <net/if.h>
#include <sys/time.h>

#include <cerrno>
#include <climits>
#include <cmath>
#include <csignal>
#include <memory>
#include <span>
#include <vector>

#include "bench_send.skel.h"
#include "tests/bench/cpu.hpp"

namespace sluice::bench {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;
using Skeleton = std::unique_ptr<bench_send_bpf, decltype(&bench_send_bpf::destroy)>;

constexpr std::uint32_t nanoseconds_a_second = 1'000'000'000;

/// See BENCH_QUANTILES.
void fill_quantiles(const SendSpec& spec, std::span<__u32, BENCH_QUANTILES + 1> quantiles) {
    const auto weight = [&](std::uint32_t flow) { return std::pow(flow + 1.0, -spec.zipf); };
    double all = 0;
    for (std::uint32_t flow = 0; flow < spec.flows.count; ++flow) all += weight(flow);
    std::uint32_t flow = 0;
    double sum = weight(0);
    for (std::uint32_t k = 0; k <= BENCH_QUANTILES; ++k) {
        while (sum < all * k / BENCH_QUANTILES && flow + 1 < spec.flows.count)
            sum += weight(++flow);
        quantiles[k] = flow;
    }
}

Result<Skeleton> load(const SendSpec& spec) {
    Skeleton skeleton(bench_send_bpf::open(), bench_send_bpf::destroy);
    if (!skeleton) return fail_errno(errno, "can't open the sender program");
    // The skeleton declares the struct anew, after the BPF object's debug information.
    auto& conf = reinterpret_cast<bench_send&>(skeleton->rodata->conf);
    conf.flows = spec.flows;
    SL_CHECK(fill_head(spec.frame, conf));
    conf.order = static_cast<__u8>(spec.order);
    conf.gap = spec.rate == 0 ? 0 : nanoseconds_a_second / spec.rate;
    if (spec.order == BENCH_ZIPF) fill_quantiles(spec, skeleton->rodata->quantiles);
    // The clock runs faster than packets can be sent, so no later run starts lower.
    conf.sequence = static_cast<__u64>(Clock::now().time_since_epoch() / 1ns);
    conf.ifindex = if_nametoindex(spec.interface.c_str());
    if (conf.ifindex == 0) return fail(ErrorCode::not_found, "no interface " + spec.interface);
    skeleton->data->random_state = spec.seed;
    if (const int err = bench_send_bpf::load(skeleton.get()); err != 0)
        return fail_errno(-err, "can't load the sender program");
    return skeleton;
}

/// Has a signal end the send: the kernel looks for one after every batch.
Result<> set_alarm(std::chrono::milliseconds after) {
    struct sigaction action{};
    action.sa_handler = [](int) {};
    if (sigaction(SIGALRM, &action, nullptr) != 0) return fail_errno(errno, "can't set an alarm");
    itimerval timer{};
    timer.it_value.tv_sec = after / 1s;
    timer.it_value.tv_usec = after % 1s / 1us;
    if (setitimer(ITIMER_REAL, &timer, nullptr) != 0)
        return fail_errno(errno, "can't set an alarm");
    return {};
}

Result<> run(int program, const SendSpec& spec) {
    std::vector<std::byte> frame(spec.frame.size);
    LIBBPF_OPTS(bpf_test_run_opts, options);
    options.data_in = frame.data();
    options.data_size_in = static_cast<__u32>(frame.size());
    options.repeat = spec.packets != 0 ? static_cast<int>(spec.packets) : INT_MAX;
    options.flags = BPF_F_TEST_XDP_LIVE_FRAMES;
    options.batch_size = BENCH_BATCH;
    const int err = bpf_prog_test_run_opts(program, &options);
    if (err == 0 || (err == -EINTR && spec.packets == 0)) return {};
    return fail_errno(-err, "can't send live frames");
}

}  // namespace

Result<SendReport> send(const SendSpec& spec) {
    SL_CHECK(settle(spec.cpu));
    SL_TRY(skeleton, load(spec));
    if (spec.packets == 0) SL_CHECK(set_alarm(spec.duration));
    SL_CHECK(run(bpf_program__fd(skeleton->progs.bench_send), spec));

    const auto& state = *skeleton->bss;
    const double seconds = static_cast<double>(state.marked - state.started) * 1e-9;
    return SendReport{.packets = state.turn,
                      .rate = static_cast<double>(state.marked_turn) / seconds};
}

}  // namespace sluice::bench
