// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/kernel/datapath.hpp"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fmt/format.h>
#include <sys/random.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <chrono>
#include <ctime>
#include <limits>
#include <memory>
#include <utility>

#include "loader/base/clock.hpp"
#include "loader/base/fd.hpp"
#include "loader/kernel/log.hpp"
#include "sluice_tc.skel.h"
#include "sluice_xdp.skel.h"

namespace sluice {
namespace {

constexpr auto nexthop_ttl = std::chrono::milliseconds(500);

struct DestroyTc {
    void operator()(sluice_tc_bpf* object) const { sluice_tc_bpf__destroy(object); }
};
struct DestroyXdp {
    void operator()(sluice_xdp_bpf* object) const { sluice_xdp_bpf__destroy(object); }
};
using TcObject = std::unique_ptr<sluice_tc_bpf, DestroyTc>;
using XdpObject = std::unique_ptr<sluice_xdp_bpf, DestroyXdp>;

__u32 ticks(std::chrono::milliseconds duration) {
    constexpr std::int64_t tick = std::int64_t{1} << SL_TICK_SHIFT;
    // The sweeper compares the difference of two ticks as a signed number: 26 days.
    constexpr std::int64_t longest = std::numeric_limits<__s32>::max();
    // Bounds the product below; a tick is less than two milliseconds.
    const std::int64_t milliseconds = std::clamp<std::int64_t>(duration.count(), 1, 2 * longest);
    return static_cast<__u32>(std::min((milliseconds * 1'000'000 + tick - 1) / tick, longest));
}

/// In epoch seconds, rounded up.
__u32 epochs(std::chrono::milliseconds duration) {
    return static_cast<__u32>((ticks(duration) + 1023ull) >> (SL_EPOCH_SHIFT - SL_TICK_SHIFT));
}

/// So many that a MAC finds a free slot: half of them are used at most.
__u32 fdb_buckets(const Settings& settings) {
    return std::bit_ceil(std::max<__u32>(settings.max_macs / 2, 64));
}

sl_stamp make_stamp(const NetnsId& netns) {
    return {
        .magic = SL_STAMP_MAGIC,
        .abi_version = SL_ABI_VERSION,
        .flow_size = sizeof(sl_flow),
        .key4_size = sizeof(sl_key4),
        .key6_size = sizeof(sl_key6),
        .binding_size = sizeof(sl_binding),
        .port_size = sizeof(sl_port),
        .nexthop_size = sizeof(sl_nexthop),
        .netns_ino = netns.ino,
        .netns_dev = netns.dev,
        .created = static_cast<__u64>(time(nullptr)),
    };
}

Result<> check_stamp(const sl_stamp& stamp, std::string_view instance) {
    const sl_stamp ours = make_stamp({});
    const auto layout = [](const sl_stamp& s) {
        return std::tuple(s.magic, s.abi_version, s.flow_size, s.key4_size, s.key6_size,
                          s.binding_size, s.port_size, s.nexthop_size);
    };
    if (layout(stamp) == layout(ours)) return {};
    return fail(ErrorCode::refused,
                fmt::format("instance `{}` was brought up by another version of sluice (ABI {}, "
                            "this one has {})",
                            instance, stamp.abi_version, SL_ABI_VERSION),
                "use that version, or `sluice restore` to change to this one (its sessions end)");
}

void set_capacities(const sluice_tc_bpf& object, const Settings& settings) {
    for (const auto& [name, entries] : map_capacities(settings))
        bpf_map__set_max_entries(bpf_object__find_map_by_name(object.obj, name), entries);
}

/// How the datapath turns jiffies into CLOCK_MONOTONIC: bpf/lib/time.h.
template <class Rodata>
void set_clock(Rodata& rodata) {
    const auto nanoseconds = static_cast<__u64>(jiffy_length().count());
    const auto hz = (1'000'000'000 + nanoseconds / 2) / nanoseconds;
    rodata.sl_jiffy_ns = nanoseconds;
    rodata.sl_first_jiffy = static_cast<__u32>(-300 * static_cast<std::int64_t>(hz));
}

Result<> make_folder(const std::filesystem::path& folder) {
    std::error_code error;
    std::filesystem::create_directories(folder, error);
    if (error) return fail_errno(error.value(), "making " + folder.string());
    return {};
}

Result<> remove_folder(const std::filesystem::path& folder) {
    std::error_code error;
    std::filesystem::remove_all(folder, error);
    if (error) return fail_errno(error.value(), "removing " + folder.string());
    return {};
}

Result<> rename_folder(const Pins& from, const Pins& to) {
    std::error_code error;
    std::filesystem::rename(from.folder(), to.folder(), error);
    if (error)
        return fail_errno(error.value(), fmt::format("renaming {} to {}", from.folder().string(),
                                                     to.folder().string()));
    return {};
}

Result<TcObject> load_tc(const Settings& settings) {
    const LogCapture log;
    TcObject object(sluice_tc_bpf__open());
    if (!object) return fail_errno(errno, "opening the TC programs" + log.tail());
    set_capacities(*object, settings);
    set_clock(*object->rodata);
    if (const int err = -sluice_tc_bpf__load(object.get()); err != 0)
        return load_error(err, "loading the TC programs and maps", log);
    return object;
}

Result<> pin_all(const sluice_tc_bpf& object, const Pins& pins) {
    SL_CHECK(make_folder(pins.map("")));
    SL_CHECK(make_folder(pins.program("")));
    SL_CHECK(make_folder(pins.folder() / "links"));
    const LogCapture log;
    const bpf_map* map = nullptr;
    bpf_object__for_each_map(map, object.obj) {
        if (bpf_map__is_internal(map)) continue;
        const auto pin = pins.map(bpf_map__name(map));
        if (bpf_obj_pin(bpf_map__fd(map), pin.c_str()) != 0)
            return fail_errno(errno, "pinning " + pin.string());
    }
    const std::array<std::pair<const bpf_program*, const char*>, 2> programs{{
        {object.progs.sl_tc_ingress, "tc_ingress"},
        {object.progs.sl_tc_egress, "tc_egress"},
    }};
    for (const auto& [program, name] : programs)
        if (bpf_obj_pin(bpf_program__fd(program), pins.program(name).c_str()) != 0)
            return fail_errno(errno, "pinning " + pins.program(name).string());
    return {};
}

/// Arms the timer that expires sessions; from then on it needs no process.
Result<> start_sweeper(const sluice_tc_bpf& object) {
    std::array<std::uint8_t, 64> frame{};  // a test run needs an Ethernet frame; it is not read
    bpf_test_run_opts options{};
    options.sz = sizeof(options);
    options.data_in = frame.data();
    options.data_size_in = frame.size();
    options.repeat = 1;
    if (bpf_prog_test_run_opts(bpf_program__fd(object.progs.sl_start_sweeper), &options) != 0)
        return fail_errno(errno, "starting the sweeper");
    if (options.retval != 0)
        return fail(ErrorCode::failed, fmt::format("the sweeper did not start ({})",
                                                   static_cast<int>(options.retval)));
    return {};
}

template <class AnyMap>
Result<AnyMap> open_map(const Pins& pins, const char* name) {
    return AnyMap::open(pins.map(name));
}

/// Its hash has a seed, which is in the settings.
template <>
Result<FdbTable> open_map<FdbTable>(const Pins& pins, const char* name) {
    SL_TRY(settings, (open_map<Map<__u32, sl_settings>>(pins, "sl_settings")));
    SL_TRY(now, settings.lookup(0));
    return FdbTable::open(pins.map(name), now.value_or(sl_settings{}).flow_seed);
}

Result<Maps> open_maps(const Pins& pins) {
#define SL_OPEN(name, ...) SL_TRY(name, (open_map<__VA_ARGS__>(pins, "sl_" #name)));
#define SL_MOVE(name, ...) .name = std::move(name),
    SL_EACH_MAP(SL_OPEN)
    return Maps{SL_EACH_MAP(SL_MOVE)};
#undef SL_MOVE
#undef SL_OPEN
}

/// Binds every map of the object to the instance's pinned one. A map that has no pin is the
/// object's own: scratch memory of its programs.
Result<> reuse_maps(const sluice_xdp_bpf& object, const Pins& pins) {
    bpf_map* map = nullptr;
    bpf_object__for_each_map(map, object.obj) {
        if (bpf_map__is_internal(map)) continue;
        const auto pin = pins.map(bpf_map__name(map));
        const Fd fd(bpf_obj_get(pin.c_str()));
        if (!fd && errno == ENOENT) continue;
        if (!fd) return fail_errno(errno, "opening " + pin.string());
        if (const int err = -bpf_map__reuse_fd(map, fd.get()); err != 0)
            return fail_errno(err, "reusing " + pin.string());
    }
    return {};
}

Result<sl_seed> random_seed() {
    sl_seed seed{};
    if (getrandom(&seed, sizeof(seed), 0) != sizeof(seed))
        return fail_errno(errno, "reading random bytes");
    return seed;
}

/// A quarter of the sessions that the table has room for is kept for the router.
__u32 tracked_until(std::uint32_t entries) { return entries / 2 / 4 * 3; }

}  // namespace

std::vector<MapCapacity> map_capacities(const Settings& settings) {
    const __u32 groups4 = sl_flow_groups(settings.max_flows);
    const __u32 groups6 = sl_flow_groups(settings.max_flows6);
    return {
        {"sl_flows4", groups4 * SL_FLOW_SLOTS},
        {"sl_births4", groups4 * SL_FLOW_SLOTS},
        {"sl_flow_groups4", groups4},
        {"sl_flows6", groups6 * SL_FLOW_SLOTS},
        {"sl_flow_groups6", groups6},
        {"sl_bindings", std::max(settings.max_bindings, 1u)},
        {"sl_leases", std::max(settings.max_leases, 1u)},
        {"sl_fdb", fdb_buckets(settings)},
    };
}

std::chrono::nanoseconds jiffy_length() {
    timespec jiffy{};
    clock_getres(CLOCK_MONOTONIC_COARSE, &jiffy);
    return std::chrono::nanoseconds(jiffy.tv_nsec);
}

sl_settings settings_in_ticks(const Settings& settings) {
    return {
        .udp_timeout = ticks(settings.udp_timeout),
        .tcp_established_timeout = ticks(settings.tcp_established_timeout),
        .tcp_transitory_timeout = ticks(settings.tcp_transitory_timeout),
        .icmp_timeout = ticks(settings.icmp_timeout),
        .other_timeout = ticks(settings.other_timeout),
        .nexthop_ttl = ticks(nexthop_ttl),
        .mac_age = epochs(settings.mac_age),
        .max_macs = settings.max_macs,
        .fdb_mask = fdb_buckets(settings) - 1,
        .tracked_until4 = tracked_until(settings.max_flows),
        .tracked_until6 = tracked_until(settings.max_flows6),
        .flow_groups4 = sl_flow_groups(settings.max_flows),
        .flow_groups6 = sl_flow_groups(settings.max_flows6),
        .host_share = settings.host_share ? 1u : 0u,
        .flow_seed = {},
        .max_sessions4 = settings.max_flows / 2,
        .max_sessions6 = settings.max_flows6 / 2,
        .host_sessions = settings.host_sessions,
        .host_ports = settings.host_ports,
        .door_mark = settings.door_mark,
        .kernel_routes = 0,
    };
}

__u32 now_tick() { return static_cast<__u32>(now_monotonic() >> SL_TICK_SHIFT); }

__u32 now_epoch() { return static_cast<__u32>(now_monotonic() >> SL_EPOCH_SHIFT); }

Result<Datapath> Datapath::create(std::string_view instance, const Settings& settings) {
    SL_CHECK(ensure_bpffs());
    if (exists(instance))
        return fail(ErrorCode::refused, fmt::format("instance `{}` is up already", instance),
                    "`sluice status` shows it; `sluice down` ends it");
    const Pins pins(instance);
    const Pins aside = pins.aside();
    SL_CHECK(remove_folder(aside.folder()));
    SL_TRY(netns, current_netns());
    SL_TRY(object, load_tc(settings));
    SL_CHECK(pin_all(*object, aside));
    SL_TRY(maps, open_maps(aside));
    auto entry = settings_in_ticks(settings);
    SL_TRY(seed, random_seed());
    entry.flow_seed = seed;
    SL_CHECK(maps.settings.update(0, entry));
    maps.rules.take_generation();
    SL_CHECK(maps.stamp.update(0, make_stamp(netns)));
    SL_CHECK(start_sweeper(*object));
    SL_CHECK(rename_folder(aside, pins));
    return open(instance);
}

Result<Datapath> Datapath::open(std::string_view instance) {
    if (!exists(instance))
        return fail(ErrorCode::not_found, fmt::format("instance `{}` is not up", instance),
                    "`sluice up` starts it; after a reboot, `sluice restore`");
    Pins pins(instance);
    SL_TRY(stamp_map, (Map<__u32, sl_stamp>::open(pins.map("sl_stamp"))));
    SL_TRY(stamp, stamp_map.lookup(0));
    SL_CHECK(check_stamp(stamp.value_or(sl_stamp{}), instance));
    SL_TRY(maps, open_maps(pins));
    return Datapath(std::string(instance), std::move(pins), std::move(maps), *stamp);
}

bool Datapath::exists(std::string_view instance) {
    std::error_code ignored;  // no bpffs, no pins
    return std::filesystem::exists(Pins(instance).folder(), ignored);
}

bool Datapath::is_of_this_version(std::string_view instance) {
    const auto stamps = Map<__u32, sl_stamp>::open(Pins(instance).map("sl_stamp"));
    if (!stamps) return false;
    const auto stamp = stamps->lookup(0);
    return stamp && *stamp && check_stamp(**stamp, instance);
}

Result<> Datapath::remove(std::string_view instance) {
    const Pins pins(instance);
    SL_CHECK(remove_folder(pins.aside().folder()));
    if (!exists(instance)) return {};
    SL_CHECK(rename_folder(pins, pins.aside()));
    return remove_folder(pins.aside().folder());
}

Result<FlowTable<sl_key4>> Datapath::flows4() const {
    SL_TRY(settings, maps_.settings.lookup(0));
    return FlowTable<sl_key4>::open(pins_, settings.value_or(sl_settings{}).flow_seed);
}

Result<FlowTable<sl_key6>> Datapath::flows6() const {
    SL_TRY(settings, maps_.settings.lookup(0));
    return FlowTable<sl_key6>::open(pins_, settings.value_or(sl_settings{}).flow_seed);
}

Result<TcMethod> Datapath::attach_tc(const Link& link, TcDirection direction) const {
    const auto name = tc_direction_text(direction);
    const auto pin = pins_.program(fmt::format("tc_{}", name));
    const Fd program(bpf_obj_get(pin.c_str()));
    if (!program) return fail_errno(errno, "opening " + pin.string());
    return sluice::attach_tc(program.get(), link.ifindex, direction, pins_.link(link.name, name));
}

Result<XdpMethod> Datapath::attach_xdp(const Link& link) const {
    const LogCapture log;
    const XdpObject object(sluice_xdp_bpf__open());
    if (!object) return fail_errno(errno, "opening the XDP program" + log.tail());
    set_clock(*object->rodata);
    SL_CHECK(reuse_maps(*object, pins_));
    return sluice::attach_xdp(object->obj, link.ifindex, pins_.link(link.name, "xdp"));
}

Result<> Datapath::detach_tc(const std::string& interface, std::uint32_t ifindex,
                             TcDirection direction) const {
    return sluice::detach_tc(ifindex, direction,
                             pins_.link(interface, tc_direction_text(direction)));
}

Result<> Datapath::detach_xdp(const std::string& interface, std::uint32_t ifindex) const {
    return sluice::detach_xdp(ifindex, pins_.link(interface, "xdp"));
}

Result<std::optional<TcAttachment>> Datapath::query_tc(const Link& link,
                                                       TcDirection direction) const {
    return sluice::query_tc(link.ifindex, direction,
                            pins_.link(link.name, tc_direction_text(direction)));
}

Result<std::optional<XdpAttachment>> Datapath::query_xdp(const Link& link) const {
    return sluice::query_xdp(link.ifindex, pins_.link(link.name, "xdp"));
}

Result<bool> Datapath::runs_on(Link link) const {
    SL_TRY(attached, query_tc(link, TcDirection::egress));
    if (attached) return true;
    // A pin keeps the name that the interface had, until the next command.
    for (auto& name : pins_.linked_interfaces()) {
        link.name = std::move(name);
        SL_TRY(under_another, query_tc(link, TcDirection::egress));
        if (under_another) return true;
    }
    return false;
}

}  // namespace sluice
