// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/base/text_file.hpp"

#include <cerrno>
#include <fstream>
#include <iostream>
#include <utility>

namespace sluice {
namespace {

constexpr std::size_t largest_text = 64'000'000;

Result<std::string> read_from(std::istream& stream, const std::string& name) {
    std::string text;
    for (std::string part(std::size_t{1} << 16, '\0'); stream;) {
        stream.read(part.data(), static_cast<std::streamsize>(part.size()));
        text.append(part, 0, static_cast<std::size_t>(stream.gcount()));
        if (text.size() > largest_text)
            return fail(ErrorCode::refused, name + " is longer than 64 MB", "no more is read");
    }
    return text;
}

}  // namespace

Result<std::string> read_text(const std::string& file, std::string hint) {
    if (file == "-") return read_from(std::cin, "standard input");
    errno = 0;
    std::ifstream stream(file, std::ios::binary);
    auto text = stream.is_open() ? read_from(stream, file) : std::string{};
    if (text && (!stream.is_open() || stream.bad()))
        return fail_errno(errno, "reading " + file, std::move(hint));
    return text;
}

}  // namespace sluice
