// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/bench/floor.hpp"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/if_link.h>
#include <net/if.h>

#include <cerrno>
#include <memory>

#include "bench_floor.skel.h"

namespace sluice::bench {
namespace {

using Skeleton = std::unique_ptr<bench_floor_bpf, decltype(&bench_floor_bpf::destroy)>;

// BPF_TCX_INGRESS (Linux 6.6), newer than Debian 12's headers. Attached without a link, the
// program stays for as long as the interface.
constexpr auto tcx_ingress = static_cast<bpf_attach_type>(46);

Result<unsigned> index_of(const std::string& interface) {
    const unsigned ifindex = if_nametoindex(interface.c_str());
    if (ifindex == 0) return fail(ErrorCode::not_found, "no interface " + interface);
    return ifindex;
}

Result<> attach_tc(int program, unsigned in) {
    if (const int err = bpf_prog_attach(program, static_cast<int>(in), tcx_ingress, 0); err != 0)
        return fail_errno(-err, "can't attach the TC floor", "it needs tcx, Linux 6.6");
    return {};
}

Result<> attach_xdp(const bpf_program* program, unsigned in) {
    const int err =
        bpf_xdp_attach(static_cast<int>(in), bpf_program__fd(program), XDP_FLAGS_DRV_MODE, nullptr);
    if (err != 0) return fail_errno(-err, "can't attach the XDP floor");
    return {};
}

Result<> set_way_out(const bench_floor_bpf& skeleton, unsigned out) {
    const __u32 zero = 0;
    if (bpf_map_update_elem(bpf_map__fd(skeleton.maps.bench_out), &zero, &out, BPF_ANY) != 0)
        return fail_errno(errno, "can't name the XDP floor's way out");
    return {};
}

Result<Skeleton> load(unsigned out) {
    Skeleton skeleton(bench_floor_bpf::open(), bench_floor_bpf::destroy);
    if (!skeleton) return fail_errno(errno, "can't open the floor programs");
    skeleton->rodata->out_ifindex = out;
    if (const int err = bench_floor_bpf::load(skeleton.get()); err != 0)
        return fail_errno(-err, "can't load the floor programs");
    return skeleton;
}

}  // namespace

Result<> attach_floor(Hook hook, const std::string& in, const std::string& out) {
    SL_TRY(in_index, index_of(in));
    SL_TRY(out_index, index_of(out));
    SL_TRY(skeleton, load(out_index));
    if (hook == Hook::tc)
        return attach_tc(bpf_program__fd(skeleton->progs.bench_floor_tc), in_index);
    SL_CHECK(set_way_out(*skeleton, out_index));
    return attach_xdp(skeleton->progs.bench_floor_xdp, in_index);
}

Result<> attach_drop_floor(const std::string& in) {
    SL_TRY(in_index, index_of(in));
    SL_TRY(skeleton, load(0));
    return attach_xdp(skeleton->progs.bench_drop_xdp, in_index);
}

}  // namespace sluice::bench
