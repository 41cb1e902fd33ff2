// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/bench/timing.hpp"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/pkt_cls.h>
#include <net/if.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>
#include <memory>
#include <vector>

#include "bench_time.skel.h"
#include "loader/base/fd.hpp"
#include "tests/bench/cpu.hpp"

namespace sluice::bench {
namespace {

using Skeleton = std::unique_ptr<bench_time_bpf, decltype(&bench_time_bpf::destroy)>;

constexpr int series = 5;
constexpr int frames_a_series = 100'000;

Result<Skeleton> load(const TimingSpec& spec) {
    Skeleton skeleton(bench_time_bpf::open(), bench_time_bpf::destroy);
    if (!skeleton) return fail_errno(errno, "can't open the timing programs");
    // The skeleton declares the struct anew, after the BPF object's debug information.
    auto& conf = reinterpret_cast<bench_send&>(skeleton->rodata->conf);
    conf.flows = spec.flows;
    SL_CHECK(fill_head(spec.frame, conf));
    if (const int err = bench_time_bpf::load(skeleton.get()); err != 0)
        return fail_errno(-err, "can't load the timing programs");
    return skeleton;
}

/// One series of frames through the timing program.
class Series {
public:
    Series(const TimingSpec& spec, const bench_time_bpf& skeleton, unsigned ifindex)
        : program_(bpf_program__fd(spec.hook == Hook::tc ? skeleton.progs.bench_time_tc
                                                         : skeleton.progs.bench_time_xdp)),
          frame_(std::max<std::size_t>(spec.frame.size, sizeof(bench_send::head))) {
        // The kernel takes an skb's protocol from the frame that it is given.
        std::memcpy(frame_.data(), skeleton.rodata->conf.head, sizeof(bench_send::head));
        frame_.resize(spec.frame.size);
        options_.sz = sizeof(options_);
        options_.data_in = frame_.data();
        options_.data_size_in = spec.frame.size;
        options_.repeat = frames_a_series;
        skb_.ifindex = skb_.ingress_ifindex = xdp_.ingress_ifindex = ifindex;
        xdp_.data_end = spec.frame.size;
        options_.ctx_in = spec.hook == Hook::tc ? static_cast<void*>(&skb_) : &xdp_;
        options_.ctx_size_in = spec.hook == Hook::tc ? sizeof(skb_) : sizeof(xdp_);
    }
    Series(const Series&) = delete;
    Series& operator=(const Series&) = delete;

    /// Nanoseconds a frame.
    Result<std::uint32_t> run() {
        options_.data_size_out = 0;  // of the run before; a frame with a tag added would not fit
        if (const int err = bpf_prog_test_run_opts(program_, &options_); err != 0)
            return fail_errno(-err, "can't run the timing program");
        return options_.duration;
    }
    [[nodiscard]] int returned() const { return static_cast<int>(options_.retval); }

private:
    int program_;
    std::vector<std::byte> frame_;
    __sk_buff skb_{};
    xdp_md xdp_{};
    bpf_test_run_opts options_{};
};

Result<std::uint32_t> least(Series& of) {
    std::uint32_t least = std::numeric_limits<std::uint32_t>::max();
    for (int i = 0; i < series; ++i) {
        SL_TRY(duration, of.run());
        least = std::min(least, duration);
    }
    return least;
}

Result<> set_target(const TimingSpec& spec, const bench_time_bpf& skeleton) {
    const Fd program(bpf_prog_get_fd_by_id(spec.program));
    if (!program) return fail_errno(errno, "no program has id " + std::to_string(spec.program));
    const bpf_map* map =
        spec.hook == Hook::tc ? skeleton.maps.bench_target_tc : skeleton.maps.bench_target_xdp;
    const __u32 zero = 0;
    const int fd = program.get();
    if (bpf_map_update_elem(bpf_map__fd(map), &zero, &fd, BPF_ANY) != 0)
        return fail_errno(errno, "the program can't be called from another");
    return {};
}

std::string verdict_text(Hook hook, int returned) {
    const bool tc = hook == Hook::tc;
    if (returned == (tc ? TC_ACT_REDIRECT : XDP_REDIRECT)) return "forward";
    if (returned == (tc ? TC_ACT_SHOT : XDP_DROP)) return "drop";
    if (returned == (tc ? TC_ACT_UNSPEC : XDP_PASS)) return "pass";
    return "unknown";
}

}  // namespace

Result<Timing> time_program(const TimingSpec& spec) {
    const unsigned ifindex = if_nametoindex(spec.interface.c_str());
    if (ifindex == 0) return fail(ErrorCode::not_found, "no interface " + spec.interface);
    SL_CHECK(settle(spec.cpu));
    SL_TRY(skeleton, load(spec));
    Series run(spec, *skeleton, ifindex);
    SL_TRY(making, least(run));
    SL_CHECK(set_target(spec, *skeleton));
    SL_TRY(all, least(run));
    return Timing{.nanoseconds = static_cast<double>(all) - making,
                  .verdict = verdict_text(spec.hook, run.returned())};
}

}  // namespace sluice::bench
