// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/kernel/sysctl.hpp"

#include <fcntl.h>
#include <fmt/format.h>

#include <array>
#include <cerrno>

#include "loader/base/fd.hpp"

namespace sluice {
namespace {

std::string full_path(std::string_view path) { return fmt::format("/proc/sys/{}", path); }

}  // namespace

Result<std::optional<std::string>> read_sysctl(std::string_view path) {
    const Fd file(open(full_path(path).c_str(), O_RDONLY | O_CLOEXEC));
    if (!file && errno == ENOENT) return std::nullopt;
    if (!file) return fail_errno(errno, full_path(path));
    std::array<char, 4096> buffer{};
    const ssize_t length = read(file.get(), buffer.data(), buffer.size());
    if (length < 0) return fail_errno(errno, "reading " + full_path(path));
    std::string value(buffer.data(), static_cast<std::size_t>(length));
    if (value.ends_with('\n')) value.pop_back();
    return value;
}

Result<> write_sysctl(std::string_view path, std::string_view value) {
    const Fd file(open(full_path(path).c_str(), O_WRONLY | O_CLOEXEC));
    if (!file && errno == ENOENT)
        return fail(ErrorCode::not_found, full_path(path) + " does not exist");
    if (!file) return fail_errno(errno, full_path(path));
    if (write(file.get(), value.data(), value.size()) < 0)
        return fail_errno(errno, fmt::format("writing `{}` to {}", value, full_path(path)));
    return {};
}

}  // namespace sluice
