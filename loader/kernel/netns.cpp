// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/kernel/netns.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sched.h>
#include <sys/stat.h>

#include <cerrno>

#include "loader/base/fd.hpp"

namespace sluice {

std::string netns_path(std::string_view name_or_path) {
    if (name_or_path.contains('/')) return std::string(name_or_path);
    return fmt::format("/run/netns/{}", name_or_path);
}

Result<> enter_netns(std::string_view name_or_path) {
    const std::string path = netns_path(name_or_path);
    const Fd file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file && errno == ENOENT)
        return fail(ErrorCode::not_found,
                    fmt::format("there is no network namespace `{}`", name_or_path),
                    "`ip netns list` shows those with a name; a path works too");
    if (!file) return fail_errno(errno, path);
    if (setns(file.get(), CLONE_NEWNET) == 0) return {};
    if (errno == EINVAL) return fail(ErrorCode::usage, path + " is not a network namespace");
    return fail_errno(errno, "entering " + path);
}

Result<NetnsId> current_netns() {
    struct stat status{};
    if (stat("/proc/thread-self/ns/net", &status) != 0)
        return fail_errno(errno, "/proc/thread-self/ns/net");
    return NetnsId{status.st_dev, status.st_ino};
}

}  // namespace sluice
