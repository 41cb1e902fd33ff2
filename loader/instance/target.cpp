// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/instance/target.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <linux/capability.h>

#include "loader/base/capabilities.hpp"
#include "loader/store/paths.hpp"

namespace sluice {

Result<> require_privileges() {
    const bool bpf = has_capability(CAP_BPF) && has_capability(CAP_PERFMON);
    if (has_capability(CAP_NET_ADMIN) && (bpf || has_capability(CAP_SYS_ADMIN))) return {};
    return fail(ErrorCode::permission, "no permission to reach the kernel's BPF maps",
                "run sluice as root (sudo), or with CAP_NET_ADMIN, CAP_BPF and CAP_PERFMON");
}

Result<std::filesystem::path> require_instance(const Target& target) {
    SL_TRY(folder, state_folder(target.instance));
    SL_CHECK(require_privileges());
    if (has_database(folder)) return folder;
    const auto others = stored_instances();
    return fail(ErrorCode::not_found, fmt::format("there is no instance {}", target.instance),
                others.empty()
                    ? "`sluice up` makes one"
                    : fmt::format("`sluice up` makes one; there is {}", fmt::join(others, ", ")));
}

Result<> enter_home(const Target& target, const Settings& settings) {
    const auto& netns = target.netns.empty() ? settings.netns : target.netns;
    if (netns.empty()) return {};
    return enter_netns(netns);
}

Result<Datapath> open_running(const Target& target, const DesiredState& desired) {
    if (!desired.up)
        return fail(ErrorCode::refused, fmt::format("instance {} is down", target.instance),
                    "bring it up first: `sluice up`");
    if (!Datapath::exists(target.instance))
        return fail(ErrorCode::refused,
                    fmt::format("instance {} should be up, but its maps are gone (a reboot?)",
                                target.instance),
                    "`sluice restore` brings it back as it was");
    SL_TRY(datapath, Datapath::open(target.instance));
    SL_TRY(here, current_netns());
    if (here != datapath.netns())
        return fail(
            ErrorCode::refused,
            fmt::format("instance {} runs in another network namespace than this one",
                        target.instance),
            desired.settings.netns.empty()
                ? "run the command where `sluice up` was run, or give --netns"
                : fmt::format(
                      "leave out --netns; if {} was made anew, `sluice restore` moves there",
                      desired.settings.netns));
    return std::move(datapath);
}

Result<Opened> open_instance(const Target& target) {
    SL_TRY(folder, require_instance(target));
    SL_TRY(database, Database::open_read_only(folder));
    SL_TRY(desired, database.load());
    SL_CHECK(enter_home(target, desired.settings));
    Opened opened{std::move(database), std::move(desired), std::nullopt};
    if (Datapath::exists(target.instance)) {
        auto datapath = Datapath::open(target.instance);
        if (datapath)
            opened.datapath.emplace(*std::move(datapath));
        else if (datapath.error().code != ErrorCode::refused)
            return std::unexpected(datapath.error());
    }
    return opened;
}

Result<Host> host_of(const Opened& instance) {
    return Host::read(instance.datapath ? &*instance.datapath : nullptr, instance.desired.ports);
}

Result<Datapath> open_datapath(const Target& target) {
    SL_TRY(opened, open_instance(target));
    return open_running(target, opened.desired);
}

}  // namespace sluice
