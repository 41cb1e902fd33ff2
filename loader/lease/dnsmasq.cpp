// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/lease/dnsmasq.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "loader/base/fd.hpp"
#include "loader/base/text_file.hpp"

namespace sluice {
namespace {

constexpr std::string_view heading = "# written by sluice: changes are lost\n";

bool is_host_name(std::string_view name) {
    return name.size() <= 63 && !name.starts_with('-') && !name.ends_with('-') &&
           std::ranges::all_of(name, [](unsigned char c) { return isalnum(c) != 0 || c == '-'; });
}

/// Empty if it can't be read.
std::string content(const std::string& file) { return read_text(file, "").value_or(""); }

Result<std::string> wanted_content(LeaseStore& store) {
    std::string text(heading);
    SL_CHECK(store.each_with_addresses([&](const Lease& lease) -> Result<bool> {
        text += hosts_line(lease);
        return true;
    }));
    return text;
}

Result<> write_all(const Fd& file, std::string_view text, const std::string& name) {
    while (!text.empty()) {
        const auto written = write(file.get(), text.data(), text.size());
        if (written < 0) return fail_errno(errno, "writing " + name);
        text.remove_prefix(static_cast<std::size_t>(written));
    }
    if (fsync(file.get()) != 0) return fail_errno(errno, "writing " + name);
    return {};
}

/// A reader finds the old file or the new one, also after a power cut. Others may write in the
/// folder, too: a file or link of theirs is removed, and never written through.
Result<> replace_file(const std::string& file, std::string_view text) {
    const std::filesystem::path path = file;
    const auto folder = path.parent_path().string();
    const Fd in(open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!in && errno == ENOENT)
        return fail(ErrorCode::not_found, fmt::format("there is no folder {}", folder),
                    fmt::format("`mkdir -p {}`, then `sluice restore`; what is below /run is gone "
                                "after a reboot",
                                folder));
    if (!in) return fail_errno(errno, "opening " + folder);
    const auto name = path.filename().string(), aside = name + ".new";
    if (unlinkat(in.get(), aside.c_str(), 0) != 0 && errno != ENOENT)
        return fail_errno(errno, "removing " + file + ".new");
    const Fd fd(openat(in.get(), aside.c_str(),
                       O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644));
    if (!fd) return fail_errno(errno, "writing " + file + ".new");
    SL_CHECK(write_all(fd, text, file + ".new"));
    if (renameat(in.get(), aside.c_str(), in.get(), name.c_str()) != 0)
        return fail_errno(errno, "renaming to " + file);
    return {};
}

/// The process of the PID file, if it is dnsmasq: a stale file may name anybody. 0: it is not.
pid_t dnsmasq_pid(const std::string& pid_file) {
    pid_t pid = 0;
    if (std::istringstream text(content(pid_file)); !(text >> pid) || pid <= 1) return 0;
    std::string name;
    std::getline(std::ifstream(fmt::format("/proc/{}/comm", pid)), name);
    return name == "dnsmasq" ? pid : 0;
}

}  // namespace

std::string hosts_line(const Lease& lease) {
    auto line = lease.mac.text();
    for (const bool v4 : {true, false}) {
        const auto found = std::ranges::find(lease.addresses, v4, &Address::is_v4);
        if (found != lease.addresses.end())
            line += v4 ? "," + found->text() : fmt::format(",[{}]", found->text());
    }
    const auto name = lease.nic == 0 ? lease.vm : fmt::format("{}-{}", lease.vm, lease.nic);
    if (is_host_name(name)) line += "," + name;
    return line + '\n';
}

Result<> check_dhcp(const DhcpSettings& settings) {
    const std::filesystem::path hosts = settings.hosts_file, pid = settings.pid_file;
    if (!hosts.is_absolute() || (!pid.empty() && !pid.is_absolute()))
        return fail(ErrorCode::usage, "the paths of hosts file and PID file must be absolute",
                    "dnsmasq and every later sluice command look them up from elsewhere");
    std::error_code ignored;
    if (!std::filesystem::is_directory(hosts.parent_path(), ignored))
        return fail(ErrorCode::refused,
                    fmt::format("there is no folder {}", hosts.parent_path().string()),
                    "make it first; dnsmasq must be able to read in it");
    if (std::filesystem::exists(hosts, ignored) && !std::filesystem::is_empty(hosts, ignored) &&
        !content(hosts.string()).starts_with(heading))
        return fail(ErrorCode::refused, fmt::format("{} was not written by sluice", hosts.string()),
                    "give a file of its own: dnsmasq takes several --dhcp-hostsfile");
    return {};
}

Result<bool> write_hosts_file(LeaseStore& store, Journal& journal) {
    SL_TRY(settings, store.dhcp());
    if (!settings) return false;
    SL_TRY(text, wanted_content(store));
    if (content(settings->hosts_file) == text) return false;
    SL_CHECK(journal.step("write " + settings->hosts_file,
                          [&] { return replace_file(settings->hosts_file, text); }));
    return true;
}

Result<> remove_hosts_file(const DhcpSettings& settings) {
    if (unlink(settings.hosts_file.c_str()) == 0 || errno == ENOENT) return {};
    return fail_errno(errno, "removing " + settings.hosts_file);
}

Result<> tell_dnsmasq(LeaseStore& store, Journal& journal) {
    SL_TRY(settings, store.dhcp());
    if (!settings || settings->pid_file.empty()) return {};
    const auto pid = dnsmasq_pid(settings->pid_file);
    if (pid == 0) {
        journal.warn(fmt::format("{} names no running dnsmasq: it reads the leases when it starts",
                                 settings->pid_file));
        return {};
    }
    return journal.step("tell dnsmasq to read its hosts again", [&]() -> Result<> {
        if (kill(pid, SIGHUP) == 0 || errno == ESRCH) return {};
        return fail_errno(errno, fmt::format("telling dnsmasq (process {})", pid));
    });
}

namespace {

class DnsmasqFeature : public Feature {
public:
    Result<> clean(Round& round) override {
        if (!round.thorough) return {};
        LeaseStore store(round.rows);
        auto changed = write_hosts_file(store, round.journal);
        SL_TRY(done, round.journal.take("the hosts file of DHCP",
                                        changed ? Result<>{} : std::unexpected(changed.error())));
        return done && *changed ? tell_dnsmasq(store, round.journal) : Result<>{};
    }

    [[nodiscard]] bool decides_sessions() const override { return false; }
};

}  // namespace

std::unique_ptr<Feature> dnsmasq_feature() { return std::make_unique<DnsmasqFeature>(); }

}  // namespace sluice
