// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/kernel/bpffs.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/magic.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <algorithm>
#include <cerrno>

#include "loader/base/private_file.hpp"

namespace sluice {
namespace {

constexpr const char* bpffs = "/sys/fs/bpf";
constexpr char dot_in_pin = ':';

bool is_bpffs(const char* path) {
    struct statfs status{};
    return statfs(path, &status) == 0 && status.f_type == BPF_FS_MAGIC;
}

bool mounts_are_the_hosts() {
    struct stat ours{};
    struct stat hosts{};
    return stat("/proc/self/ns/mnt", &ours) == 0 && stat("/proc/1/ns/mnt", &hosts) == 0 &&
           ours.st_dev == hosts.st_dev && ours.st_ino == hosts.st_ino;
}

/// Where others may rename what is root's, they may put maps of their own in its place.
Result<> refuse_what_others_can_replace() {
    struct stat status{};
    if (stat(bpffs, &status) != 0) return fail_errno(errno, bpffs);
    if ((status.st_mode & (S_IWGRP | S_IWOTH)) == 0 || (status.st_mode & S_ISVTX) != 0) return {};
    return fail(ErrorCode::refused, fmt::format("other users may rename what is in {}", bpffs),
                fmt::format("`chmod 0700 {}`; the mount option is mode=0700", bpffs));
}

std::vector<std::string> names_in(const std::filesystem::path& folder) {
    std::vector<std::string> names;
    std::error_code ignored;  // no folder, no names
    for (const auto& entry : std::filesystem::directory_iterator(folder, ignored))
        names.push_back(entry.path().filename());
    std::ranges::sort(names);
    return names;
}

}  // namespace

Result<> ensure_bpffs() {
    if (!is_bpffs(bpffs)) {
        if (!mounts_are_the_hosts())
            return fail(ErrorCode::refused,
                        fmt::format("no bpffs at {} in this mount namespace", bpffs),
                        "`ip netns exec` hides it: run sluice outside, with --netns NAME");
        if (mount("bpf", bpffs, "bpf", 0, "mode=0700") != 0)
            return fail_errno(errno, fmt::format("mounting the bpffs at {}", bpffs));
    }
    SL_CHECK(refuse_what_others_can_replace());
    return make_private_folder(pin_root);
}

Result<Fd> lock_pins() {
    Fd folder(open(pin_root.data(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!folder) return fail_errno(errno, std::string(pin_root));
    while (flock(folder.get(), LOCK_EX) != 0)
        if (errno != EINTR) return fail_errno(errno, fmt::format("locking {}", pin_root));
    return folder;
}

Pins::Pins(std::string_view instance) : folder_(std::filesystem::path(pin_root) / instance) {}

Pins Pins::aside() const { return Pins("new:" + folder_.filename().string()); }

std::filesystem::path Pins::map(std::string_view name) const { return folder_ / "maps" / name; }

std::filesystem::path Pins::program(std::string_view name) const {
    return folder_ / "progs" / name;
}

std::filesystem::path Pins::link(std::string_view interface, std::string_view what) const {
    std::string name = fmt::format("{}-{}", interface, what);
    std::ranges::replace(name, '.', dot_in_pin);
    return folder_ / "links" / name;
}

std::vector<std::string> Pins::linked_interfaces() const {
    std::vector<std::string> interfaces = names_in(folder_ / "links");
    for (std::string& name : interfaces) {
        name.erase(name.rfind('-'));
        std::ranges::replace(name, dot_in_pin, '.');
    }
    std::ranges::sort(interfaces);
    const auto [first, last] = std::ranges::unique(interfaces);
    interfaces.erase(first, last);
    return interfaces;
}

std::vector<std::string> pinned_instances() {
    std::vector<std::string> names = names_in(pin_root);
    std::erase_if(names, [](const std::string& name) { return name.contains(':'); });
    return names;
}

Result<> rename_pin(const std::filesystem::path& from, const std::filesystem::path& to) {
    if (std::rename(from.c_str(), to.c_str()) == 0 || errno == ENOENT) return {};
    return fail_errno(errno, "renaming " + from.string());
}

Result<> unpin(const std::filesystem::path& path) {
    std::error_code error;
    std::filesystem::remove(path, error);
    if (error) return fail_errno(error.value(), "removing " + path.string());
    return {};
}

}  // namespace sluice
