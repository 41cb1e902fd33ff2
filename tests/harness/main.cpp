// SPDX-License-Identifier: GPL-2.0-or-later
// main() of the tests that run BPF programs: builds the lab, then runs the
// tests in it.
#include <bpf/libbpf.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdarg>
#include <cstdio>
#include <iostream>
#include <string>

#include "tests/harness/lab.hpp"

namespace {

constexpr int skip_code = 77;  // CTest's SKIP_RETURN_CODE of these tests

/// A refused program comes with megabytes of verifier log; its end says why.
int print_end(libbpf_print_level level, const char* format, std::va_list arguments) {
    if (level == LIBBPF_DEBUG || level == LIBBPF_INFO) return 0;
    constexpr std::size_t most = 2000;
    std::va_list again;
    va_copy(again, arguments);
    std::string text(static_cast<std::size_t>(std::vsnprintf(nullptr, 0, format, again)) + 1, ' ');
    va_end(again);
    std::vsnprintf(text.data(), text.size(), format, arguments);
    text.pop_back();
    std::cerr << (text.size() > most ? text.substr(text.size() - most) : text);
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    testing::InitGoogleTest(&argc, argv);
    if (testing::GTEST_FLAG(list_tests)) return RUN_ALL_TESTS();
    if (geteuid() != 0) {
        std::cerr << "SKIP: loading BPF programs and making network namespaces "
                     "needs root\n";
        return skip_code;
    }
    libbpf_set_print(print_end);
    if (const auto lab = sluice::test::build_lab(); !lab) {
        std::cerr << lab.error().message << "\n" << lab.error().hint << "\n";
        return 1;
    }
    return RUN_ALL_TESTS();
}
