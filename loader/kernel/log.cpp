// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/kernel/log.hpp"

#include <bpf/libbpf.h>
#include <xdp/libxdp.h>

#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <string_view>
#include <utility>

namespace sluice {
namespace {

constexpr int tail_lines = 16;

thread_local std::string* sink = nullptr;

void append(const char* format, va_list arguments) {
    if (sink == nullptr) return;
    va_list again;
    va_copy(again, arguments);
    const int length = vsnprintf(nullptr, 0, format, again);
    va_end(again);
    if (length <= 0) return;
    const std::size_t before = sink->size();
    sink->resize(before + static_cast<std::size_t>(length) + 1);
    vsnprintf(sink->data() + before, static_cast<std::size_t>(length) + 1, format, arguments);
    sink->pop_back();  // the terminator
}

int from_libbpf(enum libbpf_print_level level, const char* format, va_list arguments) {
    if (level == LIBBPF_WARN) append(format, arguments);
    return 0;
}

int from_libxdp(enum libxdp_print_level level, const char* format, va_list arguments) {
    if (level == LIBXDP_WARN) append(format, arguments);
    return 0;
}

}  // namespace

LogCapture::LogCapture() : outer_(std::exchange(sink, &text_)) {
    // For good: without a sink both stay silent.
    libbpf_set_print(from_libbpf);
    libxdp_set_print(from_libxdp);
}

LogCapture::~LogCapture() { sink = outer_; }

std::string LogCapture::tail() const {
    std::string_view all = text_;
    while (all.ends_with('\n')) all.remove_suffix(1);
    if (all.empty()) return "";
    std::size_t start = all.size();
    for (int line = 0; line < tail_lines && start != std::string_view::npos && start != 0; ++line)
        start = all.rfind('\n', start - 1);
    const std::string_view last = start == std::string_view::npos ? all : all.substr(start);
    return last.starts_with('\n') ? std::string(last) : "\n" + std::string(last);
}

std::unexpected<Error> load_error(int err, const std::string& what, const LogCapture& log) {
    if (err == E2BIG)
        return fail(ErrorCode::failed, what + ": a program uses more maps than the kernel allows",
                    "that is 64 (MAX_USED_MAPS): this is a fault of sluice, please report it");
    if (log.text().contains("BEGIN PROG LOAD LOG"))
        return fail(ErrorCode::failed, what + ": refused by the kernel's verifier" + log.tail(),
                    "a kernel this version was not tested with? `uname -r` and these lines help "
                    "to report it");
    return fail_errno(err, what + log.tail());
}

}  // namespace sluice
