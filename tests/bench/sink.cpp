// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/bench/sink.hpp"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/if_link.h>
#include <net/if.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <vector>

#include "bench_sink.skel.h"
#include "loader/base/fd.hpp"

namespace sluice::bench {
namespace {

using Skeleton = std::unique_ptr<bench_sink_bpf, decltype(&bench_sink_bpf::destroy)>;

Result<std::uint32_t> map_id(int fd) {
    bpf_map_info info{};
    __u32 size = sizeof(info);
    if (bpf_obj_get_info_by_fd(fd, &info, &size) != 0)
        return fail_errno(errno, "can't ask for the id of the sink's counters");
    return info.id;
}

}  // namespace

Result<std::uint32_t> attach_sink(const std::string& interface, const std::optional<Prefix>& check,
                                  bool beside) {
    const unsigned ifindex = if_nametoindex(interface.c_str());
    if (ifindex == 0) return fail(ErrorCode::not_found, "no interface " + interface);
    Skeleton skeleton(bench_sink_bpf::open(), bench_sink_bpf::destroy);
    if (!skeleton) return fail_errno(errno, "can't open the sink program");
    skeleton->rodata->check = check.has_value();
    skeleton->rodata->beside = beside;
    if (check) {
        // Of IPv6 only the last word is compared: the generator varies no other.
        const int bits = std::clamp(check->mapped_length() - 96, 0, 32);
        skeleton->rodata->inside = ntohl(check->address.raw().w[3]);
        bpf_map__set_max_entries(skeleton->maps.bench_order, BENCH_ORDER_FLOWS);
        skeleton->rodata->inside_mask = bits == 0 ? 0 : ~0U << (32 - bits);
    }
    if (const int err = bench_sink_bpf::load(skeleton.get()); err != 0)
        return fail_errno(-err, "can't load the sink program");
    const int err =
        bpf_xdp_attach(static_cast<int>(ifindex), bpf_program__fd(skeleton->progs.bench_sink),
                       XDP_FLAGS_DRV_MODE, nullptr);
    if (err != 0) return fail_errno(-err, "can't attach the sink to " + interface);
    return map_id(bpf_map__fd(skeleton->maps.bench_seen));
}

Result<bench_seen> read_sink(std::uint32_t map) {
    const Fd fd(bpf_map_get_fd_by_id(map));
    if (!fd) return fail_errno(errno, "no sink has counters with id " + std::to_string(map));
    std::vector<bench_seen> cpus(static_cast<std::size_t>(libbpf_num_possible_cpus()));
    const __u32 zero = 0;
    if (bpf_map_lookup_elem(fd.get(), &zero, cpus.data()) != 0)
        return fail_errno(errno, "can't read the sink's counters");

    bench_seen sum{};
    for (const bench_seen& cpu : cpus) {
        sum.packets += cpu.packets;
        sum.bytes += cpu.bytes;
        sum.foreign += cpu.foreign;
        sum.bad_checksum += cpu.bad_checksum;
        sum.reordered += cpu.reordered;
        sum.untranslated += cpu.untranslated;
        sum.unrouted += cpu.unrouted;
    }
    return sum;
}

}  // namespace sluice::bench
