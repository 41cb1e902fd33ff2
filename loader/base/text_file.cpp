// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/base/text_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "loader/base/fd.hpp"

namespace sluice {
namespace {

constexpr std::size_t largest_text = 64'000'000;

Result<std::string> read_from(const Fd& file, const std::string& name) {
    std::string text, part(std::size_t{1} << 16, '\0');
    while (true) {
        const auto length = read(file.get(), part.data(), part.size());
        if (length < 0 && errno == EINTR) continue;
        if (length < 0) return fail_errno(errno, "reading " + name);
        if (length == 0) return text;
        text.append(part, 0, static_cast<std::size_t>(length));
        if (text.size() > largest_text)
            return fail(ErrorCode::refused, name + " is longer than 64 MB", "no more is read");
    }
}

}  // namespace

Result<std::string> read_text(const std::string& file, std::string hint) {
    if (file == "-") {
        const Fd input(dup(STDIN_FILENO));
        return read_from(input, "standard input");
    }
    // Without waiting: nobody may ever write to a FIFO.
    const Fd fd(open(file.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
    struct stat status{};
    if (!fd || fstat(fd.get(), &status) != 0)
        return fail_errno(errno, "reading " + file, std::move(hint));
    if (S_ISDIR(status.st_mode)) return fail_errno(EISDIR, "reading " + file, std::move(hint));
    if (!S_ISREG(status.st_mode))
        return fail(ErrorCode::refused, file + " is not a file: it may have no end",
                    "`-` in its place reads the standard input");
    return read_from(fd, file);
}

}  // namespace sluice
